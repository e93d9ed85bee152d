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


RIGHT: dict[int, list[Any]] = {
    1: [FOUR, pd.Series(FOUR), {name: np.array([p]) for name, p in FOUR.items()}],
    2: [
        combine,
        lambda logits, prior: np.sum(logits - logit(prior)) + logit(prior),
    ],
    3: [slopes],
    4: [together, by_odds],
    5: [rates, rates_fold_by_fold],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "noisy_or is missing": {"mixture": 0.3},
        "its equation": {**FOUR, "mixture": None},
        "not percent": {**FOUR, "mixture": 30},
        "at its equation": {**FOUR, "mixture": np.nan},
        "half": {**FOUR, "mixture": 0.6},
        "neither": {**FOUR, "noisy_or": 0.45},
        "base rate": {**FOUR, "logit_sum": 0.1},
        "do not multiply": {**FOUR, "logit_sum": 1 / 82},
        "those are the odds": {**FOUR, "logit_sum": 1},
        "that is the logit": {**FOUR, "logit_sum": 0},
        "multiplies": {**FOUR, "chain": 0.6},
        "look at its equation": {**FOUR, "chain": 0.7},
    },
    2: {
        "not a number": lambda logits, prior: np.log(logits).sum(),
        "give its logit": lambda *data: expit(combine(*data)),
        "one expert": lambda logits, prior: sum(logits) - logit(prior),
        "two experts": lambda logits, prior: sum(logits),
        "three times": lambda logits, prior: sum(logits) - (len(logits) > 1) * logit(prior),
        "one prior too": lambda logits, prior: sum(logits) - (len(logits) - 1) ** 2 * logit(prior),
    },
    3: {
        "turned": lambda *data: slopes(*data).T,
        "exchanged": lambda *data: slopes(*data)[::-1],
        "climb": lambda *data: -slopes(*data),
        "two logistic": lambda y, z1, z2: y - expit([z1, z2]),
        "the chapter's gradient": lambda *data: 2 * slopes(*data),
        "neither infinite nor missing": naive_slopes,
        "-0.5": clipped_slopes,
        "own": lambda y, z1, z2: np.where(np.abs([z1, z2]) < 800, slopes(y, z1, z2), -0.5),
    },
    4: {
        "axis 0": lambda p: expit(logit(p).mean(axis=1)),
        "infinite or missing": lambda p: expit(np.log(p - 0.2).mean(axis=0)),
        "mixture": lambda p: p.mean(axis=0),
        "mean of log p": lambda p: np.exp(np.log(p).mean(axis=0)),
        "still log odds": lambda p: logit(p).mean(axis=0),
        "still odds": lambda p: np.exp(logit(p).mean(axis=0)),
        "number of models": lambda p: expit(logit(p).sum(axis=0)),
        "divide by two": lambda p: expit(logit(p).sum(axis=0) / 2),
        "wrong for two": lambda p: expit(logit(p).sum(axis=0) / 3),
        "and back": lambda p: together(p) / 2,
    },
    5: {
        "the prior": rates_without_prior,
        "every fold": rates_of_one_fold,
        "its own label": fitted_rates,
        "the whole fold": rates_without_the_row,
        "over all the other": lambda *data: 0 * rates(*data),
    },
}
