"""The checkers of chapter 14 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_14 as check
from coupon_rec.decisions import demand_behind

Floats = NDArray[np.float64]


def order(weeks: Floats, under: float, over: float) -> float:
    """Solve exercise 2."""
    return float(np.quantile(weeks, under / (under + over), method="inverted_cdf"))


def usual(sold: Floats, out: NDArray[np.bool_], rounds: int = 200) -> float:
    """Solve exercise 4."""
    mean = sold.mean()
    for _ in range(rounds):
        mean = np.where(out, demand_behind(sold, mean), sold).mean()
    return float(mean)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, lambda margin, cut: margin / (margin - cut)),
        (check.exercise_1, lambda margin, cut: [1 / (1 - cut / margin)]),
        (check.exercise_2, order),
        (check.exercise_2, lambda weeks, under, over: np.array([order(weeks, under, over)])),
        (check.exercise_3, (1.5, 1 / 3)),
        (check.exercise_3, np.array([[1.5], [0.333]])),
        (check.exercise_4, usual),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, lambda m, c: m / (m - c) - 1, "how many more"),
        (check.exercise_1, lambda m, c: 1 / (1 - c), "keeps the revenue"),
        (check.exercise_1, lambda m, c: (m - c) / m, "upside down"),
        (check.exercise_1, lambda m, c: 3.7, "what does a unit leave"),
        (check.exercise_2, lambda weeks, under, over: weeks.mean(), "ignores the two costs"),
        (check.exercise_2, lambda weeks, under, over: order(weeks, over, under), "on top"),
        (check.exercise_2, lambda weeks, under, over: 0, "not the cheapest"),
        (check.exercise_3, (2.0, 0.5), "check the sign"),
        (check.exercise_3, (1.25, 0.2), "into the formula"),
        (check.exercise_3, (0.75, 0.2), "loses money"),
        (check.exercise_3, (1.333, 0.25), "of the price, not"),
        (check.exercise_3, (3.0, 0.2), "into the formula"),
        (check.exercise_3, (1.5, 0.5), "not of the cost"),
        (check.exercise_3, (1.5, 33.3), "as a share"),
        (check.exercise_3, (1.5, 0.1), "over the price"),
        (check.exercise_3, (1.5,), "two numbers"),
        (check.exercise_4, lambda sold, out: sold.mean(), "demand_behind"),
        (check.exercise_4, lambda sold, out: sold[~out].mean(), "most was wanted"),
        (check.exercise_4, lambda sold, out: usual(sold, out, 1), "repeat"),
        (check.exercise_4, lambda sold, out: 99.0, "not right"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
