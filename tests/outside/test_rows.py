"""Rows that break a rule of data/SCHEMA.md are refused, with table, column, row and value.

`load_market` reports all problems at once, so the cases are spread over a few spoiled copies of a
market: no table is spoiled twice in one copy, and a table that cannot be read is in another copy
than rows that are compared with it.
"""

import re
import shutil
import warnings
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import trades
from shop import SAMPLE, refusal, told

import coupon_rec as cr

Edit = Callable[[pd.DataFrame], pd.DataFrame]
Spoil = Callable[[Path, str], None]


def rows(edit: Edit) -> Spoil:
    """Edit the rows of a table, as Parquet or CSV as it is."""

    def spoil(folder: Path, table: str) -> None:
        path = folder / f"{table}.parquet"
        if path.exists():
            edit(pd.read_parquet(path)).to_parquet(path, index=False)
        else:
            path = path.with_suffix(".csv")
            edit(pd.read_csv(path, dtype="str")).to_csv(path, index=False)

    return spoil


def put(column: str, value: object) -> Spoil:
    """Put a value into the first row."""
    return rows(lambda t: t.assign(**{column: [value, *t[column][1:]]}))


def also(**values: object) -> Spoil:
    """Repeat the first row with other values."""
    return rows(lambda t: pd.concat([t, t.head(1).assign(**values)]))


def as_text(edit: Callable[[str], str | bytes]) -> Spoil:
    """Write a table as CSV, and edit its text."""

    def spoil(folder: Path, table: str) -> None:
        path = folder / f"{table}.parquet"
        text = edit(pd.read_parquet(path).to_csv(index=False))
        path.with_suffix(".csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        path.unlink()

    return spoil


def in_csv(column: str, value: str) -> Spoil:
    """Put a value into the first row of a table that is written as CSV."""

    def spoil(folder: Path, table: str) -> None:
        as_text(lambda text: text)(folder, table)
        put(column, value)(folder, table)

    return spoil


def file(content: bytes) -> Spoil:
    """Put something else in place of a Parquet file."""
    return lambda folder, table: (folder / f"{table}.parquet").write_bytes(content) and None


def cut(folder: Path, table: str) -> None:
    path = folder / f"{table}.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def parts(folder: Path, table: str) -> None:
    """Put the rows where parts of a table are not looked for."""
    path = folder / f"{table}.parquet"
    found = pd.read_parquet(path)
    path.unlink()
    (path / "part=1").mkdir(parents=True)
    found.to_parquet(path / "part=1" / "a.parquet")


class Case(NamedTuple):
    copy: str
    """Of the market: "numbers" and "text" have rules broken, "files" tables that are no tables."""
    table: str
    spoil: Spoil
    words: tuple[str, ...]


def case(copy: str, table: str, spoil: Spoil, *words: str) -> Case:
    return Case(copy, table, spoil, words)


CASES = {
    # the sample market, whose identifiers are numbers
    "unknown campaign": case(
        "numbers", "offers", also(campaign_id=9), "campaign_id", "1 row", "campaign_id=9"
    ),
    "unknown user": case("numbers", "offers", also(user_id=99), "user_id", "1 row", "user_id=99"),
    "unknown coupon": case(
        "numbers", "offers", also(coupon_id=7), "coupon_id", "1 row", "coupon_id=7"
    ),
    "a coupon that covers no item": case(
        "numbers", "offers", also(campaign_id=3), "coupon_id", "1 row", "campaign_id=3"
    ),
    "no value": case("files", "offers", put("coupon_id", None), "coupon_id", "1 row", "None"),
    "no probability": case(
        "numbers",
        "offers",
        rows(lambda t: t.assign(mailing_propensity=0.0, coupon_propensity=1.0)),
        *("mailing_propensity", "1,440 rows", "mailing_propensity=0.0"),
    ),
    "a position of zero": case(
        "numbers",
        "offers",
        rows(lambda t: t.assign(position=range(len(t)))),
        *("position", "1 row", "position=0"),
    ),
    "an offer twice": case("numbers", "offers", also(), "not unique", "2 rows", "coupon_id=501"),
    "a redemption of an unknown coupon": case(
        "numbers", "redemptions", also(coupon_id=7), "coupon_id", "1 row", "coupon_id=7"
    ),
    "a redemption that was never offered": case(
        "numbers", "redemptions", also(user_id=59), "coupon_id", "1 row", "user_id=59", "offer"
    ),
    "a redemption after its campaign": case(
        "numbers",
        "redemptions",
        put("date", date(2018, 1, 1)),
        *("date", "1 row", "date=2018-01-01", "start=2017-02-15"),
    ),
    "no redemptions": case("files", "redemptions", rows(lambda t: t.head(0)), "is empty", "row"),
    "a campaign that ends before it starts": case(
        "numbers",
        "campaigns",
        put("end", date(2017, 2, 14)),
        *("start, end", "1 row", "end=2017-02-14"),
    ),
    "a campaign without an end": case(
        "numbers",
        "campaigns",
        put("end", date(9999, 12, 31)),
        *("end", "1 row", "end=9999-12-31", "1900 to 2199"),
    ),
    "unknown type of campaign": case(
        "numbers", "campaigns", put("campaign_type", "D"), "campaign_type", "1 row", "=D"
    ),
    "an unknown item": case(
        "numbers", "purchases", put("item_id", 5), "item_id", "1 row", "item_id=5"
    ),
    "negative money": case(
        "numbers",
        "purchases",
        rows(lambda t: t.assign(amount=-t["amount"] - 1)),
        *("amount", "5,126 rows", "user_id=1"),
    ),
    "infinite money": case(
        "numbers",
        "purchases",
        put("retail_discount", float("inf")),
        *("retail_discount", "1 row", "retail_discount=inf"),
    ),
    "a quantity of zero": case(
        "numbers", "purchases", put("quantity", 0), "quantity", "1 row", "quantity=0"
    ),
    "a time zone": case(
        "files",
        "purchases",
        rows(lambda t: t.assign(time=t["time"].dt.tz_localize("UTC"))),
        *("time", "5,126 rows", "time=2017-", "zone"),
    ),
    "a yes or no in place of a number": case(
        "files",
        "purchases",
        rows(lambda t: t.assign(quantity=t["quantity"] > 1)),
        *("quantity", "5,126 rows", "quantity=False"),
    ),
    "half a unit": case(
        "files", "purchases", put("quantity", 1.5), "quantity", "1 row", "quantity=1.5"
    ),
    "a column by another name": case(
        "files",
        "purchases",
        rows(lambda t: t.rename(columns={"amount": "price"})),
        *("amount", "missing", "user_id"),
    ),
    "text in a column of numbers": case(
        "files", "purchases", in_csv("user_id", "one"), "user_id", "1 row", "user_id=one"
    ),
    "a truncated file": case("files", "purchases", cut, "purchases.parquet", "Parquet"),
    "a user twice": case(
        "numbers", "users", also(age="65+"), "user_id", "2 rows", "user_id=1", "age=65+"
    ),
    "a file that is no Parquet file": case("files", "users", file(b"user_id,age\n"), "Parquet"),
    "an empty file": case("files", "users", file(b""), "is empty"),
    "parts that would not be read": case("files", "users", parts, "a.parquet", "*.parquet"),
    "Latin-1": case(
        "files",
        "users",
        as_text(lambda text: text.replace("unknown", "Ärztin", 1).encode("latin-1")),
        *("users.csv", "CSV", "UTF-8"),
    ),
    "more values than names": case(
        "files",
        "users",
        as_text(lambda text: text.replace("\n2,", "\n2,more,", 1)),
        *("users.csv", "CSV", "as many values"),
    ),
    "fewer names than values": case(
        "files",
        "users",
        as_text(lambda text: f"first,last\n1,2\n{text.splitlines()[0]}"),
        *("users.csv", "CSV", "as many values"),
    ),
    "another separator": case(
        "files", "coupon_items", as_text(lambda text: text.replace(",", ";")), "coupon_id;item_id"
    ),
    "a promotion twice": case(
        "numbers",
        "promotions",
        rows(lambda t: pd.concat([t, t])),
        *("not unique", "1,381 rows", "item_id="),
    ),
    "a promotion of an unknown item": case(
        "numbers", "promotions", put("item_id", 5), "item_id", "1 row", "item_id=5"
    ),
    "a share and an amount": case(
        "numbers",
        "coupons",
        rows(lambda t: t.assign(depth=0.5, face_value=1.0)),
        *("depth, face_value", "20 rows", "coupon_id=501"),
    ),
    "a depth in percent": case("numbers", "coupons", put("depth", 25.0), "depth", "depth=25.0"),
    "no money off": case(
        "numbers", "coupons", put("face_value", 0.0), "face_value", "1 row", "face_value=0.0"
    ),
    "a minimum below zero": case(
        "numbers", "coupons", put("minimum", -1.0), "minimum", "1 row", "minimum=-1.0"
    ),
    "held out of what was offered": case(
        "numbers", "holdouts", put("user_id", 1), "campaign_id, user_id", "1 row", "user_id=1"
    ),
    "held out of a coupon that was offered": case(
        "numbers",
        "holdouts",
        rows(lambda t: t.assign(coupon_id=501, user_id=[1, *t["user_id"][1:]]).head(6)),
        *("campaign_id, user_id", "1 row", "user_id=1", "coupon_id=501"),
    ),
    "two prices of a day": case(
        "numbers", "prices", also(list_price=9.0), "item_id, date", "2 rows", "item_id=1001"
    ),
    "stock below zero": case("numbers", "stock", put("units", -2), "units", "1 row", "units=-2"),
    "no stock": case("files", "stock", rows(lambda t: t.head(0)), "is empty", "leave it out"),
    "six stars": case("numbers", "reviews", put("rating", 6), "rating", "1 row", "rating=6"),
    "a view of an unknown user": case(
        "numbers", "views", put("user_id", 99), "user_id", "1 row", "user_id=99"
    ),
    "a click on an unknown item": case(
        "numbers", "clicks", put("item_id", 5), "item_id", "1 row", "item_id=5"
    ),
    "an account of an unknown user": case(
        "numbers", "accounts", put("user_id", 99), "user_id", "1 row", "user_id=99"
    ),
    "maybe": case(
        "files",
        "items",
        rows(lambda t: t.assign(private_label=["maybe", *["true"] * (len(t) - 1)])),
        *("private_label", "1 row", "private_label=maybe"),
    ),
    "a brand that is a number": case(
        "files", "items", rows(lambda t: t.assign(brand=0.5)), "brand", "brand=0.5"
    ),
    **{
        f"{what} as a {column} of {table}": case(
            "days", table, in_csv(column, what), column, "1 row", f"{column}={what}"
        )
        for table, column in (("campaigns", "end"), ("redemptions", "date"), ("purchases", "time"))
        for what in ("infinity", "-infinity", "epoch", "2017-06-02 (BC)", "0017-06-02")
    },
    # another trade, whose identifiers are text and whose tables are CSV in part
    "a user with a name that nobody has": case(
        "text",
        "purchases",
        put("user_id", "Kundin Ä/999"),
        *("user_id", "1 row", "user_id=Kundin Ä/999"),
    ),
    "the price of an unknown item": case(
        "text", "prices", put("item_id", "ART/x"), "item_id", "1 row", "item_id=ART/x"
    ),
    "an unknown coupon with a name": case(
        "text", "offers", put("coupon_id", "99 €"), "coupon_id", "1 row", "99 €"
    ),
    "an unknown campaign with a name": case(
        "text", "coupon_items", put("campaign_id", "Aktion"), "campaign_id", "1 row", "=Aktion"
    ),
    "a user with a name twice": case(
        "text", "users", also(age="?"), "user_id", "2 rows", "user_id=Kundin Ä/0"
    ),
    "a date of next year": case(
        "text", "redemptions", put("date", "2025-05-01"), "date", "1 row", "date=2025-05-01"
    ),
    "a coupon of a campaign before": case(
        "text", "redemptions", put("campaign_id", "Aktion/7 ß"), "coupon_id", "row", "=Aktion/7 ß"
    ),
    "a type in words": case("text", "campaigns", put("campaign_type", "Herbst"), "1 row", "Herbst"),
    "an end before the start": case(
        "text", "campaigns", put("end", "2023-12-24"), "1 row", "end=2023-12-24"
    ),
    "25 for a quarter": case(
        "text", "coupons", rows(lambda t: t.assign(face_value=None, depth="25")), "depth=25.0"
    ),
    "an offset": case(
        "text files",
        "redemptions",
        put("date", "2024-06-02 03:05:18+08:00"),
        *("date", "1 row", "date=2024-06-02 03:05:18+08:00"),
    ),
    "a comma in place of a point": case(
        "text files", "prices", put("unit_cost", "0,69"), "unit_cost", "1 row", "0,69"
    ),
    "a yes in another language": case(
        "text files",
        "items",
        rows(lambda t: t.assign(private_label=["ja", *["false"] * (len(t) - 1)])),
        *("private_label", "1 row", "private_label=ja"),
    ),
    "no name": case("text files", "coupon_items", put("item_id", ""), "item_id", "1 row", "None"),
    "a column in another language": case(
        "text files",
        "purchases",
        rows(lambda t: t.rename(columns={"amount": "betrag"})),
        *("amount", "missing", "betrag"),
    ),
    "numbers where others have names": case(
        "numbered",
        "purchases",
        rows(lambda t: t.assign(user_id=range(len(t)))),
        *("user_id", "purchases", "number", "Kundin Ä/0"),
    ),
}


def spread() -> dict[str, str]:
    """Say for each case in which spoiled copy it is: the first that leaves its table alone."""
    taken: dict[str, set[str]] = {}
    places = {}
    for name, (kind, table, *_) in CASES.items():
        number = 0
        while table in taken.setdefault(f"{kind}-{number}", set()):
            number += 1
        taken[f"{kind}-{number}"].add(table)
        places[name] = f"{kind}-{number}"
    return places


PLACES = spread()


def complaints(folder: Path) -> list[str]:
    """What `load_market` finds wrong, each with the rows shown below it."""
    with pytest.raises(ValueError) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cr.load_market(folder)
    return re.split(r"\n(?=\S)", str(caught.value))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trades.write(tmp_path_factory.mktemp("trade") / "market", users=40)


@pytest.fixture(scope="module")
def found(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Give what is said of a spoiled copy."""

    @cache
    def of(place: str) -> list[str]:
        folder = tmp_path_factory.mktemp(place) / "market"
        shutil.copytree(small if place.startswith(("text", "numbered")) else SAMPLE, folder)
        for name, (_, table, spoil, _) in CASES.items():
            if PLACES[name] == place:
                spoil(folder, table)
        return complaints(folder)

    return of


@pytest.mark.parametrize("name", CASES)
def test_bad_rows_are_named_counted_and_shown(found: Callable[[str], list[str]], name: str) -> None:
    _, table, _, words = CASES[name]
    said = found(PLACES[name])
    assert any(table in each and all(word in each for word in words) for each in said), said
    assert all("fix" in each for each in said)


@pytest.fixture
def market(tmp_path: Path) -> Path:
    """A copy of the sample that a test may spoil."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "market"))


def test_a_missing_table_and_two_files_of_one_table_are_named(market: Path) -> None:
    (market / "offers.parquet").unlink()
    (market / "users.csv").write_text("user_id\n1\n")
    twice, missing = complaints(market)
    assert "users" in twice and "Parquet" in twice and "CSV" in twice
    assert "offers" in missing and "missing" in missing


def test_a_missing_folder_is_named_by_the_command_too(tmp_path: Path) -> None:
    (said,) = complaints(tmp_path / "absent")
    assert str(tmp_path / "absent") in said
    assert "absent" in refusal("features", tmp_path / "out", "--market", tmp_path / "absent")


def test_a_column_that_nobody_knows_is_warned_of(market: Path) -> None:
    rows(lambda t: t.assign(shoe_size=42))(market, "users")
    with pytest.warns(UserWarning, match="users.*shoe_size"):
        cr.load_market(market)


@pytest.mark.parametrize("days", [400, -400])
def test_purchases_far_from_all_campaigns_are_warned_of(market: Path, days: int) -> None:
    rows(lambda t: t.assign(time=t["time"] + pd.Timedelta(days=days)))(market, "purchases")
    with pytest.warns(UserWarning, match="purchase.*2017-02-15 to 2017-05-22"):
        cr.load_market(market)


def test_the_same_rows_written_otherwise_give_the_same_offers(market: Path) -> None:
    """As CSV, in another order of rows and columns, as floats, with blanks and empty fields."""
    expected = cr.offers_frame(cr.load_market(SAMPLE))
    rows(lambda t: t.assign(age=" " + t["age"].mask(t["age"] == "unknown", "") + " "))(
        market, "users"
    )
    rows(lambda t: t.assign(start=pd.to_datetime(t["start"])))(market, "campaigns")
    rows(lambda t: t.astype({"quantity": "float64"}))(market, "purchases")
    for path in [*market.iterdir()]:
        table = pd.read_parquet(path).sample(frac=1, random_state=0)
        table[table.columns[::-1]].to_csv(path.with_suffix(".csv"), index=False)
        path.unlink()
    found = cr.offers_frame(cr.load_market(market))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


# What would be taken for something else


@pytest.mark.parametrize("name", ["price.csv", "weather.parquet"])
def test_a_file_that_is_no_table_is_named(market: Path, name: str) -> None:
    (market / name).write_text("item_id\n1001\n")
    assert name in told(lambda: cr.load_market(market))


def test_a_mailing_has_one_propensity(market: Path) -> None:
    rows(lambda t: t.assign(mailing_propensity=np.resize([0.3, 0.5], len(t))))(market, "offers")
    assert "mailing_propensity" in told(lambda: cr.load_market(market))


@pytest.mark.parametrize("name", ["mailing_propensity", "coupon_propensity"])
def test_more_offers_than_their_propensities_allow_are_named(market: Path, name: str) -> None:
    rows(lambda t: t.assign(**{name: 0.01}))(market, "offers")
    assert name in told(lambda: cr.load_market(market))
