"""The checkers of the primer pass right answers and meet each wrong one with its hint."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from coupon_rec.book.check import primer as check

Floats = NDArray[np.float64]
RIGHT = float(expit(logit(0.01) + 2))


@pytest.mark.parametrize(
    "answer", [RIGHT, round(RIGHT, 4), 0.07, np.array([RIGHT]), pd.Series([RIGHT]), [RIGHT]]
)
def test_the_right_probability_passes(answer: Any) -> None:
    assert check.exercise_1(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (0.01, "started"),
        (6.945, "percentage"),
        (np.exp(2) / 99, "odds"),
        (0.01 * np.exp(2), "multiplies the odds"),
        (logit(0.01) + 2, "back to a probability"),
        (expit(2), "sigma of 2 alone"),
        (expit(2.01), "sigma of 2 alone"),
        (expit(np.log10(1 / 99) + 2), "natural"),
        (expit(logit(0.01) - 2), "not taken away"),
        (2.01, "between 0 and 1"),
        (0.3, "and back by sigma"),
        (None, "one number"),
        (np.nan, "one number"),
        ("a lot", "one number"),
        ([0.1, 0.2], "one number"),
    ],
)
def test_a_wrong_probability_gets_its_hint(answer: Any, hint: str) -> None:
    verdict = check.exercise_1(answer)
    assert not verdict
    assert hint in str(verdict)


def slopes(w: float, b: float, x: Floats, y: Floats, weight: Floats) -> Floats:
    error = expit(b + w * x) - y
    return np.array([np.average(error * x, weights=weight), np.average(error, weights=weight)])


def step(w: float, b: float, x: Floats, y: Floats, weight: Floats, rate: float) -> Any:
    """Solve exercise 2."""
    return np.array([w, b]) - rate * slopes(w, b, x, y, weight)


def step_of_sums(w: float, b: float, x: Floats, y: Floats, weight: Floats, rate: float) -> Any:
    return np.array([w, b]) - rate * weight.sum() * slopes(w, b, x, y, weight)


def step_by_the_count(w: float, b: float, x: Floats, y: Floats, weight: Floats, rate: float) -> Any:
    return np.array([w, b]) - rate * weight.sum() / len(x) * slopes(w, b, x, y, weight)


def step_without_input(
    w: float, b: float, x: Floats, y: Floats, weight: Floats, rate: float
) -> Any:
    return np.array([w, b]) - rate * slopes(w, b, x, y, weight)[1]


def step_of_the_bias_first(
    w: float, b: float, x: Floats, y: Floats, weight: Floats, rate: float
) -> Any:
    b = b - rate * slopes(w, b, x, y, weight)[1]
    return w - rate * slopes(w, b, x, y, weight)[0], b


@pytest.mark.parametrize("kind", [tuple, list, np.asarray, pd.Series])
def test_the_right_step_passes(kind: Any) -> None:
    assert check.exercise_2(lambda *data: kind(step(*data)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda w, b, *_: (w, b), "nothing has moved"),
        (lambda *data: step(*data)[::-1], "weight first"),
        (lambda *data: step(*data[:5], -data[5]), "uphill"),
        (lambda *data: slopes(*data[:5]), "against them"),
        (lambda *data: step(*data[:4], np.ones(6), data[5]), "use their weights"),
        (step_of_sums, "that is a sum"),
        (step_by_the_count, "sum of the weights"),
        (lambda *data: step(*data[:5], 1.0), "learning rate"),
        (step_without_input, "error times input"),
        (step_of_the_bias_first, "the same errors"),
        (lambda *data: step(*data) * [2, 1], "the bias is right"),
        (lambda *data: step(*data) * [1, 2], "the weight is right"),
        (lambda *data: step(*data) + 1, "weighted means"),
        (lambda *_: None, "return two numbers"),
        (lambda *_: 0.3, "return two numbers"),
        (lambda *_: (np.nan, 0.1), "return two numbers"),
        (lambda w, b, x, *_: (w - x, b - x), "one number each"),
        (lambda w, b, x, *_: (w - x, b), "return two numbers"),
        (lambda w, b, x, *_: 1 / 0, "ZeroDivisionError"),
        (None, "TypeError"),
    ],
)
def test_a_wrong_step_gets_its_hint(answer: Any, hint: str) -> None:
    verdict = check.exercise_2(answer)
    assert not verdict
    assert hint in str(verdict)


@pytest.mark.parametrize(
    "answer",
    [
        ([[1, 1], [1, 1]], [0, -1], [1, -2], -0.5),
        (np.array([[1, -1], [-1, 1]]), np.zeros(2), np.ones((2, 1)), np.array([-0.5])),
        (pd.DataFrame([[1, -1], [-1, 1]]), [0, 0], pd.Series([1, 1]), [-0.5]),
        ([[1, -1, 0], [-1, 1, 0]], [0, 0, 0], [1, 1, 1], -0.1),
    ],
)
def test_a_right_network_passes(answer: Any) -> None:
    assert check.exercise_3(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "in this order"),
        (([[1, 1], [1, 1]], [0, -1], [1, -2]), "in this order"),
        (([[1, 1], [1, np.nan]], [0, -1], [1, -2], -0.5), "in this order"),
        (([[1, 1], [1]], [0, -1], [1, -2], -0.5), "in this order"),
        (([1, 1], [0, -1], [1, -2], -0.5), "a row for each"),
        (([[1, 1], [1, 1], [1, 1]], [0, -1], [1, -2], -0.5), "a row for each"),
        (([[1, 1], [1, 1]], [0], [1, -2], -0.5), "b1 has"),
        (([[1, 1], [1, 1]], [0, -1], [1], -0.5), "W2 has"),
        (([[1, 1], [1, 1]], [0, -1], [1, -2], [0, 0]), "b2 is"),
        (([[1, 1], [2, 2]], [0, -1], [1, -2], -0.5), "letter = 0 and app = 1"),
        (([[0, 0], [0, 0]], [0, 0], [0, 0], 0), "letter = 0 and app = 0"),
        (([[1, 1], [1, 1]], [0, -1], [1, -1], -0.5), "letter = 1 and app = 1"),
        (([[1, 1], [1, 1]], [0, -1], [-1, 2], 0.5), "turn W2 and b2"),
        (([[2, 2], [0.5, 0.5]], [0, -1], [1, -2], -0.5), "is"),
    ],
)
def test_a_wrong_network_gets_its_hint(answer: Any, hint: str) -> None:
    verdict = check.exercise_3(answer)
    assert not verdict
    assert hint in str(verdict)


def test_a_first_layer_on_its_side_is_told_so() -> None:
    # The units are x1 + x2 and x1 + x2 - 1 only if the rows of W1 are the inputs.
    right = np.array([[3.0, 1.0], [3.0, 1.0]]), [0, -1], [1, -6], -0.5
    assert check.exercise_3(right)
    verdict = check.exercise_3((right[0].T, *right[1:]))
    assert "on its side" in str(verdict)
