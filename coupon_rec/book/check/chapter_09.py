"""Checkers of chapter 9, Evaluation."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import RIGHT, Verdict, called, checker, near, number, numbers

Floats = NDArray[np.float64]


@checker
def exercise_1(answer: float) -> Verdict:
    """Check the average precision of six offers, of which the 1st, 3rd and 6th were redeemed."""
    answer = number(answer, "the average precision is one number")
    if near(answer, (1 + 2 / 3 + 3 / 6) / 3):
        return RIGHT
    if near(answer, (1 + 1 / 2 + 2 / 3 + 2 / 4 + 2 / 5 + 3 / 6) / 6):
        return Verdict("take the precision at the redeemed offers only.")
    if near(answer, (1 + 2 / 3 + 3 / 6) / 6):
        return Verdict("the mean is over the redeemed offers: divide by three.")
    return Verdict("read from the top; at each redeemed offer, which share so far was redeemed?")


@checker
def exercise_2(threshold: Callable[[float, float], float]) -> Verdict:
    """Check the probability from which on sending a coupon pays."""
    for gain, contact in ((2.0, 0.01), (0.5, 0.05), (10.0, 1.0)):
        what = f"a gain of {gain:g} and a cost of {contact:g}"
        found = number(called(threshold, gain, contact), f"{what}: return one probability")
        if near(found, contact / gain):
            continue
        if near(found, gain / contact):
            return Verdict(f"{what}: a probability is at most 1; turn the fraction over.")
        if not 0 <= found <= 1:
            return Verdict(f"{what}: {found:g} is no probability.")
        profit = found * gain - contact
        return Verdict(f"{what}: at your threshold sending earns {profit:.3f}, not zero.")
    return RIGHT


@checker
def exercise_3(ndcg_of: Callable[[Sequence[int]], float]) -> Verdict:
    """Check the NDCG of a list."""
    for redeemed in ([1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0, 1], [1, 1, 0]):
        worth = 1 / np.log2(np.arange(len(redeemed)) + 2)
        right = worth @ redeemed / worth[: sum(redeemed)].sum()
        found = number(called(ndcg_of, redeemed), f"{redeemed}: return one number")
        if near(found, right):
            continue
        if near(found, worth @ redeemed):
            return Verdict(f"{redeemed}: divide by the gain of the best order.")
        if right == 1:
            return Verdict(f"{redeemed} is in the best order, so its NDCG is 1, not {found:.3f}.")
        return Verdict(f"{redeemed}: your {found:.3f} is not right; the first place has k = 1.")
    return RIGHT


@checker
def exercise_4(paired: Callable[[Floats, Floats, int], Sequence[float]]) -> Verdict:
    """Check a paired interval of the mean difference of two models."""
    rng = np.random.default_rng(0)
    luck = rng.gamma(0.5, size=400)
    a, b = luck + 0.1 * rng.normal(size=400) + 0.02, luck + 0.1 * rng.normal(size=400)
    wanted = "return two numbers, the lower and the upper end"
    low, high = numbers(called(paired, a, b, 1), (2,), wanted)
    error = (a - b).std() / 20
    if low >= high:
        return Verdict("the first number is the lower end.")
    if not low < (a - b).mean() < high:
        return Verdict("the mean difference a - b lies outside of your interval.")
    if high - low > 10 * error:
        return Verdict("far too wide: draw the same users for a and for b.")
    if not 3.4 < (high - low) / error < 4.4:
        return Verdict("take the 2.5th and the 97.5th percentile of the resampled means.")
    return RIGHT
