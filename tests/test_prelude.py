"""What the later chapters begin with is what their code would give."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import SPLIT, prelude
from coupon_rec.features import split


def test_what_is_kept_is_what_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coupon_rec.models import predict

    kept_offers, kept_model = prelude.offers(), prelude.model()
    monkeypatch.setenv("COUPON_REC_CACHE", str(tmp_path))
    pd.testing.assert_frame_equal(prelude.offers(), kept_offers)
    test = split(kept_offers, *SPLIT).test
    anew, kept = predict(prelude.model(), test), predict(kept_model, test)
    np.testing.assert_allclose(anew, kept, rtol=0, atol=1e-6)


def test_the_key_follows_all_code_that_its_rooms_import() -> None:
    rooms = tuple(room.removesuffix(".py").replace("/", ".") for room in prelude.ROOMS)
    imported = re.compile(r"^\s*from coupon_rec\.([\w.]+) import", re.MULTILINE)
    for room in prelude.ROOMS:
        place = prelude.CODE / room
        for file in place.rglob("*.py") if place.is_dir() else [place]:
            for name in imported.findall(file.read_text("utf-8")):
                assert name.startswith(rooms), f"{file} imports {name}"


def test_another_line_of_code_is_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "market").mkdir()
    module = tmp_path / "market" / "schema.py"
    monkeypatch.setattr(prelude, "CODE", tmp_path)
    monkeypatch.setattr(prelude, "ROOMS", ("market",))
    keys = set()
    for code in ("a = 1", "a = 2"):
        module.write_text(code)
        prelude.key.cache_clear()
        keys.add(prelude.key())
    prelude.key.cache_clear()
    assert len(keys) == 2


def test_another_version_of_a_package_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for version in ("1.0", "1.1"):
        packages = [SimpleNamespace(name="numpy", version=version)]
        monkeypatch.setattr(prelude, "distributions", lambda packages=packages: packages)
        prelude.key.cache_clear()
        keys.add(prelude.key())
    prelude.key.cache_clear()
    assert len(keys) == 2


def test_a_build_that_fails_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> pd.DataFrame:
        raise RuntimeError("no market")

    monkeypatch.setenv("COUPON_REC_CACHE", str(tmp_path))
    monkeypatch.setattr(prelude, "_built", fails)
    with pytest.raises(RuntimeError):
        prelude.offers()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
