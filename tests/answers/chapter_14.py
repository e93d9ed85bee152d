"""Answers to the exercises of chapter 14, Prices and stock."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

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


RIGHT: dict[int, list[Any]] = {
    1: [
        lambda margin, cut: margin / (margin - cut),
        lambda margin, cut: [1 / (1 - cut / margin)],
    ],
    2: [order],
    3: [(1.5, 1 / 3), np.array([[1.5], [0.333]])],
    4: [usual],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "how many more": lambda m, c: m / (m - c) - 1,
        "keeps the revenue": lambda m, c: 1 / (1 - c),
        "upside down": lambda m, c: (m - c) / m,
        "what does a unit leave": lambda m, c: 3.7,
    },
    2: {
        "ignores the two costs": lambda weeks, under, over: weeks.mean(),
        "on top": lambda weeks, under, over: order(weeks, over, under),
        "not the cheapest": lambda weeks, under, over: 0,
    },
    3: {
        "check the sign": (2.0, 0.5),
        "into the formula": (1.25, 0.2),
        "loses money": (0.75, 0.2),
        "of the price, not": (1.333, 0.25),
        "elasticity into the formula": (3.0, 0.2),
        "not of the cost": (1.5, 0.5),
        "as a share": (1.5, 33.3),
        "over the price": (1.5, 0.1),
    },
    4: {
        "demand_behind": lambda sold, out: sold.mean(),
        "most was wanted": lambda sold, out: sold[~out].mean(),
        "repeat": lambda sold, out: usual(sold, out, 1),
        "not right": lambda sold, out: 99.0,
    },
}
