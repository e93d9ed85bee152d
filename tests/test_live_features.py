"""The features that a live store serves are those that the batch computes, to the last bit."""

import json
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
from coupon_rec.features import FEATURES, Encoder, offers_frame
from coupon_rec.features.online.ranks import Ranks
from coupon_rec.features.online.snapshot_writer import last_day, offers_as_of, write_snapshot
from coupon_rec.features.online.user_features import rounded
from coupon_rec.market import live_campaigns
from coupon_rec.serving.events.event import Event, events_of
from coupon_rec.serving.events.feature_store import FeatureStore

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ONE_DAY = timedelta(days=1)
MONDAY = date(2017, 11, 20)
APRIL = date(2017, 4, 10)


def used(market: Market, start: date) -> set[tuple[int, int, int]]:
    """The offers redeemed before `start`."""
    rows = market.redemptions.filter(market.redemptions.date < start).to_pandas()
    return set(zip(rows.campaign_id, rows.user_id, rows.coupon_id, strict=True))


def before(market: Market, day: date) -> Market:
    """The market without what happened on `day` or later."""
    return replace(
        market,
        purchases=market.purchases.filter(market.purchases.time.date() < day),
        redemptions=market.redemptions.filter(market.redemptions.date < day),
        views=market.views.filter(market.views.time.date() < day),
        clicks=market.clicks.filter(market.clicks.time.date() < day),
    )


def assert_equal_to_the_batch(
    store: FeatureStore, market: Market, day: date, nightly: Market | None = None
) -> int:
    """Compare every feature of every user and coupon; return how many offers that were."""
    offers = offers_as_of(market, store.day, day + ONE_DAY, nightly)
    keys = zip(offers.campaign_id, offers.user_id, offers.coupon_id, strict=True)
    gone = used(market, day + ONE_DAY)
    offers = offers[[key not in gone for key in keys]]
    mine = [store.offers(int(user), day) for user in offers.user_id.unique()]
    for name in ("campaign_id", "coupon_id", "spend_per_line", "coupon_discount"):
        live = np.concatenate([getattr(each, name) for each in mine])
        np.testing.assert_array_equal(live, offers[name].to_numpy(), name)
    for group, batch in store.snapshot.encoder.encode(offers).items():
        live = np.concatenate([each.arrays[group] for each in mine])
        numbers = store.snapshot.encoder.numbers.get(group, ())
        names = [number.name for number in numbers] or range(batch.shape[1])
        assert live.dtype == batch.dtype
        wrong = [
            name
            for name, a, b in zip(names, live.T, batch.T, strict=True)
            if not np.array_equal(a, b)
        ]
        assert wrong == [], group
    return len(offers)


# A day of real purchases


@pytest.fixture(scope="module")
def journey() -> Market:
    return load_complete_journey()


@pytest.fixture(scope="module")
def monday(journey: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(journey, MONDAY, tmp_path_factory.mktemp("journey") / "snapshot")


@pytest.fixture(scope="module")
def journey_encoder(journey: Market) -> Encoder:
    return Encoder.fit(offers_frame(journey))


@pytest.mark.slow
def test_after_a_day_of_real_events_all_features_equal_the_batch(
    journey: Market, monday: Path, journey_encoder: Encoder
) -> None:
    store = FeatureStore.load(monday, journey_encoder)
    events = events_of(journey, MONDAY)
    shuffled = np.random.default_rng(0).permutation(len(events)).tolist()
    for first in range(0, len(events), 500):
        some = [events[i] for i in shuffled[first : first + 500]]
        assert store.add(some) == len(some)
        assert store.add(some) == 0, "a retry counted"
        for event in some[::10]:
            store.offers(event.user_id, MONDAY)
    assert len(FEATURES) == 54
    assert assert_equal_to_the_batch(store, journey, MONDAY) > 200_000


# Any events, on the small market


@pytest.fixture(scope="module")
def sample(market: Market) -> Market:
    return market


@pytest.fixture(scope="module")
def april(sample: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(sample, APRIL, tmp_path_factory.mktemp("sample") / "snapshot")


def with_events(market: Market, events: list[Event]) -> Market:
    """The market with the purchases among some events, as the batch will see them."""
    rows = pd.DataFrame([{name: getattr(e, name) for name in Event.__slots__} for e in events])
    rows = rows.assign(store_id=1, coupon_match=0.0)[list(market.purchases.columns)]
    new = ibis.memtable(rows.astype({"user_id": "int64"})).cast(market.purchases.schema())
    return replace(market, purchases=market.purchases.union(new))


def test_a_snapshot_holds_nothing_of_its_day(sample: Market, april: Path, encoder: Encoder) -> None:
    """Asked as of its day, it says what the batch says of a market without that day."""
    store = FeatureStore.load(april, encoder)
    assert assert_equal_to_the_batch(store, before(sample, APRIL), APRIL) > 700


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
    sample: Market, april: Path, encoder: Encoder, events: list[Event]
) -> None:
    """Events of the last hundred days, up to the day after the snapshot's, in any order."""
    day = APRIL + ONE_DAY
    store = FeatureStore.load(april, encoder)
    assert store.add(events) == len(events)
    nightly = before(sample, APRIL)
    assert_equal_to_the_batch(store, with_events(nightly, events), day, nightly)


def test_someone_not_mailed_sees_every_live_coupon_as_if_mailed(
    sample: Market, april: Path, encoder: Encoder
) -> None:
    event = Event("1", 999, datetime(2017, 4, 10, 9), "purchase", 1003, 9, amount=5.0)
    store = FeatureStore.load(april, encoder)
    assert not store.offers(999, APRIL).known
    store.add([event])
    answer = store.offers(999, APRIL)
    assert answer.known
    offers = sample.offers.filter(sample.offers.campaign_id.isin([2, 3]))
    mailed = offers.select("campaign_id", "coupon_id").distinct().mutate(user_id=999)
    someone = sample.users.limit(1).mutate(
        user_id=ibis.literal(999, "int64"),
        **{name: ibis.literal("unknown") for name in sample.users.columns if name != "user_id"},
    )
    market = replace(
        with_events(before(sample, APRIL), [event]),
        users=sample.users.union(someone),
        offers=sample.offers.union(mailed.select(*sample.offers.columns).cast(offers.schema())),
    )
    batch = offers_as_of(market, APRIL, APRIL + ONE_DAY, before(sample, APRIL))
    batch = batch.query("user_id == 999")
    assert set(batch.campaign_id) == {2, 3}
    for group, values in store.snapshot.encoder.encode(batch).items():
        np.testing.assert_array_equal(answer.arrays[group], values, group)


# Rounding


def duckdb_rounded(values: np.ndarray) -> np.ndarray:
    table = ibis.memtable(pd.DataFrame({"i": range(len(values)), "x": values}))
    return ibis.duckdb.connect().to_pandas(table.mutate(x=table.x.round(6)).order_by("i")).x


def test_halves_are_rounded_as_the_database_rounds_them() -> None:
    rng = np.random.default_rng(0)
    cents, counts = rng.integers(1, 10**6, 200_000), rng.choice([32, 64, 80, 160, 224], 200_000)
    values = cents / 100 / counts
    product = values * 1e6
    halves = values[np.abs(product - np.floor(product) - 0.5) < 1e-6]
    halves = np.concatenate([halves, np.nextafter(halves, 0), np.nextafter(halves, 1e9)])
    assert len(halves) > 10_000
    np.testing.assert_array_equal(rounded(halves), duckdb_rounded(halves))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Nothing that is computed may warn."""
    with np.errstate(all="raise", under="ignore"):
        yield


@pytest.mark.slow
def test_ranks_hold_in_a_currency_of_millions(sample: Market, tmp_path: Path) -> None:
    lines = sample.purchases
    dear = lines.mutate(amount=lines.amount * 10**6)
    market = before(replace(sample, purchases=dear), APRIL)
    offers = offers_as_of(market, APRIL, APRIL + ONE_DAY)
    assert offers["user_spend_per_week"].max() > 2**44 / 10**6
    snapshot = write_snapshot(market, APRIL, tmp_path / "snapshot")
    store = FeatureStore.load(snapshot, Encoder.fit(offers))
    assert assert_equal_to_the_batch(store, market, APRIL) > 700


def test_a_value_beyond_all_stays_in_its_campaign() -> None:
    campaign, spend = np.array([0, 0, 1, 1]), np.array([1e12, 1.0, 2.0, 1e300])
    ranks = Ranks(campaign, spend, np.array([2, 2]))
    assert ranks.of(campaign, spend, 0, np.zeros(4, int)).tolist() == [1, 0, 0, 1]


# What cannot be served


def test_a_campaign_without_offers_is_not_written(sample: Market, tmp_path: Path) -> None:
    late = replace(sample, offers=sample.offers.filter(sample.offers.campaign_id == 1))
    with pytest.raises(ValueError, match="no campaign that is valid on 2017-04-10 has an offer"):
        write_snapshot(late, APRIL, tmp_path / "snapshot")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("user_points", [1.0, 2.0], "{} is no snapshot to serve .users.parquet lacks user_points"),
        ("user_kind", ["a", "b"], "{} is no snapshot to serve .users.parquet lacks user_kind"),
        ("match_points", [1.0, 2.0], "the model reads match_points, a column of a user and a"),
        ("match_kind", ["a", "b"], "the model reads match_kind, a column of a user and a"),
    ],
)
def test_a_column_that_a_service_lacks_is_named(
    sample: Market, april: Path, column: str, values: list[object], words: str
) -> None:
    offers = offers_frame(sample)
    more = offers.assign(**{column: np.resize(values, len(offers))})
    with pytest.raises(ValueError, match=words.format(april)):
        FeatureStore.load(april, Encoder.fit(more, extra=[column]))


# The day of a snapshot


@pytest.mark.parametrize(
    ("known", "last"),
    [
        (date(2017, 4, 20), date(2017, 4, 20)),  # within a campaign
        (date(2017, 5, 14), date(2017, 5, 5)),  # between two
        (date(2018, 1, 1), date(2017, 6, 21)),  # after all of them
    ],
)
def test_the_last_day_is_one_of_a_campaign(sample: Market, known: date, last: date) -> None:
    lines = sample.purchases
    lines = lines.filter(lines.time.date() < known).union(
        lines.limit(1).mutate(time=ibis.timestamp(f"{known} 12:00:00"))
    )
    market = replace(sample, purchases=lines)
    assert last_day(market) == last
    assert live_campaigns(market, last).count().execute()


@pytest.mark.slow
def test_a_time_of_day_does_not_end_a_campaign(sample: Market, tmp_path: Path) -> None:
    end, noon = date(2017, 4, 19), datetime(2017, 4, 19, 12)
    assert {*live_campaigns(sample, noon).campaign_id.execute()} == {2, 3}
    folder = write_snapshot(sample, noon, tmp_path / "snapshot")
    assert json.loads((folder / "snapshot.json").read_text()) == {"day": "2017-04-19"}
    pd.testing.assert_frame_equal(
        offers_as_of(sample, noon, noon), offers_as_of(sample, end, end), check_exact=True
    )


def test_purchases_that_end_before_all_campaigns_have_no_last_day(sample: Market) -> None:
    early = sample.purchases.filter(sample.purchases.time.date() < date(2017, 2, 1))
    with pytest.raises(ValueError, match=r"purchases end on 2017-01-31, before .* on 2017-02-15"):
        last_day(replace(sample, purchases=early))
