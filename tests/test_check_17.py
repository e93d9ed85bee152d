"""The checkers of chapter 17 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_17 as check

Floats = NDArray[np.float64]


def expected(p: Floats, ages: Floats, t: float) -> float:
    """Solve exercise 2."""
    return float(np.mean(ages <= t) * np.sum(p))


def rings(
    observed: Sequence[float],
    promised: Sequence[float],
    rho: float,
    h: float,
    floor: float = 0.0,
    late: int = 0,
) -> int | None:
    """Solve exercise 3."""
    total = 0.0
    for day, (o, e) in enumerate(zip(observed, promised, strict=True)):
        total = max(floor, total + o * np.log(rho) + (1 - rho) * e)
        if total >= h:
            return day + late
    return None


def design_effect(y: Floats, p: Floats, users: NDArray[np.int64]) -> float:
    """Solve exercise 4."""
    by_user = pd.Series(y - p).groupby(users).sum()
    return float((by_user**2).sum() / (p * (1 - p)).sum())


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, ["mail", "model"]),
        (check.exercise_1, "Mail, model"),
        (check.exercise_1, np.array(["mail", "model"])),
        (check.exercise_2, expected),
        (check.exercise_2, lambda *data: [expected(*data)]),
        (check.exercise_3, rings),
        (check.exercise_4, design_effect),
        (check.exercise_4, lambda *data: np.array([design_effect(*data)])),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, ["mail"], "two words"),
        (check.exercise_1, ["mail", "weather"], "choose from"),
        (check.exercise_1, 3, "two words"),
        (check.exercise_1, ["world", "model"], "users stay the same"),
        (check.exercise_1, ["data", "model"], "promises kept"),
        (check.exercise_1, ["mail", "mail"], "users change"),
        (check.exercise_1, ["mail", "world"], "what the model promises"),
        (check.exercise_2, lambda p, ages, t: p.sum(), "not by now"),
        (check.exercise_2, lambda p, ages, t: t * p.sum(), "do not come evenly"),
        (check.exercise_2, lambda p, ages, t: (ages < t).mean() * p.sum(), "exactly at"),
        (check.exercise_2, lambda p, ages, t: (ages <= t).mean(), "that is the share"),
        (check.exercise_2, lambda p, ages, t: 77.0, "count the ages"),
        (check.exercise_3, lambda *_: None, "it does ring"),
        (check.exercise_3, lambda *data: rings(*data) or 0, "never rings"),
        (check.exercise_3, lambda *data: rings(*data, late=1), "one day late"),
        (check.exercise_3, lambda *data: rings(*data, floor=-np.inf), "where is the zero"),
        (check.exercise_3, lambda *_: 5, "another day"),
        (check.exercise_4, lambda y, p, u: ((y - p) ** 2).sum() / (p * (1 - p)).sum(), "squares"),
        (check.exercise_4, lambda y, p, u: design_effect(y, p, u) * (p * (1 - p)).sum(), "beside"),
        (check.exercise_4, lambda y, p, u: 1 / design_effect(y, p, u), "upside down"),
        (check.exercise_4, lambda y, p, u: 7.0, "two users"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
