"""Answers to the exercises of chapter 21, Privacy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ONE_VOTE = np.e / (1 + np.e)


def shorter(each: Floats, clip: float) -> Floats:
    """Shorten the rows that are longer than `clip`."""
    length = np.linalg.norm(each, axis=1, keepdims=True)
    return np.asarray(each * np.minimum(1, clip / np.maximum(length, 1e-12)))


def by_user(gradients: Floats, users: NDArray[np.int64]) -> Floats:
    """Add up the rows of each user."""
    return np.array([gradients[users == user].sum(axis=0) for user in np.unique(users)])


def clipped(gradients: Floats, users: NDArray[np.int64], clip: float) -> Floats:
    """Solve exercise 2."""
    return np.asarray(shorter(by_user(gradients, users), clip).sum(axis=0))


def divided_by_zero(gradients: Floats, users: NDArray[np.int64], clip: float) -> Floats:
    """Solve exercise 2 but for a user without a gradient."""
    total = by_user(gradients, users)
    factor = np.minimum(1, clip / np.linalg.norm(total, axis=1, keepdims=True))
    return np.asarray((total / np.where(total.any(axis=1, keepdims=True), 1, 0) * factor).sum(0))


def always_shortened(gradients: Floats, users: NDArray[np.int64], clip: float) -> Floats:
    """Bring every vector to the length of `clip`."""
    total = by_user(gradients, users)
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return np.asarray((clip * total / length).sum(axis=0))


def hide(value: int, number: int, secrets: Mapping[int, int], size: int) -> int:
    """Solve exercise 4."""
    for other, secret in secrets.items():
        value += secret if number < other else -secret
    return value % size


RIGHT: list[tuple[int, Any]] = [
    (1, [2.5, ONE_VOTE]),
    (2, clipped),
    (3, lambda noise, steps, rows: rows * steps**0.5 / noise),
    (4, hide),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "share a budget", [1.0, ONE_VOTE]),
    (1, "sum of squares", [1.5, ONE_VOTE]),
    (1, "votes of one household", [0.8, ONE_VOTE]),
    (1, "vote is wrong", [2.5, 1 - ONE_VOTE]),
    (1, "ratio of right to wrong", [2.5, np.e]),
    (1, "only the first answer", [2.5, 0.924142]),
    (1, "e^ε times", [2.5, 0.5]),
    (2, "shortens each row", lambda g, u, c: shorter(g, c).sum(axis=0)),
    (2, "nothing was shortened", lambda g, u, c: g.sum(axis=0)),
    (2, "only longer ones", always_shortened),
    (2, "the mean", lambda g, u, c: shorter(by_user(g, u), c).mean(axis=0)),
    (2, "the sum of all", lambda g, u, c: shorter(g.sum(axis=0)[None], c)[0]),
    (2, "do not divide", divided_by_zero),
    (3, "the μ of a row", lambda noise, steps, rows: steps**0.5 / noise),
    (3, "pull one way", lambda noise, steps, rows: (steps * rows) ** 0.5 / noise),
    (3, "independent", lambda noise, steps, rows: rows * steps / noise),
    (3, "one step", lambda noise, steps, rows: rows / noise),
    (4, "as they are", lambda value, *_: value),
    (4, "modulo", lambda v, n, s, size: v + sum(s.values()) + size),
]
