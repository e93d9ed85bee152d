"""The checkers of chapter 21 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_21 as check

Floats = NDArray[np.float64]
RIGHT = np.e / (1 + np.e)


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


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, [2.5, RIGHT]),
        (check.exercise_1, np.array([2.5, 0.731])),
        (check.exercise_2, clipped),
        (check.exercise_2, lambda *data: clipped(*data).tolist()),
        (check.exercise_3, lambda noise, steps, rows: rows * steps**0.5 / noise),
        (check.exercise_4, hide),
        (
            check.exercise_4,
            lambda v, n, secrets, size: hide(v, -n, {-o: s for o, s in secrets.items()}, size),
        ),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 2.5, "two numbers"),
        (check.exercise_1, [1.0, RIGHT], "share a budget"),
        (check.exercise_1, [1.5, RIGHT], "sum of squares"),
        (check.exercise_1, [0.8, RIGHT], "votes of one household"),
        (check.exercise_1, [2.5, 1 - RIGHT], "vote is wrong"),
        (check.exercise_1, [2.5, np.e], "ratio of right to wrong"),
        (check.exercise_1, [2.5, 0.924142], "only the first answer"),
        (check.exercise_1, [2.5, 0.5], "e^ε times"),
        (check.exercise_2, lambda g, u, c: shorter(g, c).sum(axis=0), "shortens each row"),
        (check.exercise_2, lambda g, u, c: g.sum(axis=0), "nothing was shortened"),
        (check.exercise_2, always_shortened, "only longer ones"),
        (check.exercise_2, lambda g, u, c: shorter(by_user(g, u), c).mean(axis=0), "the mean"),
        (check.exercise_2, lambda g, u, c: shorter(g.sum(axis=0)[None], c)[0], "the sum of all"),
        (check.exercise_2, divided_by_zero, "do not divide"),
        (check.exercise_2, lambda g, u, c: np.ones(g.shape[1]), "not the right sum"),
        (check.exercise_2, lambda g, u, c: 3.0, "one vector of 3"),
        (check.exercise_3, lambda noise, steps, rows: steps**0.5 / noise, "the μ of a row"),
        (
            check.exercise_3,
            lambda noise, steps, rows: (steps * rows) ** 0.5 / noise,
            "pull one way",
        ),
        (check.exercise_3, lambda noise, steps, rows: rows * steps / noise, "independent"),
        (check.exercise_3, lambda noise, steps, rows: rows / noise, "one step"),
        (check.exercise_3, lambda noise, steps, rows: 1.0, "not right"),
        (check.exercise_4, lambda value, *_: value, "as they are"),
        (check.exercise_4, lambda v, n, s, size: (v + sum(s.values())) % size, "must subtract"),
        (check.exercise_4, lambda v, n, s, size: v + sum(s.values()) + size, "modulo"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
