"""Checkers of chapter 3, Features that never look ahead."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.book.check import Hint, checker, hint_if, near
from coupon_rec.book.check.answers import called, number, numbers, texts, unlike
from coupon_rec.features import NEVER

CURVES, DRIFTING = (
    ("trips so far", "trips a week", "spend rank", "trend"),
    ("trips so far", "trend"),
)
LETTERS, LEAKS = set("abcde"), {"b", "d"}


def _days(value: Any) -> float:
    """Take an answer as a number of days."""
    if isinstance(value, pd.Timedelta | np.timedelta64):
        raise Hint("return the number of days, not a time difference: `.days` has it.")
    return number(value, "return one number of days", finite=False)


@checker
def exercise_1(answer: Iterable[str]) -> None:
    """Check which of the curves in the figure belong to features that drift."""
    names = texts(answer, "answer with a set, such as {'trips a week'}")
    hint_if(not names, "follow each curve from the left to the right: does it come back?")
    hint_if(names - set(CURVES), "name the curves as the figure does.")
    hint_if(names - set(DRIFTING), "a curve that moves both ways about its level does not drift.")
    if len(names) < len(DRIFTING):
        raise Hint("there is another one; look on both sides of the line at 1.")


@checker
def exercise_2(recency: Callable[[pd.DataFrame, int, pd.Timestamp], float]) -> None:
    """Check a function that counts the days since a user last redeemed a coupon."""
    redemptions = pd.DataFrame(
        {
            "user_id": [1, 1, 1, 2, 3, 4],
            "date": pd.to_datetime(
                ["2017-03-01", "2017-04-20", "2017-05-08", "2017-05-07", "2017-05-08", "2015-01-01"]
            ),
        }
    )
    start = pd.Timestamp("2017-05-08")
    days = {user: _days(called(recency, redemptions, user, start)) for user in (1, 2, 4)}
    hint_if(days[1] == 0, "a redemption on the first day of the campaign is not the past.")
    hint_if(days[1] == 68, "that is the first redemption; which one is the last before the start?")
    hint_if(days[1] == 1, "whose redemptions are these? Look at one user only.")
    if days[1] != 18 or days[2] != 1:
        raise Hint("count whole days from the last redemption before the start to the start.")
    try:
        without = [_days(called(recency, redemptions, user, start)) for user in (3, 5)]
    except Hint as problem:
        raise Hint(f"think of a user without a redemption before the start: {problem}") from None
    if without != [NEVER, NEVER]:
        raise Hint("what stands for an event that never happened before the start?")
    hint_if(days[4] != NEVER, f"a recency is never above {NEVER:.0f} days.")


@checker
def exercise_3(answer: Iterable[str]) -> None:
    """Check which of five features look ahead."""
    words = texts(answer, "answer with a set, such as {'a', 'c'}")
    given = set("".join(words)) - {" "}
    hint_if(given - LETTERS, "answer with letters from a to e.")
    if innocent := sorted(given - LEAKS):
        raise Hint(f"{innocent[0]} can be computed on the evening before the start.")
    if len(given) < len(LEAKS):
        mistake = "there is another one" if given else "there are two"
        raise Hint(f"{mistake}: ask of each when its last number was written down.")


@checker
def exercise_4(rank_within: Callable[[pd.DataFrame, str], pd.Series]) -> None:
    """Check a function that ranks a column from 0 to 1 within each campaign."""
    offers = pd.DataFrame(
        {"campaign_id": [1, 2, 1, 2, 1, 1], "x": [5.0, 700.0, 1.0, 900.0, 1.0, 9.0]},
        index=[10, 11, 12, 13, 14, 15],
    )
    answer = called(rank_within, offers, "x")
    if not isinstance(answer, pd.Series) or set(answer.index) != set(offers.index):
        wanted = "return a Series with one rank for each row, and the rows' own index"
        raise unlike(answer, wanted)
    values = numbers(answer, (len(offers),), "return one rank for each row, from 0 to 1")
    ranks = pd.Series(values, answer.index)[offers.index]
    hint_if(ranks.min() < 0 or ranks.max() > 1, "ranks run from 0 to 1.")
    hint_if(ranks[10] > ranks[15], "the largest value has rank 1.")
    if ranks[11] == 0.5 and ranks[13] == ranks[15] == 1:
        raise Hint("an offer does not count itself: the least of a campaign has rank 0.")
    if ranks[11] != 0 or ranks[15] != 1:
        raise Hint("each campaign ranks only its own offers: the least has 0, the largest 1.")
    hint_if(ranks[12] != ranks[14], "equal values need equal ranks.")
    if not near(ranks, [2 / 3, 0, 0, 1, 0, 1]):
        raise Hint("a rank is the share of the other offers that are below.")


@checker
def exercise_5(neighbors: Callable[[pd.DataFrame, int, int], Collection[int]]) -> None:
    """Check a function that finds the items nearest to one by cosine."""
    items = pd.DataFrame(
        [[1.0, 0.0], [0.5, 0.1], [9.0, 9.0], [-3.0, 0.1], [2.0, 1.0]], index=[7, 3, 5, 4, 8]
    )
    answer = called(neighbors, items, 7, 2)
    if isinstance(answer, pd.Series) and not set(answer) <= set(items.index):
        raise Hint("those are cosines; the ids of the items are in their index.")
    wanted = "return the ids of items, one after the other"
    if not (ids := numbers(answer, None, wanted)).ndim:
        raise unlike(answer, wanted)
    reply = ids.ravel().tolist()
    hint_if(set(reply) - set(items.index), "return ids of items, as they stand in the index.")
    hint_if(7 in reply, "an item is its own nearest neighbor; leave it out.")
    hint_if(len(reply) != 2, "return as many items as were asked for.")
    hint_if(4 in reply, "the nearest have the largest cosine.")
    hint_if(5 in reply, "a long vector is not a near one: divide by the lengths.")
    hint_if(reply != [3, 8], "return item ids, the nearest first.")
