"""The same expressions, on Spark, give the same offers."""

import os
import shutil
import subprocess
from pathlib import Path

import ibis
import pandas as pd
import pytest

from coupon_rec import load_market
from coupon_rec.features import build_offers

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SETTINGS = {  # many small queries on two cores: no web page, few tasks, little code generation
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.session.timeZone": "UTC",
}


def has_java() -> bool:
    """Whether Java is there and runs; macOS has a `java` that only says where to get one."""
    java = shutil.which("java")
    return bool(java) and subprocess.run([java, "-version"], capture_output=True).returncode == 0


@pytest.mark.filterwarnings("ignore")
def test_spark_and_duckdb_give_the_same_offers() -> None:
    if not has_java() and "CI" not in os.environ:
        pytest.skip("Spark needs Java 17 or 21, and there is none here")
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config(map=SETTINGS).getOrCreate()
    spark = build_offers(load_market(SAMPLE, ibis.pyspark.connect(session)))
    duckdb = build_offers(load_market(SAMPLE))
    assert spark.schema() == duckdb.schema()
    pd.testing.assert_frame_equal(spark.to_pandas(), duckdb.to_pandas(), rtol=1e-6, atol=0)
