"""Features know the past and nothing else, and say what their catalog says."""

from collections.abc import Callable
from datetime import date, timedelta
from math import exp
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec import Market, load_complete_journey, load_market
from coupon_rec.features import (
    COUPON_CATEGORIES,
    FEATURES,
    NEVER,
    USER_CATEGORIES,
    build_offers,
    encode,
    feature_names,
    feature_table,
    split,
    tokens,
)
from coupon_rec.market.schema import SCHEMAS, types

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
KEY = ["campaign_id", "user_id", "coupon_id"]
LABELS = ["bought", "redeemed"]
NAMES = [feature.name for feature in FEATURES]

Tables = dict[str, pd.DataFrame]


def market_of(tables: Tables) -> Market:
    connection = ibis.duckdb.connect()
    exact = {
        name: connection.create_table(name, ibis.memtable(rows).cast(types(name)))
        for name, rows in tables.items()
    }
    return Market(**exact)


def offers_of(tables: Tables) -> pd.DataFrame:
    return build_offers(market_of(tables)).to_pandas()


def more(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, rows], ignore_index=True)[table.columns]


@pytest.fixture(scope="module")
def sample() -> Tables:
    return {name: table.to_pandas() for name, table in load_market(SAMPLE).tables().items()}


@pytest.fixture(scope="module")
def sample_offers(sample: Tables) -> pd.DataFrame:
    return offers_of(sample)


# Point in time

TIME = {"purchases": "time", "redemptions": "date", "promotions": "week_start"}
LAST_DAY_OF_WEEK = timedelta(days=6)


def happened(name: str, table: pd.DataFrame) -> pd.Series:
    """When each row was complete: for promotions, on the last day of the week."""
    time = pd.to_datetime(table[TIME[name]])
    return time + LAST_DAY_OF_WEEK if name == "promotions" else time


def at(name: str, table: pd.DataFrame, moments: list[pd.Timestamp]) -> pd.DataFrame:
    """The same rows, complete at these moments."""
    time = pd.Series(moments, table.index, dtype="datetime64[us]")
    if name == "promotions":
        time -= LAST_DAY_OF_WEEK
    return table.assign(**{TIME[name]: time if name == "purchases" else time.dt.date})


@st.composite
def other_future(draw: Any, tables: Tables, start: pd.Timestamp) -> Tables:
    """The same market up to the day before `start`, and another one from there on."""
    tables = dict(tables)
    starts = pd.to_datetime(tables["campaigns"].start)
    later = tables["campaigns"].campaign_id[starts > start].tolist()
    canceled = draw(st.sets(st.sampled_from(later))) if later else set()
    for name in ("campaigns", "coupon_items", "offers", "redemptions"):
        tables[name] = tables[name][~tables[name].campaign_id.isin(canceled)]
    for name, table in [(name, tables[name]) for name in TIME]:
        late = table.index[happened(name, table) >= start].tolist()
        lost = draw(st.sets(st.sampled_from(late), max_size=20)) if late else set()
        pattern = tables["offers"] if name == "redemptions" else table
        new = pattern.iloc[draw(st.lists(st.integers(0, len(pattern) - 1), max_size=20))]
        seconds = st.just(0) | st.integers(0, 60 * 24 * 3600)
        moments = [start + timedelta(seconds=draw(seconds)) for _ in range(len(new))]
        new = at(name, new.assign(store_id=draw(st.integers(1, 9))), moments)
        tables[name] = more(table.drop(list(lost)), new)
    first = (start + timedelta(days=draw(st.integers(0, 30)))).date()
    another = {"campaign_id": 99, "campaign_type": "C", "start": first, "end": first}
    coupon = {"campaign_id": 99, "coupon_id": draw(st.integers(501, 520))}
    covered = {**coupon, "item_id": draw(st.integers(1001, 1200))}
    mailed = tables["users"][["user_id"]].assign(**coupon)
    tables["campaigns"] = more(tables["campaigns"], pd.DataFrame([another]))
    tables["coupon_items"] = more(tables["coupon_items"], pd.DataFrame([covered]))
    tables["offers"] = more(tables["offers"], mailed)
    return tables


def known(offers: pd.DataFrame, campaign: int) -> pd.DataFrame:
    mine = offers[offers.campaign_id == campaign]
    return mine.drop(columns=LABELS).reset_index(drop=True)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data(), campaign=st.integers(1, 4))
def test_no_feature_moves_when_the_future_changes(
    sample: Tables, sample_offers: pd.DataFrame, data: st.DataObject, campaign: int
) -> None:
    start = pd.Timestamp(sample["campaigns"].start[campaign - 1])
    changed = offers_of(data.draw(other_future(sample, start)))
    pd.testing.assert_frame_equal(
        known(changed, campaign), known(sample_offers, campaign), check_exact=True
    )


@pytest.mark.parametrize("name", TIME)
def test_an_event_moves_features_on_the_day_before_the_start_but_not_on_the_start(
    sample: Tables, sample_offers: pd.DataFrame, name: str
) -> None:
    start = pd.Timestamp(sample["campaigns"].start[3])
    offer = sample["offers"].query("campaign_id == 4").merge(sample["coupon_items"]).head(1)
    purchase = sample["purchases"].tail(1).drop(columns=["user_id", "item_id"])
    event = offer.merge(purchase, how="cross").assign(display="5", mailer="A")
    for moment, moves in [(start - timedelta(seconds=1), True), (start, False)]:
        table = more(sample[name], at(name, event, [moment]))
        features = known(offers_of(sample | {name: table}), 4)
        assert features.equals(known(sample_offers, 4)) is not moves


def test_a_campaign_was_mailed_before_only_those_that_start_later(
    sample: Tables, sample_offers: pd.DataFrame
) -> None:
    start = sample["campaigns"].start[3]
    for first, counts in [(start - timedelta(days=1), True), (start, False)]:
        campaigns = sample["campaigns"].copy()
        campaigns.loc[2, "start"] = first
        mailed = known(offers_of(sample | {"campaigns": campaigns}), 4).user_mailed_90
        assert mailed.equals(known(sample_offers, 4).user_mailed_90) is counts


@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_does_not_matter(
    sample: Tables, sample_offers: pd.DataFrame, seed: int
) -> None:
    shuffled = {name: rows.sample(frac=1, random_state=seed) for name, rows in sample.items()}
    pd.testing.assert_frame_equal(offers_of(shuffled), sample_offers, check_exact=True)


def test_a_market_without_promotions_has_every_other_feature(
    sample: Tables, sample_offers: pd.DataFrame
) -> None:
    offers = offers_of({name: rows for name, rows in sample.items() if name != "promotions"})
    promoted = ["item_displays", "item_mailers"]
    assert not offers[promoted].any(axis=None)
    pd.testing.assert_frame_equal(
        offers.drop(columns=promoted), sample_offers.drop(columns=promoted), check_exact=True
    )
