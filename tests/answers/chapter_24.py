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


RIGHT: list[tuple[int, Any]] = [
    (1, lambda r, chance: (r / chance).sum()),
    (1, lambda r, chance: float(r @ (1 / chance))),
    (2, lambda chances: 1 - (1 - chances).prod(axis=0)),
    (3, soft),
    (3, interleaved),
    (4, rank),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "stands for others", lambda r, chance: r.sum()),
    (1, "count more", lambda r, chance: r @ chance),
    (1, "the pool's sum", lambda r, chance: (r / chance).mean()),
    (1, "a rate", lambda r, chance: r.sum() / chance.sum()),
    (1, "redeemed or not", lambda r, chance: (1 / chance).sum()),
    (2, "exceed 1", lambda chances: chances.sum(0)),
    (2, "drawn twice", lambda chances: np.minimum(1, chances.sum(0))),
    (2, "one round", lambda chances: chances.max(0)),
    (2, "usual round", lambda chances: chances.mean(0)),
    (2, "every round", lambda chances: chances.prod(0)),
    (2, "the rest", lambda chances: (1 - chances).prod(0)),
    (2, "never to be drawn", lambda chances: np.zeros(4)),
    (3, "three things", lambda x, p: (x, p)),
    (3, "0 and 1", lambda x, p: (*soft(x, p)[:1], np.r_[p, p], np.ones(6))),
    (3, "as not", lambda x, p: (soft(x, p)[0], np.ones(6), np.r_[p, 1 - p])),
    (3, "swapped", lambda x, p: (*soft(x, p)[:2], np.r_[1 - p, p])),
    (3, "add up to 1", lambda x, p: (*soft(x, p)[:2], np.ones(6))),
    (3, "never negative", lambda x, p: (*soft(x, p)[:2], -np.ones(6))),
    (
        3,
        "once as redeemed and once as not",
        lambda x, p: (np.repeat(x, 2, axis=0), *soft(x, p)[1:]),
    ),
    (4, "whole number", lambda m, n, share: share * m * n / (m + n)),
    (4, "round down", lambda m, n, share: rank(m, n, share) + 1),
    (4, "together", lambda m, n, share: int(share * min(m, n))),
]
