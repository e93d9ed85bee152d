"""The checkers of chapter 4 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from coupon_rec.book.check import chapter_04 as check

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


def robust_errors(x: Floats, y: Floats, theta: Floats, users: Floats) -> Floats:
    """Solve exercise 6."""
    p = expit(x @ theta)
    inverse = np.linalg.inv((x.T * (p * (1 - p))) @ x)
    scores = x * (y - p)[:, None]
    g = np.array([scores[users == user].sum(axis=0) for user in np.unique(users)])
    return np.sqrt(np.diag(inverse @ g.T @ g @ inverse))


def errors_by_offer(x: Floats, y: Floats, theta: Floats, users: Floats) -> Floats:
    """Count each offer for itself."""
    return robust_errors(x, y, theta, np.arange(len(y)))


def errors_from_the_hessian(x: Floats, y: Floats, theta: Floats, users: Floats) -> Floats:
    """Believe in independent offers."""
    p = expit(x @ theta)
    return np.sqrt(np.diag(np.linalg.inv((x.T * (p * (1 - p))) @ x)))


def test_right_answers_pass() -> None:
    assert check.exercise_1(0.2895)
    assert check.exercise_2(interval)
    assert check.exercise_3(chain_loss)
    assert check.exercise_4(slope)
    assert check.exercise_5(repair)
    assert check.exercise_6(robust_errors)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0.8686, "a mean"),
        (check.exercise_1, -0.2895, "never negative"),
        (check.exercise_1, 0.4177, "natural"),
        (check.exercise_1, 0.1257, "natural"),
        (check.exercise_1, 1.9562, "only the third"),
        (check.exercise_1, 0.0, "what happened"),
        (check.exercise_2, lambda k, n: interval(k, n)[::-1], "a low and a high rate"),
        (check.exercise_2, normal_interval, "below its top"),
        (check.exercise_2, lambda k, n: (k / n, k / n), "0.00 below"),
        (check.exercise_2, interval_without_zero, "starts there"),
        (check.exercise_3, lambda *logits: chain_loss(*logits).mean(), "each offer"),
        (check.exercise_3, lambda y, z1, z2: np.logaddexp(0, z1) - y * z1, "product"),
        (check.exercise_3, naive_chain_loss, "neither infinite nor missing"),
        (check.exercise_3, clipped_chain_loss, "39.31"),
        (check.exercise_3, half_clipped_chain_loss, "add up"),
        (check.exercise_4, lambda *numbers: slope(*numbers)[1], "each parameter"),
        (check.exercise_4, lambda *numbers: -slope(*numbers), "climb"),
        (check.exercise_4, lambda *numbers: slope(*numbers) / 6, "not a mean"),
        (check.exercise_4, lambda theta, x, y, _: slope(theta, x, y, 0), "a slope too"),
        (check.exercise_4, slope_of_all, "intercept free"),
        (check.exercise_4, lambda theta, x, y, k: slope(theta, x, y, 2 * k), "half the penalty"),
        (check.exercise_5, lambda p, kept, weight: p / 2, "nothing needs to change"),
        (check.exercise_5, lambda p, kept, weight: repair(p, 1 / kept, weight), "lowers p"),
        (check.exercise_5, lambda p, kept, weight: repair(p, kept**0.5, weight), "multiply"),
        (check.exercise_5, lambda p, kept, weight: repair(p, kept, 1), "divide by it"),
        (
            check.exercise_5,
            lambda p, kept, weight: repair(p, kept, weight if kept == 1 else 1),
            "both to the same odds",
        ),
        (check.exercise_6, lambda *data: robust_errors(*data)[0], "each parameter"),
        (check.exercise_6, lambda *data: robust_errors(*data) ** 2, "variances"),
        (check.exercise_6, errors_from_the_hessian, "belong to"),
        (check.exercise_6, errors_by_offer, "before you square"),
        (check.exercise_6, lambda *data: 2 * robust_errors(*data), "inverse Hessians"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
