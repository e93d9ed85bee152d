"""Checkers of chapter 22, Fairness and gaming."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers

Mask = NDArray[np.bool_]


@checker
def exercise_1(answers: ArrayLike) -> None:
    """Check the best choice for eight households under a limit of 25 points."""
    wanted = "answer with three numbers: coupons for a, coupons for b, cents"
    in_a, in_b, worth = numbers(answers, (3,), wanted)
    a, b = np.array([9, 5, 3, 1.0]), np.array([6, 2, -0.5, -2])
    if not (in_a in range(5) and in_b in range(5)):
        raise Hint("each group has four households, so 0 to 4 coupons go to it.")
    hint_if(abs(in_a - in_b) > 1, "that gap is larger than 25 points: one household in four is 25.")
    if not near(worth, a[: int(in_a)].sum() + b[: int(in_b)].sum()):
        raise Hint("the cents: add up the best offers of each group, as many as it is sent.")
    if (in_a, in_b) == (4, 3):
        return
    hint_if(in_a == in_b, "the rates need not be equal; a quarter is allowed between them.")
    raise Hint("the limit is kept, and another choice is worth more.")


@checker
def exercise_2(widest: Callable[[Mask, Any, str, str], ArrayLike]) -> None:
    """Check how far apart two bands of persons can be, whichever the unknown belong to."""
    rng = np.random.default_rng(22)
    for size, names in ((40, ["low", "high", "unknown"]), (60, ["x", "y", "z", "unknown"])):
        band = np.concatenate([names, rng.choice(names, size)]).astype(object)
        sent = rng.random(len(band)) < 0.6
        first, second = names[:2]
        hidden = band == "unknown"

        def rate(name: str, also: Mask) -> float:
            return float(sent[(band == name) | also].mean())  # noqa: B023

        nobody = np.zeros(len(band), bool)
        worst = rate(first, hidden & ~sent) - rate(second, hidden & sent)
        best = rate(first, hidden & sent) - rate(second, hidden & ~sent)
        answer = called(widest, sent, band, first, second)
        reply = numbers(answer, (2,), "return two numbers, the lowest and the highest gap")
        known = rate(second, nobody)
        plain = rate(first, nobody) - known
        one = rate(first, hidden) - known, rate(first, nobody) - rate(second, hidden)
        either_way = one, one[::-1]
        alone = [rate(first, hidden & some) - known for some in (~sent, sent)]
        otherwise = (
            f"{reply[0]:.3f} to {reply[1]:.3f} is not right: to make the gap large, where do the "
            "unknown with a coupon belong, and where those without?"
        )
        hints = {
            "the two are there; the lowest comes first.": [best, worst],
            "that is the gap of the known; the unknown could change it.": [plain, plain],
            "the unknown need not all belong to one band: who goes where is open.": either_way,
            "the other band's rate moves too, with the rest of the unknown.": alone,
            otherwise: OTHERWISE,
        }
        compare(reply, [worst, best], hints)


@checker
def exercise_3(fee: Callable[[Floats, Floats, float], float]) -> None:
    """Check the lowest fee at which a gap is small enough."""
    rng = np.random.default_rng(3)
    cases = [(np.array([9, 5, 3, 1.0]), np.array([6, 2, -0.5, -2]), 0.0)]
    cases += [(rng.normal(1, 2, n), rng.normal(0, 2, m), 0.1) for n, m in ((40, 25), (30, 90))]
    cases += [(rng.normal(0, 1, 20), rng.normal(1, 1, 20), 0.05)]
    for a, b, most in cases:

        def gap(f: float) -> float:
            return float((a > f / len(a)).mean() - (b > -f / len(b)).mean())  # noqa: B023

        reply = number(called(fee, a, b, most), "return one number, the fee")
        hint_if(reply < -1e-9, "a fee is 0 or more: at 0 nobody pays anything.")
        right = _lowest(gap, most)
        slack = 1e-4 * (1 + right)
        if abs(reply - right) <= slack:
            continue
        sizes = (len(a), len(b))
        per_coupon = _lowest(lambda f: float((a > f).mean() - (b > -f).mean()), most)  # noqa: B023
        if abs(reply - per_coupon) <= 1e-4 * (1 + per_coupon):
            raise Hint(f"members pay f / n: the groups have {sizes[0]} and {sizes[1]} of them.")
        if gap(reply + slack) > most + 1e-9:
            raise Hint(f"at {reply:.4g} the gap is {gap(reply):.3f}, and {most:g} is allowed.")
        hint_if(right == 0, "where the gap is small enough already, the fee is 0.")
        raise Hint(f"a fee below {reply:.4g} is enough.")


def _lowest(gap: Callable[[float], float], most: float) -> float:
    """The lowest fee of 0 or more at which the gap is at most so much, by bisection."""
    low, high = 0.0, 1e5
    if gap(0.0) <= most:
        return 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if gap(middle) <= most else (middle, high)
    return high


@checker
def exercise_4(committed: Callable[[float, float, float], float]) -> None:
    """Check the share that a shop mails if it decides first."""
    for gain, regulars, s in ((40.0, 800, 0.1), (90.0, 500, 0.6), (40.0, 800, 0.01), (10.0, 50, 0)):
        right = min(1.0, gain / (2 * regulars * s)) if s else 1.0
        answer = called(committed, gain, regulars, s)
        reply = number(answer, "return one number, the share that is mailed")
        if near(reply, right):
            continue
        hint_if(not 0 <= reply <= 1, f"s = {s:g}: {reply:.3g} is no share of those who stay away.")
        if s and near(reply, min(1.0, gain / (regulars * s))):
            raise Hint("that is the equilibrium, at which the letters earn nothing.")
        hint_if(s == 0, "nobody waits at s = 0: what is there to hold back for?")
        raise Hint(
            f"gain {gain:g}, {regulars} regulars, s = {s:g}: not the top of {gain:g} x − "
            f"{regulars * s:g} x²."
        )
