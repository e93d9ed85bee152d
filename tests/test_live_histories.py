"""What a live store says of views, clicks, terms and own columns is what the batch says."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from coupon_rec.features import Encoder
from coupon_rec.features.online.snapshot_writer import offers_as_of, write_snapshot
from coupon_rec.market import Market
from coupon_rec.serving.events.event import events_of
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.simulation import simulate_market

pytestmark = pytest.mark.slow

DAY = date(2017, 6, 21)
TOMORROW = DAY + timedelta(days=1)
EXTRA = ("user_region", "user_points", "user_taste", "coupon_colour")


@pytest.fixture(scope="module")
def market() -> Market:
    """A market with views, clicks, reviews, columns of its own, and depths that differ by user."""
    tables = simulate_market(users=300, seed=3).market
    user, coupon = tables.users.user_id, tables.coupons.coupon_id
    own_depth = ibis.ifelse(tables.offers.user_id % 3 == 0, 0.33, ibis.null("float64"))
    return replace(
        tables,
        users=tables.users.mutate(
            user_region=ibis.ifelse(user % 2 == 0, "north", "south"),
            user_points=(user % 7).cast("float64"),
            user_taste=ibis.array([(user % 5).cast("float64"), (user % 11).cast("float64")]),
        ),
        coupons=tables.coupons.mutate(coupon_colour=ibis.ifelse(coupon % 2 == 0, "red", "blue")),
        offers=tables.offers.mutate(depth=own_depth),
    )


def test_live_features_equal_the_batch_where_a_market_has_more(
    market: Market, tmp_path: Path
) -> None:
    offers = offers_as_of(market, DAY, TOMORROW)
    encoder = Encoder.fit(offers, extra=EXTRA)
    names = {number.name for part in encoder.numbers.values() for number in part}
    assert {"match_clicked_7", "user_views_7", "item_rating", "coupon_depth"} <= names
    assert offers["match_viewed_7"].gt(0).any() and offers["coupon_depth"].nunique() > 3
    store = FeatureStore.load(write_snapshot(market, DAY, tmp_path / "snapshot"), encoder)
    events = events_of(market, DAY)
    assert {"view", "click", "purchase"} <= {event.kind for event in events}
    store.add(events)
    assert_live_is_batch(store, offers)


@pytest.mark.parametrize("lacking", ["views", "the array of users"])
def test_what_was_looked_at_counts_without_views_and_without_the_array_of_users(
    market: Market, tmp_path: Path, lacking: str
) -> None:
    if lacking == "views":
        market = replace(market, views=None)
    offers = offers_as_of(market, DAY, TOMORROW)
    assert offers["match_clicked_7"].gt(0).any()
    encoder = Encoder.fit(offers)
    encoder = encoder if lacking == "views" else encoder.only("match")
    store = FeatureStore.load(write_snapshot(market, DAY, tmp_path / "snapshot"), encoder)
    store.add(events_of(market, DAY))
    assert_live_is_batch(store, offers)


def assert_live_is_batch(store: FeatureStore, offers: pd.DataFrame) -> None:
    """Compare all arrays of what a store serves with those of the batch."""
    live = {user: store.offers(int(user), DAY) for user in offers["user_id"].unique()}
    served = [(user, *pair) for user, one in live.items() for pair in zip(*key(one), strict=True)]
    batch = offers.set_index(["user_id", "campaign_id", "coupon_id"]).loc[served].reset_index()
    for array, values in store.snapshot.encoder.encode(batch).items():
        found = np.concatenate([one.arrays[array] for one in live.values()])
        np.testing.assert_array_equal(found, values, array)


def key(candidates: object) -> tuple[list[int], list[int]]:
    """The campaign and the coupon of each candidate."""
    return candidates.campaign_id.tolist(), candidates.coupon_id.tolist()  # type: ignore[attr-defined]
