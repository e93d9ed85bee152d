"""The checkers of chapter 10 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_10 as check
from coupon_rec.decisions import Economics

Floats = NDArray[np.float64]


def edge(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Solve exercise 2."""
    cost = economics.retailer_match * discount + economics.contact / p
    return cost / (economics.margin * spend)


def without_letter(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Forget the cost of sending."""
    return economics.retailer_match * discount / (economics.margin * spend)


def letter_once(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Pay the letter only if the coupon is redeemed."""
    cost = economics.retailer_match * discount + economics.contact
    return cost / (economics.margin * spend)


def bundle(values: Floats, groups: Sequence[str], k: int) -> list[int]:
    """Solve exercise 4."""
    taken: dict[str, int] = {}
    for place in np.argsort(values)[::-1]:
        if values[place] > 0 and len(taken) < k:
            taken.setdefault(groups[place], int(place))
    return sorted(taken.values())


def positive(values: Floats, groups: Sequence[str], k: int) -> list[int]:
    """Ignore the groups."""
    return [int(place) for place in np.argsort(values)[::-1][:k] if values[place] > 0]


def by_chance(baskets: list[set[str]], one: str, other: str) -> float:
    """Solve exercise 5."""
    size = np.array([len(basket) for basket in baskets])
    lines, meet = size.sum(), (size * (size - 1)).sum()
    return tally(baskets, one) * tally(baskets, other) * meet / (lines * (lines - 1))


def tally(baskets: list[set[str]], item: str) -> int:
    """Count the baskets with an item."""
    return sum(item in basket for basket in baskets)


def all_of(baskets: list[set[str]]) -> int:
    """Count the lines."""
    return sum(map(len, baskets))


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, 2),
        (check.exercise_2, edge),
        (check.exercise_3, [[1.1, 1.0], [2.0, 0.1]]),
        (check.exercise_4, bundle),
        (check.exercise_5, by_chance),
        (check.exercise_5, lambda *user: np.array([by_chance(*user)])),
        (check.exercise_1, np.array([2.0])),
        (check.exercise_2, lambda *offer: np.array([edge(*offer)])),
        (check.exercise_3, pd.DataFrame([[1.1, 1.0], [2.0, 0.1]])),
        (check.exercise_4, lambda *offer: set(bundle(*offer))),
        (check.exercise_4, lambda *offer: np.array(bundle(*offer)[::-1])),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0, "not all lose"),
        (check.exercise_1, 1, "likeliest"),
        (check.exercise_1, 3, "how often"),
        (check.exercise_1, 7, "0, 1, 2 or 3"),
        (check.exercise_2, without_letter, "letter has to be paid"),
        (check.exercise_2, letter_once, "only when redeemed"),
        (check.exercise_2, lambda *_: 0.5, "not zero"),
        (check.exercise_3, [[1.0, 2.0]], "shape"),
        (check.exercise_3, [[1.0, -2.0], [1.0, 1.0]], "worth something"),
        (check.exercise_3, [[2.0, 1.0], [1.0, 2.0]], "nobody's way|same coupon"),
        (check.exercise_3, [[1.1, 1.0], [2.0, 1.0]], "still earns"),
        (check.exercise_4, lambda values, groups, k: list(range(6)), "are allowed"),
        (check.exercise_4, lambda values, groups, k: [int(values.argmin())], "drawer"),
        (check.exercise_4, lambda values, groups, k: [7], "from 0 to 5"),
        (check.exercise_4, lambda values, groups, k: groups[:k], "whole numbers"),
        (check.exercise_4, positive, "two coupons of one group"),
        (check.exercise_4, lambda values, groups, k: [], "exists"),
        (check.exercise_5, lambda b, x, y: sum({x, y} <= each for each in b), "what was seen"),
        (check.exercise_5, lambda b, x, y: tally(b, x) * tally(b, y) / len(b), "equally large"),
        (
            check.exercise_5,
            lambda b, x, y: (
                tally(b, x) * tally(b, y) * sum(len(e) ** 2 for e in b) / all_of(b) ** 2
            ),
            "meet itself",
        ),
        (
            check.exercise_5,
            lambda b, x, y: by_chance(b, x, y) * (all_of(b) - 1) / all_of(b),
            "S - 1 are left",
        ),
        (
            check.exercise_5,
            lambda b, x, y: by_chance(b, x, y) / max(tally(b, x) * tally(b, y), 1),
            "how many such",
        ),
        (check.exercise_5, lambda b, x, y: 7.0, "not what chance makes"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert any(part in repr(verdict) for part in hint.split("|"))
