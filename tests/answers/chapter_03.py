"""Answers to the exercises of chapter 3, Features that never look ahead."""

from typing import Any

import numpy as np
import pandas as pd


def recency(redemptions: pd.DataFrame, user_id: int, start: pd.Timestamp) -> int:
    """Solve exercise 2."""
    mine = redemptions["user_id"] == user_id
    past = redemptions.loc[mine & (redemptions["date"] < start), "date"]
    return min((start - past.max()).days, 365) if len(past) else 365


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


RIGHT: list[tuple[int, Any]] = [
    (1, {"trips so far", "trend"}),
    (2, recency),
    (3, {"b", "d"}),
    (4, rank),
    (5, neighbors),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "moves both ways", {"trips so far", "trips a week"}),
    (1, "another one", {"trips so far"}),
    (1, "there is another one", "trend"),
    (2, "first day", recency_with_the_start),
    (2, "the first redemption", first_recency),
    (2, "never happened", recency_zero_for_never),
    (2, "never above 365", recency_without_a_cap),
    (2, ".days", lambda *given: pd.Timedelta(days=recency(*given))),
    (2, "without a redemption", recency_fails_for_never),
    (2, "for an event that never happened", recency_nan_for_never),
    (3, "e can be computed", {"b", "e"}),
    (3, "another one", {"b"}),
    (4, "Series", lambda offers, column: offers[column].to_numpy()),
    (4, "a Series", lambda offers, column: rank(offers, column).to_list()),
    (4, "count itself", rank_counting_itself),
    (4, "from 0 to 1", lambda offers, column: offers[column]),
    (4, "rank 1", lambda offers, column: 1 - rank(offers, column)),
    (4, "only its own", lambda offers, column: offers[column].rank(pct=True)),
    (
        4,
        "equal",
        lambda offers, column: rank(offers.assign(x=offers[column] + offers.index / 99), "x"),
    ),
    (4, "share of the other", lambda offers, column: rank(offers, column) ** 2),
    (5, "leave it out", lambda items, item_id, n: [7, 3]),
    (5, "largest cosine", lambda items, item_id, n: [4, 5]),
    (5, "divide by the lengths", lambda items, item_id, n: [5, 8]),
    (5, "nearest first", lambda items, item_id, n: [8, 3]),
]
