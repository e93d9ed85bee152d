"""Cleaning Complete Journey removes, adds and fills what it should, and counts it."""

import pandas as pd
import pytest

from coupon_rec.market import change_log
from coupon_rec.market.complete_journey import (
    clean,
    raw_complete_journey,
    to_local_time,
    translate,
)


@pytest.mark.slow
def test_local_time_is_the_one_in_which_every_line_stands_in_its_week() -> None:
    raw = raw_complete_journey()
    local = to_local_time(translate(raw)["purchases"].time)
    lines = raw["transactions"].to_pandas()
    utc = lines["transaction_timestamp"].dt.tz_localize("UTC")
    eastern = utc.dt.tz_convert("America/New_York").dt.tz_localize(None)
    days = (eastern.dt.normalize() - pd.Timestamp("2016-12-26")).dt.days
    assert (days // 7 + 1 == lines["week"]).all()
    assert sorted(local.to_pandas()) == sorted(eastern)


@pytest.mark.slow
def test_cleaning_complete_journey_changes_what_the_data_card_says() -> None:
    market, changes = clean(translate(raw_complete_journey()))
    log = change_log(changes)
    assert list(log.columns) == ["step", "table", "rows", "reason"]
    assert [(change.step, change.table, change.rows) for change in changes] == [
        ("add_missing_users", "users", 1_668),
        ("fill_unknown", "users", 12_046),
        ("fill_unknown", "items", 31_654),
        ("drop_duplicates", "coupon_items", 4_872),
        ("drop_unknown", "coupon_items", 16),
        ("keep_first", "redemptions", 27),
        ("to_local_time", "purchases", 250_533),
        ("drop_unknown", "purchases", 4_836),
        ("drop_non_items", "purchases", 17_237),
        ("drop_empty_lines", "purchases", 3_989),
    ]
    known = market.users.mutate(known=market.users.age != "unknown").known.sum().execute()
    assert (market.users.count().execute(), known) == (2_469, 801)
