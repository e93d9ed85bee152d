"""The checkers of chapter 24 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_24 as check

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


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, lambda r, chance: (r / chance).sum()),
        (check.exercise_1, lambda r, chance: float(r @ (1 / chance))),
        (check.exercise_2, lambda chances: 1 - (1 - chances).prod(axis=0)),
        (check.exercise_2, lambda chances: (1 - np.prod(1 - chances, 0)).tolist()),
        (check.exercise_3, soft),
        (check.exercise_3, interleaved),
        (check.exercise_4, rank),
        (check.exercise_4, lambda m, n, share: float(rank(m, n, share))),
    ],
)
def test_right_answers_are_right(exercise: Callable[[Any], check.Verdict], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, lambda r, chance: r.sum(), "stands for others"),
        (check.exercise_1, lambda r, chance: r @ chance, "count more"),
        (check.exercise_1, lambda r, chance: (r / chance).mean(), "the pool's sum"),
        (check.exercise_1, lambda r, chance: r.sum() / chance.sum(), "a rate"),
        (check.exercise_1, lambda r, chance: (1 / chance).sum(), "redeemed or not"),
        (check.exercise_1, lambda r, chance: -1.0, "stands for 4"),
        (check.exercise_1, None, "function"),
        (check.exercise_1, lambda r, chance: r / chance, "one number"),
        (check.exercise_2, lambda chances: chances.sum(0), "exceed 1"),
        (check.exercise_2, lambda chances: np.minimum(1, chances.sum(0)), "drawn twice"),
        (check.exercise_2, lambda chances: chances.max(0), "one round"),
        (check.exercise_2, lambda chances: chances.mean(0), "usual round"),
        (check.exercise_2, lambda chances: chances.prod(0), "every round"),
        (check.exercise_2, lambda chances: (1 - chances).prod(0), "the rest"),
        (check.exercise_2, lambda chances: np.zeros(4), "never to be drawn"),
        (check.exercise_2, lambda chances: chances, "4 offers"),
        (check.exercise_3, lambda x, p: (x, p), "three things"),
        (check.exercise_3, lambda x, p: (x, p, p), "6 rows"),
        (check.exercise_3, lambda x, p: (*soft(x, p)[:1], np.r_[p, p], np.ones(6)), "0 and 1"),
        (check.exercise_3, lambda x, p: (soft(x, p)[0], np.ones(6), np.r_[p, 1 - p]), "as not"),
        (check.exercise_3, lambda x, p: (*soft(x, p)[:2], np.r_[1 - p, p]), "swapped"),
        (check.exercise_3, lambda x, p: (*soft(x, p)[:2], np.ones(6)), "add up to 1"),
        (check.exercise_3, lambda x, p: (*soft(x, p)[:2], -np.ones(6)), "never negative"),
        (
            check.exercise_3,
            lambda x, p: (np.repeat(x, 2, axis=0), *soft(x, p)[1:]),
            "once as redeemed and once as not",
        ),
        (check.exercise_4, lambda m, n, share: share * m * n / (m + n), "whole number"),
        (check.exercise_4, lambda m, n, share: rank(m, n, share) + 1, "round down"),
        (check.exercise_4, lambda m, n, share: int(share * min(m, n)), "together"),
        (check.exercise_4, lambda m, n, share: 1000, "trains r x"),
        (check.exercise_4, lambda m, n, share: "two", "whole number"),
    ],
)
def test_wrong_answers_meet_their_hint(
    exercise: Callable[[Any], check.Verdict], answer: Any, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
