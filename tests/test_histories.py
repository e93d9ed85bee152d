"""Views, clicks, reviews and terms become features where a market has them, known in time."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from math import exp
from pathlib import Path

import pandas as pd
import pytest
from tables import market_of

from coupon_rec import Market
from coupon_rec.features import NEVER, OPTIONAL_FEATURES, offers_frame, write_offers
from coupon_rec.market.schema import types

START = date(2024, 3, 1)
OPTIONAL = [feature.name for feature in OPTIONAL_FEATURES]


def before(days: int, hour: int = 12) -> datetime:
    """A moment so many days before the campaign."""
    return datetime.combine(START, datetime.min.time()) + timedelta(days=-days, hours=hour)


TABLES = {
    "users": pd.DataFrame({"user_id": [1, 2]}).assign(
        **dict.fromkeys([name for name in types("users") if name != "user_id"], "unknown")
    ),
    "items": pd.DataFrame({"item_id": [11, 12, 13], "manufacturer_id": 1}).assign(
        department="D", brand="B", category="C", type="T", package_size="1"
    ),
    "coupons": pd.DataFrame({"coupon_id": [5, 6]}),
    "coupon_items": pd.DataFrame(
        {"campaign_id": 1, "coupon_id": [5, 5, 6], "item_id": [11, 12, 13]}
    ),
    "campaigns": pd.DataFrame(
        {"campaign_id": [1], "campaign_type": "B", "start": START, "end": START}
    ),
    "offers": pd.DataFrame({"campaign_id": 1, "user_id": [1, 1, 2, 2], "coupon_id": [5, 6, 5, 6]}),
    "purchases": pd.DataFrame(
        {"user_id": [1], "item_id": 11, "basket_id": 1, "store_id": 1, "time": before(9)}
    ).assign(quantity=1, amount=2.0, retail_discount=0.0, coupon_discount=0.0, coupon_match=0.0),
    "redemptions": pd.DataFrame({"campaign_id": [1], "user_id": 1, "coupon_id": 5, "date": START}),
}
BROWSING = {
    "views": pd.DataFrame(
        {
            "user_id": [1, 1, 1, 1, 2],
            "item_id": [11, 11, 12, 13, 13],
            "time": [before(1, 23), before(7), before(14), before(0, 0), before(400)],
        }
    ),
    "clicks": pd.DataFrame({"user_id": [1], "item_id": [12], "time": [before(14)]}),
    "reviews": pd.DataFrame(
        {
            "user_id": 2,
            "item_id": [11, 12, 12, 13],
            "time": [before(3), before(2), before(1), before(0)],
            "rating": [5, 4, 3, 1],
        }
    ),
}


def by_offer(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return offers_frame(market_of(tables)).set_index(["user_id", "coupon_id"])


@pytest.fixture(scope="module")
def known() -> pd.DataFrame:
    """The offers of the market with its histories."""
    return by_offer(TABLES | BROWSING)


def test_histories_by_hand(known: pd.DataFrame) -> None:
    one_five, one_six, two_six = known.loc[(1, 5)], known.loc[(1, 6)], known.loc[(2, 6)]
    fresh, week, two_weeks = exp(-1 / 7), exp(-1), exp(-2)
    assert one_five["user_views_7"] == pytest.approx(fresh + week + two_weeks, rel=1e-5)
    assert one_six["user_views_7"] == one_five["user_views_7"]
    assert one_five["match_viewed_7"] == pytest.approx(fresh + week + two_weeks, rel=1e-5)
    assert one_five["match_clicked_7"] == pytest.approx(two_weeks, rel=1e-5)
    assert one_five["match_view_recency"] == 1
    assert (one_six["match_viewed_7"], one_six["match_view_recency"]) == (0, NEVER)
    assert two_six["match_view_recency"] == NEVER  # 400 days are capped
    assert (two_six["match_viewed_7"], two_six["match_clicked_7"]) == (0, 0)
    overall = (5 + 4 + 3) / 3
    assert one_five["item_rating"] == pytest.approx((12 + 5 * overall) / (3 + 5), rel=1e-5)
    assert one_six["item_rating"] == pytest.approx(overall, rel=1e-5)


def test_without_reviews_before_the_campaign_the_rating_is_the_middle() -> None:
    late = BROWSING["reviews"].tail(1)
    assert by_offer(TABLES | {"reviews": late})["item_rating"].eq(3.0).all()


@pytest.mark.slow
def test_terms_of_the_coupon_and_of_the_offer() -> None:
    coupons = TABLES["coupons"].assign(
        depth=[0.25, None], face_value=[None, 2.0], minimum=[None, 10.0]
    )
    names = ["coupon_depth", "coupon_face_value", "coupon_minimum"]
    offers = by_offer(TABLES | {"coupons": coupons})
    assert offers.loc[(1, 5), names].tolist() == [0.25, 0, 0]
    assert offers.loc[(2, 6), names].tolist() == [0, 2, 10]
    own = TABLES["offers"].assign(depth=[None, None, 0.5, 0.1])
    offers = by_offer(TABLES | {"coupons": coupons, "offers": own})
    assert offers.loc[(1, 6), names].tolist() == [0, 2, 10]
    assert offers.loc[(2, 5), names].tolist() == [0.5, 0, 0]
    assert offers.loc[(2, 6), names].round(6).tolist() == [pytest.approx(0.1), 0, 10]
    offers = by_offer(TABLES | {"offers": own})
    assert offers.loc[(2, 5), names[:2]].tolist() == [0.5, 0]
    assert "coupon_minimum" not in offers


def test_a_market_without_histories_has_the_features_of_every_market(known: pd.DataFrame) -> None:
    plain = by_offer(TABLES)
    assert not {*OPTIONAL} & {*plain.columns}
    pd.testing.assert_frame_equal(known[plain.columns], plain)
    assert [name for name in OPTIONAL if name in known] == OPTIONAL[:5]
    assert known[OPTIONAL[:5]].dtypes.eq("float32").all()


@pytest.mark.slow
def test_blocks_give_the_same_histories(market: Market, tmp_path: Path) -> None:
    users = market.users.mutate(user_half=market.users.user_id / 2)
    market = replace(market, users=users)
    written = pd.read_parquet(write_offers(market, tmp_path / "offers.parquet", block=7))
    expected = offers_frame(market)
    assert {*OPTIONAL, "user_half"} <= {*expected.columns}
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
