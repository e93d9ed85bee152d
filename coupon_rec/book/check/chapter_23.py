"""Checkers of chapter 23, Text and images."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import called, number, numbers

AMOUNTS: dict[str, float | None] = {
    "2O%": 0.2,
    "25%": 0.25,
    "5%": 0.05,
    "O5%": 0.05,
    "$1.O5": 1.05,
    "$12.50": 12.5,
    "$O.99": 0.99,
    "$1.5": None,
    "O.5O": None,
    "20": None,
    "100%": None,
    "$3.OQ": None,
    "$1.500": None,
    "x20%": None,
    "$": None,
    "": None,
}


@checker
def exercise_1(weights: ArrayLike) -> None:
    """Check what a word counts."""
    reply = numbers(weights, (3,), "answer with three numbers, such as [0.1, 0.01, 1.0]")
    right = np.log([10, 100, 1])
    for word, mine, its, share in zip(
        ("bread", "rye", "oz"), reply, right, (0.1, 0.01, 1.0), strict=True
    ):
        if near(mine, its) or (its == 0 and abs(mine) < 1e-9):
            continue
        hint_if(near(mine, share), f"{word}: that is the share of the texts that have it.")
        if near(mine, 1 / share):
            raise Hint(f"{word}: all texts over those that have it; what of the logarithm?")
        hint_if(its > 0 and near(mine, -its), f"{word}: the fraction is upside down.")
        if its > 0 and (near(mine, its / np.log(10)) or near(mine, its / np.log(2))):
            raise Hint(f"{word}: the logarithm is the natural one.")
        raise Hint(f"{word}: how many texts are there, and how many have the word?")


@checker
def exercise_2(lift: Callable[[NDArray[np.int64]], ArrayLike]) -> None:
    """Check a table of pairs against chance."""
    rng = np.random.default_rng(5)
    for kinds in (4, 6):
        upper = np.triu(rng.integers(0, 6, (kinds, kinds)) + np.eye(kinds, k=1, dtype=int), 1)
        together = upper + upper.T
        margin, total = together.sum(axis=1), together.sum()
        ratio = together * total / np.outer(margin, margin)
        right = np.log(np.maximum(ratio, 1))
        shape = (kinds, kinds)
        answer = called(lift, together)
        reply = numbers(answer, shape, f"return a table of shape {shape}", finite=False)
        if not np.isfinite(reply).all():
            raise Hint("a pair that was never seen has no logarithm: give it 0.")
        with np.errstate(divide="ignore"):
            signed = np.where(together > 0, np.log(ratio), 0)
        less_one = np.maximum(0, ratio - 1)
        hints = {
            "a pair that is rarer than chance gets 0, not less.": signed,
            "these are the ratios; take their logarithm.": ratio,
            "the logarithm of the ratio is asked for, not the ratio less 1.": less_one,
            "that is how frequent each pair is; what would chance give?": together / total,
            "the logarithm is the natural one.": right / np.log(2),
            "compare each count with the product of its two margins over the total.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(amount: Callable[[str], float | None]) -> None:
    """Check that amounts are read, and that the rest is refused."""
    for text, right in AMOUNTS.items():
        try:
            reply: Any = called(amount, text)
        except Exception:
            if right is None:
                raise Hint(f"{text!r} ends in an error; it should be refused, with None.") from None
            raise
        if right is None:
            if reply is not None:
                raise Hint(f"{text!r} is no amount of the two forms: refuse it with None.")
            continue
        if reply is None:
            raise Hint(f"{text!r} is an amount: an O in it is a 0.")
        mine = number(reply, f"return a number for {text!r}")
        hint_if("%" in text and near(mine, 100 * right), f"{text!r}: a share lies between 0 and 1.")
        hint_if(not near(mine, right, rtol=1e-6), f"{text!r}: {mine:g} is not right.")


@checker
def exercise_4(same_depth: Callable[[pd.DataFrame], float]) -> None:
    """Check an effect at the same depth."""
    rng = np.random.default_rng(7)
    for count, effect in ((60, 0.0), (90, 0.3)):
        depth = rng.choice([0.1, 0.25, 0.5], count, p=[0.5, 0.3, 0.2])
        badge = (rng.random(count) < np.where(depth >= 0.25, 0.8, 0.2)).astype(int)
        lone = pd.DataFrame({"depth": 0.75, "badge": 1, "lift": 9.0}, [0, 1])
        some = pd.DataFrame({"depth": depth, "badge": badge})
        some["lift"] = 2 * depth + effect * badge + rng.normal(0, 0.1, count)
        table = pd.concat([some, lone], ignore_index=True)
        means = some.pivot_table(index="depth", columns="badge", values="lift")
        sizes = some.groupby("depth").size()
        apart = means[1] - means[0]
        right = float(np.average(apart, weights=sizes))
        answer = called(same_depth, table)
        mine = number(answer, "return one number, the effect of a badge", finite=False)
        hint_if(not np.isfinite(mine), "one depth has badges only: leave it out.")
        lifts = [rows.groupby("badge")["lift"].mean() for rows in (table, some)]
        at_once = tuple(lift[1] - lift[0] for lift in lifts)
        hints = {
            "that compares badges of all depths at once: the depth is in it.": at_once,
            "each depth counts the same here; weight it by its coupons.": apart.mean(),
            "first the difference within each depth, then its weighted mean.": OTHERWISE,
        }
        compare(mine, right, hints, rtol=1e-6)
