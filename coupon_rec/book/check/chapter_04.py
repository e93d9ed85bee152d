"""Checkers of chapter 4, The likelihood."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Floats = NDArray[np.float64]

TINY = np.finfo(np.float64).tiny
LOGITS, LABELS = np.array([0.0, -2.0, 3.0]), np.array([0.0, 0.0, 1.0])


def _logistic(z: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-z)))


def _surprise(y: Floats, z: Floats) -> Floats:
    return np.asarray(np.logaddexp(0, z) - y * z)


def _near(answer: ArrayLike, right: ArrayLike) -> bool:
    return bool(np.allclose(answer, right, rtol=0.005))


def exercise_1(loss: float) -> Verdict:
    """Check the log loss of three offers."""
    surprises = _surprise(LABELS, LOGITS)
    if _near(loss, surprises.mean()):
        return RIGHT
    if _near(loss, surprises.sum()):
        return Verdict("that is the sum; the log loss is a mean.")
    if _near(loss, -surprises.mean()):
        return Verdict("a log loss is never negative: watch the sign.")
    if any(_near(loss, surprises.mean() / np.log(base)) for base in (2, 10)):
        return Verdict("use the natural logarithm.")
    if _near(loss, _surprise(1 - LABELS, LOGITS).mean()):
        return Verdict("only the third offer was redeemed; the others have y = 0.")
    return Verdict("each offer adds minus the logarithm of the probability of what happened to it.")


def exercise_2(interval: Callable[[int, int], tuple[float, float]]) -> Verdict:
    """Check a function that gives the rates whose log-likelihood is at most 1.92 below its top."""
    for redeemed, offered in ((56, 26458), (3, 10), (0, 3229), (10, 10)):
        low, high = interval(redeemed, offered)
        best = redeemed / offered
        what = f"{redeemed} of {offered:,} redeemed"
        if redeemed == 0 and low > 1e-6:
            return Verdict(f"{what}: a rate of 0 explains this best, so the interval starts there.")
        if not -1e-6 < low <= best + 1e-6 or not best - 1e-6 <= high <= 1:
            return Verdict(f"{what}: the interval is a low and a high rate, around {best:.4f}.")
        for rate, limit in ((low, 0.0), (high, 1.0)):
            top = _log_likelihood(best, redeemed, offered)
            drop = top - _log_likelihood(rate, redeemed, offered)
            if best != limit and not 1.90 < drop < 1.94:
                return Verdict(
                    f"{what}: at {rate:.5f} the log-likelihood is {drop:.2f} below its top."
                )
    return RIGHT


def _log_likelihood(rate: float, redeemed: int, offered: int) -> float:
    rate, other = max(rate, TINY), max(1 - rate, TINY)
    return float(redeemed * np.log(rate) + (offered - redeemed) * np.log(other))


def exercise_3(chain_loss: Callable[[Floats, Floats, Floats], ArrayLike]) -> Verdict:
    """Check a stable surprise of the product of two probabilities, given by their logits."""
    y = np.array([0.0, 1, 0, 1])
    z1, z2 = np.array([0.3, -1.2, 2.0, 0.5]), np.array([-0.4, 0.7, 1.1, -3.0])
    p = _logistic(z1) * _logistic(z2)
    with np.errstate(all="ignore"):
        mild = np.asarray(chain_loss(y, z1, z2))
        far = np.array([800.0, 40.0, -40.0, -800.0])
        zeros, ones = np.asarray(chain_loss(0 * far, far, far)), chain_loss(0 * far + 1, far, far)
    if mild.shape != y.shape:
        return Verdict("return one number for each offer; the mean is taken later.")
    if not _near(mild, -np.log(np.where(y == 1, p, 1 - p))):
        return Verdict("the probability of a redemption is the product of the two logistics.")
    if not np.isfinite(zeros).all() or not np.isfinite(ones).all():
        return Verdict("for logits of 800 the answer is a number, neither infinite nor missing.")
    if not _near(zeros[:2], far[:2] - np.log(2)):
        return Verdict("if y = 0 and both logits are 40, the surprise is 39.31: no 1 - p there.")
    if not _near(ones, [0, 2 * np.exp(-40), 80, 1600]):
        return Verdict("if y = 1, add up the two surprises.")
    return RIGHT


def exercise_4(slope: Callable[[Floats, Floats, Floats, float], ArrayLike]) -> Verdict:
    """Check the gradient of a penalized log-likelihood, the intercept being free."""
    x = np.column_stack([np.ones(6), [0.2, -1.0, 0.7, 1.5, -0.3, 2.0]])
    y, theta, penalty = np.array([0.0, 0, 1, 1, 0, 1]), np.array([-0.5, 0.8]), 2.0
    plain = x.T @ (y - _logistic(x @ theta))
    right = plain - penalty * np.array([0, theta[1]])
    answer = np.asarray(slope(theta, x, y, penalty))
    if answer.shape != theta.shape:
        return Verdict("a gradient has one number for each parameter.")
    if _near(answer, right):
        return RIGHT
    if _near(answer, -right):
        return Verdict("that is the slope of the loss; we climb the log-likelihood.")
    if _near(answer, right / len(y)):
        return Verdict("the log-likelihood is a sum over the offers, not a mean.")
    if _near(answer, plain):
        return Verdict("the penalty has a slope too.")
    if _near(answer, plain - penalty * theta):
        return Verdict("leave the intercept free: a penalty on it would move the mean prediction.")
    return Verdict("differentiate minus half the penalty times the squared weight.")


def exercise_5(repair: Callable[[Floats, float, float], ArrayLike]) -> Verdict:
    """Check a correction for kept negatives and a weight of the positives, both at once."""
    p = np.array([0.0, 0.001, 0.2, 0.7, 1.0])
    one, kept, weighted, both = (
        np.asarray(repair(p, *changes))
        for changes in ((1.0, 1.0), (0.01, 1.0), (1.0, 50.0), (0.2, 50.0))
    )
    if not _near(one, p):
        return Verdict("with every negative kept and a weight of 1, nothing needs to change.")
    if (kept > p).any() or (weighted > p).any():
        return Verdict("both tricks make redemptions look frequent: the repair lowers p.")
    if not _near(kept, p / (p + (1 - p) / 0.01)):
        return Verdict("a kept share w divides the odds by w in the sample: multiply them by w.")
    if not _near(weighted, p / (p + (1 - p) * 50)):
        return Verdict("a weight k multiplies the odds by k: divide by it.")
    if not _near(both, p / (p + (1 - p) * 250)):
        return Verdict("each alone is right; do both to the same odds.")
    return RIGHT


def exercise_6(
    robust: Callable[[Floats, Floats, Floats, NDArray[np.integer[Any]]], ArrayLike],
) -> Verdict:
    """Check standard errors that allow for users whose offers resemble each other."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(40), 5)
    x = np.column_stack([np.ones(200), rng.normal(size=40)[users]])
    theta = np.array([-0.3, 0.5])
    y = (rng.random(200) < _logistic(x @ theta + rng.normal(size=40)[users])).astype(float)
    p = _logistic(x @ theta)
    inverse = np.linalg.inv((x.T * (p * (1 - p))) @ x)
    scores = x * (y - p)[:, None]
    by_user = np.array([scores[users == user].sum(0) for user in range(40)])
    right, one_by_one = (inverse @ (part.T @ part) @ inverse for part in (by_user, scores))
    mixed = np.random.default_rng(1).permutation(200)
    answer = np.asarray(robust(x[mixed], y[mixed], theta, users[mixed]))
    if answer.shape != theta.shape:
        return Verdict("return one standard error for each parameter.")
    if _near(answer, np.sqrt(np.diag(right))):
        return RIGHT
    if _near(answer, np.diag(right)):
        return Verdict("those are variances.")
    if _near(answer, np.sqrt(np.diag(inverse))):
        return Verdict("this ignores who the offers belong to.")
    if _near(answer, np.sqrt(np.diag(one_by_one))):
        return Verdict("add up the slopes of one user's offers before you square them.")
    return Verdict("put the users' squared slopes between two inverse Hessians.")
