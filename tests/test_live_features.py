"""The features that a live store serves are those that the batch computes, within 1e-6."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coupon_rec import Market, load_complete_journey
from coupon_rec.features import FEATURES, TRIED_FEATURES, Encoder, offers_frame
from coupon_rec.features.online.ranks import Ranks
from coupon_rec.features.online.snapshot_writer import last_day, offers_as_of, write_snapshot
from coupon_rec.features.online.user_features import rounded
from coupon_rec.market import live_campaigns
from coupon_rec.serving.events.event import Event, events_of
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.simulation import simulate_market

ONE_DAY = timedelta(days=1)
MONDAY = date(2017, 11, 20)
APRIL = date(2017, 4, 10)
JUNE = date(2017, 6, 21)
TRIED = [feature.name for feature in TRIED_FEATURES]
OFFER = ["user_id", "campaign_id", "coupon_id"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing that is computed may warn."""
    with np.errstate(all="raise", under="ignore"):
        yield


def before(market: Market, day: date) -> Market:
    """The market without what happened on `day` or later."""
    days = {"redemptions": lambda table: table.date}
    tables = {
        name: table.filter(days.get(name, lambda table: table.time.date())(table) < day)
        for name in ("purchases", "redemptions", "views", "clicks")
        if (table := getattr(market, name)) is not None
    }
    return replace(market, **tables)


def assert_live_is_batch(store: FeatureStore, offers: pd.DataFrame, day: date) -> None:
    """Compare all that a store serves on a day with those offers of the batch."""
    store.rank()
    live = {user: store.offers(int(user), day) for user in offers["user_id"].unique()}
    served = pd.concat(
        pd.DataFrame({"user_id": user, "campaign_id": one.campaign_id, "coupon_id": one.coupon_id})
        for user, one in live.items()
    )
    batch = served.merge(offers, "left", on=OFFER, validate="1:1")
    for name in ("spend_per_line", "discount", "margin", "shop_share"):
        values = np.concatenate([getattr(one, name) for one in live.values()])
        np.testing.assert_array_equal(values, batch[name].to_numpy(), name)
    for array, values in store.snapshot.encoder.encode(batch).items():
        found = np.concatenate([one.arrays[array] for one in live.values()])
        assert found.dtype == values.dtype
        np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-6, err_msg=array)


def assert_equal_to_the_batch(
    store: FeatureStore, market: Market, day: date, nightly: Market | None = None
) -> int:
    """Compare every feature of every offer that was not redeemed; return how many that were."""
    offers = offers_as_of(market, store.day, day + ONE_DAY, nightly)
    used = market.redemptions.filter(market.redemptions.date <= day).to_pandas()[OFFER]
    offers = offers[~offers.set_index(OFFER).index.isin(pd.MultiIndex.from_frame(used))]
    assert_live_is_batch(store, offers, day)
    counts = [len(store.offers(int(user), day).coupon_id) for user in offers["user_id"].unique()]
    assert sum(counts) == len(offers)
    return len(offers)


@pytest.mark.slow
def test_after_a_day_of_real_events_all_features_equal_the_batch(tmp_path: Path) -> None:
    journey = load_complete_journey()
    snapshot = write_snapshot(journey, MONDAY, tmp_path / "snapshot")
    store = FeatureStore.load(snapshot, Encoder.fit(offers_frame(journey), extra=TRIED))
    events = events_of(journey, MONDAY)
    shuffled = np.random.default_rng(0).permutation(len(events)).tolist()
    for first in range(0, len(events), 500):
        some = [events[i] for i in shuffled[first : first + 500]]
        assert store.add(some) == len(some)
        assert store.add(some) == 0, "a retry counted"
        for event in some[::10]:
            store.offers(event.user_id, MONDAY)
    assert len(FEATURES) == 54 and len(TRIED) == 3
    assert assert_equal_to_the_batch(store, journey, MONDAY) > 200_000


@pytest.fixture(scope="module")
def encoder(offers: pd.DataFrame) -> Encoder:
    """What reads all that there is."""
    return Encoder.fit(offers, extra=TRIED)


@pytest.fixture(scope="module")
def april(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(market, APRIL, tmp_path_factory.mktemp("sample") / "snapshot")


def with_events(market: Market, events: list[Event]) -> Market:
    """The market with the purchases among some events, as the batch will see them."""
    rows = pd.DataFrame([{name: getattr(e, name) for name in Event.__slots__} for e in events])
    rows = rows.assign(store_id=1, coupon_match=0.0)[list(market.purchases.columns)]
    new = ibis.memtable(rows.astype({"user_id": "int64"})).cast(market.purchases.schema())
    return replace(market, purchases=market.purchases.union(new))


def test_a_snapshot_holds_nothing_of_its_day(market: Market, april: Path, encoder: Encoder) -> None:
    """Asked as of its day, it says what the batch says of a market without that day."""
    store = FeatureStore.load(april, encoder)
    assert assert_equal_to_the_batch(store, before(market, APRIL), APRIL) > 700


money = st.integers(0, 10_000).map(lambda cents: cents / 100)
purchases = st.builds(
    Event,
    event_id=st.uuids().map(str),
    user_id=st.integers(1, 60),
    time=st.integers(1, 100 * 86_400).map(
        lambda seconds: datetime(2017, 4, 12) - timedelta(seconds=seconds)
    ),
    kind=st.just("purchase"),
    item_id=st.integers(1001, 1200),
    basket_id=st.integers(1, 5),
    quantity=st.integers(1, 9),
    amount=money,
    retail_discount=money,
    coupon_discount=st.just(0.0) | money,
)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])
@given(events=st.lists(purchases, min_size=1, max_size=40))
def test_late_events_and_events_out_of_order_count_as_the_batch_counts_them(
    market: Market, april: Path, encoder: Encoder, events: list[Event]
) -> None:
    """Events of the last hundred days, up to the day after the snapshot's, in any order."""
    store = FeatureStore.load(april, encoder)
    assert store.add(events) == len(events)
    nightly = before(market, APRIL)
    assert_equal_to_the_batch(store, with_events(nightly, events), APRIL + ONE_DAY, nightly)


def test_someone_not_mailed_sees_every_live_coupon_as_if_mailed(
    market: Market, april: Path, encoder: Encoder
) -> None:
    event = Event("1", 999, datetime(2017, 4, 10, 9), "purchase", 1003, 9, amount=5.0)
    store = FeatureStore.load(april, encoder)
    assert not store.offers(999, APRIL).known
    store.add([event])
    assert store.offers(999, APRIL).known
    offers = market.offers.filter(market.offers.campaign_id.isin([2, 3]))
    mailed = offers.select("campaign_id", "coupon_id").distinct().mutate(user_id=999)
    someone = market.users.limit(1).mutate(
        user_id=ibis.literal(999, "int64"),
        **{name: ibis.literal("unknown") for name in market.users.columns if name != "user_id"},
    )
    joined = replace(
        with_events(before(market, APRIL), [event]),
        users=market.users.union(someone),
        offers=market.offers.union(mailed.select(*market.offers.columns).cast(offers.schema())),
    )
    batch = offers_as_of(joined, APRIL, APRIL + ONE_DAY, before(market, APRIL))
    batch = batch.query("user_id == 999")
    assert set(batch.campaign_id) == {2, 3}
    assert_live_is_batch(store, batch, APRIL)


# Markets that have more

EXTRA = ("user_region", "user_points", "user_taste", "coupon_colour", *TRIED)


@pytest.fixture(scope="module")
def rich() -> Market:
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


@pytest.mark.slow
@pytest.mark.parametrize("lacking", ["nothing", "views", "the array of users"])
def test_views_clicks_terms_and_own_columns_equal_the_batch(
    rich: Market, tmp_path: Path, lacking: str
) -> None:
    market = replace(rich, views=None) if lacking == "views" else rich
    offers = offers_as_of(market, JUNE, JUNE + ONE_DAY)
    assert offers["match_clicked_7"].gt(0).any() and offers["coupon_depth"].nunique() > 3
    encoder = Encoder.fit(offers, extra=EXTRA)
    if lacking == "the array of users":
        encoder = encoder.only("match")
    store = FeatureStore.load(write_snapshot(market, JUNE, tmp_path / "snapshot"), encoder)
    store.add(events_of(market, JUNE))
    assert_live_is_batch(store, offers, JUNE)


# Rounding and ranks


def test_halves_are_rounded_as_the_database_rounds_them() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(1, 10**6, 200_000) / 100 / rng.choice([32, 64, 80, 160, 224], 200_000)
    halves = values[np.abs(values * 1e6 % 1 - 0.5) < 1e-6]
    halves = np.concatenate([halves, np.nextafter(halves, 0), np.nextafter(halves, 1e9)])
    assert len(halves) > 10_000
    table = ibis.memtable(pd.DataFrame({"i": range(len(halves)), "x": halves}))
    expected = ibis.duckdb.connect().to_pandas(table.mutate(x=table.x.round(6)).order_by("i"))
    np.testing.assert_array_equal(rounded(halves), expected["x"])


def test_a_value_beyond_all_stays_in_its_campaign() -> None:
    campaign, spend = np.array([0, 0, 1, 1]), np.array([1e12, 1.0, 2.0, 1e300])
    ranks = Ranks(campaign, spend, np.array([2, 2]))
    nobody = np.zeros(4, int)
    assert ranks.of(campaign, spend, nobody, nobody).tolist() == [1, 0, 0, 1]


# What cannot be served


def test_a_campaign_without_offers_is_not_written(market: Market, tmp_path: Path) -> None:
    late = replace(market, offers=market.offers.filter(market.offers.campaign_id == 1))
    with pytest.raises(ValueError, match="no campaign that is valid on 2017-04-10 has an offer"):
        write_snapshot(late, APRIL, tmp_path / "snapshot")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("user_points", [1.0, 2.0], "{} is no snapshot to serve .users.parquet lacks user_points"),
        ("match_points", [1.0, 2.0], "the model reads match_points, a column of a user and a"),
    ],
)
def test_a_column_that_a_service_lacks_is_named(
    market: Market, april: Path, column: str, values: list[object], words: str
) -> None:
    offers = offers_frame(market)
    more = offers.assign(**{column: np.resize(values, len(offers))})
    with pytest.raises(ValueError, match=words.format(april)):
        FeatureStore.load(april, Encoder.fit(more, extra=[column]))


# The day of a snapshot


@pytest.mark.parametrize(
    ("known", "last"),
    [
        (date(2017, 4, 20), date(2017, 4, 20)),  # within a campaign
        (date(2017, 5, 14), date(2017, 4, 29)),  # between two, and a week before the end of one
        (date(2018, 1, 1), date(2017, 6, 15)),  # after all of them
    ],
)
def test_coupons_of_the_last_day_are_valid_for_a_week(
    market: Market, known: date, last: date
) -> None:
    lines = market.purchases
    lines = lines.filter(lines.time.date() < known).union(
        lines.limit(1).mutate(time=ibis.timestamp(f"{known} 12:00:00"))
    )
    market = replace(market, purchases=lines)
    assert last_day(market) == last
    assert live_campaigns(market, last).count().execute()


def test_a_time_of_day_does_not_end_a_campaign(market: Market) -> None:
    assert {*live_campaigns(market, datetime(2017, 4, 19, 12)).campaign_id.execute()} == {2, 3}
