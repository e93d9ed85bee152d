"""The checkers of chapter 26 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from coupon_rec.book.check import chapter_26 as check

MORNINGS = ["nothing", "more talk", "worse talk"]


def corrected(k: float, n: float, caught: float, wrongly: float) -> float:
    """Solve exercise 2."""
    return float(np.clip((k / n - wrongly) / (caught - wrongly), 0, 1))


def steps(k: Any, n: Any, share: float, ratio: float) -> Any:
    """Evidence of each hour."""
    return k * np.log(ratio) + (1 - ratio) * share * n


def sums(k: Any, n: Any, share: float, ratio: float) -> list[float]:
    """Solve exercise 3."""
    total, path = 0.0, []
    for step in steps(k, n, share, ratio):
        total = max(0.0, total + step)
        path.append(total)
    return path


def best(h: Any, wrong: Any, delay: Any, crises: float, hour: float, alarm: float) -> float:
    """Solve exercise 4."""
    return float(h[(13 * alarm * wrong + crises * hour * delay).argmin()])


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, MORNINGS),
        (check.exercise_1, tuple(MORNINGS)),
        (check.exercise_2, corrected),
        (check.exercise_3, sums),
        (check.exercise_3, lambda *data: np.array(sums(*data))),
        (check.exercise_4, best),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, "nothing", "three of"),
        (check.exercise_1, ["worse talk", *MORNINGS[1:]], "hour of the week"),
        (check.exercise_1, ["nothing", "both", "worse talk"], "second: which share"),
        (check.exercise_1, ["nothing", "nothing", "worse talk"], "as many opinions"),
        (check.exercise_1, ["nothing", "more talk", "nothing"], "third: which share"),
        (check.exercise_1, ["nothing", "more talk", "both"], "third: are there more"),
        (check.exercise_2, lambda k, n, a, b: (k / n - b) / (a - b), "never below 0"),
        (check.exercise_2, lambda k, n, a, b: k / n, "as called"),
        (check.exercise_2, lambda k, n, a, b: n * (k / n - b) / (a - b), "number of opinions"),
        (check.exercise_2, lambda k, n, a, b: k / n / a, "how far"),
        (check.exercise_2, lambda k, n, a, b: k / n * (a - b) + b, "other direction"),
        (check.exercise_2, lambda *_: 0.5, "not right"),
        (check.exercise_2, lambda *_: None, "`return` missing"),
        (check.exercise_3, steps, "add it up"),
        (check.exercise_3, lambda *data: steps(*data).cumsum(), "where is the zero"),
        (
            check.exercise_3,
            lambda k, n, s, r: sums(k, np.full(len(n), n.mean()), s, r),
            "not their mean",
        ),
        (check.exercise_3, lambda *data: np.maximum(steps(*data), 0).cumsum(), "kept at 0"),
        (check.exercise_3, lambda k, n, s, r: k / n, "do not divide"),
        (check.exercise_3, lambda k, n, s, r: np.zeros(len(k)), "not the sums"),
        (check.exercise_3, lambda k, n, s, r: 1.0, "one sum for each"),
        (check.exercise_4, lambda h, w, d, c, p, a: (13 * a * w + c * p * d).min(), "smallest"),
        (check.exercise_4, lambda h, w, d, c, p, a: (13 * a * w + c * p * d).argmin(), "position"),
        (check.exercise_4, lambda h, w, d, c, p, a: h[(a * w + c * p * d).argmin()], "has a year"),
        (check.exercise_4, lambda h, w, d, c, p, a: h[(13 * a * w + p * d).argmin()], "crisis"),
        (check.exercise_4, lambda h, w, d, *_: h[d.argmin()], "soonest"),
        (check.exercise_4, lambda h, w, d, *_: h[w.argmin()], "least for nothing"),
        (check.exercise_4, lambda *_: 3.3, "not the cheapest"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
