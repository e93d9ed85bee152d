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


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, FOUR),
        (check.exercise_1, pd.Series(FOUR)),
        (check.exercise_1, {name: np.array([p]) for name, p in FOUR.items()}),
        (check.exercise_2, combine),
        (check.exercise_2, lambda logits, prior: np.sum(logits - logit(prior)) + logit(prior)),
        (check.exercise_2, lambda logits, prior: [combine(logits, prior)]),
        (check.exercise_3, slopes),
        (check.exercise_3, lambda *data: tuple(slopes(*data))),
        (check.exercise_3, lambda *data: pd.DataFrame(slopes(*data))),
        (check.exercise_4, together),
        (check.exercise_4, by_odds),
        (check.exercise_4, lambda p: list(together(p))),
        (check.exercise_5, rates),
        (check.exercise_5, lambda *data: list(rates(*data))),
        (check.exercise_5, rates_fold_by_fold),
    ],
)
def test_right_answers_pass_in_any_form(
    exercise: Callable[[Any], check.Verdict], answer: object
) -> None:
    assert exercise(answer), exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, {"mixture": 0.3}, "noisy_or is missing"),
        (check.exercise_1, [0.3, 0.55, 0.5, 0.05], "a dictionary"),
        (check.exercise_1, None, "a dictionary"),
        (check.exercise_1, {**FOUR, "mixture": None}, "its equation"),
        (check.exercise_1, {**FOUR, "mixture": "30%"}, "one number"),
        (check.exercise_1, {**FOUR, "mixture": [0.3, 0.3]}, "one number"),
        (check.exercise_1, {**FOUR, "mixture": 30}, "not percent"),
        (check.exercise_1, {**FOUR, "mixture": np.nan}, "its equation"),
        (check.exercise_1, {**FOUR, "mixture": 0.6}, "half"),
        (check.exercise_1, {**FOUR, "noisy_or": 0.45}, "neither"),
        (check.exercise_1, {**FOUR, "logit_sum": 0.1}, "base rate"),
        (check.exercise_1, {**FOUR, "logit_sum": 1 / 82}, "do not multiply"),
        (check.exercise_1, {**FOUR, "logit_sum": 1}, "those are the odds"),
        (check.exercise_1, {**FOUR, "logit_sum": 0}, "that is the logit"),
        (check.exercise_1, {**FOUR, "chain": 0.6}, "multiplies"),
        (check.exercise_1, {**FOUR, "chain": 0.7}, "its equation"),
        (check.exercise_2, lambda logits, prior: logits - logit(prior), "one logit"),
        (check.exercise_2, lambda logits, prior: np.log(logits).sum(), "not a number"),
        (check.exercise_2, lambda *data: expit(combine(*data)), "give its logit"),
        (check.exercise_2, lambda logits, prior: logits[0] + logits[1], "IndexError"),
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
        (check.exercise_3, lambda *data: slopes(*data).T, "turned"),
        (check.exercise_3, lambda *data: slopes(*data)[::-1], "exchanged"),
        (check.exercise_3, lambda y, *z: 1 if y == 1 else 0, "ValueError"),
        (check.exercise_3, lambda *data: [*slopes(*data).astype(str).tolist(), "?"], "numbers"),
        (check.exercise_3, lambda *data: -slopes(*data), "climb"),
        (check.exercise_3, lambda y, z1, z2: y - expit([z1, z2]), "two logistic"),
        (check.exercise_3, lambda *data: 2 * slopes(*data), "the chapter's gradient"),
        (check.exercise_3, naive_slopes, "neither infinite nor missing"),
        (check.exercise_3, clipped_slopes, "-0.5"),
        (
            check.exercise_3,
            lambda y, z1, z2: np.where(np.abs([z1, z2]) < 800, slopes(y, z1, z2), -0.5),
            "own probability",
        ),
        (check.exercise_4, lambda p: expit(logit(p).mean(axis=1)), "axis 0"),
        (check.exercise_4, lambda p: expit(logit(p).mean()), "one probability"),
        (check.exercise_4, lambda p: expit(np.log(p - 0.2).mean(axis=0)), "infinite or missing"),
        (check.exercise_4, lambda p: p.mean(axis=0), "mixture"),
        (check.exercise_4, lambda p: np.exp(np.log(p).mean(axis=0)), "mean of log p"),
        (check.exercise_4, lambda p: logit(p).mean(axis=0), "still log odds"),
        (check.exercise_4, lambda p: np.exp(logit(p).mean(axis=0)), "still odds"),
        (check.exercise_4, lambda p: expit(logit(p).sum(axis=0)), "number of models"),
        (check.exercise_4, lambda p: expit(logit(p).sum(axis=0) / 2), "divide by two"),
        (check.exercise_4, lambda p: expit(logit(p).sum(axis=0) / 3), "wrong for two"),
        (check.exercise_4, lambda p: together(p) / 2, "and back"),
        (check.exercise_5, lambda *data: rates(*data).mean(), "each row"),
        (check.exercise_5, rates_without_prior, "the prior"),
        (check.exercise_5, rates_of_one_fold, "every fold"),
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


@pytest.mark.parametrize("exercise", ALL)
@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda *data: None, "returns nothing"),
        (lambda *data: 1 / 0, "ZeroDivisionError"),
        (0.5, "the function itself"),
    ],
)
def test_a_function_that_gives_nothing_gets_a_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    assert hint in str(exercise(answer))
