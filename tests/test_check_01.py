"""Each checker of chapter 1 hints at what is wrong, and passes what is right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_01 as check
from coupon_rec.decisions import Economics

CHOICE = pd.Series({"probability": 0.2})
TEST = pd.DataFrame(
    {
        "campaign_id": 1,
        "user_id": [1, 2, 3, 4],
        "redeemed": [0, 0, 0, 1],
        "spend_per_line": [5.0, 10.0, 20.0, 40.0],
        "coupon_discount": 1.0,
    }
)


@pytest.mark.parametrize(
    ("lift", "hint"),
    [(1.0, "divide"), (1.25, "upside down"), (-0.05, "not a difference")],
)
def test_a_wrong_lift_gets_its_hint(lift: float, hint: str) -> None:
    assert hint in repr(check.exercise_1(lift, CHOICE, TEST))


def test_the_right_lift_passes() -> None:
    assert check.exercise_1(0.8, CHOICE, TEST)


def break_even(spend: float, discount: float, economics: Economics) -> float:
    earned = economics.incremental * economics.margin * spend - economics.retailer_match * discount
    return economics.contact / earned if earned >= economics.contact else np.inf


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda *_: 0.0, "not at 0.0"),
        (lambda *_: 0.5, "value is not zero"),
        (lambda *numbers: min(break_even(*numbers), 1.0), "no probability"),
        (lambda spend, *_: -np.inf if spend < 10 else 0.005 / 1.08, "no probability"),
        (
            lambda spend, discount, economics: (
                economics.contact / max(0.125 * spend - 0.17 * discount, 0)
                if 0.125 * spend > 0.17 * discount
                else np.inf
            ),
            "above 1 is none",
        ),
    ],
)
def test_a_wrong_break_even_gets_its_hint(answer: Callable[..., float], hint: str) -> None:
    assert hint in repr(check.exercise_2(answer))


def test_the_right_break_even_passes() -> None:
    assert check.exercise_2(break_even)


def best(valued: pd.DataFrame, number: int, by: list[str]) -> pd.DataFrame:
    worth = valued[valued["value"] > 0].sort_values("value", ascending=False)
    return worth.groupby(by).head(number)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda valued: valued, "not worth their cost"),
        (lambda valued: best(valued, 3, check.LIST), "more than two"),
        (lambda valued: best(valued, 1, check.LIST), "take the best two"),
        (lambda valued: best(valued, 2, check.LIST)[["coupon_id"]], "campaign_id is missing"),
        (lambda valued: print(end=""), "a `return`"),
        (lambda valued: best(valued, 2, check.LIST).query("user_id == 7"), "one is missing"),
    ],
)
def test_a_wrong_pair_of_coupons_gets_its_hint(answer: Any, hint: str) -> None:
    assert hint in repr(check.exercise_3(answer))


def test_the_right_pair_of_coupons_passes() -> None:
    assert check.exercise_3(lambda valued: best(valued, 2, check.LIST))


def test_right_answers_in_another_form_pass() -> None:
    assert check.exercise_1(pd.Series([0.8]), CHOICE, TEST)
    assert check.exercise_2(lambda *given: np.float64(break_even(*given)))
    assert check.exercise_3(lambda valued: best(valued, 2, check.LIST).iloc[::-1, ::-1])
    assert check.exercise_3(lambda valued: best(valued, 2, check.LIST).set_index(check.LIST))
    assert check.exercise_4(np.array([0.05]), TEST, [0.1] * 4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("smallest", "hint"), [(2.0, "between 0 and 1"), (0.0, "fewer than half"), (0.9, "below it")]
)
def test_a_wrong_smallest_share_gets_its_hint(smallest: float, hint: str) -> None:
    assert hint in repr(check.exercise_4(smallest, TEST, np.full(4, 0.1)))


def test_the_right_smallest_share_passes() -> None:
    # 0.1 (share 0.25 20 - 0.17) = 0.005 at a share of 0.044: the third of four lists joins then.
    assert check.exercise_4(0.05, TEST, np.full(4, 0.1))
