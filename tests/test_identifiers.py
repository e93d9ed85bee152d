"""Text identifiers are numbered and given back; own columns stay; a market may be anywhere."""

from pathlib import Path

import ibis
import pandas as pd
import pytest

from coupon_rec import Market, MarketError, load_market
from coupon_rec.features import offers_frame
from coupon_rec.market.loading import connect
from coupon_rec.serving.http.api_models import RecommendationRequest

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
KEY = ["campaign_id", "user_id", "coupon_id"]


def frames() -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_parquet(path) for path in SAMPLE.glob("*.parquet")}


def write(tables: dict[str, pd.DataFrame], folder: Path, csv: tuple[str, ...] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        if name in csv:
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def with_text(tables: dict[str, pd.DataFrame], **patterns: str) -> dict[str, pd.DataFrame]:
    return {
        name: table.assign(
            **{
                column: table[column].map(text.format)
                for column, text in patterns.items()
                if column in table
            }
        )
        for name, table in tables.items()
    }


ALL_TEXT = {
    "user_id": "u{:03}",
    "item_id": "i{:05}",
    "coupon_id": "c{:04}",
    "campaign_id": "k{}",
    "basket_id": "b{:06}",
    "store_id": "s{}",
    "manufacturer_id": "m{:03}",
    "person_id": "p{}",
}


@pytest.fixture(scope="module")
def text_market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder = tmp_path_factory.mktemp("text") / "market"
    return load_market(write(with_text(frames(), **ALL_TEXT), folder, csv=("users", "views")))


def test_text_identifiers_change_no_feature_and_no_label(
    text_market: Market, offers: pd.DataFrame
) -> None:
    ours = offers_frame(text_market)
    named = text_market.named(ours).drop(columns="item_id")
    expected = with_text({"offers": offers}, **ALL_TEXT)["offers"].drop(columns="item_id")
    pd.testing.assert_frame_equal(named, expected, check_dtype=False, rtol=1e-5)


@pytest.mark.slow
def test_a_written_market_keeps_numbers_and_text(text_market: Market, tmp_path: Path) -> None:
    folder = text_market.write(tmp_path / "written")
    again = load_market(folder)
    assert again.identifiers.keys() == text_market.identifiers.keys() == ALL_TEXT.keys()
    for name, table in text_market.tables().items():
        columns = list(table.columns)
        left, right = (
            each.to_pandas().sort_values(columns, ignore_index=True)
            for each in (table, again.tables()[name].select(columns))
        )
        pd.testing.assert_frame_equal(left, right)
    assert load_market(load_market(SAMPLE).write(folder)).identifiers == {}


def test_named_keeps_what_is_missing_and_refuses_what_is_unknown(text_market: Market) -> None:
    frame = pd.DataFrame({"coupon_id": pd.array([1, None], "Int64"), "user_id": [1, 2]})
    named = text_market.named(frame)
    assert named["coupon_id"][0] == "c0501" and named["coupon_id"].isna()[1]
    assert frame["user_id"].tolist() == [1, 2]
    pd.testing.assert_frame_equal(text_market.named(named), named)
    with pytest.raises(ValueError, match=r"user_id 999 \(row 0\) stands for nothing"):
        text_market.named(pd.DataFrame({"user_id": [999]}))


def test_a_number_that_lost_its_text_is_named(text_market: Market, tmp_path: Path) -> None:
    folder = text_market.write(tmp_path / "written")
    path = folder / "identifiers.parquet"
    pd.read_parquet(path).query("text != 'u007'").to_parquet(path, index=False)
    with pytest.raises(MarketError, match=r"users \(user_id\): 1 row, a number that identifiers"):
        load_market(folder)


def test_leading_zeros_make_text(tmp_path: Path) -> None:
    tables = with_text(frames(), item_id="{:08}")
    market = load_market(write(tables, tmp_path / "market", csv=tuple(tables)))
    assert market.identifiers["item_id"].text.min().execute() == "00001001"


@pytest.mark.slow
@pytest.mark.parametrize("largest", [2**63, 2**53, -1])
def test_numbers_that_not_all_can_read_are_text_in_parquet_as_in_csv(
    tmp_path: Path, largest: int
) -> None:
    tables = frames()
    for table in tables.values():
        if "user_id" in table:
            dtype = "uint64" if largest > 0 else "int64"
            table["user_id"] = (
                table["user_id"].map(lambda user: {60: largest}.get(user, user)).astype(dtype)
            )
    parquet = load_market(write(tables, tmp_path / "parquet"))
    csv = load_market(write(tables, tmp_path / "csv", csv=tuple(tables)))
    for market in (parquet, csv):
        text = market.identifiers["user_id"].order_by("number").to_pandas()["text"]
        assert set(text) == {str(largest), *map(str, range(1, 60))}
    assert RecommendationRequest(user_id=str(largest)).user_id == str(largest)
    with pytest.raises(ValueError, match="whole number from 0"):
        RecommendationRequest(user_id=largest)


def test_a_float_that_has_lost_the_last_digits_of_an_id_is_refused(tmp_path: Path) -> None:
    tables = frames()
    for table in tables.values():
        if "store_id" in table:
            table["store_id"] += 2**60
    tables["promotions"] = tables["promotions"].astype({"store_id": float})
    with pytest.raises(MarketError, match=r"promotions \(store_id\): .*lost its last digits"):
        load_market(write(tables, tmp_path / "market"))


# Columns of one's own


def own(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    users, coupons = tables["users"], tables["coupons"]
    return tables | {
        "users": users.assign(
            user_region=[None, *["Wien", "Graz"] * 29, "Wien"],
            user_score=users["user_id"] / 4,
            user_member=users["user_id"] % 2 == 0,
            user_taste=[[0.5, float(number)] for number in users["user_id"]],
            user_plz=[f"{number:04}" for number in users["user_id"]],
        ),
        "coupons": coupons.assign(coupon_colour="rot"),
    }


@pytest.mark.parametrize(
    "csv", [pytest.param((), marks=pytest.mark.slow), ("users", "coupons")], ids=["Parquet", "CSV"]
)
def test_own_columns_reach_the_offers_with_what_they_hold(
    tmp_path: Path, offers: pd.DataFrame, csv: tuple[str, ...]
) -> None:
    market = load_market(write(own(frames()), tmp_path / "market", csv))
    ours = offers_frame(market)
    one = ours[ours["user_id"] == 6].iloc[0]
    assert (one["user_region"], one["user_score"], one["coupon_colour"]) == ("Wien", 1.5, "rot")
    assert bool(one["user_member"])
    assert list(one["user_taste"]) == [0.5, 6.0]
    assert one["user_plz"] == "0006"
    assert ours[ours["user_id"] == 1]["user_region"].isna().all()
    pd.testing.assert_frame_equal(ours[offers.columns], offers)
    again = load_market(market.write(tmp_path / "written"))
    for name in ("users", "coupons"):
        left, right = (each.tables()[name].to_pandas() for each in (again, market))
        pd.testing.assert_frame_equal(left, right)


def test_a_column_of_ones_own_with_a_list_that_is_none_is_text(tmp_path: Path) -> None:
    tables = frames()
    odd = ["[1, x]", "[]", "[1,, 2]", "[[1, 2]]", "[1 2]"]
    for number, text in enumerate(odd):
        tables["users"][f"user_taste_{number}"] = [text, *["[0.5, 1]"] * 59]
    market = load_market(write(tables, tmp_path / "market", csv=("users",)))
    users = market.users.order_by("user_id").to_pandas()
    for number, text in enumerate(odd):
        assert users[f"user_taste_{number}"][:2].tolist() == [text, "[0.5, 1]"]


@pytest.mark.slow
def test_an_own_column_with_the_name_of_a_feature_is_refused(tmp_path: Path) -> None:
    tables = frames()
    tables["users"]["user_trend"] = 1.0
    market = load_market(write(tables, tmp_path / "market"))
    with pytest.raises(ValueError, match=r"users \(user_trend\): a column of your own"):
        offers_frame(market)


# Where a market may be


@pytest.mark.slow
def test_a_uri_gives_what_the_folder_gives(tmp_path: Path, offers: pd.DataFrame) -> None:
    folder = write(frames(), tmp_path / "my market", csv=("purchases", "views"))
    market = load_market(folder.as_uri().replace("%20", " "))
    pd.testing.assert_frame_equal(offers_frame(market), offers)


@pytest.mark.slow
def test_a_uri_without_a_table_or_with_a_broken_one_is_named(tmp_path: Path) -> None:
    folder = write(frames(), tmp_path / "market")
    (folder / "offers.parquet").unlink()
    (folder / "views.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(MarketError) as caught:
        load_market(folder.as_uri())
    found = {problem.table: problem.what for problem in caught.value.problems}
    assert found["offers"] == "the table is missing"
    assert "views.parquet is not a readable Parquet file" in found["views"]


@pytest.mark.slow
def test_what_the_engine_is_taught_to_reach_is_read(tmp_path: Path, offers: pd.DataFrame) -> None:
    files = pytest.importorskip("fsspec").filesystem("memory")
    for path in write(frames(), tmp_path / "market", csv=("users", "purchases")).iterdir():
        files.pipe_file(f"/shop/{path.name}", path.read_bytes())
    engine = connect()
    engine.con.register_filesystem(files)
    pd.testing.assert_frame_equal(offers_frame(load_market("memory://shop", engine)), offers)


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["s3://bucket/market", "https://localhost:1/market"])
def test_an_engine_without_its_extension_is_one_error(tmp_path: Path, uri: str) -> None:
    nowhere = {"custom_extension_repository": str(tmp_path / "none")}
    engine = connect(extension_directory=str(tmp_path), **nowhere)
    with pytest.raises(MarketError, match=f"market: {uri} cannot be reached") as caught:
        load_market(uri, engine)
    (problem,) = caught.value.problems
    assert "httpfs" in problem.what and "INSTALL httpfs" in problem.fix and "network" in problem.fix


# Times


@pytest.mark.slow
def test_tables_that_are_already_open_are_checked_the_same_way(offers: pd.DataFrame) -> None:
    engine = ibis.duckdb.connect()
    rows = frames()
    tables = {name: engine.create_table(name, ibis.memtable(rows[name])) for name in rows}
    before = engine.con.sql("SHOW TABLES").fetchall()
    pd.testing.assert_frame_equal(offers_frame(load_market(tables)), offers)
    assert engine.con.sql("SHOW TABLES").fetchall() == before
    market = load_market({**tables, "users": ibis.memtable(rows["users"])})
    assert market.users.count().execute() == 60
    elsewhere = ibis.duckdb.connect().create_table("users", ibis.memtable(rows["users"]))
    with pytest.raises(MarketError, match=r"on several engines.*\n.*on one connection"):
        load_market({**tables, "users": elsewhere})
    with pytest.raises(MarketError) as caught:
        load_market({**tables, "users": rows["users"], "shops": elsewhere, "views": None})
    assert {(each.table, each.what) for each in caught.value.problems} >= {
        ("users", "a DataFrame where a table of Ibis is expected"),
        ("shops", "not a table of a market"),
    }
