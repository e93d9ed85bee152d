"""The checkers of chapter 6 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from coupon_rec.book.check import chapter_06 as check

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

FOUR = {"mixture": 0.3, "noisy_or": 0.55, "logit_sum": 0.5, "chain": 0.05}


def combine(logits: list[float], prior: float) -> float:
    """Solve exercise 2."""
    return float(sum(logits) - (len(logits) - 1) * logit(prior))


def slopes(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Solve exercise 3."""
    log_odds = -np.logaddexp(np.logaddexp(-z1, -z2), -z1 - z2)
    return np.array(
        [np.where(y == 1, expit(-z), -np.exp(log_odds - np.logaddexp(0, z))) for z in (z1, z2)]
    )


def naive_slopes(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Form the probability first."""
    s = expit([z1, z2])
    p = s[0] * s[1]
    return (y - p) / (1 - p) * (1 - s)


def clipped_slopes(y: Floats, z1: Floats, z2: Floats) -> Floats:
    """Hide what is missing."""
    return np.nan_to_num(naive_slopes(y, z1, z2))


def covered(p: Floats, r: Floats) -> float:
    """Solve exercise 4."""
    return float(-np.expm1(np.log1p(-p * r).sum()))


def rates(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Solve exercise 5."""
    found = np.full(len(y), prior)
    for k in np.unique(fold):
        others = fold != k
        mean = pd.Series(y[others]).groupby(coupon[others]).mean()
        found[~others] = pd.Series(coupon[~others]).map(mean).fillna(prior)
    return found


def rates_without_prior(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Leave unknown coupons missing."""
    return rates(coupon, y, fold, np.nan)


def fitted_rates(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Let each row see its own label."""
    return pd.Series(y).groupby(coupon).transform("mean").to_numpy()


def rates_without_the_row(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Leave out one row instead of its fold."""
    return rates(coupon, y, np.arange(len(y)), prior)


def test_right_answers_pass() -> None:
    assert check.exercise_1(FOUR)
    assert check.exercise_2(combine)
    assert check.exercise_3(slopes)
    assert check.exercise_4(covered)
    assert check.exercise_5(rates)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, {"mixture": 0.3}, "noisy_or is missing"),
        (check.exercise_1, {**FOUR, "mixture": 0.6}, "half"),
        (check.exercise_1, {**FOUR, "noisy_or": 0.45}, "neither"),
        (check.exercise_1, {**FOUR, "logit_sum": 0.1}, "base rate"),
        (check.exercise_1, {**FOUR, "logit_sum": 1 / 82}, "do not multiply"),
        (check.exercise_1, {**FOUR, "chain": 0.6}, "multiplies"),
        (check.exercise_1, {**FOUR, "chain": 0.7}, "its equation"),
        (check.exercise_2, lambda logits, prior: sum(logits) - logit(prior), "one expert"),
        (check.exercise_2, lambda logits, prior: sum(logits), "two experts"),
        (
            check.exercise_2,
            lambda logits, prior: sum(logits) - (len(logits) > 1) * logit(prior),
            "three times",
        ),
        (
            check.exercise_2,
            lambda logits, prior: sum(logits) - (len(logits) - 1) ** 2 * logit(prior),
            "one prior too many",
        ),
        (check.exercise_3, lambda *data: slopes(*data)[0], "two slopes"),
        (check.exercise_3, lambda *data: -slopes(*data), "climb"),
        (check.exercise_3, lambda y, z1, z2: y - expit([z1, z2]), "two logistic"),
        (check.exercise_3, lambda *data: 2 * slopes(*data), "finite differences"),
        (check.exercise_3, naive_slopes, "neither infinite nor missing"),
        (check.exercise_3, clipped_slopes, "-0.5"),
        (
            check.exercise_3,
            lambda y, z1, z2: np.where(np.abs([z1, z2]) < 800, slopes(y, z1, z2), -0.5),
            "own probability",
        ),
        (check.exercise_4, lambda p, r: (p * r).sum(), "twice"),
        (
            check.exercise_4,
            lambda p, r: (1 - (1 - p).prod()) * (1 - (1 - r).prod()),
            "item by item",
        ),
        (check.exercise_4, lambda p, r: (1 - p * r).prod(), "no item"),
        (check.exercise_4, lambda p, r: 1 - (1 - p * r).prod(), "1e-18"),
        (check.exercise_4, lambda p, r: min(covered(p, r), 0.5), "certain"),
        (check.exercise_5, lambda *data: rates(*data).mean(), "each row"),
        (check.exercise_5, rates_without_prior, "the prior"),
        (check.exercise_5, fitted_rates, "its own label"),
        (check.exercise_5, rates_without_the_row, "the whole fold"),
        (check.exercise_5, lambda *data: 0 * rates(*data), "over all the other"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
