"""Checkers of chapter 26, Listening."""

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, choices, number, numbers
from coupon_rec.monitoring import Cusum

KINDS = ("nothing", "more talk", "worse talk", "both")


@checker
def exercise_1(mornings: Collection[str]) -> None:
    """Check what happened on three mornings."""
    wanted = 'answer with three of "nothing", "more talk", "worse talk", "both"'
    first, second, third = choices(mornings, KINDS, 3, wanted)
    hint_if(first != "nothing", "the first: what does this hour of the week usually have?")
    if second in ("worse talk", "both"):
        raise Hint("the second: which share of the opinions is negative?")
    hint_if(second == "nothing", "the second: are there as many opinions as usual?")
    if third in ("nothing", "more talk"):
        raise Hint("the third: which share of the opinions is negative?")
    hint_if(third == "both", "the third: are there more opinions than usual?")


@checker
def exercise_2(corrected: Callable[[float, float, float, float], float]) -> None:
    """Check the share behind a count of an erring classifier."""
    cases = ((30, 100, 0.9, 0.1), (24, 100, 0.8, 0.1), (3, 60, 0.7, 0.15), (95, 100, 0.9, 0.05))
    for k, n, caught, wrongly in cases:
        share = (k / n - wrongly) / (caught - wrongly)
        right = min(1.0, max(0.0, share))
        answer = called(corrected, float(k), float(n), caught, wrongly)
        reply = number(answer, "return one number, a share")
        one_error = (k / n - wrongly) / caught, k / n / caught
        turned = k / n * (caught - wrongly) + wrongly
        shown = f"{k} of {n} called negative, caught {caught:g}, wrongly {wrongly:g}"
        hints = {
            f"{shown}: a share is never below 0 or above 1.": share,
            f"{shown}: that is the share as called; nothing is corrected yet.": k / n,
            f"{shown}: that is a number of opinions; which share is it?": (n * share, n * right),
            "divide by how far the two shares of errors are apart.": one_error,
            "that is the other direction: from the truth to what is called.": turned,
            f"{shown}: {reply:.3f} is not right.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(sums: Callable[[Floats, Floats, float, float], ArrayLike]) -> None:
    """Check the sum of the evidence that talk has become worse."""
    rng = np.random.default_rng(26)
    for share, ratio in ((0.2, 2.0), (0.3, 1.4)):
        n = rng.poisson(15, 60).astype(float)
        n[5] = 0
        k = rng.binomial(n.astype(int), np.where(np.arange(60) < 40, share, share * ratio))
        k = k.astype(float)
        right = Cusum(ratio).path(k, share * n)
        answer = called(sums, k, n, share, ratio)
        reply = numbers(answer, (60,), "return one sum for each of the 60 hours", finite=False)
        if not np.isfinite(reply).all():
            raise Hint("an hour without opinions brings no evidence; do not divide by 0.")
        step = k * np.log(ratio) + (1 - ratio) * share * n
        flat = Cusum(ratio).path(k, np.full(60, share * n.mean()))
        by_hour = np.maximum(step, 0).cumsum()
        hints = {
            "that is the evidence of each hour by itself; add it up.": step,
            "quiet hours must not count against a later change: where is the zero?": step.cumsum(),
            "what is expected follows the opinions of the hour, not their mean.": flat,
            "the sum is kept at 0 or above, not each hour's evidence.": by_hour,
            f"share = {share:g}, ratio = {ratio:g}: these are not the sums.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_4(best: Callable[[Floats, Floats, Floats, float, float, float], float]) -> None:
    """Check the threshold that costs least in a year."""
    h = np.array([2.0, 3.0, 4.0, 5.0, 6.0])
    wrong = np.array([4.0, 1.6, 0.6, 0.2, 0.08])
    delay = np.array([7.0, 9.0, 11.5, 15.0, 20.0])
    replies, right, mistakes = [], [], []
    for crises, hour, alarm in ((12.0, 60.0, 240.0), (2.0, 20.0, 500.0), (50.0, 400.0, 300.0)):
        cost = 13 * alarm * wrong + crises * hour * delay
        once, four = 13 * alarm * wrong + hour * delay, alarm * wrong + crises * hour * delay
        by_part = h[four.argmin()], h[once.argmin()], h[cost.argmax()]
        mistakes.append([cost.min(), cost.argmin(), h[0], h[-1], *by_part])
        right.append(float(h[cost.argmin()]))
        answer = called(best, h, wrong, delay, crises, hour, alarm)
        replies.append(number(answer, "return one threshold"))
    smallest, place, soonest, rarest, four_weeks, one_crisis, dearest = np.array(mistakes).T
    hints = {
        "that is the smallest cost; at which threshold is it?": smallest,
        "that is its position; which threshold stands there?": place,
        "that one is soonest; what do its false alarms cost?": soonest,
        "that one rings least for nothing; what do its delays cost?": rarest,
        "false alarms are counted in four weeks; how many of these has a year?": four_weeks,
        "every crisis of the year is found late.": one_crisis,
        "that is where a year costs most.": dearest,
        "not the cheapest: add up what both cost in a year, at each threshold.": OTHERWISE,
    }
    compare(replies, right, hints)
