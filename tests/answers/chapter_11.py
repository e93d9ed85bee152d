"""Answers to the exercises of chapter 11, The budget."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


RIGHT: list[tuple[int, Any]] = [
    (1, (2, 0)),
    (2, find_price),
    (3, lambda n, d, q, z: z * np.sqrt((1 - q) / (n * q))),
    (4, greedy),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "at 0.5", (3, 0)),
    (1, "at 0.8", (2, 1)),
    (2, "so does a lower price", lambda *_: 50.0),
    (2, "has no price", never_free),
    (3, "in dollars", lambda n, d, q, z: z * d * np.sqrt(n * q * (1 - q))),
    (3, "one standard", lambda n, d, q, z: np.sqrt((1 - q) / (n * q))),
    (3, "surely redeemed", lambda n, d, q, z: z / np.sqrt(n * q)),
    (4, "True or False", lambda value, cost, budget: value),
    (4, "there are", lambda value, cost, budget: value > 0),
    (4, "or less", lambda value, cost, budget: value < value.min() + 0.1),
]
