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


def deviation(mean: float, spread: float, weeks: Floats) -> float:
    """Solve exercise 5."""
    return float(np.sqrt(spread**2 * weeks.mean() + mean**2 * weeks.var()))


RIGHT: list[tuple[int, Any]] = [
    (1, lambda margin, cut: margin / (margin - cut)),
    (2, order),
    (3, (1.5, 1 / 3)),
    (4, usual),
    (5, deviation),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "how many more", lambda m, c: m / (m - c) - 1),
    (1, "keeps the revenue", lambda m, c: 1 / (1 - c)),
    (1, "upside down", lambda m, c: (m - c) / m),
    (2, "ignores the two costs", lambda weeks, under, over: weeks.mean()),
    (2, "on top", lambda weeks, under, over: order(weeks, over, under)),
    (3, "check the sign", (2.0, 0.5)),
    (3, "into the formula", (1.25, 0.2)),
    (3, "loses money", (0.75, 0.2)),
    (3, "of the price, not", (1.333, 0.25)),
    (3, "elasticity into the formula", (3.0, 0.2)),
    (3, "not of the cost", (1.5, 0.5)),
    (3, "as a share", (1.5, 33.3)),
    (3, "over the price", (1.5, 0.1)),
    (4, "demand_behind", lambda sold, out: sold.mean()),
    (4, "most was wanted", lambda sold, out: sold[~out].mean()),
    (4, "repeat", lambda sold, out: usual(sold, out, 1)),
    (5, "take its root", lambda m, s, weeks: deviation(m, s, weeks) ** 2),
    (5, "variances do", lambda m, s, weeks: s * weeks.mean()),
    (5, "its mean time", lambda m, s, weeks: s * weeks.mean() ** 0.5),
    (5, "the truck's part", lambda m, s, weeks: m * weeks.std()),
    (5, "add up", lambda m, s, weeks: 1.0),
]
