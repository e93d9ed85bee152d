"""The checkers of chapter 12 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_12 as check

Floats = NDArray[np.float64]


def signal(y: Floats, sent: Floats, e: Floats) -> Floats:
    """Solve exercise 2."""
    return np.asarray((sent / e - (1 - sent) / (1 - e)) * (y - y.mean()))


def gain(signal: Floats, score: Floats, q: float) -> float:
    """Solve exercise 3."""
    first = np.argsort(-score)[: round(q * len(score))]
    return float(signal[first].sum() / len(signal))


def valued(effect: Floats, p: Floats, margin: Floats, face: Floats, contact: float) -> Floats:
    return np.asarray(effect * margin[:, None] - p * face - contact)


def depth(*data: Any) -> NDArray[np.intp]:
    """Solve exercise 4."""
    value = valued(*data)
    return np.where(value.max(axis=1) > 0, value.argmax(axis=1) + 1, 0)


def users(effect: float, sigma: float, share: float) -> float:
    """Solve exercise 5."""
    return (2.8 * sigma / effect) ** 2 / (share * (1 - share))


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, (52 / 140 - 32 / 260, 0.1)),
        (check.exercise_1, [0.248, np.float64(0.1)]),
        (check.exercise_2, signal),
        (check.exercise_2, lambda *data: pd.Series(signal(*data)).sample(frac=1, random_state=0)),
        (check.exercise_3, gain),
        (check.exercise_4, depth),
        (check.exercise_4, lambda *data: depth(*data).tolist()),
        (check.exercise_5, users),
        (check.exercise_5, lambda *data: int(np.ceil(users(*data)))),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, (0.1, 0.248), "comes first"),
        (check.exercise_1, (0.1, 0.1), "share of buyers among all"),
        (check.exercise_1, (0.248, 0.248), "300 others"),
        (check.exercise_1, 0.1, "two numbers"),
        (check.exercise_2, lambda y, t, e: (t / e - (1 - t) / (1 - e)) * y, "subtract the mean"),
        (check.exercise_2, lambda y, t, e: (2 * t - 1) * (y - y.mean()), "divide by"),
        (check.exercise_2, lambda y, t, e: (2 * t - 1) / e * (y - y.mean()), "1 - e"),
        (
            check.exercise_2,
            lambda y, t, e: (t / e + (1 - t) / (1 - e)) * (y - y.mean()),
            "count negatively",
        ),
        (check.exercise_2, lambda y, t, e: y, "for a row with"),
        (check.exercise_3, lambda s, r, q: gain(s, r, q) / q, "divide by all rows"),
        (check.exercise_3, lambda s, r, q: gain(s, -r, q), "highest scores"),
        (check.exercise_3, lambda s, r, q: gain(s, s, q), "nobody knows"),
        (check.exercise_3, lambda s, r, q: gain(s, r, q) * len(s), "number of rows"),
        (check.exercise_3, lambda s, r, q: q, "is not right"),
        (check.exercise_4, lambda *data: valued(*data).argmax(axis=1) + 1, "send none"),
        (
            check.exercise_4,
            lambda *data: np.where(depth(*data) > 0, depth(*data) - 1, -1),
            "0 for none",
        ),
        (
            check.exercise_4,
            lambda e, *_: np.where(e.max(axis=1) > 0, e.argmax(axis=1) + 1, 0),
            "largest effect",
        ),
        (check.exercise_4, lambda e, *_: np.zeros(len(e)), "is not the best"),
        (check.exercise_4, lambda e, *_: e[:, 0], "0 for none"),
        (check.exercise_5, lambda e, s, q: (2.8 * s / e) ** 2, "where is the share"),
        (check.exercise_5, lambda e, s, q: users(e, s, q) * (1.96 / 2.8) ** 2, "every second"),
        (check.exercise_5, lambda *data: np.sqrt(users(*data)), "square"),
        (check.exercise_5, lambda e, s, q: 1e9, "not 1,000,000,000"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
