"""Checkers of chapter 20, Cold start."""

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, choices, number, numbers, unlike
from coupon_rec.evaluation import Prior

FACTORS = ("purchase", "redemption")


@checker
def exercise_1(cold: Collection[str]) -> None:
    """Check which factor is cold, in two shops."""
    wanted = 'answer with two words, such as ["purchase", "purchase"]'
    first, second = choices(cold, FACTORS, 2, wanted)
    if first == "purchase":
        raise Hint("first shop: as many bought as were promised; what came after that?")
    if second == "redemption":
        raise Hint("second shop: of those who bought, how many redeemed, and how many should?")


@checker
def exercise_2(shrunk: Callable[[Floats, Floats, float, float], Floats]) -> None:
    """Check rates that are shrunk to the usual one."""
    counts, exposure = np.array([0.0, 0, 3, 40]), np.array([0.0, 60, 50, 1000])
    for mean, strength in ((0.02, 200.0), (0.1, 10.0)):
        right = Prior(mean, strength).rate(counts, exposure)
        answer = called(shrunk, counts, exposure, mean, strength)
        reply = numbers(answer, right.shape, "return one rate for each coupon", finite=False)
        hint_if(np.isnan(reply[0]), "nothing seen is no rate of 0 / 0: what is it then?")
        raw = [reply[0], *(counts[1:] / exposure[1:])]
        one, all_of_them = ((counts + some) / (exposure + strength) for some in (mean, strength))
        hints = {
            "these are the raw rates: where does the usual rate come in?": raw,
            "the prior is worth `strength` offers; how many were redeemed of them?": one,
            "not every one of the prior's offers was redeemed.": all_of_them,
            "not right; with nothing seen it must give `mean`, with much seen k / n.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=1e-6)


@checker
def exercise_3(forget: Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]) -> None:
    """Check offers of which a copy has forgotten some columns."""
    offers = pd.DataFrame(
        {"trips": [1.0, 2, 3], "rate": [0.5, 0.0, 0.1], "mailed": [3.0, 1, 2], "y": [1.0, 0, 0]}
    )
    columns = ["rate", "mailed"]
    answer = called(forget, offers, columns)
    if not isinstance(answer, pd.DataFrame):
        raise unlike(answer, "return a table of offers")
    if sorted(answer.columns) != sorted(offers.columns):
        raise Hint("the columns must stay: a forgotten one holds missing values.")
    if len(answer) != 2 * len(offers):
        raise Hint(f"{len(offers)} offers make {2 * len(offers)}: each as it is, and a copy.")
    gone = answer[columns].isna()
    if not gone.any(axis=None) and (answer[columns] == 0).sum().sum() <= 2:
        raise Hint("nothing is missing yet: one copy of each offer must forget the columns.")
    if (answer[columns] == 0).sum().sum() > 1:
        raise Hint("zero is a rate like any other; a missing value is what says unknown.")
    if not (gone["rate"] == gone["mailed"]).all() or gone["rate"].sum() != len(offers):
        raise Hint("each offer must be there once with its history, and once without all of it.")
    if answer[["trips", "y"]].isna().any(axis=None):
        raise Hint("only the named columns are forgotten; the rest and the label stay.")
    wanted = pd.concat([offers, offers.assign(rate=np.nan, mailed=np.nan)])
    order = ["trips", "y", "rate"]
    same = answer[offers.columns].astype(float).sort_values(order).reset_index(drop=True)
    if not same.equals(wanted.sort_values(order).reset_index(drop=True)):
        raise Hint("a copy must keep its own shopping and its own label.")


@checker
def exercise_4(needed: Callable[[float, float], float]) -> None:
    """Check how many offers give a coupon's own record a share of the say."""
    for strength, share in ((300.0, 0.5), (300.0, 0.8), (50.0, 0.9)):
        right, upside_down = strength * share / (1 - share), strength * (1 - share) / share
        reply = number(called(needed, strength, share), "return one number, of offers")
        hints = {
            "the offers count in the denominator too: n / (n + strength) = share.": strength
            * share,
            "upside down: that is where the prior has this share.": upside_down,
            "that is right for a half; what if the share is another?": strength,
            f"strength {strength:g}, share {share:g}: {reply:.4g} is not right.": OTHERWISE,
        }
        compare(reply, right, hints)
