"""Checkers of chapter 19, Explanations."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, choices, number, numbers
from coupon_rec.explain import TOPICS

Pair = tuple[float, float]


@checker
def exercise_1(topics: Collection[str]) -> None:
    """Check which topics answer two questions about one offer."""
    wanted = 'answer with two topics, such as ["habit", "coupon"]'
    first, second = choices(topics, TOPICS, 2, wanted)
    hint_if(first == "items", "first question: with whom is the offer compared there?")
    hint_if(first != "saving", "first question: what is largest in the column against anybody?")
    if second in ("saving", "habit"):
        raise Hint("second question: it is about this user's coupons alone.")
    hint_if(second != "items", "second question: what is largest against the user's other coupons?")


@checker
def exercise_2(share: Callable[..., Any]) -> None:
    """Check the exact credit of two features."""
    rng = np.random.default_rng(0)
    for case in range(4):
        a, b, c = rng.normal(size=3)

        def f(x: float, z: float, a: float = a, b: float = b, c: float = c) -> float:
            return float(a * x**2 + b * x * z + np.exp(c * z))

        offer: Pair = (rng.normal(), rng.normal())
        others: list[Pair] = [(rng.normal(), rng.normal()) for _ in range(1 + 2 * (case > 1))]
        worth = {
            "none": float(np.mean([f(*z) for z in others])),
            "first": float(np.mean([f(offer[0], z[1]) for z in others])),
            "second": float(np.mean([f(z[0], offer[1]) for z in others])),
            "both": f(*offer),
        }
        early = np.array([worth["first"] - worth["none"], worth["second"] - worth["none"]])
        late = np.array([worth["both"] - worth["second"], worth["both"] - worth["first"]])
        right = (early + late) / 2
        reply = numbers(called(share, f, offer, others), (2,), "return two numbers, one a feature")
        otherwise = f"{reply.round(3).tolist()} is not right; start with f(x, z) = x + z."
        if len(others) > 1:
            otherwise = "right against one other; with several, take the mean of f, not f of it"
        one_order = ([early[0], late[1]], [late[0], early[1]])
        hints = {
            "that is what each adds alone; each may also come second.": early,
            "that is what each adds last; each may also come first.": late,
            "that is one order of joining; there are two.": one_order,
            "all signs are turned: the offer less the others.": -right,
            otherwise: OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(path: Callable[..., Any]) -> None:
    """Check the credit along a straight path."""
    rng = np.random.default_rng(1)
    for size in (1, 2, 4):
        weights = rng.normal(size=size)

        def slope(at: ArrayLike, weights: Floats = weights) -> Floats:
            x = np.asarray(at, float)
            return np.asarray(3 * weights * (weights @ x) ** 2)

        end, start = rng.normal(size=size), rng.normal(size=size)
        places = (np.arange(2000) + 0.5) / 2000
        mean = np.mean([slope(start + t * (end - start)) for t in places], axis=0)
        right = mean * (end - start)
        wanted = f"return {size} numbers, one a feature"
        reply = numbers(called(path, slope, end, start), (size,), wanted)
        at_end, at_start = (slope(at) * (end - start) for at in (end, start))
        shown = reply.round(3).tolist()
        hints = {
            "that is the mean slope; how far does each feature go?": mean,
            "the path does not begin at 0; how far does each feature go?": mean * end,
            "that is the slope at the end alone; it changes on the way.": at_end,
            "that is the slope at the start alone; it changes on the way.": at_start,
            "all signs are turned: it goes from `start` to `end`.": -right,
            f"{shown} is not right; take the mean slope at many points.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=0.05)


@checker
def exercise_4(broken: Callable[..., Any]) -> None:
    """Check in which share of rows a promise is broken."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(200, 3))

    def score(x: Floats) -> Floats:
        return np.asarray(np.maximum(x[:, 0], 0) + np.sin(2 * x[:, 1]) - x[:, 2])

    for column in range(3):
        for sign in (1, -1):
            more = rows.copy()
            more[:, column] += 1
            moved = sign * (score(more) - score(rows))
            right = float((moved < 0).mean())
            reply = number(called(broken, score, rows, column, sign), "return one number, a share")
            shown = f"column {column}, sign {sign}"
            unsigned = (sign * moved < 0).mean()
            hints = {
                f"{shown}: a score that stays where it is breaks nothing.": (moved <= 0).mean(),
                f"{shown}: with sign -1 the score must not rise.": unsigned,
                f"{shown}: that is where the promise is kept.": (moved > 0).mean(),
                f"{shown}: that is a count; what share of the rows is it?": right * len(rows),
                f"{shown}: {reply:.3f} is not right; add 1 to that column alone.": OTHERWISE,
            }
            compare(reply, right, hints)
