"""Checkers of chapter 6, The coupling."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

FOUR = {"mixture": 0.3, "noisy_or": 0.55, "logit_sum": 0.5, "chain": 0.05}
WRONG = {
    "mixture": {0.6: "that is the sum; a mixture with equal weights is half of it."},
    "noisy_or": {0.45: "that is the probability that neither works."},
    "logit_sum": {
        0.1: "multiply the odds, 1 and 1/9, and then divide by the odds of the base rate.",
        1 / 82: "divide by the odds of the base rate; do not multiply.",
    },
    "chain": {0.6: "a chain multiplies."},
}


def _near(answer: ArrayLike, right: ArrayLike) -> bool:
    return bool(np.allclose(answer, right, rtol=0.005, atol=0))


def exercise_1(answers: Mapping[str, float]) -> Verdict:
    """Check four couplings of the probabilities 0.5 and 0.1, the base rate being 0.1."""
    for name, right in FOUR.items():
        if name not in answers:
            return Verdict(f"{name} is missing.")
        if not _near(answers[name], right):
            known = [hint for wrong, hint in WRONG[name].items() if _near(answers[name], wrong)]
            return Verdict(f"{name}: {known[0] if known else 'look at its equation again.'}")
    return RIGHT


def exercise_2(combine: Callable[[Sequence[float], float], float]) -> Verdict:
    """Check Bayes' rule for any number of independent pieces of evidence, in logits."""
    prior = 0.02
    base = np.log(prior / (1 - prior))
    if not _near(combine([-1.5], prior), -1.5):
        return Verdict("with one expert there is nothing to combine.")
    if not _near(combine([-3.0, -2.0], prior), -5 - base):
        return Verdict("for two experts this is the chapter's equation.")
    three = [-3.0, -2.0, -4.5]
    if _near(combine(three, prior), sum(three) - base):
        return Verdict("three experts have counted the prior three times, and it belongs in once.")
    if not _near(combine(three, prior), sum(three) - 2 * base):
        return Verdict("each expert after the first brings one prior too many.")
    return RIGHT


def exercise_3(slopes: Callable[[Floats, Floats, Floats], ArrayLike]) -> Verdict:
    """Check the slopes of the chain's log-likelihood, near and far from zero."""
    y = np.array([0.0, 1, 0, 1])
    z = np.array([[0.3, -1.2, 2.0, 0.5], [-0.4, 0.7, 1.1, -3.0]])
    s = 1 / (1 + np.exp(-z))
    p = s[0] * s[1]
    with np.errstate(all="ignore"):
        mild = np.asarray(slopes(y, *z))
        far = np.array([40.0, 800.0, -40.0, -800.0])
        zeros, ones = (np.asarray(slopes(0 * far + label, far, far)) for label in (0, 1))
    if mild.shape != z.shape:
        return Verdict("return two slopes for each offer, shape (2, n).")
    if _near(mild, -(y - p) / (1 - p) * (1 - s)):
        return Verdict("that is the slope of the loss; we climb the log-likelihood.")
    if _near(mild, y - s):
        return Verdict("that is two logistic regressions; the label belongs to the product.")
    if not _near(mild, (y - p) / (1 - p) * (1 - s)):
        return Verdict("compare with finite differences of the log-likelihood.")
    if not np.isfinite(zeros).all() or not np.isfinite(ones).all():
        return Verdict("for logits of 800 the slopes are numbers, neither infinite nor missing.")
    if not np.allclose(zeros[:, :2], -0.5, atol=1e-6):
        return Verdict("if y = 0 and both logits are 40, each slope is -0.5: no 1 - p there.")
    if not np.allclose(ones, [[0, 0, 1, 1]] * 2, atol=1e-6):
        return Verdict("if y = 1, each slope is 1 minus the factor's own probability.")
    return RIGHT


def exercise_4(covered: Callable[[Floats, Floats], float]) -> Verdict:
    """Check the probability that a coupon is used for at least one of its independent items."""
    p, r = np.array([0.3, 0.1, 0.6]), np.array([0.5, 0.2, 0.1])
    right = 1 - 0.85 * 0.98 * 0.94
    if _near(covered(p, r), (p * r).sum()):
        return Verdict("a sum counts a coupon twice that is used for two items.")
    if _near(covered(p, r), (1 - (1 - p).prod()) * (1 - (1 - r).prod())):
        return Verdict("an item has to be bought and redeemed itself: multiply item by item.")
    if not _near(covered(p, r), right):
        return Verdict("it is 1 minus the probability that no item is bought and redeemed.")
    many = np.full(14_476, 1e-9)
    if not _near(covered(many, many), 1.4476e-14):
        return Verdict(
            "14,476 items with p = r = 1e-9 give 1.4e-14: 1 minus 1e-18 is 1 to a float."
        )
    with np.errstate(divide="ignore"):
        if not _near(covered(np.ones(2), np.ones(2)), 1):
            return Verdict("what is certain has probability 1.")
    return RIGHT


def exercise_5(rates: Callable[[Ints, Floats, Ints, float], ArrayLike]) -> Verdict:
    """Check the rate of each coupon, as the other folds know it."""
    coupon = np.array([7, 7, 7, 7, 9, 9, 5])
    y = np.array([1.0, 0, 0, 1, 1, 0, 1])
    fold = np.array([0, 0, 1, 2, 0, 1, 2])
    right = np.array([0.5, 0.5, 2 / 3, 1 / 3, 0, 1, 0.01])
    with np.errstate(all="ignore"):
        answer = np.asarray(rates(coupon, y, fold, 0.01), dtype=float)
    if answer.shape != y.shape:
        return Verdict("return one rate for each row.")
    if not np.isfinite(answer[-1]):
        return Verdict("a coupon that no other fold knows gets the prior.")
    if _near(answer, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1]):
        return Verdict("each row has seen its own label: leave its fold out.")
    if _near(answer[:2], [1 / 3, 2 / 3]):
        return Verdict("leave out the whole fold, not only the row.")
    if not np.allclose(answer, right):
        return Verdict("for each fold: the mean label by coupon, over all the other folds.")
    return RIGHT
