"""Answers to the exercises of chapter 9, Evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ndcg_of(redeemed: Sequence[int]) -> float:
    """Solve exercise 3."""
    worth = 1 / np.log2(np.arange(len(redeemed)) + 2)
    return float(worth @ redeemed / (worth @ np.sort(redeemed)[::-1]))


def dcg_of(redeemed: Sequence[int]) -> float:
    """Forget to divide by the best order."""
    return float((1 / np.log2(np.arange(len(redeemed)) + 2)) @ redeemed)


def paired(a: Floats, b: Floats, seed: int) -> Floats:
    """Solve exercise 4."""
    drawn = np.random.default_rng(seed).integers(len(a), size=(500, len(a)))
    return np.percentile((a - b)[drawn].mean(axis=1), [2.5, 97.5])


def unpaired(a: Floats, b: Floats, seed: int) -> Floats:
    """Draw users for each model anew."""
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(len(a), size=(500, len(a))) for _ in range(2))
    return np.percentile(a[first].mean(axis=1) - b[second].mean(axis=1), [2.5, 97.5])


RIGHT: list[tuple[int, Any]] = [
    (1, (1 + 2 / 3 + 1 / 2) / 3),
    (2, lambda gain, contact: contact / gain),
    (3, ndcg_of),
    (4, paired),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "divide by three", (1 + 2 / 3 + 1 / 2) / 6),
    (1, "redeemed offers only", 107 / 180),
    (2, "turn the fraction over", lambda gain, contact: gain / contact),
    (2, "no probability", lambda gain, contact: gain - contact),
    (3, "best order", dcg_of),
    (3, "not right", lambda redeemed: float(redeemed[0] or 0.5)),
    (4, "lower end", lambda a, b, seed: (a.max(), a.min())),
    (4, "outside", lambda a, b, seed: (5.0, 6.0)),
    (4, "same users", unpaired),
    (4, "lies outside", lambda a, b, seed: (0.0199, 0.0201)),
]
