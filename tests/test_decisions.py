"""The coupon for each user: in currency, and with "no coupon" among the choices."""

import numpy as np
import pandas as pd
import pytest

from coupon_rec.decisions import Economics, best_coupon, offer_value, reason
from coupon_rec.features import NEVER


def offers(**columns: list[float]) -> pd.DataFrame:
    """Two coupons for user 7 and one for user 8, all in campaign 1."""
    table = {
        "campaign_id": [1, 1, 1],
        "user_id": [7, 7, 8],
        "coupon_id": [10, 11, 10],
        "spend_per_line": [4.0, 20.0, 4.0],
        "coupon_discount": [1.0, 1.0, 1.0],
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


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ([0.1, 0.2], r"p has shape \(2,\); 3 offers need \(3,\)"),
        ([0.1, 1.5, -0.1], r"2 values that are no probabilities, such as \[1.5, -0.1\]"),
        ([0.1, 0.2, np.nan], r"1 values that are no probabilities, such as \[nan\]"),
    ],
)
def test_what_is_no_probability_is_refused(p: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        offer_value(offers(), p)
