"""What a coupon takes off and brings is what its terms say, or else what coupons did before."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tables import market_of

from coupon_rec.decisions import Economics, offer_value
from coupon_rec.decisions.parts import allocate_scores
from coupon_rec.features import offers_frame, write_offers
from coupon_rec.features.batch.money import PRIOR_LINES
from coupon_rec.market.categories import USER_CATEGORIES

START = date(2024, 3, 1)
LINE = {"quantity": 1, "amount": 4.0, "retail_discount": 1.0, "coupon_match": 0.0}


def lines(days: int, **columns: object) -> pd.DataFrame:
    """Purchase lines of user 1, so many days before the campaign."""
    time = datetime.combine(START, datetime.min.time()) - timedelta(days=days)
    ids = {"user_id": 1, "basket_id": days, "store_id": 1, "time": time}
    return pd.DataFrame({**ids, **LINE, "coupon_discount": 0.0, **columns})


TABLES = {
    "users": pd.DataFrame({"user_id": [1, 2]}).assign(**dict.fromkeys(USER_CATEGORIES, "unknown")),
    "items": pd.DataFrame({"item_id": [11, 12, 13, 14], "manufacturer_id": 1}).assign(
        department=["D", "D", "D", "E"],
        brand="B",
        category=["C", "C", "K", "L"],
        type="T",
        package_size="1",
    ),
    "coupons": pd.DataFrame({"coupon_id": [5, 6, 7]}),
    "coupon_items": pd.DataFrame(
        {"campaign_id": 1, "coupon_id": [5, 6, 6, 7], "item_id": [11, 12, 13, 14]}
    ),
    "campaigns": pd.DataFrame({"campaign_id": [1], "campaign_type": "B"}).assign(
        start=START, end=START
    ),
    "offers": pd.DataFrame(
        {"campaign_id": 1, "user_id": [1, 1, 1, 2, 2, 2], "coupon_id": [5, 6, 7, 5, 6, 7]}
    ),
    "purchases": lines(9, item_id=[11, 12]),
    "redemptions": pd.DataFrame({"campaign_id": [1], "user_id": 1, "coupon_id": 5, "date": START}),
}


def offers_of(**changed: pd.DataFrame) -> pd.DataFrame:
    return offers_frame(market_of(TABLES | changed)).set_index(["user_id", "coupon_id"])


def with_terms(table: str, **terms: object) -> dict[str, pd.DataFrame]:
    return {table: TABLES[table].assign(**terms)}


def test_an_offers_own_terms_come_first_then_those_of_its_coupon() -> None:
    coupons = with_terms("coupons", face_value=[2.0, 20.0, np.nan])
    none = np.nan
    own = {"face_value": [none, 3.0, none, none, none, none], "depth": [0.1, *[none] * 5]}
    offers = offers_of(**coupons, **with_terms("offers", **own))
    assert offers["discount"].to_dict() == {
        **{(1, 5): 0.5, (1, 6): 3.0, (1, 7): 1.0},
        **{(2, 5): 2.0, (2, 6): 20.0, (2, 7): 1.0},
    }
    assert offers["discount_from"].tolist() == [
        *("offers.depth", "offers.face_value", "nothing"),
        *("coupons.face_value", "coupons.face_value", "nothing"),
    ]
    assert offers["discount_error"].tolist()[:2] == [0, 0]


def test_a_depth_is_taken_of_the_list_price_on_the_day_weighted_by_what_is_sold() -> None:
    prices = pd.DataFrame(
        {
            "item_id": [12, 12, 12, 13, 14],
            "date": [date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 2), *[date(2024, 1, 1)] * 2],
            "list_price": [8.0, 10.0, 99.0, 40.0, 6.0],
        }
    )
    offers = offers_of(**with_terms("coupons", depth=0.5), prices=prices).loc[1]
    # item 11 has no list price, and stands at what tills took before discounts, 4 + 1
    assert offers["discount"].to_dict() == {5: 2.5, 6: (2 * 10 + 1 * 40) / 3 / 2, 7: 3.0}
    assert set(offers["discount_from"]) == {"coupons.depth"}


def test_history_goes_from_all_coupons_to_department_category_and_the_coupons_items() -> None:
    purchases = pd.concat(
        [
            lines(9, item_id=[11], coupon_discount=3.0),
            lines(400, item_id=[12, 13], coupon_discount=[2.0, 1.0]),
            lines(0, item_id=[11, 14], coupon_discount=50.0),
        ]
    )
    offers = offers_of(purchases=purchases).loc[1]
    everything = 2.0
    department = (3 + 2 + 1 + PRIOR_LINES * everything) / (3 + PRIOR_LINES)
    category = (3 + 2 + PRIOR_LINES * department) / (2 + PRIOR_LINES)
    items = (3 + PRIOR_LINES * category) / (1 + PRIOR_LINES)
    assert offers["discount"][5] == pytest.approx(items, abs=1e-6)
    assert offers["discount"][7] == everything
    assert offers["discount_from"].to_dict() == {5: "items", 6: "items", 7: "all coupons"}
    assert offers["discount_error"].tolist() == pytest.approx([2 / 3] * 3, abs=1e-6)


def test_a_purchase_brings_the_minimum_at_least_and_the_margin_that_costs_leave() -> None:
    prices = pd.DataFrame({"item_id": [11, 12], "date": date(2024, 1, 1), "list_price": 5.0})
    offers = offers_of(
        **with_terms("coupons", minimum=[10.0, 1.0, np.nan], shop_share=[1.0, 0.5, np.nan]),
        prices=prices.assign(unit_cost=[3.0, 5.0]),
    ).loc[1]
    assert offers["spend_per_line"].tolist() == [10, 4, 0]
    assert offers["margin"].tolist() == pytest.approx([0.25, -0.25, np.nan], nan_ok=True)
    assert offers["shop_share"].tolist() == pytest.approx([1, 0.5, np.nan], nan_ok=True)


def test_what_offers_know_takes_the_place_of_what_is_assumed() -> None:
    offers = pd.DataFrame({"spend_per_line": 10.0, "discount": [2.0, 2.0]})
    offers = offers.assign(margin=[0.5, np.nan], shop_share=[1.0, np.nan])
    money = Economics(margin=0.2, incremental=0.5, retailer_match=0.1, contact=0.0)
    assert offer_value(offers, [0.1, 0.1], money).tolist() == pytest.approx([0.05, 0.08])
    assert offer_value(offers, [0.1, 0.1], money, effect=[0.1, 0.1])[0] == pytest.approx(0.3)


def test_money_is_the_same_in_a_file_of_offers_and_in_the_frame(tmp_path: Path) -> None:
    terms = {"depth": [0.1, *[np.nan] * 5]}
    tables = TABLES | with_terms("offers", **terms) | with_terms("coupons", face_value=2.0)
    market = market_of(tables)
    for block in (1, 10):
        written = pd.read_parquet(write_offers(market, tmp_path / "offers.parquet", block))
        pd.testing.assert_frame_equal(written, offers_frame(market), check_dtype=False)


def test_a_budget_counts_the_face_value_that_is_redeemed(tmp_path: Path) -> None:
    rng, rows = np.random.default_rng(0), 3000
    value = rng.choice([2.0, 3.0, 5.0, 8.0, 12.0, 20.0], 6)
    scores = pd.DataFrame(
        {
            "campaign_id": 1,
            "user_id": np.arange(rows) // 6,
            "coupon_id": np.arange(rows) % 6,
            "redeemed": rng.beta(1, 10, rows),
            "spend_per_line": 50.0,
            "discount": np.tile(value, rows // 6),
        }
    )
    scores.to_parquet(tmp_path / "scores.parquet")
    found = allocate_scores(tmp_path / "scores.parquet", tmp_path / "choices", budget=100)
    sent = pd.read_parquet(tmp_path / "choices")
    stated = (sent["probability"] * value[sent["coupon_id"]]).sum()
    assert stated == pytest.approx(found.spent, rel=1e-9)
    assert 95 < stated <= 100
