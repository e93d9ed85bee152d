"""The scoreboard judges all models on the same offers, and keeps what it was once told."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import scoreboard


@pytest.fixture
def written(offers: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A board with the base rate, which chapter 10 added before chapter 4 came."""
    path = tmp_path / "scoreboard.json"
    counted = [len(offers), int(offers["redeemed"].sum())]
    path.write_text(json.dumps({"offers, redeemed": counted, "rows": []}))
    monkeypatch.setattr(scoreboard, "FILE", path)
    monkeypatch.setenv("COUPON_REC_SCOREBOARD", "write")
    scoreboard.add("10", "truth", offers, offers["redeemed"].clip(0.01, 0.9))
    table = scoreboard.add("4", "base rate", offers, np.full(len(offers), 0.02))
    monkeypatch.delenv("COUPON_REC_SCOREBOARD")
    return table


def test_a_chapter_shows_the_rows_up_to_its_own(
    written: pd.DataFrame, offers: pd.DataFrame
) -> None:
    assert written.index.tolist() == ["base rate"]
    later = scoreboard.add("10", "truth", offers, offers["redeemed"].clip(0.01, 0.9))
    assert later.index.tolist() == ["base rate", "truth"]
    assert later["log loss"].astype(float).is_monotonic_decreasing


def test_a_row_that_moved_is_refused(written: pd.DataFrame, offers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"'base rate': log loss is .* on the scoreboard"):
        scoreboard.add("4", "base rate", offers, np.full(len(offers), 0.05))
