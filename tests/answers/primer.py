"""Answers to the exercises of the primer, From a count to a network."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]
PROBABILITY = float(expit(logit(0.01) + 2))


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


RIGHT: list[tuple[int, Any]] = [
    (1, PROBABILITY),
    (1, round(PROBABILITY, 4)),
    (1, 0.07),
    (2, step),
    (3, ([[1, 1], [1, 1]], [0, -1], [1, -2], -0.5)),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "started", 0.01),
    (1, "percentage", 6.945),
    (1, "odds", np.exp(2) / 99),
    (1, "multiplies the odds", 0.01 * np.exp(2)),
    (1, "back to a probability", logit(0.01) + 2),
    (1, "sigma of 2 alone", expit(2)),
    (1, "sigma of 2 alone: add", expit(2.01)),
    (1, "natural", expit(np.log10(1 / 99) + 2)),
    (1, "not taken away", expit(logit(0.01) - 2)),
    (1, "and back by sigma", 0.3),
    (2, "nothing has moved", lambda w, b, *_: (w, b)),
    (2, "weight first", lambda *data: step(*data)[::-1]),
    (2, "uphill", lambda *data: step(*data[:5], -data[5])),
    (2, "against them", lambda *data: slopes(*data[:5])),
    (2, "use their weights", lambda *data: step(*data[:4], np.ones(6), data[5])),
    (2, "that is a sum", step_of_sums),
    (2, "sum of the weights", step_by_the_count),
    (2, "learning rate", lambda *data: step(*data[:5], 1.0)),
    (2, "error times input", step_without_input),
    (2, "the same errors", step_of_the_bias_first),
    (2, "the bias is right", lambda *data: step(*data) * [2, 1]),
    (2, "the weight is right", lambda *data: step(*data) * [1, 2]),
    (2, "weighted means", lambda *data: step(*data) + 1),
    (2, "one number each", lambda w, b, x, *_: (w - x, b - x)),
    (3, "in this order;", ([[1, 1], [1, 1]], [0, -1], [1, -2])),
    (3, "a row for each", ([1, 1], [0, -1], [1, -2], -0.5)),
    (3, "has a row for each", ([[1, 1], [1, 1], [1, 1]], [0, -1], [1, -2], -0.5)),
    (3, "b1 has", ([[1, 1], [1, 1]], [0], [1, -2], -0.5)),
    (3, "W2 has", ([[1, 1], [1, 1]], [0, -1], [1], -0.5)),
    (3, "b2 is", ([[1, 1], [1, 1]], [0, -1], [1, -2], [0, 0])),
    (3, "letter = 0 and app = 1", ([[1, 1], [2, 2]], [0, -1], [1, -2], -0.5)),
    (3, "letter = 0 and app = 0", ([[0, 0], [0, 0]], [0, 0], [0, 0], 0)),
    (3, "letter = 1 and app = 1", ([[1, 1], [1, 1]], [0, -1], [1, -1], -0.5)),
    (3, "on its side", ([[3, 3], [1, 1]], [0, -1], [1, -6], -0.5)),
    (3, "turn W2 and b2", ([[1, 1], [1, 1]], [0, -1], [-1, 2], 0.5)),
    (3, "app = 0 the logit is", ([[2, 2], [0.5, 0.5]], [0, -1], [1, -2], -0.5)),
]
