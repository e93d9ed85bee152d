"""Checkers of chapter 26, Listening."""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import (
    RIGHT,
    Verdict,
    called,
    checker,
    choices,
    near,
    number,
    numbers,
)
from coupon_rec.monitoring import Cusum

Floats = NDArray[np.float64]
KINDS = ("nothing", "more talk", "worse talk", "both")


@checker
def exercise_1(mornings: Collection[str]) -> Verdict:
    """Check what happened on three mornings."""
    wanted = 'answer with three of "nothing", "more talk", "worse talk", "both"'
    first, second, third = choices(mornings, KINDS, 3, wanted)
    if first != "nothing":
        return Verdict("the first: what does this hour of the week usually have?")
    if second in ("worse talk", "both"):
        return Verdict("the second: which share of the opinions is negative?")
    if second == "nothing":
        return Verdict("the second: are there as many opinions as usual?")
    if third in ("nothing", "more talk"):
        return Verdict("the third: which share of the opinions is negative?")
    if third == "both":
        return Verdict("the third: are there more opinions than usual?")
    return RIGHT


@checker
def exercise_2(corrected: Callable[[float, float, float, float], float]) -> Verdict:
    """Check the share behind a count of an erring classifier."""
    cases = ((30, 100, 0.9, 0.1), (24, 100, 0.8, 0.1), (3, 60, 0.7, 0.15), (95, 100, 0.9, 0.05))
    for k, n, caught, wrongly in cases:
        share = (k / n - wrongly) / (caught - wrongly)
        right = min(1.0, max(0.0, share))
        answer = called(corrected, float(k), float(n), caught, wrongly)
        found = number(answer, "return one number, a share")
        shown = f"{k} of {n} called negative, caught {caught:g}, wrongly {wrongly:g}"
        if near(found, right):
            continue
        if near(found, share):
            return Verdict(f"{shown}: a share is never below 0 or above 1.")
        if near(found, k / n):
            return Verdict(f"{shown}: that is the share as called; nothing is corrected yet.")
        if near(found, n * share) or near(found, n * right):
            return Verdict(f"{shown}: that is a number of opinions; which share is it?")
        if near(found, (k / n - wrongly) / caught) or near(found, k / n / caught):
            return Verdict("divide by how far the two shares of errors are apart.")
        if near(found, (k / n) * (caught - wrongly) + wrongly):
            return Verdict("that is the other direction: from the truth to what is called.")
        return Verdict(f"{shown}: {found:.3f} is not right.")
    return RIGHT


@checker
def exercise_3(sums: Callable[[Floats, Floats, float, float], ArrayLike]) -> Verdict:
    """Check the sum of the evidence that talk has become worse."""
    rng = np.random.default_rng(26)
    for share, ratio in ((0.2, 2.0), (0.3, 1.4)):
        n = rng.poisson(15, 60).astype(float)
        n[5] = 0
        k = rng.binomial(n.astype(int), np.where(np.arange(60) < 40, share, share * ratio))
        k = k.astype(float)
        right = Cusum(ratio).path(k, share * n)
        answer = called(sums, k, n, share, ratio)
        found = numbers(answer, (60,), "return one sum for each of the 60 hours", finite=False)
        if not np.isfinite(found).all():
            return Verdict("an hour without opinions brings no evidence; do not divide by 0.")
        if near(found, right):
            continue
        step = k * np.log(ratio) + (1 - ratio) * share * n
        if near(found, step):
            return Verdict("that is the evidence of each hour by itself; add it up.")
        if near(found, step.cumsum()):
            return Verdict("quiet hours must not count against a later change: where is the zero?")
        if near(found, Cusum(ratio).path(k, np.full(60, share * n.mean()))):
            return Verdict("what is expected follows the opinions of the hour, not their mean.")
        if near(found, np.maximum(step, 0).cumsum()):
            return Verdict("the sum is kept at 0 or above, not each hour's evidence.")
        return Verdict(f"share = {share:g}, ratio = {ratio:g}: these are not the sums.")
    return RIGHT


@checker
def exercise_4(best: Callable[[Floats, Floats, Floats, float, float, float], float]) -> Verdict:
    """Check the threshold that costs least in a year."""
    h = np.array([2.0, 3.0, 4.0, 5.0, 6.0])
    wrong = np.array([4.0, 1.6, 0.6, 0.2, 0.08])
    delay = np.array([7.0, 9.0, 11.5, 15.0, 20.0])
    hints: dict[str, list[float]] = {
        "that is the smallest cost; at which threshold is it?": [],
        "that is its position; which threshold stands there?": [],
        "that one is soonest; what do its false alarms cost?": [],
        "that one rings least for nothing; what do its delays cost?": [],
        "false alarms are counted in four weeks; how many of these has a year?": [],
        "every crisis of the year is found late.": [],
        "that is where a year costs most.": [],
    }
    found, right = [], []
    for crises, hour, alarm in ((12.0, 60.0, 240.0), (2.0, 20.0, 500.0), (50.0, 400.0, 300.0)):
        cost = 13 * alarm * wrong + crises * hour * delay
        once, four = 13 * alarm * wrong + hour * delay, alarm * wrong + crises * hour * delay
        wrongly = (
            cost.min(),
            cost.argmin(),
            h[0],
            h[-1],
            h[four.argmin()],
            h[once.argmin()],
            h[cost.argmax()],
        )
        for hint, value in zip(hints, wrongly, strict=True):
            hints[hint].append(float(value))
        right.append(float(h[cost.argmin()]))
        answer = called(best, h, wrong, delay, crises, hour, alarm)
        found.append(number(answer, "return one threshold"))
    if near(np.array(found), np.array(right)):
        return RIGHT
    for hint, values in hints.items():
        if near(np.array(found), np.array(values)):
            return Verdict(hint)
    return Verdict("not the cheapest: add up what both cost in a year, at each threshold.")
