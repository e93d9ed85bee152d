"""A market of someone else loads, keeps its own names, and each way of spoiling it is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from strangers import (
    CSV,
    DEPARTMENTS,
    OWN_BRAND,
    REGIONS,
    TEST_FROM,
    TRAIN_FROM,
    VALIDATE_FROM,
    strangers_tables,
    write_strangers,
)

from coupon_rec import MarketError, load_market
from coupon_rec.features import offers_frame, split

Edit = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_strangers(tmp_path_factory.mktemp("strangers") / "market")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_strangers(tmp_path_factory.mktemp("strangers") / "small", users=40)


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(small, tmp_path / "market"))


def spoil(folder: Path, table: str, edit: Edit) -> None:
    if table in CSV:
        path = folder / f"{table}.csv"
        edit(pd.read_csv(path, dtype="str")).to_csv(path, index=False)
    else:
        path = folder / f"{table}.parquet"
        edit(pd.read_parquet(path)).to_parquet(path, index=False)


def put(column: str, value: object) -> Edit:
    """Put a value into the first row."""
    return lambda table: table.assign(**{column: [value, *table[column][1:]]})


def also(**values: object) -> Edit:
    """Repeat the first row with other values."""
    return lambda table: pd.concat([table, table.head(1).assign(**values)])


def test_it_loads_and_there_is_enough_to_learn_from(whole: Path) -> None:
    market = load_market(whole)
    offers = offers_frame(market)
    parts = split(offers, TRAIN_FROM, VALIDATE_FROM, TEST_FROM)
    assert market.users.count().execute() == 1500
    assert market.promotions is None
    assert min(part["redeemed"].sum() for part in parts) > 10
    assert parts.train["bought"].sum() > 500
    assert set(offers["user_region"]) == set(REGIONS)
    assert set(offers["department"]) == {*DEPARTMENTS.values()}
    assert offers["coupon_depth"].gt(0).all()


def test_its_own_brand_counts_as_private_label(whole: Path) -> None:
    market = load_market(whole)
    brands = market.items.filter(market.items.private_label).brand.to_pandas()
    assert set(brands) == {OWN_BRAND}
    offers = offers_frame(market)
    assert 0.02 < offers["user_private_share"].mean() < 0.5
    assert offers["item_private_share"].max() > 0


def test_offers_are_those_of_the_market_behind_it_and_get_their_names_back(small: Path) -> None:
    tables = strangers_tables(users=40)
    market = load_market(small)
    key = ["campaign_id", "user_id", "coupon_id"]
    named = market.named(offers_frame(market))[key].sort_values(key, ignore_index=True)
    expected = tables["offers"][key].sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(named, expected, check_dtype=False)


SPOILED: dict[str, tuple[str, Edit, list[str]]] = {
    "unknown user": (
        "purchases",
        put("user_id", "Kundin-0"),
        ["user_id", "1 row", "user_id=Kundin-0"],
    ),
    "unknown item": ("prices", put("item_id", "ART/x"), ["item_id", "1 row", "item_id=ART/x"]),
    "unknown coupon": ("offers", put("coupon_id", "GS-0"), ["coupon_id", "1 row", "GS-0"]),
    "unknown campaign": (
        "coupon_items",
        put("campaign_id", "Aktion 99"),
        ["campaign_id", "1 row", "campaign_id=Aktion 99"],
    ),
    "never offered": (
        "redemptions",
        also(user_id="Kundin-1", campaign_id="Aktion 1"),
        ["campaign_id, user_id, coupon_id", "1 row", "user_id=Kundin-1"],
    ),
    "not unique": ("users", also(age="?"), ["user_id", "2 rows", "user_id=Kundin-1"]),
    "a time zone": (
        "redemptions",
        put("date", "2024-06-02 03:05:18+08:00"),
        ["date", "1 row", "date=2024-06-02 03:05:18+08:00"],
    ),
    "where `": (
        "purchases",
        lambda table: table.assign(user_id=range(len(table))),
        ["user_id", "`purchases` has whole numbers", "user_id=Kundin-1"],
    ),
    "no value": ("items", put("item_id", ""), ["item_id", "1 row", "item_id=None"]),
    "ends before it starts": ("campaigns", put("end", "2023-12-24"), ["1 row", "end=2023-12-24"]),
    "outside of its campaign": (
        "redemptions",
        put("date", "2025-05-01"),
        ["date", "1 row", "date=2025-05-01"],
    ),
    "unknown type": ("campaigns", put("campaign_type", "Herbst"), ["1 row", "Herbst"]),
    "negative": ("purchases", put("amount", -1.0), ["amount", "1 row", "amount=-1.0"]),
    "quantity of zero": ("purchases", put("quantity", 0), ["quantity", "1 row", "quantity=0"]),
    "is no float64": ("prices", put("unit_cost", "0,69"), ["unit_cost", "1 row", "0,69"]),
    "depth that is": ("coupons", put("depth", "25"), ["depth", "1 row", "depth=25.0"]),
    "is no boolean": (
        "items",
        lambda table: table.assign(private_label=["ja", *["false"] * (len(table) - 1)]),
        ["private_label", "1 row", "private_label=ja"],
    ),
    "the column is missing": (
        "purchases",
        lambda table: table.rename(columns={"amount": "betrag"}),
        ["amount", "The file has: user_id", "betrag"],
    ),
}


@pytest.mark.filterwarnings("ignore:purchases. ignored")
@pytest.mark.parametrize("what", SPOILED)
def test_each_way_of_spoiling_it_is_named(folder: Path, what: str) -> None:
    table, edit, expected = SPOILED[what]
    spoil(folder, table, edit)
    with pytest.raises(MarketError) as caught:
        load_market(folder)
    found = [str(problem) for problem in caught.value.problems]
    assert any(all(word in text for word in [what, *expected]) for text in found), str(caught.value)
    assert any(text.startswith(table) for text in found) or what == "where `"


def test_a_missing_table_and_a_broken_file_are_named(folder: Path) -> None:
    (folder / "offers.parquet").unlink()
    (folder / "users.csv").write_bytes(b"\x00\xff\xfe")
    with pytest.raises(MarketError) as caught:
        load_market(folder)
    text = str(caught.value)
    assert "offers: the table is missing" in text
    assert "users" in text
