"""The checkers of chapter 11 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_11 as check

Floats = NDArray[np.float64]


def find_price(value: Floats, cost: Floats, budget: float) -> float:
    """Solve exercise 2."""
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        left = value - middle * cost
        choice = left.argmax(axis=1)[:, None]
        takes = np.take_along_axis(left, choice, 1) > 0
        spends = (np.take_along_axis(cost, choice, 1) * takes).sum()
        low, high = (middle, high) if spends > budget else (low, middle)
    return high


def never_free(value: Floats, cost: Floats, budget: float) -> float:
    """Forget that there may be enough for everybody."""
    return max(find_price(value, cost, budget), 0.1)


def greedy_by(score: Floats, value: Floats, cost: Floats, budget: float) -> NDArray[np.bool_]:
    """Take the best-scored users first, as far as the budget goes."""
    chosen, left = np.zeros(len(value), bool), budget
    for user in np.argsort(-score):
        if value[user] > 0 and cost[user] <= left:
            chosen[user], left = True, left - cost[user]
    return chosen


def greedy(value: Floats, cost: Floats, budget: float) -> NDArray[np.bool_]:
    """Solve exercise 4."""
    return greedy_by(value / cost, value, cost, budget)


def by_value(value: Floats, cost: Floats, budget: float) -> NDArray[np.bool_]:
    """Take the most valuable first."""
    return greedy_by(value, value, cost, budget)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, (2, 0)),
        (check.exercise_2, find_price),
        (check.exercise_3, lambda n, d, q, z: z * np.sqrt((1 - q) / (n * q))),
        (check.exercise_4, greedy),
        (check.exercise_1, np.array([[2.0], [0.0]])),
        (check.exercise_2, lambda *data: [find_price(*data)]),
        (check.exercise_4, lambda *data: greedy(*data).astype(int).tolist()),
        (check.exercise_4, lambda *data: pd.Series(greedy(*data)).sample(frac=1, random_state=0)),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, (3, 0), "at 0.5"),
        (check.exercise_1, (2, 1), "at 0.8"),
        (check.exercise_1, (2,), "two numbers"),
        (check.exercise_2, lambda *_: 0.0, "the users spend"),
        (check.exercise_2, lambda *_: 50.0, "so does a lower price"),
        (check.exercise_2, never_free, "has no price"),
        (check.exercise_3, lambda n, d, q, z: z * d * np.sqrt(n * q * (1 - q)), "in dollars"),
        (check.exercise_3, lambda n, d, q, z: np.sqrt((1 - q) / (n * q)), "one standard"),
        (check.exercise_3, lambda n, d, q, z: z / np.sqrt(n * q), "surely redeemed"),
        (check.exercise_3, lambda n, d, q, z: z / n, "not right"),
        (check.exercise_4, lambda value, cost, budget: [1, 2], "True or False"),
        (check.exercise_4, lambda value, cost, budget: value, "True or False"),
        (check.exercise_4, lambda value, cost, budget: value > 0, "there are"),
        (check.exercise_4, lambda value, cost, budget: value < value.min() + 0.1, "or less"),
        (check.exercise_4, by_value, "which users come first"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
