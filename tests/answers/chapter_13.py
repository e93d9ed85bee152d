"""Answers to the exercises of chapter 13, Exploration."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


RIGHT: list[tuple[int, Any]] = [
    (1, propensities),
    (2, lambda n, k: n / k),
    (3, doubly_robust),
    (4, switch_back),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "forbidden", forbidden),
    (1, "on the best candidate", never_the_best),
    (1, "among how many", among_all),
    (1, "who is best", lambda score, allowed, rate: allowed / allowed.sum()),
    (2, "weight above 0", lambda n, k: n),
    (2, "weight above 0?", lambda n, k: k),
    (2, "squared", lambda n, k: n / k**2),
    (3, "IPS", wrongly(lambda w, model, said, r: w * r)),
    (3, "model alone", wrongly(lambda w, model, said, r: model)),
    (3, "by the error", wrongly(lambda w, model, said, r: model + w * r)),
    (3, "their weights", wrongly(lambda w, model, said, r: model + r - said)),
    (3, "what came", wrongly(lambda w, model, said, r: model + w * (said - r))),
    (3, "by pi", wrongly(lambda w, model, said, r: said + w * (r - said))),
    (3, "the sum", lambda *data: 40 * doubly_robust(*data)),
    (4, "one look", one_look),
    (4, "counted from 1", lambda *data: max(switch_back(*data) - 1, 0)),
    (4, "it stays", lambda d, v, tau: switch_back(-np.abs(d), v, tau)),
    (4, "return 0", lambda d, v, tau: switch_back(d, v, tau) or 28),
]
