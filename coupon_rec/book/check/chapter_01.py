"""Checkers of chapter 1, The first coupon."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import called, frame, number
from coupon_rec.decisions import Economics, offer_value

LIST = ["campaign_id", "user_id"]


@checker
def exercise_1(lift: float, choice: pd.Series, test: pd.DataFrame) -> None:
    """Check the lift of a chosen coupon over the average of the test offers."""
    lift = number(lift, "a lift is one number")
    right = choice["probability"] / test["redeemed"].mean()
    hints = {
        "that ratio is upside down: a likelier coupon needs a larger lift.": 1 / right,
        "a lift is a ratio, not a difference.": choice["probability"] - test["redeemed"].mean(),
        "divide the coupon's probability by the average rate of redemption.": OTHERWISE,
    }
    compare(lift, right, hints, rtol=0.01)


@checker
def exercise_2(break_even: Callable[[float, float, Economics], float]) -> None:
    """Check a function that gives the probability at which an offer is worth nothing."""

    def at(spend: float, discount: float, economics: Economics) -> float:
        wanted = "return one number, a probability or `numpy.inf`"
        return number(called(break_even, spend, discount, economics), wanted, finite=False)

    usual = Economics()
    p = at(10.0, 1.0, usual)
    offer = pd.DataFrame({"spend_per_line": [10.0], "discount": [1.0]})
    hint_if(not 0 < p < 1, f"a $10 purchase with $1 off has a break-even in (0, 1), not at {p}.")
    if not np.isclose(offer_value(offer, [p], usual), 0, atol=1e-9):
        raise Hint("put your probability back into the equation: the value is not zero.")
    if at(1.0, 2.0, usual) != np.inf:
        raise Hint("if a redemption loses money, no probability makes the offer break even.")
    if at(0.1, 0.0, Economics(contact=1.0)) != np.inf:
        raise Hint("a probability above 1 is none: what if sending costs more than it earns?")


@checker
def exercise_3(best_two: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Check a function that keeps up to two coupons worth sending in each list."""
    valued = pd.DataFrame(
        {
            "campaign_id": [1, 1, 1, 1, 1, 2, 2],
            "user_id": [7, 7, 7, 8, 8, 7, 7],
            "coupon_id": [10, 11, 12, 10, 11, 20, 21],
            "value": [0.1, 0.3, 0.2, -0.1, 0.4, -0.2, -0.1],
        }
    )
    wanted = "return those rows of `valued` that you choose, with their columns"
    chosen = frame(called(best_two, valued), valued.columns, wanted)
    hint_if((chosen["value"] <= 0).any(), "some of the coupons you send are not worth their cost.")
    hint_if(chosen.groupby(LIST).size().max() > 2, "a list got more than two coupons.")
    offers = set(chosen[[*LIST, "coupon_id"]].itertuples(index=False, name=None))
    if (1, 7, 11) not in offers or (1, 7, 12) not in offers:
        raise Hint("user 7 has three good coupons in campaign 1: take the best two.")
    if offers != {(1, 7, 11), (1, 7, 12), (1, 8, 11)}:
        raise Hint("each user of each campaign has a list of their own; one is missing.")


@checker
def exercise_4(smallest: float, test: pd.DataFrame, p: ArrayLike) -> None:
    """Check the smallest incremental share at which half of the lists get a coupon."""

    def sent(share: float) -> float:
        value = offer_value(test, p, Economics(incremental=share))
        return float((test[LIST].assign(value=value).groupby(LIST)["value"].max() > 0).mean())

    smallest = number(smallest, "give one number, the smallest share")
    hint_if(not 0 <= smallest <= 1, "a share lies between 0 and 1.")
    hint_if(sent(smallest) < 0.5, f"at {smallest:.2f}, fewer than half of the lists get a coupon.")
    if smallest >= 0.01 and sent(smallest - 0.01) >= 0.5:
        raise Hint(f"it works at {smallest:.2f}, and one hundredth below it too.")
