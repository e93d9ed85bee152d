"""A market of someone else loads, and keeps its own names."""

import pandas as pd
import pytest
from strangers import (
    DEPARTMENTS,
    OWN_BRAND,
    REGIONS,
    TEST_FROM,
    TRAIN_FROM,
    VALIDATE_FROM,
    write_strangers,
)

from coupon_rec import Market, load_market
from coupon_rec.features import offers_frame, split

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    return load_market(write_strangers(tmp_path_factory.mktemp("strangers")))


@pytest.fixture(scope="module")
def offers(market: Market) -> pd.DataFrame:
    return offers_frame(market)


def test_it_loads_and_there_is_enough_to_learn_from(market: Market, offers: pd.DataFrame) -> None:
    parts = split(offers, TRAIN_FROM, VALIDATE_FROM, TEST_FROM)
    assert market.users.count().execute() == 1500
    assert market.promotions is None
    assert min(part["redeemed"].sum() for part in parts) > 10
    assert parts.train["bought"].sum() > 500
    assert set(offers["user_region"]) == set(REGIONS)
    assert set(offers["department"]) == {*DEPARTMENTS.values()}
    assert offers["coupon_depth"].gt(0).all()


def test_its_own_brand_counts_as_private_label(market: Market, offers: pd.DataFrame) -> None:
    brands = market.items.filter(market.items.private_label).brand.to_pandas()
    assert set(brands) == {OWN_BRAND}
    assert 0.02 < offers["user_private_share"].mean() < 0.5
    assert offers["item_private_share"].max() > 0
