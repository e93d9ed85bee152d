"""Features know the past and nothing else, and say what their catalog says."""

from datetime import timedelta
from math import exp
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables import Tables, market_of

from coupon_rec import Market
from coupon_rec.features import (
    FEATURES,
    NEVER,
    offers_frame,
)
from coupon_rec.market import move_campaigns
from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.market.schema import SCHEMAS

KEY = ["campaign_id", "user_id", "coupon_id"]
LABELS = ["bought", "redeemed"]
NAMES = [feature.name for feature in FEATURES]


def offers_of(tables: Tables) -> pd.DataFrame:
    return offers_frame(market_of(tables))


@pytest.fixture(scope="module")
def sample(market: Market) -> Tables:
    return {name: table.to_pandas() for name, table in market.tables().items()}


@pytest.fixture(scope="module")
def sample_offers(sample: Tables) -> pd.DataFrame:
    return offers_of(sample)


def test_a_market_without_promotions_has_every_other_feature(
    sample: Tables, sample_offers: pd.DataFrame
) -> None:
    offers = offers_of({name: rows for name, rows in sample.items() if name != "promotions"})
    promoted = ["item_displays", "item_mailers"]
    assert not offers[promoted].any(axis=None)
    pd.testing.assert_frame_equal(
        offers.drop(columns=promoted), sample_offers.drop(columns=promoted), check_exact=True
    )


# The values, by hand

UNKNOWN = dict.fromkeys(USER_CATEGORIES, "unknown")
ITEM_COLUMNS = ["item_id", "manufacturer_id", "department", "brand", "category"]
PURCHASE_COLUMNS = ["user_id", "item_id", "basket_id", "time", "quantity", "amount"]
DISCOUNTS = ["retail_discount", "coupon_discount"]


@pytest.fixture(scope="module")
def tiny() -> Tables:
    """Three users and two campaigns: 1 to 10 March and 1 to 14 May."""
    yogurt = [(1, 10, "GROCERY", "National", "YOGURT"), (2, 11, "GROCERY", "Private", "YOGURT")]
    others = [(3, 12, "PASTRY", "National", "BREAD"), (4, 12, "PASTRY", "National", "CAKE")]
    wine = (5, 13, "DRUG GM", "National", "WINE")
    purchases = [
        (1, 1, 1, "2017-02-20 10:00:00", 2, 4.0, 1.0, 0.0),
        (1, 3, 1, "2017-02-20 10:00:00", 1, 3.0, 0.0, 0.0),
        (1, 5, 1, "2017-02-20 10:00:00", 1, 8.0, 0.0, 0.0),
        (1, 2, 2, "2017-03-01 00:00:00", 1, 2.0, 0.0, 0.5),
        (2, 3, 3, "2017-03-10 23:59:59", 1, 4.0, 0.0, 0.0),
        (2, 1, 4, "2017-03-11 00:00:00", 1, 2.0, 0.0, 0.6),
        (2, 5, 4, "2017-03-11 00:00:00", 1, 8.0, 0.0, 0.0),
        (1, 1, 5, "2017-04-30 23:59:59", 1, 3.0, 1.0, 0.0),
        (2, 2, 6, "2017-05-14 23:59:59", 1, 2.0, 0.0, 0.0),
        (1, 1, 7, "2017-05-15 00:00:00", 1, 3.0, 0.0, 0.0),
    ]
    promotions = [
        (1, 1, "2017-03-27", "5", "A"),  # five weeks before
        (1, 1, "2017-04-17", "3", "A"),
        (1, 1, "2017-04-24", "5", "0"),
        (2, 2, "2017-04-24", "0", "A"),
        (1, 1, "2017-05-01", "5", "A"),  # the campaign's first week
    ]
    first = [(1, user, coupon) for user in (1, 2) for coupon in (101, 102)]
    second = [(2, user, coupon) for user in (1, 2, 3) for coupon in (101, 103)]
    covered = [(1, 101, 1), (1, 101, 2), (1, 102, 3), *[(2, 101, i) for i in (1, 2, 3)]]
    redemptions = [(1, 1, 101, "2017-03-01"), (2, 3, 101, "2017-05-05")]
    return {
        "users": pd.DataFrame({"user_id": [1, 2, 3]}).assign(**UNKNOWN),
        "items": pd.DataFrame([*yogurt, *others, wine], columns=ITEM_COLUMNS).assign(
            type="unknown", package_size="unknown"
        ),
        "coupons": pd.DataFrame({"coupon_id": [101, 102, 103]}),
        "coupon_items": pd.DataFrame(
            [*covered, (2, 103, 4)], columns=["campaign_id", "coupon_id", "item_id"]
        ),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": [1, 2],
                "campaign_type": ["B", "C"],
                "start": pd.to_datetime(["2017-03-01", "2017-05-01"]),
                "end": pd.to_datetime(["2017-03-10", "2017-05-14"]),
            }
        ),
        "offers": pd.DataFrame([*first, *second], columns=KEY),
        "purchases": pd.DataFrame(purchases, columns=[*PURCHASE_COLUMNS, *DISCOUNTS]).assign(
            time=lambda table: pd.to_datetime(table.time), store_id=1, coupon_match=0.0
        ),
        "redemptions": pd.DataFrame(redemptions, columns=[*KEY, "date"]).assign(
            date=lambda table: pd.to_datetime(table.date)
        ),
        "promotions": pd.DataFrame(promotions, columns=list(SCHEMAS["promotions"].columns)).assign(
            week_start=lambda table: pd.to_datetime(table.week_start)
        ),
    }


@pytest.fixture(scope="module")
def tiny_offers(tiny: Tables) -> pd.DataFrame:
    return offers_of(tiny).set_index(KEY)


def test_features_of_a_small_market_are_those_computed_by_hand(tiny_offers: pd.DataFrame) -> None:
    """User 1 in May: three trips 70, 61 and 1 days before; the coupon covers items 1, 2 and 3."""
    offer = tiny_offers.loc[(2, 1, 101)]
    yogurt_45 = exp(-70 / 45) + exp(-61 / 45) + exp(-1 / 45)
    lines = [70, 70, 61, 1]

    def decayed(ages: list[int], days: int) -> float:
        return sum(exp(-age / days) for age in ages)

    by_hand = {
        "user_trips_per_week": 3 / 10,
        "user_spend_per_week": 20 / 10,
        "user_spend_per_trip": 20 / 3,
        "user_recency": 1,
        "user_trend": (decayed([70, 61, 1], 14) / 14) / (decayed([70, 61, 1], 120) / 120),
        "user_discount_share": 2 / 22,
        "user_coupon_share": 1 / 5,
        "user_private_share": 2 / 20,
        "user_categories_per_trip": (3 + 1 + 1) / 3,
        "user_mailed_90": 1,
        "user_redemption_rate": 1,
        "user_redemption_recency": 61,
        "user_redemptions_decayed": exp(-61 / 120),
        "user_spend_rank": 1,
        "item_popularity": 3 / 4,
        "item_popularity_rank": 1,
        "item_trend": 1 / 3 * 56 / 14,
        "item_price": 9 / 3,
        "item_price_ratio": (3 / 1) / (9 / 3),
        "item_discount_share": 1 / 10,
        "item_displays": 2 / (3 * 3),
        "item_mailers": 2 / (3 * 3),
        "item_private_share": 1 / 3,
        "match_lines_per_week": 4 / 10,
        "match_decayed_14": decayed(lines, 14),
        "match_decayed_45": decayed(lines, 45),
        "match_decayed_120": decayed(lines, 120),
        "match_trend": (decayed(lines, 14) / 14) / (decayed(lines, 120) / 120),
        "match_recency": 1,
        "match_interval": (70 - 1) / (4 - 1),
        "match_due": 1 / 23,
        "match_distinct_items": 3,
        "match_spend_per_week": 12 / 10,
        "match_wallet_share": 12 / 20,
        "match_coupon_share": 1 / 4,
        "match_price_ratio": (12 / 5) / (9 / 3),
        "match_category_share": (9 * 2 / 3 + 3 * 1 / 3) / 20,
        "match_category_decayed": yogurt_45 * 2 / 3 + exp(-70 / 45) * 1 / 3,
        "match_category_recency": 1,
        "match_brand_share": 12 / 20,
        "match_rank": 1,
        "match_wallet_rank": 1,
        "match_recency_rank": 0,
        "coupon_items": 3,
        "coupon_categories": 2,
        "coupon_manufacturers": 3,
        "coupon_days": 14,
        "coupon_rivals": 2,
        "coupon_discount": 0.6,
        "coupon_discount_share": 0.6 / 3,
        "coupon_success": (1 + 3) / (2 + 1000),
        "coupon_category_success": (1 + 3) / (2 + 1000),
        "coupon_offered_before": 1,
        "coupon_redeemed_before": 1,
    }
    assert offer[NAMES].to_dict() == pytest.approx(by_hand, abs=1e-6)
    assert (offer.campaign_type, offer.department, offer.spend_per_line) == ("C", "GROCERY", 9 / 3)


def test_ranks_compare_the_users_and_the_offers_of_a_campaign(tiny_offers: pd.DataFrame) -> None:
    may = tiny_offers.loc[2]
    assert may.user_spend_rank.xs(101, level="coupon_id").tolist() == [1, 0.5, 0]
    assert may.match_wallet_rank.xs(101, level="coupon_id").tolist() == pytest.approx([1, 0.8, 0])
    assert may.loc[1].match_rank.to_dict() == {101: 1, 103: 0}
    assert may.loc[1].match_recency_rank.to_dict() == {101: 0, 103: 1}


def test_ranks_leave_out_coupons_that_a_user_was_not_offered(tiny: Tables) -> None:
    """User 1, who buys most of what coupon 101 covers, does not get it in May."""
    offers = tiny["offers"].query("not (campaign_id == 2 and user_id == 1 and coupon_id == 101)")
    may = offers_of(tiny | {"offers": offers}).set_index(KEY).loc[2]
    assert may.match_wallet_rank.to_dict() == {
        (1, 103): 0,
        (2, 101): 1,
        (2, 103): 0,
        (3, 101): 0,
        (3, 103): 0,
    }


def test_the_item_is_the_one_bought_last_or_else_sold_most_or_else_any(
    tiny_offers: pd.DataFrame,
) -> None:
    items = tiny_offers.item_id
    assert items[1, 1, 101] == 1
    assert items[2, 2, 101] == 1
    assert items[2, 3, 101] == 1
    assert items[2, 3, 103] == 4
    assert items[1, 2, 102] == 3


def test_a_redemption_without_a_recorded_purchase_counts_as_one(tiny_offers: pd.DataFrame) -> None:
    assert tiny_offers.loc[(2, 3, 101), LABELS].tolist() == [1, 1]
    assert tiny_offers[LABELS].sum().tolist() == [4, 2]


def test_a_habit_is_of_what_was_bought_in_campaigns_that_are_over(
    tiny_offers: pd.DataFrame,
) -> None:
    before = tiny_offers.loc[1].groupby("user_id")[LABELS].sum()
    habit = tiny_offers.user_redeemed_if_bought
    for user in (1, 2, 3):
        bought, redeemed = before.reindex([user], fill_value=0).loc[user]
        assert habit[2, user].unique() == pytest.approx((redeemed + 1) / (bought + 20), abs=1e-6)
    assert habit[1].unique() == pytest.approx(0.05)
    assert habit[2].nunique() > 1


def test_who_never_came_has_what_stands_for_nothing_known(tiny_offers: pd.DataFrame) -> None:
    stranger = tiny_offers.loc[(2, 3, 103)]
    for feature in FEATURES:
        if feature.group in ("user", "match"):
            assert stranger[feature.name] == feature.missing, feature.name
    assert stranger[["coupon_discount", "coupon_discount_share"]].tolist() == [1, 0.5]
    assert stranger.coupon_success == pytest.approx(0.003)


def test_no_recency_is_longer_than_never(tiny: Tables) -> None:
    old = tiny["purchases"].assign(time=lambda table: table.time - timedelta(days=1000))
    mailed = tiny["redemptions"].assign(date=lambda table: table.date - timedelta(days=1000))
    offers = offers_of(tiny | {"purchases": old, "redemptions": mailed})
    recencies = [feature.name for feature in FEATURES if feature.missing == NEVER]
    assert (offers[recencies].max() == NEVER).all()


def test_the_frame_leaves_no_table_behind(tiny: Tables) -> None:
    market = market_of(tiny)
    connection = market.offers.get_backend().con

    def names() -> list[Any]:
        return connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()

    before = names()
    offers_frame(market)
    assert names() == before


def test_a_moved_campaign_counts_the_purchases_of_its_new_days(tiny: Tables) -> None:
    market = move_campaigns(market_of(tiny), days=1)
    offers = offers_frame(market).set_index(KEY)
    assert offers.loc[1, "start"].unique() == pd.Timestamp("2017-03-02")
    assert offers.bought[1, 2, 101] == 1  # on the day after the real campaign
    assert offers.bought[2, 1, 101] == 1
    assert offers.coupon_redeemed_before[2, 1, 101] == 1


# Catalog, encoding, split


def assert_as_in_the_catalog(offers: pd.DataFrame) -> None:
    assert (offers[NAMES].dtypes == "float32").all()
    assert not offers.drop(columns=["discount_error", "margin", "shop_share"]).isna().any(axis=None)
    assert np.isfinite(offers[NAMES]).all(axis=None)
    assert (offers[NAMES] >= 0).all(axis=None)
    fractions = [each.name for each in FEATURES if each.meaning.startswith(("share", "rank"))]
    assert (offers[fractions] <= 1).all(axis=None)
    assert offers[KEY].equals(offers[KEY].sort_values(KEY).drop_duplicates())
    assert offers[LABELS].isin([0, 1]).all(axis=None)
    assert (offers.bought >= offers.redeemed).all()


def test_every_feature_of_every_offer_is_known(sample: Tables, sample_offers: pd.DataFrame) -> None:
    assert_as_in_the_catalog(sample_offers)
    expected = sample["offers"][KEY].sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(sample_offers[KEY], expected)
