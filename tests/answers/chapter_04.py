"""Answers to the exercises of chapter 4, The likelihood."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]


def interval(redeemed: int, offered: int) -> tuple[float, float]:
    """Solve exercise 2."""
    z = np.linspace(-20, 20, 400_001)
    curve = redeemed * z - offered * np.logaddexp(0, z)
    inside = expit(z[curve >= curve.max() - 1.92])
    return inside[0], inside[-1]


def normal_interval(redeemed: int, offered: int) -> tuple[float, float]:
    """Take the curve for a parabola."""
    rate = redeemed / offered
    reach = 1.96 * (rate * (1 - rate) / offered) ** 0.5
    return max(rate - reach, 0), min(rate + reach, 1)


def interval_without_zero(redeemed: int, offered: int) -> tuple[float, float]:
    """Look for two ends where there is one."""
    return interval(redeemed, offered) if redeemed else (0.0001, 0.001)


def chain_loss(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Solve exercise 3."""
    both = np.logaddexp(0, -z1) + np.logaddexp(0, -z2)
    neither = np.logaddexp(np.logaddexp(-z1, -z2), -z1 - z2)
    return np.where(y == 1, both, both - neither)


def naive_chain_loss(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Form the probability first."""
    p = expit(z1) * expit(z2)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def clipped_chain_loss(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Hide the infinities."""
    p = np.clip(expit(z1) * expit(z2), 1e-12, 1 - 1e-12)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def half_clipped_chain_loss(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Hide the infinities of the redeemed offers only."""
    return np.where(y == 1, clipped_chain_loss(y, z1, z2), chain_loss(y, z1, z2))


def slope(theta: Floats, x: Floats, y: Floats, penalty: float) -> Floats:
    """Solve exercise 4."""
    return x.T @ (y - expit(x @ theta)) - penalty * np.append(0, theta[1:])


def slope_of_all(theta: Floats, x: Floats, y: Floats, penalty: float) -> Floats:
    """Punish the intercept too."""
    return x.T @ (y - expit(x @ theta)) - penalty * theta


def repair(p: Floats, kept: float, weight: float) -> Floats:
    """Solve exercise 5."""
    return p / (p + (1 - p) * weight / kept)


def fitted(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Fit a logistic regression to weighted rows."""
    theta = np.zeros(x.shape[1])
    for _ in range(8):
        p = expit(x @ theta)
        hessian = (x.T * (weight * p * (1 - p))) @ x
        theta = theta + np.linalg.solve(hessian, x.T @ (weight * (y - p)))
    return theta


def drawn_fits(x: Floats, y: Floats, labels: Floats, most: int = 1000) -> Floats:
    """Draw clusters 200 times and fit each draw."""
    code, names = pd.factorize(labels)
    random = np.random.default_rng(1)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), 200)
    return np.array([fitted(x, y, times[code]) for times in np.minimum(drawn, most)])


def drawn_errors(x: Floats, y: Floats, users: Floats) -> Floats:
    """Solve exercise 6."""
    return drawn_fits(x, y, users).std(axis=0)


def errors_by_offer(x: Floats, y: Floats, users: Floats) -> Floats:
    """Draw single offers."""
    return drawn_errors(x, y, np.arange(len(y)))


def errors_without_repeats(x: Floats, y: Floats, users: Floats) -> Floats:
    """Forget that a user may be drawn twice."""
    return drawn_fits(x, y, users, 1).std(axis=0)


def repair_by_odds(p: Floats, kept: float, weight: float) -> Floats:
    """Solve exercise 5 by way of the odds."""
    odds = p / (1 - p) * kept / weight
    return odds / (1 + odds)


def interval_of_rates(redeemed: int, offered: int) -> Any:
    """Solve exercise 2 on a grid of rates."""
    rate = np.linspace(1e-6, 1 - 1e-6, 1_000_001)
    curve = redeemed * np.log(rate) + (offered - redeemed) * np.log1p(-rate)
    return rate[curve >= curve.max() - 1.92][[0, -1]]


RIGHT: list[tuple[int, Any]] = [
    (1, 0.2895),
    (2, interval),
    (2, interval_of_rates),
    (3, chain_loss),
    (4, slope),
    (5, repair),
    (5, repair_by_odds),
    (6, drawn_errors),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "a mean", 0.8686),
    (1, "never negative", -0.2895),
    (1, "natural", 0.4177),
    (1, "the natural", 0.1257),
    (1, "only the third", 1.9562),
    (2, "a low and a high rate", lambda k, n: interval(k, n)[::-1]),
    (2, "below its top", normal_interval),
    (2, "0.00 below", lambda k, n: (k / n, k / n)),
    (2, "starts there", interval_without_zero),
    (2, "ends", lambda k, n: (interval(k, n)[0], min(interval(k, n)[1], 0.99))),
    (3, "neither infinite nor missing", naive_chain_loss),
    (3, "39.31", clipped_chain_loss),
    (3, "add up", half_clipped_chain_loss),
    (4, "climb", lambda *numbers: -slope(*numbers)),
    (4, "not a mean", lambda *numbers: slope(*numbers) / 6),
    (4, "a slope too", lambda theta, x, y, _: slope(theta, x, y, 0)),
    (4, "intercept free", slope_of_all),
    (4, "its sign", lambda theta, x, y, k: slope(theta, x, y, -k)),
    (5, "lowers p", lambda p, kept, weight: repair(p, 1 / kept, weight)),
    (5, "multiply", lambda p, kept, weight: repair(p, kept**0.5, weight)),
    (5, "divide by it", lambda p, kept, weight: repair(p, kept, 1)),
    (5, "both to the same", lambda p, kept, weight: repair(p, kept, weight if kept == 1 else 1)),
    (6, "variances", lambda *data: drawn_errors(*data) ** 2),
    (6, "not offers", errors_by_offer),
    (6, "twice", errors_without_repeats),
    (6, "do not divide", lambda *data: drawn_errors(*data) / 14),
    (6, "the spread of the fits", lambda *data: 2 * drawn_errors(*data)),
]
