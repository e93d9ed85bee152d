"""Answers to the exercises of chapter 1, The first coupon."""

from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.book.check import Verdict
from coupon_rec.book.check import chapter_01 as check
from coupon_rec.decisions import Economics

CHOICE = pd.Series({"probability": 0.2})
TEST = pd.DataFrame(
    {
        "campaign_id": 1,
        "user_id": [1, 2, 3, 4],
        "redeemed": [0, 0, 0, 1],
        "spend_per_line": [5.0, 10.0, 20.0, 40.0],
        "discount": 1.0,
    }
)


def break_even(spend: float, discount: float, economics: Economics) -> float:
    earned = economics.incremental * economics.margin * spend - economics.retailer_match * discount
    return economics.contact / earned if earned >= economics.contact else np.inf


def best(valued: pd.DataFrame, number: int, by: list[str]) -> pd.DataFrame:
    worth = valued[valued["value"] > 0].sort_values("value", ascending=False)
    return worth.groupby(by).head(number)


def exercise_1(lift: Any) -> Verdict:
    return check.exercise_1(lift, CHOICE, TEST)


def exercise_4(smallest: Any) -> Verdict:
    return check.exercise_4(smallest, TEST, np.full(4, 0.1))


RIGHT: list[tuple[int, Any]] = [
    (1, 0.8),
    (2, break_even),
    (3, lambda valued: best(valued, 2, check.LIST)),
    (3, lambda valued: best(valued, 2, check.LIST).iloc[::-1, ::-1]),
    (3, lambda valued: best(valued, 2, check.LIST).set_index(check.LIST)),
    # 0.1 (share 0.25 20 - 0.17) = 0.005 at a share of 0.044: the third of four lists joins then.
    (4, 0.05),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "upside down", 1.25),
    (1, "not a difference", -0.05),
    (2, "value is not zero", lambda *_: 0.5),
    (2, "no probability", lambda *numbers: min(break_even(*numbers), 1.0)),
    (2, "money, no probability", lambda spend, *_: -np.inf if spend < 10 else 0.005 / 1.08),
    (
        2,
        "above 1 is none",
        lambda spend, discount, economics: (
            economics.contact / max(0.125 * spend - 0.17 * discount, 0)
            if 0.125 * spend > 0.17 * discount
            else np.inf
        ),
    ),
    (3, "more than two", lambda valued: best(valued, 3, check.LIST)),
    (3, "take the best two", lambda valued: best(valued, 1, check.LIST)),
    (3, "one is missing", lambda valued: best(valued, 2, check.LIST).query("user_id == 7")),
    (4, "fewer than half", 0.0),
    (4, "below it", 0.9),
]
