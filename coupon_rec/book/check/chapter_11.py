"""Checkers of chapter 11, The budget."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import RIGHT, Verdict, called, checker, near, number, numbers
from coupon_rec.decisions import Budget, allocate

Floats = NDArray[np.float64]


@checker
def exercise_1(taken: Sequence[int]) -> Verdict:
    """Check which coupon a user takes at two prices of a dollar."""
    first, second = numbers(taken, (2,), "answer with two numbers, one for each price")
    if first != 2:
        return Verdict("at 0.5: subtract half of the cost from each value, and compare.")
    if second != 0:
        return Verdict("at 0.8: does any coupon leave more than nothing?")
    return RIGHT


@checker
def exercise_2(find_price: Callable[[Floats, Floats, float], float]) -> Verdict:
    """Check a function that finds the price at which users keep a budget."""
    rng = np.random.default_rng(0)
    value, cost = rng.exponential(size=(200, 4)), 0.1 + rng.exponential(size=(200, 4))

    def found(budget: float) -> float:
        return number(called(find_price, value, cost, budget), "return one number, a price")

    def spends(price: float) -> float:
        left = value - price * cost
        choice = left.argmax(axis=1)
        wants = left.max(axis=1) > 0
        return float(cost[np.arange(200), choice][wants].sum())

    for budget in (20.0, 60.0, 120.0):
        price = found(budget)
        if spends(price) > budget:
            over = spends(price)
            return Verdict(f"at your {price:.3f} the users spend {over:.1f} of {budget:.0f}.")
        if spends(max(price - 0.002, 0)) <= budget:
            return Verdict(f"{price:.3f} keeps a budget of {budget:.0f}; so does a lower price.")
    if found(1e6) > 0.001:
        return Verdict("if there is enough for everybody, a dollar has no price.")
    return RIGHT


@checker
def exercise_3(margin: Callable[[int, float, float, float], float]) -> Verdict:
    """Check the relative margin against chance."""
    for n, d, q, z in ((100, 1.0, 0.1, 1.64), (10_000, 2.5, 0.02, 2.0), (50, 0.5, 0.5, 1.0)):
        right = z * np.sqrt((1 - q) / (n * q))
        found = number(called(margin, n, d, q, z), "return one number, a share of the cost")
        if near(found, right, 0.01):
            continue
        if near(found, right * n * d * q, 0.01):
            return Verdict("that is the margin in dollars; divide by the expected cost.")
        if near(found, right / z, 0.01):
            return Verdict("that is one standard deviation; the margin has z of them.")
        if near(found, z / np.sqrt(n * q), 0.01):
            return Verdict("close: a coupon that is surely redeemed has no variance.")
        return Verdict(
            f"n = {n}, d = {d:g}, q = {q:g}: {found:.4f} is not right; start from n = 1."
        )
    return RIGHT


@checker
def exercise_4(greedy: Callable[[Floats, Floats, float], Sequence[bool]]) -> Verdict:
    """Check a greedy rule for one coupon a user."""
    rng = np.random.default_rng(1)
    for budget in (5.0, 20.0, 60.0):
        value, cost = rng.normal(0.5, 1, size=300), 0.1 + rng.exponential(size=300)
        wanted = "say True or False for each user"
        marks = numbers(called(greedy, value, cost, budget), value.shape, wanted)
        if not np.isin(marks, [0, 1]).all():
            return Verdict(f"{wanted}.")
        chosen = marks == 1
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
