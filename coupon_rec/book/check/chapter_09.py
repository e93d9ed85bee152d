"""Checkers of chapter 9, Evaluation."""

from collections.abc import Callable, Sequence

import numpy as np

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers


@checker
def exercise_1(answer: float) -> None:
    """Check the average precision of six offers, of which the 1st, 3rd and 6th were redeemed."""
    answer = number(answer, "the average precision is one number")
    precision = np.array([1, 1 / 2, 2 / 3, 2 / 4, 2 / 5, 3 / 6])
    redeemed = precision[[0, 2, 5]]
    hints = {
        "take the precision at the redeemed offers only.": precision.mean(),
        "the mean is over the redeemed offers: divide by three.": redeemed.sum() / 6,
        "read from the top; at each redeemed offer, which share so far was redeemed?": OTHERWISE,
    }
    compare(answer, redeemed.mean(), hints)


@checker
def exercise_2(threshold: Callable[[float, float], float]) -> None:
    """Check the probability from which on sending a coupon pays."""
    for gain, contact in ((2.0, 0.01), (0.5, 0.05), (10.0, 1.0)):
        what = f"a gain of {gain:g} and a cost of {contact:g}"
        reply = number(called(threshold, gain, contact), f"{what}: return one probability")
        if near(reply, contact / gain):
            continue
        if near(reply, gain / contact):
            raise Hint(f"{what}: a probability is at most 1; turn the fraction over.")
        hint_if(not 0 <= reply <= 1, f"{what}: {reply:g} is no probability.")
        profit = reply * gain - contact
        raise Hint(f"{what}: at your threshold sending earns {profit:.3f}, not zero.")


@checker
def exercise_3(ndcg_of: Callable[[Sequence[int]], float]) -> None:
    """Check the NDCG of a list."""
    for redeemed in ([1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0]):
        worth = 1 / np.log2(np.arange(len(redeemed)) + 2)
        right = worth @ redeemed / worth[: sum(redeemed)].sum()
        reply = number(called(ndcg_of, redeemed), f"{redeemed}: return one number")
        if near(reply, right):
            continue
        hint_if(near(reply, worth @ redeemed), f"{redeemed}: divide by the gain of the best order.")
        hint_if(right == 1, f"{redeemed} is in the best order, so its NDCG is 1, not {reply:.3f}.")
        raise Hint(f"{redeemed}: your {reply:.3f} is not right; the first place has k = 1.")


@checker
def exercise_4(paired: Callable[[Floats, Floats, int], Sequence[float]]) -> None:
    """Check a paired interval of the mean difference of two models."""
    rng = np.random.default_rng(0)
    luck = rng.gamma(0.5, size=400)
    a, b = luck + 0.1 * rng.normal(size=400) + 0.02, luck + 0.1 * rng.normal(size=400)
    wanted = "return two numbers, the lower and the upper end"
    low, high = numbers(called(paired, a, b, 1), (2,), wanted)
    error = (a - b).std() / 20
    hint_if(low >= high, "the first number is the lower end.")
    if not low < (a - b).mean() < high:
        raise Hint("the mean difference a - b lies outside of your interval.")
    hint_if(high - low > 10 * error, "far too wide: draw the same users for a and for b.")
    if not 3.4 < (high - low) / error < 4.4:
        raise Hint("take the 2.5th and the 97.5th percentile of the resampled means.")
