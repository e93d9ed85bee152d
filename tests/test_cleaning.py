"""Each cleaning step removes, adds or fills what it should, nothing else, and counts it."""

from datetime import date

import ibis
import pandas as pd
import pytest

from coupon_rec.market import change_log, cleaning
from coupon_rec.market.complete_journey import (
    clean,
    raw_complete_journey,
    to_local_time,
    translate,
)


def rows(table: ibis.Table, *columns: str) -> list[tuple[object, ...]]:
    frame = table.select(*columns).to_pandas() if columns else table.to_pandas()
    return sorted(frame.itertuples(index=False, name=None))


ITEMS = ibis.memtable(
    {
        "item_id": [1, 2, 3],
        "department": ["GROCERY", "FUEL", "GROCERY"],
        "category": ["YOGURT", "unknown", "COUPON"],
    }
)


def test_drop_duplicates_keeps_one_of_equal_rows() -> None:
    table = ibis.memtable({"coupon_id": [1, 1, 1], "item_id": [2, 2, 3]})
    cleaned, change = cleaning.drop_duplicates(table, "coupon_items")
    assert rows(cleaned) == [(1, 2), (1, 3)]
    assert (change.step, change.table, change.rows) == ("drop_duplicates", "coupon_items", 1)


def test_keep_first_keeps_the_earliest_row_of_a_key() -> None:
    days = [date(2017, 3, 2), date(2017, 3, 1), date(2017, 3, 9)]
    table = ibis.memtable({"user_id": [1, 1, 2], "date": days})
    cleaned, change = cleaning.keep_first(table, "redemptions", ["user_id"], "date")
    assert [row[0] for row in rows(cleaned)] == [1, 2]
    assert cleaned.date.min().execute() == pd.Timestamp(2017, 3, 1)
    assert cleaned.date.max().execute() == pd.Timestamp(2017, 3, 9)
    assert change.rows == 1


def test_keep_first_keeps_all_columns_of_that_row() -> None:
    days = [date(2017, 3, 2), date(2017, 3, 1), date(2017, 3, 1)]
    table = ibis.memtable({"user_id": [1, 1, 1], "channel": ["a", "c", "b"], "date": days})
    cleaned, change = cleaning.keep_first(table, "redemptions", ["user_id"], "date")
    assert rows(cleaned, "user_id", "channel") == [(1, "b")]
    assert (cleaned.columns, change.rows) == (table.columns, 2)


def test_drop_unknown_drops_rows_that_the_catalog_lacks() -> None:
    table = ibis.memtable({"item_id": [1, 7, 7], "coupon_id": [1, 1, 2]})
    cleaned, change = cleaning.drop_unknown(table, "coupon_items", "item_id", ITEMS)
    assert rows(cleaned) == [(1, 1)]
    assert change.rows == 2


def test_drop_non_items_drops_departments_and_categories() -> None:
    purchases = ibis.memtable({"item_id": [1, 2, 3, 3]})
    cleaned, change = cleaning.drop_non_items(purchases, ITEMS, ["FUEL"], ["COUPON"])
    assert rows(cleaned) == [(1,)]
    assert change.rows == 3


def test_drop_empty_lines_drops_a_quantity_of_zero() -> None:
    quantity = pd.array([0, 1, 3, -2, None], "Int64")
    cleaned, change = cleaning.drop_empty_lines(ibis.memtable({"quantity": quantity}))
    assert sorted(cleaned.quantity.to_pandas().dropna()) == [-2, 1, 3]
    assert change.rows == 1


def test_fill_unknown_counts_cells_and_leaves_other_columns() -> None:
    table = ibis.memtable(
        {"user_id": [1, 2], "age": ["25-34", None], "kids": [None, None], "note": ["x", None]},
        schema={"user_id": "int64", "age": "string", "kids": "string", "note": "string"},
    )
    cleaned, change = cleaning.fill_unknown(table, "users", ["age", "kids"])
    assert rows(cleaned, "age", "kids") == [("25-34", "unknown"), ("unknown", "unknown")]
    assert cleaned.note.isnull().sum().execute() == 1
    assert change.rows == 3


def test_add_missing_users_adds_each_once() -> None:
    users = ibis.memtable({"user_id": [1], "age": ["25-34"]})
    bought = ibis.memtable({"user_id": [1, 2, 2], "amount": [1.0, 2.0, 3.0]})
    offered = ibis.memtable({"coupon_id": [5, 5], "user_id": [2, 3]})
    cleaned, change = cleaning.add_missing_users(users, bought, offered)
    assert rows(cleaned, "user_id") == [(1,), (2,), (3,)]
    assert cleaned.age.isnull().sum().execute() == 2
    assert change.rows == 2


@pytest.mark.slow
def test_local_time_is_the_one_in_which_every_line_stands_in_its_week() -> None:
    raw = raw_complete_journey()
    local, _change = to_local_time(translate(raw)["purchases"])
    lines = raw["transactions"].to_pandas()
    utc = lines["transaction_timestamp"].dt.tz_localize("UTC")
    eastern = utc.dt.tz_convert("America/New_York").dt.tz_localize(None)
    days = (eastern.dt.normalize() - pd.Timestamp("2016-12-26")).dt.days
    assert (days // 7 + 1 == lines["week"]).all()
    assert sorted(local.time.to_pandas()) == sorted(eastern)


@pytest.mark.slow
def test_cleaning_complete_journey_changes_what_the_data_card_says() -> None:
    _market, changes = clean(translate(raw_complete_journey()))
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
