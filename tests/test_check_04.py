"""The checkers of chapter 4 pass right answers and meet each wrong one with its hint."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
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


def test_right_answers_pass() -> None:
    assert check.exercise_1(0.2895)
    assert check.exercise_2(interval)
    assert check.exercise_3(chain_loss)
    assert check.exercise_4(slope)
    assert check.exercise_5(repair)
    assert check.exercise_6(drawn_errors)


def test_right_answers_in_another_form_pass() -> None:
    assert check.exercise_1(np.array([0.2895]))  # type: ignore[arg-type]
    assert check.exercise_2(interval_of_rates)
    assert check.exercise_3(lambda *data: list(chain_loss(*data)))
    assert check.exercise_4(lambda *data: pd.Series(slope(*data)))
    assert check.exercise_4(lambda *data: slope(*data)[:, None])
    assert check.exercise_5(repair_by_odds)
    assert check.exercise_6(lambda *data: list(drawn_errors(*data)))


@pytest.mark.parametrize(
    "exercise",
    [
        check.exercise_2,
        check.exercise_3,
        check.exercise_4,
        check.exercise_5,
        check.exercise_6,
    ],
)
@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (0.5, "the function itself"),
        (lambda *_: None, "return"),
        (lambda *_: "0.5", "return|number"),
        (lambda *_: np.zeros(99), "return|number"),
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda: 1, "TypeError"),
        (lambda *_: float("nan"), "return|number"),
    ],
)
def test_what_is_no_answer_gets_a_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert re.search(hint, str(verdict))


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0.8686, "a mean"),
        (check.exercise_1, -0.2895, "never negative"),
        (check.exercise_1, 0.4177, "natural"),
        (check.exercise_1, 0.1257, "natural"),
        (check.exercise_1, 1.9562, "only the third"),
        (check.exercise_1, 0.0, "what happened"),
        (check.exercise_1, None, "None"),
        (check.exercise_1, [0.69, 0.13, 0.05], "one number"),
        (check.exercise_1, "0.29 or so", "one number"),
        (check.exercise_1, float("nan"), "missing"),
        (check.exercise_2, lambda k, n: interval(k, n)[::-1], "a low and a high rate"),
        (check.exercise_2, normal_interval, "below its top"),
        (check.exercise_2, lambda k, n: (k / n, k / n), "0.00 below"),
        (check.exercise_2, interval_without_zero, "starts there"),
        (check.exercise_2, lambda k, n: (interval(k, n)[0], min(interval(k, n)[1], 0.99)), "ends"),
        (check.exercise_2, lambda k, n: interval(k, n)[0], "two numbers"),
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
        (check.exercise_4, lambda theta, x, y, k: slope(theta, x, y, -k), "its sign"),
        (check.exercise_5, lambda p, kept, weight: p / 2, "nothing needs to change"),
        (check.exercise_5, lambda p, kept, weight: repair(p, 1 / kept, weight), "lowers p"),
        (check.exercise_5, lambda p, kept, weight: repair(p, kept**0.5, weight), "multiply"),
        (check.exercise_5, lambda p, kept, weight: repair(p, kept, 1), "divide by it"),
        (
            check.exercise_5,
            lambda p, kept, weight: repair(p, kept, weight if kept == 1 else 1),
            "both to the same odds",
        ),
        (check.exercise_6, lambda *data: drawn_errors(*data)[0], "each coefficient"),
        (check.exercise_6, lambda *data: drawn_fits(*data), "each coefficient"),
        (check.exercise_6, lambda *data: drawn_errors(*data) ** 2, "variances"),
        (check.exercise_6, errors_by_offer, "not offers"),
        (check.exercise_6, errors_without_repeats, "twice"),
        (check.exercise_6, lambda *data: drawn_errors(*data) / 14, "do not divide"),
        (check.exercise_6, lambda *data: 2 * drawn_errors(*data), "the spread of the fits"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
