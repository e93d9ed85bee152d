"""Checkers of chapter 7, A market whose truth is known."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Bools, Floats, Ints, called, mapping, number, numbers

KINDS = ("always", "persuadable", "dogs", "never")


@checker
def exercise_1(kinds: Callable[[float, float], Mapping[str, float]]) -> None:
    """Check the shares of the four kinds, if a coupon only adds purchases or only takes some."""
    pleased, annoyed = _shares(kinds, 0.2, 0.5), _shares(kinds, 0.3, 0.1)
    if not near(sum(pleased.values()), 1):
        raise Hint("each person is of one kind, so the four shares add up to 1.")
    if near(pleased["always"], 0.1):
        raise Hint("the two lives share a person: do not multiply their probabilities.")
    if not near([pleased[name] for name in KINDS], [0.2, 0.3, 0, 0.5]):
        raise Hint("from 0.2 to 0.5: who buys without the coupon also buys with it.")
    if min(annoyed.values()) < -1e-9:
        raise Hint("no share is negative: from 0.3 to 0.1 the coupon persuades nobody.")
    if not near([annoyed[name] for name in KINDS], [0.1, 0, 0.2, 0.7]):
        raise Hint("from 0.3 to 0.1: who buys with the coupon also buys without it.")


def _shares(kinds: Callable[..., Any], without: float, with_coupon: float) -> dict[str, float]:
    wanted = "return a dictionary with the four names and their numbers"
    reply = mapping(called(kinds, without, with_coupon), wanted)
    for name in KINDS:
        hint_if(name not in reply, f"the share of {name!r} is missing.")
    values = {name: np.nan if reply[name] is None else reply[name] for name in KINDS}
    wanted = "return one number for each kind"
    shares = {name: number(values[name], wanted, finite=False) for name in KINDS}
    if missing := [name for name in KINDS if not np.isfinite(shares[name])]:
        raise Hint(f"the share of {missing[0]!r} is not a number.")
    return shares


@checker
def exercise_2(surplus: Callable[[Floats, Floats], ArrayLike]) -> None:
    """Check the excess log loss of each offer, at the ends as well."""
    t, p = np.array([0.1, 0.5, 0.02]), np.array([0.2, 0.4, 0.02])
    right = t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))
    wanted = "return one number for each offer"
    sure, guess = np.array([0.0, 1.0]), np.array([0.5, 0.25])
    answer = numbers(called(surplus, t, p), t.shape, wanted)
    ends = numbers(called(surplus, sure, guess), sure.shape, wanted, finite=False)
    log_loss = -t * np.log(p) - (1 - t) * np.log(1 - p)
    by_forecast = p * np.log(p / t) + (1 - p) * np.log((1 - p) / (1 - t))
    hints = {
        "the sign: no forecast is better than the truth, so none is negative.": -right,
        "that is the expected log loss; take the floor off.": log_loss,
        "the coins fall as t says, so t does the weighing, not p.": by_forecast,
        "an offer that is not redeemed counts as well.": t * np.log(t / p),
        "log loss is in natural logarithms: numpy.log.": (right / np.log(2), right / np.log(10)),
        "each offer's own term, before it is divided by their number.": right / t.size,
        "compare it with the second sum of the chapter's equation.": OTHERWISE,
    }
    compare(answer, right, hints)
    if not near(ends, [np.log(2), np.log(4)]):
        raise Hint("where t is 0 or 1, a zero times a logarithm of zero counts nothing.")


@checker
def exercise_3(needed: Callable[[Floats, Floats, Floats], float]) -> None:
    """Check how many offers must be labeled before two models can be told apart."""
    t, p, q = np.array([0.02, 0.1, 0.3]), np.array([0.5, 0.6, 0.1]), np.array([0.01, 0.2, 0.3])
    lost, kept = np.log((1 - p) / (1 - q)), np.log(p / q)
    expected = t * kept + (1 - t) * lost
    mean = expected.mean()
    square = (t * kept**2 + (1 - t) * lost**2).mean()
    right = 1.96**2 * (square - mean**2) / mean**2

    def count(*models: Floats) -> float:
        return number(called(needed, t, *models), "return one number, of offers")

    answer, swapped = count(p, q), count(q, p)
    if near(answer, 1.96**2 * square / mean**2):
        raise Hint("a variance is the mean square less the squared mean.")
    if near(answer, np.sqrt(right)) or near(answer, right / 1.96):
        raise Hint("the half-width is 1.96 s / sqrt(n); set it to the mean and solve for n.")
    if any(near(answer, 1.96**2 * expected.var(ddof=k) / mean**2) for k in (0, 1)):
        raise Hint("the labels themselves vary too: square each outcome, then weigh by t.")
    if not (near(answer, right) or answer == np.ceil(right)):
        raise Hint("take the mean and the variance of the difference over offers and labels.")
    if not (near(swapped, right) or swapped == np.ceil(right)):
        raise Hint("which of the two comes first cannot matter.")


@checker
def exercise_4(effect: Callable[[Bools, Bools, Floats], float]) -> None:
    """Check the effect of a coupon, weighted by the logging policy."""
    rng = np.random.default_rng(0)
    propensity = rng.choice(np.array([0.1, 0.4]), 4000)
    offered = rng.random(4000) < propensity
    bought = rng.random(4000) < np.where(propensity > 0.2, 0.3, 0.05) + 0.1 * offered
    mailed, others = bought * offered / propensity, bought * ~offered / (1 - propensity)
    with_it, without = mailed.mean(), others.mean()
    answer = number(called(effect, bought, offered, propensity), "return one number")
    ratio = mailed.sum() / (offered / propensity).sum()
    ratio -= others.sum() / (~offered / (1 - propensity)).sum()
    if near(answer, ratio):
        return
    plain = bought[offered].mean() - bought[~offered].mean()
    one_weight = with_it - (bought * ~offered / propensity).mean()
    in_groups = mailed[offered].mean() - others[~offered].mean()
    hints = {
        "those who were mailed buy more anyway: weigh each of them by 1 / propensity.": plain,
        "who was not mailed had the probability 1 - propensity of that.": one_weight,
        "that is the purchase rate if all were mailed; take off that if none were.": with_it,
        "with the coupon less without it.": without - with_it,
        "those are purchases; a share is divided by the number of people.": (mailed - others).sum(),
        "the weights make each group stand for everyone: divide by all of them.": in_groups,
        "each purchase of the mailed counts 1 / propensity, over all users.": OTHERWISE,
    }
    compare(answer, with_it - without, hints)


@checker
def exercise_5(regret: Callable[[Floats, Floats, Ints], float]) -> None:
    """Check what choosing by a score loses against the best choice, which may be none."""
    value = np.array([0.5, 0.2, -0.1, -0.3, 0.4, 0.1])
    score = np.array([0.1, 0.9, 0.2, 0.8, 0.7, 0.3])
    lists = np.array([7, 7, 2, 2, 5, 5])
    answer = number(called(regret, value, score, lists), "return one number")
    hints = {
        "each list gets its own choice: go through them one by one.": 0.5 - 0.2,
        'in the second list every coupon loses money, and "none" earns 0.': 0.3 + 0.2,
        "the regret is what the best earns more, so it is never negative.": -0.6,
        "add the lists up; that is their mean.": 0.2,
        "for each list: the best value, or 0, less the value of the top score.": OTHERWISE,
    }
    compare(answer, 0.3 + 0.3, hints)
