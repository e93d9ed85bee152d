"""What the later chapters begin with is what their code would give."""

import re
from pathlib import Path

import pandas as pd
import pytest

from coupon_rec.book import prelude


def test_the_default_that_ships_is_of_this_code_data_and_lock() -> None:
    assert prelude.shipped_from() == prelude.made_of(), "run `make default`"


@pytest.mark.slow
def test_offers_that_are_kept_are_those_that_are_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = prelude.offers()
    monkeypatch.setenv("COUPON_REC_CACHE", str(tmp_path))
    pd.testing.assert_frame_equal(prelude.offers(), kept)


BESIDE = ("decisions", "explain", "serving")  # `recommender` uses them after the fit


def test_the_key_follows_all_code_that_its_rooms_import() -> None:
    rooms = tuple(room.removesuffix(".py").replace("/", ".") for room in prelude.ROOMS)
    imported = re.compile(r"^\s*from coupon_rec\.([\w.]+) import", re.MULTILINE)
    for room in prelude.ROOMS:
        place = prelude.CODE / room
        for file in place.rglob("*.py") if place.is_dir() else [place]:
            for name in imported.findall(file.read_text("utf-8")):
                inside = name == "book" or name.startswith(rooms)  # book is book/__init__.py
                inside |= room == "recommender.py" and name.startswith(BESIDE)
                assert inside, f"{file} imports {name}"
