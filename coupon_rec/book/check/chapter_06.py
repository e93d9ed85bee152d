"""Checkers of chapter 6, The coupling."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, Ints, called, mapping, number, numbers
from coupon_rec.odds import sigmoid

FOUR = {"mixture": 0.3, "noisy_or": 0.55, "logit_sum": 0.5, "chain": 0.05}
WRONG: dict[str, dict[str, Any]] = {
    "mixture": {"that is the sum; a mixture with equal weights is half of it.": 0.6},
    "noisy_or": {"that is the probability that neither works.": 0.45},
    "logit_sum": {
        "multiply the odds, 1 and 1/9, and then divide by the odds of the base rate.": 0.1,
        "divide by the odds of the base rate; do not multiply.": 1 / 82,
        "those are the odds; the probability is odds / (1 + odds).": 1.0,
        "that is the logit; the probability is its sigma.": 0.0,
    },
    "chain": {"a chain multiplies.": 0.6},
}


@checker
def exercise_1(answers: Mapping[str, float]) -> None:
    """Check four couplings of the probabilities 0.5 and 0.1, the base rate being 0.1."""
    given = mapping(answers, "give a dictionary with a probability for each of the four names")
    for name, right in FOUR.items():
        hint_if(name not in given, f"{name} is missing.")
        value = np.nan if given[name] is None else given[name]
        reply = number(value, f"{name}: give one number", finite=False)
        hints = {"give a fraction, not percent.": 100 * right, **WRONG[name]}
        hints["look at its equation again."] = OTHERWISE
        compare(reply, right, {f"{name}: {hint}": value for hint, value in hints.items()})


@checker
def exercise_2(combine: Callable[[Floats, float], float]) -> None:
    """Check Bayes' rule for any number of independent pieces of evidence, in logits."""
    prior = 0.02
    base = np.log(prior / (1 - prior))

    def one(*logits: float) -> float:
        reply = called(combine, np.array(logits), prior)
        return number(reply, "return one logit, of all experts together", finite=False)

    alone, pair, three = one(-1.5), one(-3.0, -2.0), one(-3.0, -2.0, -4.5)
    if np.isnan([alone, pair, three]).any():
        raise Hint("it is not a number: logits may be added, but have no logarithm.")
    hint_if(near(pair, 1 / (1 + np.exp(5 + base))), "that is the probability; give its logit.")
    hint_if(not near(alone, -1.5), "with one expert there is nothing to combine.")
    hint_if(not near(pair, -5 - base), "for two experts this is the chapter's equation.")
    hints = {
        "three experts have counted the prior three times, and it belongs in once.": -9.5 - base,
        "each expert after the first brings one prior too many.": OTHERWISE,
    }
    compare(three, -9.5 - 2 * base, hints)


@checker
def exercise_3(slopes: Callable[[Floats, Floats, Floats], ArrayLike]) -> None:
    """Check the slopes of the chain's log-likelihood, near and far from zero."""
    y = np.array([0.0, 1, 0, 1])
    z = np.array([[0.3, -1.2, 2.0, 0.5], [-0.4, 0.7, 1.1, -3.0]])
    s = sigmoid(z)
    p = s[0] * s[1]
    right = (y - p) / (1 - p) * (1 - s)

    def slopes_of(*case: Floats) -> Floats:
        wanted = "return numbers, two slopes for each offer, shape (2, n)"
        given = called(slopes, *case)
        if near(numbers(given, None, wanted, finite=False), right.T):
            raise Hint("these are right, but turned: one row a factor, shape (2, n).")
        return numbers(given, z.shape, wanted, finite=False)

    mild = slopes_of(y, *z)
    hints = {
        "that is the slope of the loss; we climb the log-likelihood.": -right,
        "the two rows are exchanged: the first is the slope along z1.": right[::-1],
        "that is two logistic regressions; the label belongs to the product.": y - s,
        "for moderate logits it should agree with the chapter's gradient.": OTHERWISE,
    }
    compare(mild, right, hints)
    far = np.array([40.0, 800.0, -40.0, -800.0])
    zeros, ones = (slopes_of(0 * far + label, far, far) for label in (0, 1))
    if not np.isfinite(zeros).all() or not np.isfinite(ones).all():
        raise Hint("for logits of 800 the slopes are numbers, neither infinite nor missing.")
    if not np.allclose(zeros[:, :2], -0.5, atol=1e-6):
        raise Hint("if y = 0 and both logits are 40, each slope is -0.5: no 1 - p there.")
    if not np.allclose(ones, [[0, 0, 1, 1]] * 2, atol=1e-6):
        raise Hint("if y = 1, each slope is 1 minus the factor's own probability.")


@checker
def exercise_4(together: Callable[[Floats], ArrayLike]) -> None:
    """Check the mean in log odds of any number of models."""
    p = np.array([[0.5, 0.2, 0.01, 0.4], [0.1, 0.2, 0.03, 0.6], [0.3, 0.7, 0.02, 0.9]])
    logits = np.log(p / (1 - p))

    given, wanted = called(together, p), "return one probability for each offer, which is a column"
    if near(numbers(given, None, wanted, finite=False), sigmoid(logits.mean(axis=1))):
        raise Hint("take the mean over the models, which are the rows: axis 0.")
    reply = numbers(given, (4,), wanted, finite=False)
    if not np.isfinite(reply).all():
        raise Hint("some are infinite or missing; the log odds are log(p / (1 - p)).")
    hints = {
        "that is a mixture; take the mean of the log odds.": p.mean(axis=0),
        "that is the mean of log p; take log odds.": np.exp(np.log(p).mean(axis=0)),
        "these are still log odds: go back to probabilities.": logits.mean(axis=0),
        "these are still odds: go back to probabilities.": np.exp(logits.mean(axis=0)),
        "that adds the log odds; divide by the number of models.": sigmoid(logits.sum(axis=0)),
        "here are three models, and you divide by two.": sigmoid(logits.sum(axis=0) / 2),
        "into log odds, the mean over the models, and back.": OTHERWISE,
    }
    compare(reply, sigmoid(logits.mean(axis=0)), hints)
    of_two = numbers(called(together, p[:2]), (4,), wanted, finite=False)
    if not near(of_two, sigmoid(logits[:2].mean(axis=0))):
        raise Hint("it is right for three models and wrong for two: count the rows.")


@checker
def exercise_5(rates: Callable[[Ints, Floats, Ints, float], ArrayLike]) -> None:
    """Check the rate of each coupon, as the other folds know it."""
    coupon = np.array([7, 7, 7, 7, 9, 9, 5])
    y = np.array([1.0, 0, 0, 1, 1, 0, 1])
    fold = np.array([0, 0, 1, 2, 0, 1, 2])
    right = np.array([0.5, 0.5, 2 / 3, 1 / 3, 0, 1, 0.01])
    given = called(rates, coupon, y, fold, 0.01)
    answer = numbers(given, y.shape, "return one rate for each row", finite=False)
    hint_if(not np.isfinite(answer[-1]), "a coupon that no other fold knows gets the prior.")
    hint_if(not np.isfinite(answer).all(), "some rates are missing: fill every fold.")
    if near(answer, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1]):
        raise Hint("each row has seen its own label: leave its fold out.")
    hint_if(near(answer[:2], [1 / 3, 2 / 3]), "leave out the whole fold, not only the row.")
    if not np.allclose(answer, right):
        raise Hint("for each fold: the mean label by coupon, over all the other folds.")
