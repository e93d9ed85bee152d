"""Checkers of chapter 4, The likelihood."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, Ints, called, number, numbers
from coupon_rec.odds import sigmoid

TINY = np.finfo(np.float64).tiny
LOGITS, LABELS = np.array([0.0, -2.0, 3.0]), np.array([0.0, 0.0, 1.0])


def _surprise(y: Floats, z: Floats) -> Floats:
    return np.asarray(np.logaddexp(0, z) - y * z)


@checker
def exercise_1(loss: float) -> None:
    """Check the log loss of three offers."""
    loss = number(loss, "the log loss is one number, a mean over the offers")
    surprises = _surprise(LABELS, LOGITS)
    right = surprises.mean()
    turned = _surprise(1 - LABELS, LOGITS).mean()
    hints = {
        "that is the sum; the log loss is a mean.": surprises.sum(),
        "a log loss is never negative: watch the sign.": -right,
        "use the natural logarithm.": (right / np.log(2), right / np.log(10)),
        "only the third offer was redeemed; the others have y = 0.": turned,
        "each offer adds minus the logarithm of the probability of what happened to it.": OTHERWISE,
    }
    compare(loss, right, hints)


@checker
def exercise_2(interval: Callable[[int, int], tuple[float, float]]) -> None:
    """Check a function that gives the rates whose log-likelihood is at most 1.92 below its top."""
    for redeemed, offered in ((56, 26458), (3, 10), (0, 3229), (10, 10)):
        best = redeemed / offered
        what = f"{redeemed} of {offered:,} redeemed"
        wanted = f"{what}: return two numbers, the lowest rate and the highest"
        low, high = numbers(called(interval, redeemed, offered), (2,), wanted)
        if redeemed == 0 and low > 2e-5:
            raise Hint(f"{what}: a rate of 0 explains this best, so the interval starts there.")
        if redeemed == offered and high < 0.9999:
            raise Hint(f"{what}: a rate of 1 explains this best, so the interval ends there.")
        if not -1e-6 < low <= best + 2e-5 or not best - 1e-4 <= high <= 1 + 1e-6:
            raise Hint(f"{what}: the interval is a low and a high rate, around {best:.4f}.")
        for rate, limit in ((low, 0.0), (high, 1.0)):
            top = _log_likelihood(best, redeemed, offered)
            drop = top - _log_likelihood(rate, redeemed, offered)
            if best != limit and not 1.90 < drop < 1.94:
                raise Hint(f"{what}: at {rate:.5f} the log-likelihood is {drop:.2f} below its top.")


def _log_likelihood(rate: float, redeemed: int, offered: int) -> float:
    rate, other = max(rate, TINY), max(1 - rate, TINY)
    return float(redeemed * np.log(rate) + (offered - redeemed) * np.log(other))


@checker
def exercise_3(chain_loss: Callable[[Floats, Floats, Floats], ArrayLike]) -> None:
    """Check a stable surprise of the product of two probabilities, given by their logits."""
    y = np.array([0.0, 1, 0, 1])
    z1, z2 = np.array([0.3, -1.2, 2.0, 0.5]), np.array([-0.4, 0.7, 1.1, -3.0])
    p = sigmoid(z1) * sigmoid(z2)

    def losses(*case: Floats) -> Floats:
        wanted = "return one number for each offer; the mean is taken later"
        return numbers(called(chain_loss, *case), case[0].shape, wanted, finite=False)

    mild = losses(y, z1, z2)
    if not near(mild, -np.log(np.where(y == 1, p, 1 - p))):
        raise Hint("the probability of a redemption is the product of the two logistics.")
    far = np.array([800.0, 40.0, -40.0, -800.0])
    zeros, ones = losses(0 * far, far, far), losses(0 * far + 1, far, far)
    if not np.isfinite(zeros).all() or not np.isfinite(ones).all():
        raise Hint("for logits of 800 the answer is a number, neither infinite nor missing.")
    if not near(zeros[:2], far[:2] - np.log(2)):
        raise Hint("if y = 0 and both logits are 40, the surprise is 39.31: no 1 - p there.")
    hint_if(not near(ones, [0, 2 * np.exp(-40), 80, 1600]), "if y = 1, add up the two surprises.")


@checker
def exercise_4(slope: Callable[[Floats, Floats, Floats, float], ArrayLike]) -> None:
    """Check the gradient of a penalized log-likelihood, the intercept being free."""
    x = np.column_stack([np.ones(6), [0.2, -1.0, 0.7, 1.5, -0.3, 2.0]])
    y, theta, penalty = np.array([0.0, 0, 1, 1, 0, 1]), np.array([-0.5, 0.8]), 2.0
    plain = x.T @ (y - sigmoid(x @ theta))
    pull, pulled_alike = penalty * np.array([0, theta[1]]), plain - penalty * theta
    right = plain - pull
    wanted = "a gradient has one number for each parameter"
    answer = numbers(called(slope, theta, x, y, penalty), theta.shape, wanted)
    hints = {
        "that is the slope of the loss; we climb the log-likelihood.": -right,
        "the log-likelihood is a sum over the offers, not a mean.": right / len(y),
        "the penalty has a slope too.": plain,
        "leave the intercept free: a penalty on it would move the mean prediction.": pulled_alike,
        "the penalty pulls the weight towards zero: watch its sign.": plain + pull,
        "differentiate minus half the penalty times the squared weight.": OTHERWISE,
    }
    compare(answer, right, hints)


@checker
def exercise_5(repair: Callable[[Floats, float, float], ArrayLike]) -> None:
    """Check a correction for kept negatives and a weight of the positives, both at once."""
    p = np.array([0.001, 0.2, 0.7, 0.99])
    wanted = "return one probability for each that is given"
    one, kept, weighted, both = (
        numbers(called(repair, p, *changes), p.shape, wanted)
        for changes in ((1.0, 1.0), (0.01, 1.0), (1.0, 50.0), (0.2, 50.0))
    )
    if not near(one, p):
        raise Hint("with every negative kept and a weight of 1, nothing needs to change.")
    if (np.maximum(kept, weighted) > p + 1e-9).any():
        raise Hint("both tricks make redemptions look frequent: the repair lowers p.")
    if not near(kept, p / (p + (1 - p) / 0.01)):
        raise Hint("a kept share w divides the odds by w in the sample: multiply them by w.")
    if not near(weighted, p / (p + (1 - p) * 50)):
        raise Hint("a weight k multiplies the odds by k: divide by it.")
    if not near(both, p / (p + (1 - p) * 250)):
        raise Hint("each alone is right; do both to the same odds.")


@checker
def exercise_6(drawn_errors: Callable[[Floats, Floats, Ints], ArrayLike]) -> None:
    """Check standard errors from drawing whole users."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(60), 6)
    x = np.column_stack([np.ones(users.size), rng.normal(size=60)[users]])
    z = x @ [-0.3, 0.5] + 1.5 * rng.normal(size=60)[users]
    y = (rng.random(users.size) < sigmoid(z)).astype(float)
    mixed = rng.permutation(users.size)
    x, y, users = x[mixed], y[mixed], users[mixed]
    wanted = "return one standard error for each coefficient"
    answer = numbers(called(drawn_errors, x, y, 100 + users), x.shape[1:], wanted)
    whole = rng.multinomial(60, np.full(60, 1 / 60), 1000)[:, users]
    single = rng.multinomial(users.size, np.full(users.size, 1 / users.size), 1000)
    right, by_offer, once = (
        np.std([_fit(x, y, weight) for weight in weights], axis=0)
        for weights in (whole, single, np.minimum(whole, 1))
    )
    if near(answer, right, 0.15):
        return
    hint_if(near(answer, right**2, 0.3), "those are variances; take the square root.")
    if near(answer, by_offer, 0.15):
        raise Hint("draw users, not offers: one user's offers come and go together.")
    hint_if(near(answer, once, 0.15), "a user who is drawn twice counts twice.")
    if (answer < right / 5).all():
        raise Hint("the spread of the fits is the error; do not divide by how many there are.")
    raise Hint("draw as many users as there are, fit, and take the spread of the fits.")


def _fit(x: Floats, y: Floats, weight: Ints) -> Floats:
    """Fit a logistic regression by Newton's method."""
    theta = np.zeros(x.shape[1])
    for _ in range(6):
        p = sigmoid(x @ theta)
        hessian = (x.T * (weight * p * (1 - p))) @ x
        theta = theta + np.linalg.solve(hessian, x.T @ (weight * (y - p)))
    return theta
