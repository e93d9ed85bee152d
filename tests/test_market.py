"""A market that loads is right, and one that is wrong says where."""

import pickle
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from coupon_rec import Market, MarketError, load_complete_journey, load_market
from coupon_rec.features import offers_frame
from coupon_rec.market import validate
from coupon_rec.market.schema import SCHEMAS, types

DATA = Path(__file__).parents[1] / "data"
SAMPLE = DATA / "sample"
SCHEMA_1 = {
    *("users", "items", "coupons", "coupon_items", "campaigns"),
    *("offers", "purchases", "redemptions", "promotions"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample that a test may break."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "market"))


def change(folder: Path, table: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    path = folder / f"{table}.parquet"
    edit(pd.read_parquet(path)).to_parquet(path, index=False)


def to_csv(folder: Path, table: str) -> Path:
    path = folder / f"{table}.parquet"
    pd.read_parquet(path).to_csv(path.with_suffix(".csv"), index=False)
    path.unlink()
    return path.with_suffix(".csv")


def first(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """An edit that puts a value into the first row."""
    return lambda table: table.assign(**{column: [value, *table[column][1:]]})


def more(**values: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """An edit that repeats the first row with other values."""
    return lambda table: pd.concat([table, table.head(1).assign(**values)])


def assert_same(left: Market, right: Market) -> None:
    assert left.tables().keys() == right.tables().keys()
    for name, table in left.tables().items():
        assert {*table.columns} == {*right.tables()[name].columns}
        columns = list(types(name, table.columns))
        frames = [
            each.select(columns).to_pandas().sort_values(columns, ignore_index=True)
            for each in (table, right.tables()[name])
        ]
        pd.testing.assert_frame_equal(*frames)


def error_of(folder: Path) -> MarketError:
    with pytest.raises(MarketError) as caught:
        load_market(folder)
    return caught.value


def test_the_sample_is_what_its_script_makes() -> None:
    made = runpy.run_path(str(DATA / "make_sample.py"))["make_sample"]()
    assert_same(made, load_market(SAMPLE))


def test_schema_page_is_generated_from_the_schema() -> None:
    page = runpy.run_path(str(DATA / "make_schema.py"))["schema_markdown"]()
    assert (DATA / "SCHEMA.md").read_text(encoding="utf-8") == page
    for name, schema in SCHEMAS.items():
        section = page.split(f"\n## {name}")[1].split("\n## ")[0]
        rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
        assert [row.removeprefix("| ") for row in rows[2:]] == list(schema.columns)


def test_loaded_tables_have_exactly_the_columns_and_types_of_the_schema() -> None:
    for name, table in load_market(SAMPLE).tables().items():
        expected = types(name, table.columns)
        assert dict(table.cast(expected).schema().items()) == expected
        assert list(table.columns) == list(expected)


def test_what_is_written_loads_as_the_same(tmp_path: Path) -> None:
    market = load_market(SAMPLE)
    assert_same(load_market(market.write(tmp_path / "new" / "folder")), market)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_market_can_be_written_over_its_own_files(folder: Path, kind: str) -> None:
    for path in list(folder.iterdir()) if kind == "csv" else []:
        to_csv(folder, path.stem)
    load_market(folder).write(folder)
    assert_same(load_market(folder), load_market(SAMPLE))
    assert {path.suffix for path in folder.iterdir()} == {".parquet"}


def test_csv_and_parquet_load_as_the_same(folder: Path) -> None:
    for path in list(folder.iterdir()):
        to_csv(folder, path.stem)
    assert_same(load_market(folder), load_market(SAMPLE))


@pytest.mark.parametrize("name", ["shop[1]", "date=2017-02-16"])
def test_the_name_of_a_folder_says_nothing_of_the_tables(folder: Path, name: str) -> None:
    odd = folder.parent / name / "market"
    shutil.copytree(folder, odd)
    beside = folder.parent / "shop1" / "market"
    shutil.copytree(folder, beside)
    change(beside, "users", lambda t: t.assign(age="of another shop"))
    assert_same(load_market(odd), load_market(SAMPLE))
    for path in list(folder.iterdir()):
        shutil.move(to_csv(folder, path.stem), odd)
        (odd / path.name).unlink()
    assert_same(load_market(odd), load_market(SAMPLE))


def test_no_line_of_a_csv_file_is_a_comment(folder: Path) -> None:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        wrong = table.index < 7
        return table.assign(campaign_id=table["campaign_id"].astype(str).mask(wrong, "#N/A"))

    change(folder, "redemptions", spoil)
    to_csv(folder, "redemptions")
    (problem,) = error_of(folder).problems
    assert problem.rows == 7 and problem.examples[0]["campaign_id"] == "#N/A"


def fill(folder: Path) -> None:
    """Give the sample's tables the columns of the schema that they lack, with values."""
    words = 'good, "really"\nÄpfel'
    change(folder, "items", lambda t: t.assign(image="pictures/" + t["item_id"].astype(str)))
    change(folder, "coupons", lambda t: t.assign(text=words, image="pictures/coupon.png"))
    change(folder, "purchases", lambda t: t.assign(channel="store"))
    change(folder, "reviews", lambda t: t.assign(text=words))
    change(folder, "stock", lambda t: t.assign(store_id=2))
    change(folder, "prices", lambda t: t.assign(store_id=range(1, len(t) + 1)))
    covered = pd.read_parquet(folder / "coupon_items.parquet").groupby("campaign_id")["coupon_id"]
    change(folder, "holdouts", lambda t: t.assign(coupon_id=t["campaign_id"].map(covered.min())))
    change(
        folder,
        "offers",
        lambda t: t.assign(
            face_value=np.where(t["user_id"] % 2, 1.5, np.nan),
            depth=np.where(t["user_id"] % 2, np.nan, 0.25),
            mailing_propensity=0.5,
            coupon_propensity=0.125,
            position=3,
            channel="app",
        ),
    )


def test_each_column_of_the_schema_is_read_alike_from_csv_and_parquet(
    folder: Path, tmp_path: Path
) -> None:
    fill(folder)
    text = Path(shutil.copytree(folder, tmp_path / "text"))
    for path in list(text.iterdir()):
        to_csv(text, path.stem)
    market = load_market(folder)
    for name, table in market.tables().items():
        rows, given = table.to_pandas(), pd.read_parquet(folder / f"{name}.parquet")
        assert list(rows) == list(SCHEMAS[name].columns)
        pd.testing.assert_series_equal(rows.count(), given.count()[rows.columns])
        assert (rows.count() > 0).all()
    assert_same(load_market(text), market)


def test_writing_that_fails_leaves_the_folder_as_it_was(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    good = load_market(folder)
    connection = good.redemptions.get_backend()
    gone = connection.create_table("gone", good.redemptions)
    connection.raw_sql("DROP TABLE gone")
    with pytest.raises(Exception, match="gone"):
        Market(**{**good.tables(), "users": good.users.limit(1), "redemptions": gone}).write(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_writing_without_promotions_removes_old_promotions(folder: Path) -> None:
    (folder / "promotions.parquet").rename(folder.parent / "promotions.parquet")
    market = load_market(folder)
    (folder.parent / "promotions.parquet").rename(folder / "promotions.parquet")
    market.write(folder)
    assert load_market(folder).promotions is None


def test_what_is_optional_is_filled(folder: Path) -> None:
    (folder / "promotions.parquet").unlink()
    change(folder, "users", lambda table: table[["user_id"]])
    optional = ["retail_discount", "coupon_discount", "coupon_match"]
    change(folder, "purchases", lambda table: table.drop(columns=optional))
    change(folder, "items", first("category", None))
    market = load_market(folder)
    assert market.promotions is None
    assert set(market.users.kids.to_pandas()) == {"unknown"}
    assert market.purchases[optional].to_pandas().sum().sum() == 0
    assert market.items.filter(market.items.category == "unknown").count().execute() == 1


def test_text_that_says_nothing_is_missing_however_it_is_written(folder: Path) -> None:
    plain = load_market(SAMPLE)
    assert plain.promotions is not None
    assert {"0", "1"} < {*plain.promotions.display.to_pandas()}
    change(
        folder, "promotions", lambda t: t.assign(mailer=t["mailer"].mask(t["mailer"] == "0", ""))
    )
    change(
        folder,
        "promotions",
        lambda t: t.assign(display=t["display"].mask(t["display"] == "0", "0.0")),
    )
    change(
        folder,
        "users",
        lambda t: t.assign(age=" " + t["age"].mask(t["age"] == "unknown", "") + " "),
    )
    assert_same(load_market(folder), plain)


def test_an_extra_column_is_ignored_with_a_warning(folder: Path) -> None:
    change(folder, "users", lambda table: table.assign(shoe_size=42))
    with pytest.warns(UserWarning, match="users: ignored, not in the schema: shoe_size"):
        assert_same(load_market(folder), load_market(SAMPLE))


def test_types_are_made_exact_where_nothing_is_lost(folder: Path) -> None:
    change(folder, "users", lambda table: table.astype({"user_id": "float64"}))
    change(folder, "campaigns", lambda table: table.assign(start=pd.to_datetime(table.start)))
    change(folder, "items", lambda table: table.astype({"item_id": "int32"})[table.columns[::-1]])
    assert_same(load_market(folder), load_market(SAMPLE))


@pytest.mark.parametrize(
    ("table", "column", "to"),
    [
        ("purchases", "quantity", "float64"),
        ("purchases", "amount", "string"),
        ("purchases", "time", "timestamp('UTC')"),
        ("redemptions", "date", "string"),
        ("users", "age", "int64"),
    ],
)
def test_columns_of_another_kind_are_not_valid(table: str, column: str, to: str) -> None:
    market = load_market(SAMPLE)
    rows = getattr(market, table)
    other = rows.mutate(**{column: rows[column].try_cast(to)})
    with pytest.raises(MarketError, match=rf"{table} \({column}\): type .* is expected"):
        validate(replace(market, **{table: other}))


def test_columns_of_another_length_are_valid() -> None:
    market = load_market(SAMPLE)
    rows = market.purchases
    short = rows.mutate(quantity=rows.quantity.cast("int16"), amount=rows.amount.cast("float32"))
    validate(replace(market, purchases=short))


BROKEN = {
    "unknown campaign": ("offers", more(campaign_id=9), ["campaign_id", "1 row", "campaign_id=9"]),
    "unknown user": ("offers", more(user_id=99), ["user_id", "1 row", "user_id=99"]),
    "unknown coupon": ("redemptions", more(coupon_id=7), ["coupon_id", "1 row", "coupon_id=7"]),
    "an unknown coupon": ("offers", more(coupon_id=7), ["coupon_id", "1 row", "coupon_id=7"]),
    "unknown item": ("purchases", first("item_id", 5), ["item_id", "1 row", "item_id=5"]),
    "never offered": ("redemptions", more(user_id=59), ["coupon_id", "1 row", "user_id=59"]),
    "covers no item": ("offers", more(campaign_id=3), ["coupon_id", "1 row", "campaign_id=3"]),
    "outside of its campaign's dates": (
        "redemptions",
        first("date", date(2018, 1, 1)),
        ["date", "1 row", "date=2018-01-01", "start=2017-02-15"],
    ),
    "ends before it starts": (
        "campaigns",
        first("end", date(2017, 2, 14)),
        ["start, end", "1 row", "end=2017-02-14"],
    ),
    "outside of the years 1900 to 2199": (
        "campaigns",
        first("end", date(9999, 12, 31)),
        ["end", "1 row", "end=9999-12-31", "such as 2017-03-01"],
    ),
    "unknown type of campaign": (
        "campaigns",
        first("campaign_type", "D"),
        ["campaign_type", "1 row", "campaign_type=D"],
    ),
    "negative": (
        "purchases",
        lambda table: table.assign(amount=-table.amount - 1),
        ["amount", "5,126 rows", "user_id=1"],
    ),
    "not finite": (
        "purchases",
        first("retail_discount", float("inf")),
        ["retail_discount", "1 row", "retail_discount=inf"],
    ),
    "quantity of zero": ("purchases", first("quantity", 0), ["quantity", "1 row", "quantity=0"]),
    "not unique": ("users", more(age="65+"), ["user_id", "2 rows", "user_id=1", "age=65+"]),
    "rows that are not unique": (
        "promotions",
        lambda table: pd.concat([table, table]),
        ["1,381 rows", "item_id=", "times=2"],
    ),
    "an unknown item": ("promotions", first("item_id", 5), ["item_id", "1 row", "item_id=5"]),
    "no value": ("offers", first("coupon_id", None), ["coupon_id", "1 row", "coupon_id=None"]),
    "type timestamp": (
        "purchases",
        lambda table: table.assign(time=table.time.dt.tz_localize("UTC")),
        ["time", "5,126 rows", "timestamp", "time=2017-"],
    ),
    "both a share and an amount": (
        "coupons",
        lambda table: table.assign(depth=0.5, face_value=1.0),
        ["depth, face_value", "20 rows", "coupon_id=501"],
    ),
    "depth that is not above 0": ("coupons", first("depth", 25.0), ["depth", "depth=25.0"]),
    "money off that is zero": ("coupons", first("face_value", 0.0), ["1 row", "face_value=0.0"]),
    "probability that is not above 0": (
        "offers",
        lambda table: table.assign(mailing_propensity=0.0, coupon_propensity=1.0),
        ["mailing_propensity", "1,440 rows", "mailing_propensity=0.0"],
    ),
    "position below 1": (
        "offers",
        lambda table: table.assign(position=range(len(table))),
        ["position", "1 row", "position=0"],
    ),
    "held out of what was offered": (
        "holdouts",
        first("user_id", 1),
        ["campaign_id, user_id", "1 row", "user_id=1"],
    ),
    "held out of what was offered to the same": (
        "holdouts",
        lambda table: table.assign(coupon_id=501, user_id=[1, *table.user_id[1:]]).head(6),
        ["campaign_id, user_id", "1 row", "user_id=1", "coupon_id=501"],
    ),
    "not unique (prices)": (
        "prices",
        more(list_price=9.0),
        ["item_id, date", "2 rows", "item_id=1001"],
    ),
    "stock below zero": ("stock", first("units", -2), ["units", "1 row", "units=-2"]),
    "rating outside of 1 to 5": ("reviews", first("rating", 6), ["rating", "1 row", "rating=6"]),
    "an unknown user (views)": ("views", first("user_id", 99), ["user_id", "1 row", "user_id=99"]),
    "an unknown item (clicks)": ("clicks", first("item_id", 5), ["item_id", "1 row", "item_id=5"]),
    "an unknown user (accounts)": ("accounts", first("user_id", 99), ["1 row", "user_id=99"]),
    "is no boolean": (
        "items",
        lambda table: table.assign(private_label=["maybe", *["true"] * (len(table) - 1)]),
        ["private_label", "1 row", "private_label=maybe"],
    ),
    "type boolean": (
        "purchases",
        lambda table: table.assign(quantity=table.quantity > 1),
        ["quantity", "5,126 rows", "quantity=False"],
    ),
    "type float64": (
        "items",
        lambda table: table.assign(brand=0.5),
        ["brand", "brand=0.5"],
    ),
    "is no int64": (
        "purchases",
        first("quantity", 1.5),
        ["quantity", "1 row", "quantity=1.5"],
    ),
    "the column is missing": (
        "purchases",
        lambda table: table.rename(columns={"amount": "price"}),
        ["amount", "The file has: user_id"],
    ),
    "is empty": ("redemptions", lambda table: table.head(0), ["redemptions.parquet"]),
}


@pytest.mark.filterwarnings("ignore:purchases. ignored")
@pytest.mark.parametrize("what", BROKEN)
def test_bad_rows_are_named_counted_and_shown(folder: Path, what: str) -> None:
    table, edit, expected = BROKEN[what]
    change(folder, table, edit)
    error = error_of(folder)
    assert any(
        problem.table == table
        and all(word in str(problem) for word in [what.split(" (")[0], *expected])
        for problem in error.problems
    ), str(error)
    for problem in error.problems:
        assert problem.fix
        assert len(problem.examples) == min(problem.rows, 5)


def test_text_in_a_number_column_of_a_csv_file_is_shown(folder: Path) -> None:
    path = to_csv(folder, "purchases")
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("1,", "one,", 1)
    path.write_text("\n".join(lines))
    (problem,) = error_of(folder).problems
    assert (problem.table, problem.column, problem.rows) == ("purchases", "user_id", 1)
    assert "user_id=one" in str(problem)


@pytest.mark.parametrize(
    "what", ["infinity", "-infinity", "epoch", "2017-06-02 (BC)", "0017-06-02"]
)
@pytest.mark.parametrize(
    ("table", "column"), [("campaigns", "end"), ("redemptions", "date"), ("purchases", "time")]
)
def test_what_is_no_day_of_the_calendar_is_refused(
    folder: Path, table: str, column: str, what: str
) -> None:
    path = to_csv(folder, table)
    rows = pd.read_csv(path, dtype="str")
    rows.loc[0, column] = what
    rows.to_csv(path, index=False)
    error = error_of(folder)
    assert any(
        (problem.table, problem.column, problem.rows) == (table, column, 1)
        and f"{column}={what}" in str(problem)
        for problem in error.problems
    ), str(error)


def test_a_day_that_python_cannot_hold_is_refused(folder: Path) -> None:
    path = folder / "redemptions.parquet"
    endless = f"SELECT * REPLACE ('infinity'::date AS date) FROM '{path}'"
    duckdb.sql(f"CREATE TABLE endless AS {endless}; COPY endless TO '{path}'")
    (problem, _) = error_of(folder).problems
    assert "outside of the years 1900 to 2199" in problem.what
    assert problem.examples[0]["date"] == "infinity"


@pytest.mark.parametrize(
    ("content", "what"), [(b"user_id,age\n", "not a readable Parquet file"), (b"", "is empty")]
)
def test_a_file_that_is_no_parquet_file_is_named(folder: Path, content: bytes, what: str) -> None:
    (folder / "users.parquet").write_bytes(content)
    problem = error_of(folder).problems[0]
    assert problem.table == "users"
    assert what in problem.what


@pytest.mark.parametrize("odd", ["part=1/a.parquet", "a"])
@pytest.mark.parametrize("beside", [True, False])
def test_parts_that_would_not_be_read_are_named(folder: Path, odd: str, beside: bool) -> None:
    table = pd.read_parquet(folder / "users.parquet")
    (folder / "users.parquet").unlink()
    part = folder / "users.parquet" / odd
    part.parent.mkdir(parents=True)
    table.to_parquet(part)
    if beside:
        table.to_parquet(folder / "users.parquet" / "b.parquet")
    (problem,) = error_of(folder).problems
    assert f"not read: {part.name} is one of 1" in problem.what and "*.parquet" in problem.fix


@pytest.mark.parametrize("name", ["redemptions", "stock"])
def test_an_empty_table_may_be_left_out_if_it_is_optional(folder: Path, name: str) -> None:
    change(folder, name, lambda table: table.head(0))
    fix = error_of(folder).problems[0].fix
    assert fix == "write at least one row" + (", or leave it out." if name == "stock" else ".")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("unknown", "Ärztin", 1).encode("latin-1"),
        lambda text: text.replace("\n2,", "\n2,more,", 1).encode(),
        lambda text: "\n".join(["first,last", "1,2", text.splitlines()[0]]).encode(),
    ],
    ids=["Latin-1", "more values", "fewer names"],
)
def test_a_csv_file_that_is_spoiled_says_how_to_write_it(
    folder: Path, spoil: Callable[[str], bytes]
) -> None:
    path = to_csv(folder, "users")
    path.write_bytes(spoil(path.read_text()))
    problem = error_of(folder).problems[0]
    assert "users.csv cannot be read as CSV: Invalid Input Error" in problem.what
    assert "UTF-8" in problem.fix and "quotes" in problem.fix and "as many values" in problem.fix


@pytest.mark.parametrize(
    ("days", "what"), [(400, "no purchase precedes a campaign"), (-400, "no purchase follows")]
)
def test_purchases_far_from_all_campaigns_are_warned_of(folder: Path, days: int, what: str) -> None:
    change(folder, "purchases", lambda t: t.assign(time=t.time + pd.Timedelta(days=days)))
    with pytest.warns(UserWarning, match=what) as caught:
        load_market(folder)
    (told,) = [str(each.message) for each in caught if what in str(each.message)]
    assert "campaigns start from 2017-02-15 to 2017-05-22" in told


def test_a_truncated_parquet_file_is_named(folder: Path) -> None:
    path = folder / "purchases.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    assert "purchases.parquet is not a readable Parquet file" in str(error_of(folder))


def test_a_csv_file_with_another_separator_shows_what_it_has(folder: Path) -> None:
    path = to_csv(folder, "coupon_items")
    path.write_text(path.read_text().replace(",", ";"))
    with pytest.warns(UserWarning, match="coupon_items"):
        assert "The file has: campaign_id;coupon_id;item_id" in str(error_of(folder))


def test_a_missing_table_and_two_files_of_one_table_are_named(folder: Path) -> None:
    (folder / "offers.parquet").unlink()
    (folder / "users.csv").write_text("user_id\n1\n")
    problems = {problem.table: problem.what for problem in error_of(folder).problems}
    assert problems == {
        "users": "both a Parquet and a CSV file",
        "offers": "the table is missing",
    }


def test_all_problems_are_reported_at_once_and_survive_pickling(folder: Path) -> None:
    change(folder, "users", more(age="65+"))
    change(folder, "campaigns", first("campaign_type", "D"))
    change(folder, "purchases", first("amount", -1.0))
    error = error_of(folder)
    assert [problem.table for problem in error.problems] == ["users", "campaigns", "purchases"]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_complete_journey_is_valid_and_has_its_known_size() -> None:
    market = load_complete_journey()
    rows = {name: table.count().execute() for name, table in market.tables().items()}
    assert rows["offers"] == 800_199
    assert rows["redemptions"] == 2_075
    assert rows["campaigns"] == 27
    assert rows["users"] == 2_469
    assert rows["promotions"] == 20_940_529


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"there is no folder .*absent"):
        load_market(tmp_path / "absent")


@pytest.mark.parametrize("module", ["market.loading", "market.validation", "simulation"])
def test_importing_warns_of_nothing(module: str) -> None:
    command = [sys.executable, "-W", "error::FutureWarning", "-c", f"import coupon_rec.{module}"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def test_a_market_of_schema_1_gives_the_same_offers(folder: Path) -> None:
    new = {
        "items": ["private_label", "text", "image"],
        "coupons": ["face_value", "depth", "minimum", "stackable", "text", "image"],
        "offers": ["face_value", "depth", "position", "channel"],
        "purchases": ["channel"],
    }
    for table, columns in new.items():
        change(folder, table, lambda t, columns=columns: t.drop(columns=columns, errors="ignore"))
    for table in {path.stem for path in folder.glob("*.parquet")} - SCHEMA_1:
        (folder / f"{table}.parquet").unlink()
    old, now = offers_frame(load_market(folder)), offers_frame(load_market(SAMPLE))
    assert len(now.columns) > len(old.columns) > 60
    pd.testing.assert_frame_equal(old, now[old.columns])
