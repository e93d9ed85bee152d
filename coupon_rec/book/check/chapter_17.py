"""Checkers of chapter 17, Monitoring."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, choices, number
from coupon_rec.monitoring import Cusum

BREAKS = ("data", "mail", "model", "world")


@checker
def exercise_1(changed: Collection[str]) -> None:
    """Check what changed on two mornings."""
    wanted = 'answer with two words, such as ["data", "world"]'
    first, second = choices(changed, BREAKS, 2, wanted)
    hint_if(first in ("model", "world"), "first morning: did the users stay the same?")
    hint_if(first == "data", "first morning: were the promises kept?")
    hint_if(second in ("data", "mail"), "second morning: did the users change?")
    hint_if(second == "world", "second morning: would the world change what the model promises?")


@checker
def exercise_2(expected: Callable[[Floats, Floats, float], float]) -> None:
    """Check how many redemptions should be known by now."""
    rng = np.random.default_rng(0)
    ages = np.append(np.round(rng.beta(1, 2, 199), 2), 0.25)
    for size, t in ((50, 0.25), (400, 0.1), (10, 1.0), (30, 0.0)):
        p = rng.uniform(0, 0.1, size)
        right = (ages <= t).mean() * p.sum()
        asked = "return one number, the redemptions that should be known"
        reply = number(called(expected, p, ages, t), asked)
        hints = {
            f"t = {t:g}: that is what the whole campaign promises, not by now.": p.sum(),
            "redemptions do not come evenly; what do the past ones say?": t * p.sum(),
            "one that came exactly at `t` is known by then.": (ages < t).mean() * p.sum(),
            "that is the share; how many redemptions is it?": (ages <= t).mean(),
            f"t = {t:g}: {reply:.3f} is not right; count the ages up to `t` first.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(
    rings: Callable[[Sequence[float], Sequence[float], float, float], int | None],
) -> None:
    """Check on which day the evidence reaches a threshold."""
    rng = np.random.default_rng(1)
    cases: list[tuple[list[float], list[float], float, float]] = [
        ([6, 6, 1, 0, 0, 0, 0, 0], [4] * 8, 0.5, 3.0),
        ([4, 4, 4], [4] * 3, 0.5, 9.0),
    ]
    for rho, rate in ((0.5, 0.4), (2.0, 2.2), (0.8, 0.7)):
        promised = rng.uniform(2, 6, 120)
        came = rng.poisson(promised * np.where(np.arange(120) < 40, 1.0, rate))
        cases.append((came.tolist(), promised.tolist(), rho, 4.0))
    cases.append(([0], [2], 0.5, 1.0))  # reached, not passed
    for observed, expected, rho, h in cases:
        right = Cusum(rho, h).alarm(observed, expected)
        answer = called(rings, observed, expected, rho, h)
        shown = f"rho = {rho:g}, h = {h:g}"
        if answer is None:
            if right is None:
                continue
            raise Hint(f"{shown}: it does ring; reaching `h` is enough.")
        day = number(answer, "return the number of a day, or None")
        if right is None:
            raise Hint(f"{shown}: with promises kept it never rings; return None.")
        if day == right:
            continue
        step = np.array(observed) * np.log(rho) + (1 - rho) * np.array(expected)
        free = np.flatnonzero(step.cumsum() >= h)
        if free.size and day == free[0]:
            raise Hint("quiet days before the fall count against it: where is the zero?")
        hint_if(day == right + 1, "one day late: count days from 0, and ring when `h` is reached.")
        raise Hint(f"{shown}: it rings on another day than {day:g}.")


@checker
def exercise_4(design_effect: Callable[[Floats, Floats, NDArray[np.int64]], float]) -> None:
    """Check how many times larger the variance is by user."""
    rng = np.random.default_rng(2)
    for size in (5, 20, 1):
        users = np.repeat(np.arange(60), size)
        users = rng.permutation(users)
        habit = rng.beta(0.3, 2, 60)[users]
        p = np.full(users.size, 0.13)
        y = (rng.random(users.size) < habit).astype(np.float64)
        spread = (p * (1 - p)).sum()
        right = (np.bincount(users, y - p) ** 2).sum() / spread
        asked = "return one number, a ratio of variances"
        reply = number(called(design_effect, y, p, users), asked)
        by_offer = ((y - p) ** 2).sum() / spread
        hints = {
            "that squares offer by offer; what belongs together comes first.": by_offer,
            "that is the variance by user; beside which other one?": right * spread,
            "upside down: users make the variance larger.": 1 / right,
            f"{reply:.3f} is not right; start with two users of one offer each.": OTHERWISE,
        }
        compare(reply, right, hints)
