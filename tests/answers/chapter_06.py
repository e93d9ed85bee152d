"""Answers to the exercises of chapter 6, The coupling."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from coupon_rec.book.check import chapter_06 as check

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
FOUR = {"mixture": 0.3, "noisy_or": 0.55, "logit_sum": 0.5, "chain": 0.05}
ALL = [check.exercise_2, check.exercise_3, check.exercise_4, check.exercise_5]


def combine(logits: Floats, prior: float) -> float:
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


def together(p: Floats) -> Floats:
    """Solve exercise 4."""
    return expit(logit(p).mean(axis=0))


def by_odds(p: Floats) -> Floats:
    """Solve exercise 4 with odds and a geometric mean."""
    odds = np.prod(p / (1 - p), axis=0) ** (1 / len(p))
    return odds / (1 + odds)


def rates(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Solve exercise 5."""
    found = np.full(len(y), prior)
    for k in np.unique(fold):
        others = fold != k
        mean = pd.Series(y[others]).groupby(coupon[others]).mean()
        found[~others] = pd.Series(coupon[~others]).map(mean).fillna(prior)
    return found


def rates_fold_by_fold(coupon: Ints, y: Floats, fold: Ints, prior: float) -> pd.Series:
    """Solve exercise 5 with a Series whose rows are in the order of the folds."""
    found = pd.Series(rates(coupon, y, fold, prior))
    return pd.concat([found[fold == k] for k in np.unique(fold)])


def rates_without_prior(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Leave unknown coupons missing."""
    return rates(coupon, y, fold, np.nan)


def rates_of_one_fold(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Forget the first fold."""
    return np.where(fold == 0, np.nan, rates(coupon, y, fold, prior))


def fitted_rates(coupon: Ints, y: Floats, fold: Ints, prior: float) -> pd.Series:
    """Let each row see its own label."""
    return pd.Series(y).groupby(coupon).transform("mean")


def rates_without_the_row(coupon: Ints, y: Floats, fold: Ints, prior: float) -> Floats:
    """Leave out one row instead of its fold."""
    return rates(coupon, y, np.arange(len(y)), prior)


RIGHT: list[tuple[int, Any]] = [
    (1, FOUR),
    (2, combine),
    (2, lambda logits, prior: np.sum(logits - logit(prior)) + logit(prior)),
    (3, slopes),
    (4, together),
    (4, by_odds),
    (5, rates),
    (5, rates_fold_by_fold),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "noisy_or is missing", {"mixture": 0.3}),
    (1, "its equation", {**FOUR, "mixture": None}),
    (1, "not percent", {**FOUR, "mixture": 30}),
    (1, "at its equation", {**FOUR, "mixture": np.nan}),
    (1, "half", {**FOUR, "mixture": 0.6}),
    (1, "neither", {**FOUR, "noisy_or": 0.45}),
    (1, "base rate", {**FOUR, "logit_sum": 0.1}),
    (1, "do not multiply", {**FOUR, "logit_sum": 1 / 82}),
    (1, "those are the odds", {**FOUR, "logit_sum": 1}),
    (1, "that is the logit", {**FOUR, "logit_sum": 0}),
    (1, "multiplies", {**FOUR, "chain": 0.6}),
    (1, "look at its equation", {**FOUR, "chain": 0.7}),
    (2, "give its logit", lambda *data: expit(combine(*data))),
    (2, "two experts", lambda logits, prior: sum(logits)),
    (2, "three times", lambda logits, prior: sum(logits) - (len(logits) > 1) * logit(prior)),
    (2, "one prior too", lambda logits, prior: sum(logits) - (len(logits) - 1) ** 2 * logit(prior)),
    (3, "turned", lambda *data: slopes(*data).T),
    (3, "exchanged", lambda *data: slopes(*data)[::-1]),
    (3, "climb", lambda *data: -slopes(*data)),
    (3, "two logistic", lambda y, z1, z2: y - expit([z1, z2])),
    (3, "the chapter's gradient", lambda *data: 2 * slopes(*data)),
    (3, "neither infinite nor missing", naive_slopes),
    (3, "-0.5", clipped_slopes),
    (3, "own", lambda y, z1, z2: np.where(np.abs([z1, z2]) < 800, slopes(y, z1, z2), -0.5)),
    (4, "axis 0", lambda p: expit(logit(p).mean(axis=1))),
    (4, "infinite or missing", lambda p: expit(np.log(p - 0.2).mean(axis=0))),
    (4, "mixture", lambda p: p.mean(axis=0)),
    (4, "mean of log p", lambda p: np.exp(np.log(p).mean(axis=0))),
    (4, "still log odds", lambda p: logit(p).mean(axis=0)),
    (4, "still odds", lambda p: np.exp(logit(p).mean(axis=0))),
    (4, "number of models", lambda p: expit(logit(p).sum(axis=0))),
    (4, "divide by two", lambda p: expit(logit(p).sum(axis=0) / 2)),
    (4, "wrong for two", lambda p: expit(logit(p).sum(axis=0) / 3)),
    (4, "and back", lambda p: together(p) / 2),
    (5, "the prior", rates_without_prior),
    (5, "every fold", rates_of_one_fold),
    (5, "its own label", fitted_rates),
    (5, "the whole fold", rates_without_the_row),
]
