"""Checkers of chapter 11, The budget."""

from collections.abc import Callable, Sequence

import numpy as np

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, number, numbers
from coupon_rec.decisions import Budget, allocate


@checker
def exercise_1(taken: Sequence[int]) -> None:
    """Check which coupon a user takes at two prices of a dollar."""
    first, second = numbers(taken, (2,), "answer with two numbers, one for each price")
    hint_if(first != 2, "at 0.5: subtract half of the cost from each value, and compare.")
    hint_if(second != 0, "at 0.8: does any coupon leave more than nothing?")


@checker
def exercise_2(find_price: Callable[[Floats, Floats, float], float]) -> None:
    """Check a function that finds the price at which users keep a budget."""
    rng = np.random.default_rng(0)
    value, cost = rng.exponential(size=(200, 4)), 0.1 + rng.exponential(size=(200, 4))

    def price_for(budget: float) -> float:
        return number(called(find_price, value, cost, budget), "return one number, a price")

    def spends(price: float) -> float:
        left = value - price * cost
        choice = left.argmax(axis=1)
        wants = left.max(axis=1) > 0
        return float(cost[np.arange(200), choice][wants].sum())

    for budget in (20.0, 60.0, 120.0):
        price = price_for(budget)
        if spends(price) > budget:
            over = spends(price)
            raise Hint(f"at your {price:.3f} the users spend {over:.1f} of {budget:.0f}.")
        if spends(max(price - 0.002, 0)) <= budget:
            raise Hint(f"{price:.3f} keeps a budget of {budget:.0f}; so does a lower price.")
    hint_if(price_for(1e6) > 0.001, "if there is enough for everybody, a dollar has no price.")


@checker
def exercise_3(margin: Callable[[int, float, float, float], float]) -> None:
    """Check the relative margin against chance."""
    for n, d, q, z in ((100, 1.0, 0.1, 1.64), (10_000, 2.5, 0.02, 2.0), (50, 0.5, 0.5, 1.0)):
        right = z * np.sqrt((1 - q) / (n * q))
        reply = number(called(margin, n, d, q, z), "return one number, a share of the cost")
        shown = f"n = {n}, d = {d:g}, q = {q:g}"
        hints = {
            "that is the margin in dollars; divide by the expected cost.": right * n * d * q,
            "that is one standard deviation; the margin has z of them.": right / z,
            "close: a coupon that is surely redeemed has no variance.": z / np.sqrt(n * q),
            f"{shown}: {reply:.4f} is not right; start from n = 1.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=0.01)


@checker
def exercise_4(greedy: Callable[[Floats, Floats, float], Sequence[bool]]) -> None:
    """Check a greedy rule for one coupon a user."""
    rng = np.random.default_rng(1)
    for budget in (5.0, 20.0, 60.0):
        value, cost = rng.normal(0.5, 1, size=300), 0.1 + rng.exponential(size=300)
        wanted = "say True or False for each user"
        marks = numbers(called(greedy, value, cost, budget), value.shape, wanted)
        hint_if(not np.isin(marks, [0, 1]).all(), f"{wanted}.")
        chosen = marks == 1
        spent = cost[chosen].sum()
        hint_if(spent > budget, f"that costs {spent:.1f}, and there are {budget:.0f}.")
        if (value[chosen] <= 0).any():
            raise Hint("some of the coupons you send are worth nothing, or less.")
        bound = allocate(value[:, None], Budget(budget, cost[:, None])).bound
        share = value[chosen].sum() / bound
        if share < 0.95:
            raise Hint(f"worth {100 * share:.0f}% of the bound; which users come first?")
