"""The checkers of chapter 13 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import chapter_13 as check

Floats = NDArray[np.float64]


def propensities(score: Floats, allowed: NDArray[np.bool_], rate: float) -> Floats:
    """Solve exercise 1."""
    best = np.argmax(np.where(allowed, score, -np.inf))
    return rate * allowed / allowed.sum() + (1 - rate) * (np.arange(len(score)) == best)


def forbidden(score: Floats, allowed: NDArray[np.bool_], rate: float) -> Floats:
    """Forget the rules."""
    return propensities(score, np.ones_like(allowed), rate)


def never_the_best(score: Floats, allowed: NDArray[np.bool_], rate: float) -> Floats:
    """Let chance avoid nothing, and give its part of the best away."""
    p = rate * allowed / allowed.sum()
    p[np.argmax(np.where(allowed, score, -np.inf))] = 1 - rate
    return p


def among_all(score: Floats, allowed: NDArray[np.bool_], rate: float) -> Floats:
    """Divide by the number of all candidates."""
    best = np.argmax(np.where(allowed, score, -np.inf))
    return rate * allowed / allowed.size + (1 - rate) * (np.arange(len(score)) == best)


def parts(mu: Floats, pi: Floats, q: Floats, choice: Any, r: Floats) -> tuple[Floats, ...]:
    """Weights, the model's value and its prediction, row by row."""
    row = np.arange(len(choice))
    return pi[row, choice] / mu[row, choice], (pi * q).sum(axis=1), q[row, choice]


def doubly_robust(mu: Floats, pi: Floats, q: Floats, choice: Any, r: Floats) -> float:
    """Solve exercise 3."""
    w, model, said = parts(mu, pi, q, choice, r)
    return float(np.mean(model + w * (r - said)))


def wrongly(formula: Callable[..., Floats]) -> Callable[..., Any]:
    """Another formula of weight, model, prediction and reward."""
    return lambda mu, pi, q, choice, r: np.mean(formula(*parts(mu, pi, q, choice, r), r))


def switch_back(d: ArrayLike, v: ArrayLike, tau: float) -> int:
    """Solve exercise 4."""
    d, v = np.asarray(d), np.asarray(v)
    half = np.sqrt(v * (v + tau**2) / tau**2 * np.log((v + tau**2) / v / 0.05**2))
    below = d + half < 0
    return int(below.argmax()) + 1 if below.any() else 0


def one_look(d: Floats, v: Floats, tau: float) -> int:
    """Use the interval for one look."""
    below = d + 1.96 * np.sqrt(v) < 0
    return int(below.argmax()) + 1 if below.any() else 0


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, propensities),
        (check.exercise_1, lambda *data: propensities(*data).tolist()),
        (check.exercise_1, lambda *data: pd.Series(propensities(*data))),
        (check.exercise_2, lambda n, k: n / k),
        (check.exercise_2, lambda n, k: [n / k]),
        (check.exercise_3, doubly_robust),
        (check.exercise_4, switch_back),
        (check.exercise_4, lambda *data: float(switch_back(*data))),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, forbidden, "forbidden"),
        (check.exercise_1, never_the_best, "on the best candidate"),
        (check.exercise_1, among_all, "among how many"),
        (check.exercise_1, lambda score, allowed, rate: 0 * score, "add up to 0.00"),
        (check.exercise_1, lambda score, allowed, rate: allowed / allowed.sum(), "who is best"),
        (check.exercise_1, lambda score, allowed, rate: 1.0, "one probability for each"),
        (check.exercise_2, lambda n, k: n, "weight above 0"),
        (check.exercise_2, lambda n, k: k, "weight above 0"),
        (check.exercise_2, lambda n, k: n / k**2, "squared"),
        (check.exercise_2, lambda n, k: n * k, "how large"),
        (check.exercise_3, wrongly(lambda w, model, said, r: w * r), "IPS"),
        (check.exercise_3, wrongly(lambda w, model, said, r: model), "model alone"),
        (check.exercise_3, wrongly(lambda w, model, said, r: model + w * r), "by the error"),
        (check.exercise_3, wrongly(lambda w, model, said, r: model + r - said), "their weights"),
        (check.exercise_3, wrongly(lambda w, model, said, r: model + w * (said - r)), "what came"),
        (check.exercise_3, wrongly(lambda w, model, said, r: said + w * (r - said)), "by pi"),
        (check.exercise_3, lambda *data: 40 * doubly_robust(*data), "the sum"),
        (check.exercise_3, lambda *data: 0.0, "q = 0"),
        (check.exercise_4, one_look, "one look"),
        (check.exercise_4, lambda *data: max(switch_back(*data) - 1, 0), "counted from 1"),
        (check.exercise_4, lambda d, v, tau: switch_back(-np.abs(d), v, tau), "it stays"),
        (check.exercise_4, lambda d, v, tau: switch_back(d, v, tau) or 28, "return 0"),
        (check.exercise_4, lambda *data: 27, "which end"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
