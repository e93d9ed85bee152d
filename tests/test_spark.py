"""On Spark, markets, identifiers and offers are those of DuckDB."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from coupon_rec import Market, load_market
from coupon_rec.features import build_offers
from coupon_rec.market import identifiers

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SETTINGS = {  # many small queries, once: no web page, few tasks, little compilation
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": "UTC",
}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def spark() -> Any:
    """Spark on this machine, as an Ibis backend."""
    java = shutil.which("java")  # macOS has a `java` that only says where to get one
    runs = java and not subprocess.run([java, "-version"], capture_output=True).returncode
    if not runs and "CI" not in os.environ:
        pytest.skip("Spark needs Java 17 or 21, and there is none here")
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config(map=SETTINGS).getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture(scope="module")
def market(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The sample market on Spark, its purchases from a CSV file."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("spark") / "market"))
    purchases = folder / "purchases.parquet"
    pd.read_parquet(purchases).to_csv(purchases.with_suffix(".csv"), index=False)
    purchases.unlink()
    return load_market(folder, spark)


def test_spark_and_duckdb_give_the_same_offers(market: Market) -> None:
    ours, theirs = build_offers(load_market(SAMPLE)), build_offers(market)
    assert theirs.schema() == ours.schema()
    pd.testing.assert_frame_equal(theirs.to_pandas(), ours.to_pandas(), rtol=1e-6, atol=0)


def test_a_market_on_spark_is_written_and_loads_as_the_same(market: Market, tmp_path: Path) -> None:
    written = load_market(market.write(tmp_path / "written"))
    for name, table in load_market(SAMPLE).tables().items():
        columns = list(table.columns)
        ours, theirs = (
            each.select(columns).to_pandas().sort_values(columns, ignore_index=True)
            for each in (table, written.tables()[name])
        )
        pd.testing.assert_frame_equal(theirs, ours)


def test_spark_numbers_text_as_duckdb_does(spark: Any, tmp_path: Path) -> None:
    pd.DataFrame({"user_id": ["b", "a", "a"]}).to_parquet(tmp_path / "users.parquet")
    pd.DataFrame({"user_id": ["c", "a", None]}).to_parquet(tmp_path / "views.parquet")
    for connection in (spark, ibis.duckdb.connect()):
        tables = {
            name: connection.read_parquet(str(tmp_path / f"{name}.parquet"))
            for name in ("users", "views")
        }
        kinds, _numbers = identifiers.text_kinds(tables)
        known = identifiers.number(tables, kinds)
        numbered = {
            name: identifiers.with_numbers(table, known).to_pandas()["user_id"].dropna()
            for name, table in tables.items()
        }
        assert known["user_id"].order_by("number").to_pandas()["text"].tolist() == ["a", "b", "c"]
        assert sorted(numbered["users"]) == [1, 1, 2]
        assert sorted(numbered["views"]) == [1, 3]
