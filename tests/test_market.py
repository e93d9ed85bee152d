"""A market that loads is right, and one that is wrong says where."""

import pickle
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from coupon_rec import Market, MarketError, load_complete_journey, load_market
from coupon_rec.features import offers_frame
from coupon_rec.features.catalog import WORTH
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


def test_the_sample_is_what_its_script_makes(market: Market) -> None:
    made = runpy.run_path(str(DATA / "make_sample.py"))["make_sample"]()
    assert_same(made, market)


def test_schema_page_is_generated_from_the_schema() -> None:
    page = runpy.run_path(str(DATA / "make_schema.py"))["schema_markdown"]()
    assert (DATA / "SCHEMA.md").read_text(encoding="utf-8") == page
    for name, schema in SCHEMAS.items():
        section = page.split(f"\n## {name}")[1].split("\n## ")[0]
        rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
        assert [row.removeprefix("| ") for row in rows[2:]] == list(schema.columns)


def test_loaded_tables_have_exactly_the_columns_and_types_of_the_schema(market: Market) -> None:
    for name, table in market.tables().items():
        expected = types(name, table.columns)
        assert dict(table.cast(expected).schema().items()) == expected
        assert list(table.columns) == list(expected)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_what_is_written_loads_as_the_same_also_over_its_own_files(
    market: Market, folder: Path, kind: str
) -> None:
    for path in list(folder.iterdir()) if kind == "csv" else []:
        to_csv(folder, path.stem)
    again = load_market(load_market(folder).write(folder))
    assert_same(again, market)
    assert {path.suffix for path in folder.iterdir()} == {".parquet"}
    replace(again, promotions=None).write(folder)
    assert load_market(folder).promotions is None


@pytest.mark.parametrize("name", ["shop[1]", "date=2017-02-16"])
def test_the_name_of_a_folder_says_nothing_of_the_tables(
    market: Market, folder: Path, name: str
) -> None:
    odd = folder.parent / name / "market"
    shutil.copytree(folder, odd)
    beside = folder.parent / "shop1" / "market"
    shutil.copytree(folder, beside)
    change(beside, "users", lambda t: t.assign(age="of another shop"))
    assert_same(load_market(odd), market)
    for path in list(folder.iterdir()):
        shutil.move(to_csv(folder, path.stem), odd)
        (odd / path.name).unlink()
    assert_same(load_market(odd), market)


def test_no_line_of_a_csv_file_is_a_comment(folder: Path) -> None:
    change(folder, "redemptions", lambda t: t.astype(str).replace({"campaign_id": {"1": "#N/A"}}))
    to_csv(folder, "redemptions")
    with pytest.raises(MarketError, match=r"campaign_id=#N/A"):
        load_market(folder)


def fill(folder: Path) -> None:
    """Give the sample's tables the columns of the schema that they lack, with values."""
    words = 'good, "really"\nÄpfel'
    change(folder, "items", lambda t: t.assign(image="pictures/" + t["item_id"].astype(str)))
    change(folder, "coupons", lambda t: t.assign(shop_share=0.5, text=words, image="c.png"))
    change(folder, "purchases", lambda t: t.assign(channel="store"))
    change(folder, "reviews", lambda t: t.assign(text=words))
    change(folder, "stock", lambda t: t.assign(store_id=2))
    change(folder, "prices", lambda t: t.assign(store_id=range(1, len(t) + 1)))
    covered = pd.read_parquet(folder / "coupon_items.parquet").groupby("campaign_id")["coupon_id"]
    change(folder, "holdouts", lambda t: t.assign(coupon_id=t["campaign_id"].map(covered.min())))
    odd = {"face_value": [1.5, None], "depth": [None, 0.25]}
    same = {"mailing_propensity": 0.5, "coupon_propensity": 0.875, "position": 3, "channel": "app"}
    change(
        folder,
        "offers",
        lambda t: t.assign(**same, **{name: np.resize(some, len(t)) for name, some in odd.items()}),
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


def test_what_is_optional_is_filled_and_text_that_says_nothing_is_missing(
    market: Market, folder: Path
) -> None:
    (folder / "reviews.parquet").unlink()
    optional = ["retail_discount", "coupon_discount", "coupon_match"]
    change(folder, "users", lambda t: t[["user_id"]].assign(age=[" ", "", *t["age"][2:]]))
    change(folder, "purchases", lambda t: t.drop(columns=optional))
    change(
        folder, "promotions", lambda t: t.replace({"mailer": {"0": ""}, "display": {"0": "0.0"}})
    )
    found = load_market(folder)
    assert found.reviews is None
    assert set(found.users.kids.to_pandas()) == {"unknown"}
    assert found.users.age.isin(["", " "]).sum().execute() == 0
    assert found.purchases[optional].to_pandas().sum().sum() == 0
    assert_same(Market(**market.tables() | {"promotions": found.promotions}), market)


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
def test_columns_of_another_kind_are_not_valid(
    market: Market, table: str, column: str, to: str
) -> None:
    rows = getattr(market, table)
    other = rows.mutate(**{column: rows[column].try_cast(to)})
    with pytest.raises(MarketError, match=rf"{table} \({column}\): type .* is expected"):
        validate(replace(market, **{table: other}))


def test_columns_of_another_length_are_valid(market: Market) -> None:
    rows = market.purchases
    short = rows.mutate(quantity=rows.quantity.cast("int16"), amount=rows.amount.cast("float32"))
    validate(replace(market, purchases=short))


def test_all_problems_are_reported_at_once_and_survive_pickling(market: Market) -> None:
    users = market.users.to_pandas()
    twice = pd.concat([users, users.head(1).assign(age="65+")])
    with pytest.raises(MarketError) as caught:
        validate(
            replace(
                market,
                users=ibis.memtable(twice),
                campaigns=market.campaigns.mutate(campaign_type=ibis.literal("D")),
                purchases=market.purchases.mutate(amount=ibis.literal(-1.0)),
            )
        )
    error = caught.value
    assert [problem.table for problem in error.problems] == ["users", "campaigns", "purchases"]
    assert [len(problem.examples) for problem in error.problems] == [2, 4, 5]
    assert all(problem.fix for problem in error.problems)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.slow
def test_complete_journey_is_valid_and_has_its_known_size() -> None:
    market = load_complete_journey()
    rows = {name: table.count().execute() for name, table in market.tables().items()}
    assert rows["offers"] == 800_199
    assert rows["redemptions"] == 2_075
    assert rows["campaigns"] == 27
    assert rows["users"] == 2_469
    assert rows["promotions"] == 20_940_529


def test_importing_warns_of_nothing() -> None:
    code = "import coupon_rec.market.loading, coupon_rec.market.validation, coupon_rec.simulation"
    command = [sys.executable, "-W", "error::FutureWarning", "-c", code]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""


def test_a_market_of_schema_1_gives_the_same_offers(offers: pd.DataFrame, folder: Path) -> None:
    new = {
        "items": ["private_label", "text", "image"],
        "coupons": ["face_value", "depth", "minimum", "shop_share", "stackable", "text", "image"],
        "offers": ["face_value", "depth", "position", "channel"],
        "purchases": ["channel"],
    }
    for table, columns in new.items():
        change(folder, table, lambda t, columns=columns: t.drop(columns=columns, errors="ignore"))
    for table in {path.stem for path in folder.glob("*.parquet")} - SCHEMA_1:
        (folder / f"{table}.parquet").unlink()
    old = offers_frame(load_market(folder))
    assert len(offers.columns) > len(old.columns) > 60
    old = old.drop(columns=[*WORTH])  # schema 1 knows no terms
    pd.testing.assert_frame_equal(old, offers[old.columns])
