"""The checkers of chapter 9 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_09 as check

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


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, (1 + 2 / 3 + 1 / 2) / 3),
        (check.exercise_2, lambda gain, contact: contact / gain),
        (check.exercise_3, ndcg_of),
        (check.exercise_4, paired),
        (check.exercise_1, np.float32((1 + 2 / 3 + 1 / 2) / 3)),
        (check.exercise_2, lambda gain, contact: [contact / gain]),
        (check.exercise_3, lambda redeemed: pd.Series([ndcg_of(redeemed)])),
        (check.exercise_4, lambda *data: paired(*data).tolist()),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0.5, "read from the top"),
        (check.exercise_1, (1 + 2 / 3 + 1 / 2) / 6, "divide by three"),
        (check.exercise_1, 107 / 180, "redeemed offers only"),
        (check.exercise_2, lambda gain, contact: 0.5, ", not zero"),
        (check.exercise_2, lambda gain, contact: gain / contact, "turn the fraction over"),
        (check.exercise_2, lambda gain, contact: gain - contact, "no probability"),
        (check.exercise_3, np.mean, "its NDCG is 1"),
        (check.exercise_3, dcg_of, "best order"),
        (check.exercise_3, lambda redeemed: float(redeemed[0] or 0.5), "not right"),
        (check.exercise_4, lambda a, b, seed: (a.max(), a.min()), "lower end"),
        (check.exercise_4, lambda a, b, seed: (5.0, 6.0), "outside"),
        (check.exercise_4, unpaired, "same users"),
        (check.exercise_4, lambda a, b, seed: (0.0199, 0.0201), "outside|percentile"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert any(part in repr(verdict) for part in hint.split("|"))
