"""Checkers of the primer, From a count to a network."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers, unlike
from coupon_rec.odds import sigmoid

Step = Callable[[float, float, Floats, Floats, Floats, float], tuple[float, float]]


@checker
def exercise_1(p: float) -> None:
    """Check the probability that follows from 1 in 100 when 2 is added to its logit."""
    answer = number(p, "give one number, the probability")
    odds = np.exp(2) / 99
    if near(answer, odds / (1 + odds), 0.01):
        return
    otherwise = "from the probability to its logit, add 2, and back by sigma."
    if not 0 < answer < 1:
        otherwise = "a probability lies between 0 and 1."
    hints = {
        "that is where the user started; now add 2 to its logit.": 0.01,
        "that is a percentage: a probability lies between 0 and 1.": 100 * odds / (1 + odds),
        "those are the odds; one step is left.": odds,
        "adding to a logit multiplies the odds, and not the probability.": 0.01 * np.exp(2),
        "that is the new logit: now go back to a probability.": np.log(odds),
        "that is sigma of 2 alone: add 2 to the logit of 1 in 100.": 1 / (1 + np.exp(-2)),
        "use the natural logarithm.": 1 / (1 + np.exp(-2 - np.log10(1 / 99))),
        "2 is added and not taken away: p grows.": 1 / (1 + np.exp(2 - np.log(1 / 99))),
        otherwise: OTHERWISE,
    }
    compare(answer, odds / (1 + odds), hints, rtol=0.003)


@checker
def exercise_2(step: Step) -> None:
    """Check one step of gradient descent in which each offer has a weight."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=6), np.array([1.0, 0, 0, 1, 0, 0])
    weight, w, b, rate = np.array([3.0, 1, 2, 1, 1, 0.5]), 0.4, -0.7, 0.5
    error = sigmoid(b + w * x) - y
    answer = called(step, w, b, x, y, weight, rate)
    wanted = "return two numbers, the new weight and the new bias"
    if numbers(answer, None, wanted, finite=False).shape == (2, x.size):
        raise Hint("the new weight and the new bias are one number each: take a mean.")
    reply = numbers(answer, (2,), wanted)

    def moved(slopes: Floats) -> Floats:
        return np.array([w, b]) - rate * slopes

    def mean(values: Floats) -> float:
        return float(np.average(values, weights=weight))

    right = np.array([mean(error * x), mean(error)])
    sums = np.array([(weight * error * x).sum(), (weight * error).sum()])
    plain = np.array([(error * x).mean(), error.mean()])
    new_w, new_b = moved(right)
    late = sigmoid(new_b + w * x) - y
    hints = {
        "nothing has moved yet.": [w, b],
        "return the weight first, then the bias.": moved(right)[::-1],
        "that is a step uphill: watch the sign.": moved(-right),
        "those are the slopes: take a step against them.": right,
        "every offer counts the same in yours: use their weights.": moved(plain),
        "that is a sum; take the weighted mean.": moved(sums),
        "divide by the sum of the weights, not by the number of offers.": moved(sums / len(x)),
        "use the learning rate.": np.array([w, b]) - right,
        "the slope of the weight is error times input.": moved(np.array([right[1], right[1]])),
        "both steps start from the same errors.": moved(np.array([mean(late * x), right[1]])),
        "the bias is right; the slope of the weight is the mean of error times x.": [
            reply[0],
            new_b,
        ],
        "the weight is right; the slope of the bias is the mean error.": [new_w, reply[1]],
        "error = sigma of the logit, minus y; the slopes are its weighted means.": OTHERWISE,
    }
    compare(reply, moved(right), hints, rtol=1e-6)


@checker
def exercise_3(network: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]) -> None:
    """Check a network by hand: a logit above 0 for one reminder, and below 0 for none or two."""
    parts = "give W1, b1, W2 and b2, numbers all of them, in this order"
    if not isinstance(network, Sequence | np.ndarray) or len(network) != 4:
        raise unlike(network, parts)
    first, bias, second, last = (numbers(part, None, parts) for part in network)
    if first.ndim != 2 or first.shape[0] != 2 or not first.size:
        raise Hint("W1 has a row for each of the two inputs, and a column for each unit.")
    units = first.shape[1]
    hint_if(bias.size != units, f"b1 has one number for each hidden unit: {units} by your W1.")
    hint_if(second.size != units, f"W2 has one weight for each hidden unit: {units} by your W1.")
    hint_if(last.size != 1, "b2 is one number.")
    inputs = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])

    def logits(weights: Floats) -> Floats:
        hidden = np.maximum(inputs @ weights + bias.ravel(), 0)
        return np.asarray(hidden @ second.ravel() + last.ravel()[0])

    wanted = np.array([-1, 1, 1, -1])
    reply = logits(first)
    if (reply * wanted > 0).all():
        return
    if first.shape == (2, 2) and (logits(first.T) * wanted > 0).all():
        raise Hint("your W1 lies on its side: its rows are the inputs, its columns the units.")
    hint_if((reply * wanted < 0).all(), "every logit has the wrong sign: turn W2 and b2 around.")
    place = int(np.flatnonzero(reply * wanted <= 0)[0])
    letter, app = inputs[place]
    side = "above" if wanted[place] > 0 else "below"
    raise Hint(
        f"with letter = {letter} and app = {app} the logit is {reply[place]:.3g}, and not {side} 0."
    )
