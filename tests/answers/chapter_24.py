"""Answers to the exercises of chapter 24, Few labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def soft(x: Floats, p: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve exercise 3."""
    labels = np.r_[np.ones(len(p)), np.zeros(len(p))]
    return np.vstack([x, x]), labels, np.r_[p, 1 - p]


def interleaved(x: Floats, p: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve exercise 3 in another order."""
    weights = np.column_stack([1 - p, p]).ravel()
    return np.repeat(x, 2, axis=0), np.tile([0.0, 1.0], len(p)), weights


def rank(rows: int, columns: int, share: float) -> int:
    """Solve exercise 4."""
    return int(share * rows * columns / (rows + columns))


RIGHT: dict[int, list[Any]] = {
    1: [
        lambda r, chance: (r / chance).sum(),
        lambda r, chance: float(r @ (1 / chance)),
    ],
    2: [
        lambda chances: 1 - (1 - chances).prod(axis=0),
        lambda chances: (1 - np.prod(1 - chances, 0)).tolist(),
    ],
    3: [soft, interleaved],
    4: [rank],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "stands for others": lambda r, chance: r.sum(),
        "count more": lambda r, chance: r @ chance,
        "the pool's sum": lambda r, chance: (r / chance).mean(),
        "a rate": lambda r, chance: r.sum() / chance.sum(),
        "redeemed or not": lambda r, chance: (1 / chance).sum(),
        "stands for 4": lambda r, chance: -1.0,
    },
    2: {
        "exceed 1": lambda chances: chances.sum(0),
        "drawn twice": lambda chances: np.minimum(1, chances.sum(0)),
        "one round": lambda chances: chances.max(0),
        "usual round": lambda chances: chances.mean(0),
        "every round": lambda chances: chances.prod(0),
        "the rest": lambda chances: (1 - chances).prod(0),
        "never to be drawn": lambda chances: np.zeros(4),
    },
    3: {
        "three things": lambda x, p: (x, p),
        "6 rows": lambda x, p: (x, p, p),
        "0 and 1": lambda x, p: (*soft(x, p)[:1], np.r_[p, p], np.ones(6)),
        "as not": lambda x, p: (soft(x, p)[0], np.ones(6), np.r_[p, 1 - p]),
        "swapped": lambda x, p: (*soft(x, p)[:2], np.r_[1 - p, p]),
        "add up to 1": lambda x, p: (*soft(x, p)[:2], np.ones(6)),
        "never negative": lambda x, p: (*soft(x, p)[:2], -np.ones(6)),
        "once as redeemed and once as not": lambda x, p: (np.repeat(x, 2, axis=0), *soft(x, p)[1:]),
    },
    4: {
        "whole number": lambda m, n, share: share * m * n / (m + n),
        "round down": lambda m, n, share: rank(m, n, share) + 1,
        "together": lambda m, n, share: int(share * min(m, n)),
        "trains r x": lambda m, n, share: 1000,
    },
}
