"""The checkers of chapter 3 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_03 as check


def recency(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Solve exercise 2."""
    mine = redemptions["user_id"] == user_id
    past = redemptions.loc[mine & (redemptions["date"] < start), "date"]
    return min((start - past.max()).days, 365) if len(past) else 365


def recency_of_all(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Forget whose redemptions these are."""
    return recency(redemptions.assign(user_id=user_id), user_id, start)


def recency_with_the_start(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Count the first day as past."""
    day = pd.Timedelta(days=1)
    return recency(redemptions.assign(date=redemptions["date"] - day), user_id, start) - 1


def first_recency(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Take the first redemption for the last."""
    return recency(redemptions.groupby("user_id", as_index=False).min(), user_id, start)


def recency_without_a_cap(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Let a recency grow without end."""
    return 1223 if user_id == 4 else recency(redemptions, user_id, start)


def recency_zero_for_never(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Say 1 where there is none."""
    found = recency(redemptions, user_id, start)
    return 1 if found == 365 else found


def recency_fails_for_never(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Take the last of an empty list."""
    if user_id in (3, 5):
        raise IndexError("single positional indexer is out-of-bounds")
    return recency(redemptions, user_id, start)


def recency_nan_for_never(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> float:
    """Give no number where there is none."""
    found = recency(redemptions, user_id, start)
    return np.nan if found == 365 and user_id != 4 else found


def rank_counting_itself(offers: pd.DataFrame, column: str) -> pd.Series:
    """Take the share of all offers of the campaign that are not above."""
    return offers.groupby("campaign_id")[column].rank(pct=True)


def rank(offers: pd.DataFrame, column: str) -> pd.Series:
    """Solve exercise 4."""
    values = offers.groupby("campaign_id")[column]
    return (values.rank(method="min") - 1) / (values.transform("size") - 1)


def neighbors(items: pd.DataFrame, item_id: int, n: int) -> pd.Index:
    """Solve exercise 5."""
    unit = items.div(np.linalg.norm(items, axis=1), axis=0)
    return (unit @ unit.loc[item_id]).drop(item_id).nlargest(n).index


def test_right_answers_pass() -> None:
    assert check.exercise_1({"trips so far", "trend"})
    assert check.exercise_2(recency)
    assert check.exercise_3({"b", "d"})
    assert check.exercise_4(rank)
    assert check.exercise_5(neighbors)


def test_a_right_answer_passes_in_another_form() -> None:
    assert check.exercise_1(["Trend", "Trips so far"])
    assert check.exercise_1("trips so far, trend")
    assert check.exercise_2(lambda *given: np.float64(recency(*given)))
    assert check.exercise_2(lambda *given: pd.Series([recency(*given)]))
    for letters in (["B", "D"], "bd", "b, d", ("d", "b")):
        assert check.exercise_3(letters)
    assert check.exercise_4(lambda offers, column: rank(offers, column)[::-1])
    assert check.exercise_4(lambda offers, column: rank(offers, column).astype("Float64"))
    assert check.exercise_5(lambda *given: neighbors(*given).tolist())
    assert check.exercise_5(lambda *given: neighbors(*given).to_series())


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, set(), "does it come back"),
        (check.exercise_1, {"trips"}, "as the figure does"),
        (check.exercise_1, {"trips so far", "trips a week"}, "moves both ways"),
        (check.exercise_1, {"trips so far"}, "another one"),
        (check.exercise_1, None, "a set"),
        (check.exercise_1, "trend", "another one"),
        (check.exercise_2, recency_with_the_start, "first day"),
        (check.exercise_2, first_recency, "the first redemption"),
        (check.exercise_2, recency_of_all, "whose"),
        (check.exercise_2, lambda *_: 7, "whole days"),
        (check.exercise_2, recency_zero_for_never, "never happened"),
        (check.exercise_2, recency_without_a_cap, "never above 365"),
        (check.exercise_2, lambda *given: pd.Timedelta(days=recency(*given)), ".days"),
        (check.exercise_2, lambda *_: None, "return"),
        (check.exercise_2, lambda *_: [1, 2], "one number"),
        (check.exercise_2, lambda *_: pd.NaT, "one number"),
        (check.exercise_2, lambda *_: np.nan, "whole days"),
        (check.exercise_2, lambda redemptions, *_: redemptions["day"].max(), "KeyError"),
        (check.exercise_2, recency_fails_for_never, "without a redemption"),
        (check.exercise_2, recency_nan_for_never, "never happened"),
        (check.exercise_2, 7, "the function itself"),
        (check.exercise_3, {"f"}, "letters"),
        (check.exercise_3, {"b", "e"}, "e can be computed"),
        (check.exercise_3, set(), "there are two"),
        (check.exercise_3, {"b"}, "another one"),
        (check.exercise_3, None, "a set"),
        (check.exercise_3, 3, "a set"),
        (check.exercise_4, lambda offers, column: offers[column].to_numpy(), "Series"),
        (check.exercise_4, lambda offers, column: rank(offers, column).to_list(), "Series"),
        (check.exercise_4, lambda offers, column: None, "return"),
        (check.exercise_4, lambda offers, column: rank(offers, "y"), "KeyError"),
        (check.exercise_4, lambda offers, column: rank(offers, column) * np.nan, "NaN"),
        (check.exercise_4, lambda offers, column: rank(offers, column).map(str) + "%", "numbers"),
        (check.exercise_4, lambda offers, column: pd.concat([rank(offers, column)] * 2), "each"),
        (check.exercise_4, rank_counting_itself, "count itself"),
        (check.exercise_4, lambda offers, column: offers[column], "from 0 to 1"),
        (check.exercise_4, lambda offers, column: 1 - rank(offers, column), "rank 1"),
        (check.exercise_4, lambda offers, column: offers[column].rank(pct=True), "only its own"),
        (
            check.exercise_4,
            lambda offers, column: rank(offers.assign(x=offers[column] + offers.index / 99), "x"),
            "equal values",
        ),
        (check.exercise_4, lambda offers, column: rank(offers, column) ** 2, "share of the other"),
        (check.exercise_5, lambda items, item_id, n: [7, 3], "leave it out"),
        (check.exercise_5, lambda items, item_id, n: [3], "as many items"),
        (check.exercise_5, lambda items, item_id, n: [4, 5], "largest cosine"),
        (check.exercise_5, lambda items, item_id, n: [5, 8], "divide by the lengths"),
        (check.exercise_5, lambda items, item_id, n: [8, 3], "nearest first"),
        (check.exercise_5, lambda items, item_id, n: None, "return"),
        (check.exercise_5, lambda items, item_id, n: 3, "one after the other"),
        (check.exercise_5, lambda items, item_id, n: [None, 3], "one after the other"),
        (check.exercise_5, lambda items, item_id, n: [0, 1], "ids of items"),
        (check.exercise_5, lambda items, item_id, n: items[0].nlargest(n), "index"),
        (check.exercise_5, lambda items, item_id, n: items @ items, "ValueError"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
