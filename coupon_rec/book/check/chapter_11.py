"""Checkers of chapter 11, The budget."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import RIGHT, Verdict
from coupon_rec.decisions import Budget, allocate

Floats = NDArray[np.float64]


def exercise_1(taken: Sequence[int]) -> Verdict:
    """Check which coupon a user takes at two prices of a dollar."""
    if tuple(taken) == (2, 0):
        return RIGHT
    if len(taken) != 2:
        return Verdict("answer with two numbers, one for each price.")
    if taken[0] != 2:
        return Verdict("at 0.5: subtract half of the cost from each value, and compare.")
    return Verdict("at 0.8: does any coupon leave more than nothing?")


def exercise_2(find_price: Callable[[Floats, Floats, float], float]) -> Verdict:
    """Check a function that finds the price at which users keep a budget."""
    rng = np.random.default_rng(0)
    value, cost = rng.exponential(size=(200, 4)), 0.1 + rng.exponential(size=(200, 4))

    def spends(price: float) -> float:
        left = value - price * cost
        choice = left.argmax(axis=1)
        wants = left.max(axis=1) > 0
        return float(cost[np.arange(200), choice][wants].sum())

    for budget in (20.0, 60.0, 120.0):
        price = find_price(value, cost, budget)
        if spends(price) > budget:
            over = spends(price)
            return Verdict(f"at your {price:.3f} the users spend {over:.1f} of {budget:.0f}.")
        if spends(max(price - 0.002, 0)) <= budget:
            return Verdict(f"{price:.3f} keeps a budget of {budget:.0f}; so does a lower price.")
    if find_price(value, cost, 1e6) > 0.001:
        return Verdict("if there is enough for everybody, a dollar has no price.")
    return RIGHT


def exercise_3(margin: Callable[[int, float, float, float], float]) -> Verdict:
    """Check the relative margin against chance."""
    for n, d, q, z in ((100, 1.0, 0.1, 1.64), (10_000, 2.5, 0.02, 2.0), (50, 0.5, 0.5, 1.0)):
        right = z * np.sqrt((1 - q) / (n * q))
        found = margin(n, d, q, z)
        if np.isclose(found, right, rtol=0.01):
            continue
        if np.isclose(found, right * n * d * q, rtol=0.01):
            return Verdict("that is the margin in dollars; divide by the expected cost.")
        if np.isclose(found, right / z, rtol=0.01):
            return Verdict("that is one standard deviation; the margin has z of them.")
        if np.isclose(found, z / np.sqrt(n * q), rtol=0.01):
            return Verdict("close: a coupon that is surely redeemed has no variance.")
        return Verdict(
            f"n = {n}, d = {d:g}, q = {q:g}: {found:.4f} is not right; start from n = 1."
        )
    return RIGHT


def exercise_4(greedy: Callable[[Floats, Floats, float], Sequence[bool]]) -> Verdict:
    """Check a greedy rule for one coupon a user."""
    rng = np.random.default_rng(1)
    for budget in (5.0, 20.0, 60.0):
        value, cost = rng.normal(0.5, 1, size=300), 0.1 + rng.exponential(size=300)
        chosen = np.asarray(greedy(value, cost, budget))
        if chosen.shape != (300,) or chosen.dtype != bool:
            return Verdict("say True or False for each user.")
        spent = cost[chosen].sum()
        if spent > budget:
            return Verdict(f"that costs {spent:.1f}, and there are {budget:.0f}.")
        if (value[chosen] <= 0).any():
            return Verdict("some of the coupons you send are worth nothing, or less.")
        bound = allocate(value[:, None], Budget(budget, cost[:, None])).bound
        share = value[chosen].sum() / bound
        if share < 0.95:
            return Verdict(f"worth {100 * share:.0f}% of the bound; which users come first?")
    return RIGHT
