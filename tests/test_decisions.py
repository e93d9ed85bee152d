"""The coupon for each user: in currency, and with "no coupon" among the choices."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.decisions import (
    Economics,
    Rules,
    best_coupon,
    choose,
    offer_value,
    reason,
)
from coupon_rec.features import NEVER


def offers(**columns: list[float]) -> pd.DataFrame:
    """Two coupons for user 7 and one for user 8, all in campaign 1."""
    table = {
        "campaign_id": [1, 1, 1],
        "user_id": [7, 7, 8],
        "coupon_id": [10, 11, 10],
        "spend_per_line": [4.0, 20.0, 4.0],
        "discount": [1.0, 1.0, 1.0],
        "match_recency": [3.0, NEVER, NEVER],
        "match_distinct_items": [2.0, 0.0, 0.0],
        "match_category_recency": [3.0, 1.0, NEVER],
        "user_redemption_recency": [NEVER, NEVER, 40.0],
    }
    return pd.DataFrame(table | columns)


def test_value_is_expected_gain_less_discount_less_contact() -> None:
    economics = Economics(margin=0.25, incremental=0.5, retailer_match=0.2, contact=0.01)
    value = offer_value(offers(), [0.1, 0.1, 0.0], economics)
    assert np.allclose(value, [0.1 * (0.5 - 0.2) - 0.01, 0.1 * (2.5 - 0.2) - 0.01, -0.01])


def test_a_coupon_that_causes_nothing_only_costs() -> None:
    assert (offer_value(offers(), [0.9, 0.5, 0.1], Economics(incremental=0)) < 0).all()


def test_each_user_gets_the_most_valuable_coupon_not_the_likeliest() -> None:
    choices = best_coupon(offers(), [0.3, 0.2, 0.3])
    assert choices["coupon_id"].tolist() == [11, 10]
    assert choices["probability"].tolist() == [0.2, 0.3]


def test_no_coupon_is_sent_where_none_is_worth_it() -> None:
    choices = best_coupon(offers(), [0.2, 0.2, 0.001])
    assert choices["coupon_id"].isna().tolist() == [False, True]
    assert choices.loc[1, ["probability", "value", "reason"]].tolist() == [
        0.0,
        0.0,
        "no coupon is worth its cost",
    ]


def test_the_choice_does_not_depend_on_the_order_of_the_offers() -> None:
    table = offers(spend_per_line=[4.0, 4.0, 4.0]).assign(p=0.3)
    for seed in range(5):
        shuffled = table.sample(frac=1, random_state=seed)
        pd.testing.assert_frame_equal(
            best_coupon(shuffled, shuffled["p"]), best_coupon(table, table["p"])
        )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (0, "bought 2 of its items, last 3 days ago"),
        (1, "shopped its category 1 day ago"),
        (2, "has not bought anything like it; its items sell well; redeemed a coupon 40 days ago"),
    ],
)
def test_the_reason_names_what_the_user_did(row: int, words: str) -> None:
    assert reason(offers().iloc[row]) == words


def test_an_effect_of_ones_own_takes_the_place_of_the_incremental_share() -> None:
    p, economics = np.array([0.3, 0.2, 0.4]), Economics(incremental=0.4)
    same = offer_value(offers(), p, economics, effect=0.4 * p)
    np.testing.assert_allclose(same, offer_value(offers(), p, economics))
    free = Economics(retailer_match=0, contact=0, margin=0.5)
    assert offer_value(offers(), p, free, effect=[0.1, 0.0, -0.1]).tolist() == [0.2, 0.0, -0.2]


def test_the_coupon_with_the_larger_effect_is_sent_not_the_likelier() -> None:
    p, effect = [0.5, 0.2, 0.5], [0.05, 0.2, 0.0]
    choices = best_coupon(offers(spend_per_line=[9.0] * 3), p, effect=effect)
    assert choices["coupon_id"].tolist() == [11, pd.NA]
    sent = choose(offers(spend_per_line=[9.0] * 3), p, effect=effect)["sent"]
    assert sent.tolist() == [False, True, False]


def test_text_identifiers_are_given_back() -> None:
    table = offers().assign(user_id=["ann", "ann", "bob"], coupon_id=["tea", "oil", "tea"])
    choices = best_coupon(table, [0.3, 0.2, 0.001])
    assert choices["user_id"].tolist() == ["ann", "bob"]
    assert choices["coupon_id"].tolist() == ["oil", pd.NA]
    sent = choose(table, [0.3, 0.2, 0.001], Rules(caps={"oil": 0})).query("sent")
    assert sent["coupon_id"].tolist() == ["tea"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: offer_value(offers(), [0.1, 0.2]), "p must have shape (3,), not (2,)"),
        (
            lambda: offer_value(offers(), [0.1, 1.5, -0.1]),
            "p must be in [0, 1], but 2 of 3 values are not: 1.5 at position 1",
        ),
        (
            lambda: offer_value(offers(), [0.1, 0.2, np.nan]),
            "p must be finite, but 1 of 3 values are not: nan at position 2",
        ),
        (
            lambda: offer_value(offers(discount=[-1.0, 1.0, 1.0]), [0.1] * 3),
            "offers['discount'] must be 0 or more",
        ),
        (lambda: reason(offers()[["user_id"]].iloc[0]), "lacks ['match_recency'"),
        (
            lambda: offer_value(offers(), [0.1] * 3, effect=[0.1, 2, 0.1]),
            "effect must be in [-1, 1], but 1 of 3 values are not: 2.0 at position 1",
        ),
        (
            lambda: best_coupon(offers(spend_per_line=[4.0, np.nan, 4.0]), [0.1] * 3),
            "offers['spend_per_line'] must be finite, but 1 of 3 values are not",
        ),
        (
            lambda: best_coupon(offers().assign(user_id=[7, None, 8]), [0.1] * 3),
            "offers['user_id'] must be present, but 1 of 3 values are not",
        ),
    ],
)
def test_a_value_that_would_be_lost_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"margin": np.nan}, r"margin is nan; it must be in \[0, 1\]"),
        ({"incremental": 1.5}, r"incremental is 1.5; it must be in \[0, 1\]"),
        ({"retailer_match": -0.1}, "retailer_match is -0.1; it must be 0 or more"),
        ({"contact": np.inf}, "contact is inf; it must be 0 or more, and finite"),
    ],
)
def test_assumptions_out_of_their_range_are_refused(numbers: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Economics(**numbers)
