"""What the later chapters begin with is what their code would give."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture
def afterwards() -> Iterator[None]:
    """Forget a key that is none."""
    yield
    prelude.made_of.cache_clear()
    prelude.key.cache_clear()


@pytest.mark.usefixtures("afterwards")
def test_another_line_of_code_or_version_of_a_package_is_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "market" / "schema.py"
    module.parent.mkdir()
    monkeypatch.setattr(prelude, "CODE", tmp_path)
    monkeypatch.setattr(prelude, "ROOMS", ("market",))
    keys = set()
    for code, version in (("a = 1", "1.0"), ("a = 2", "1.0"), ("a = 2", "1.1")):
        module.write_text(code)
        packages = [SimpleNamespace(name="numpy", version=version)]
        monkeypatch.setattr(prelude, "distributions", lambda packages=packages: packages)
        prelude.made_of.cache_clear()
        prelude.key.cache_clear()
        keys.add(prelude.key())
    assert len(keys) == 3
