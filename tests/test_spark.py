"""On Spark, everything from the tables to the allocation is what it is without."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import ibis
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from coupon_rec import Market, load_market
from coupon_rec.__main__ import app
from coupon_rec.decisions import allocate_scores
from coupon_rec.features import Encoder, build_offers, write_offers
from coupon_rec.market import identifiers
from coupon_rec.models import coupled_model, load_model
from coupon_rec.records import read_records, write_records
from coupon_rec.serving.batch import KEY, score
from coupon_rec.serving.bundle import exporting
from coupon_rec.training import fit
from coupon_rec.training.cluster import train_on_spark

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
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
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

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[2,2]").config(map=SETTINGS).getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


@pytest.fixture(scope="module")
def market(spark: Any) -> Market:
    """The sample market, given as tables of Spark's catalog."""
    names = [path.stem for path in SAMPLE.glob("*.parquet")]
    for name in names:
        spark.read_parquet(str(SAMPLE / f"{name}.parquet"), table_name=f"crm_{name}")
    return load_market({name: spark.table(f"crm_{name}") for name in names})


@pytest.fixture(scope="module")
def written(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The offers, written by Spark."""
    return write_offers(market, tmp_path_factory.mktemp("offers") / "offers.parquet")


def test_spark_and_duckdb_write_the_same_offers(market: Market, written: Path) -> None:
    here = load_market(SAMPLE)
    assert build_offers(market).schema() == build_offers(here).schema()
    ours = build_offers(here).to_pandas().astype({"start": "datetime64[ns]"})
    theirs = pd.read_parquet(written).astype(ours.dtypes)
    pd.testing.assert_frame_equal(theirs, ours, rtol=1e-6, atol=0)
    assert [path.name for path in written.parent.iterdir()] == ["offers.parquet"]


def test_records_hold_each_offer_once_though_a_task_is_killed(
    spark: Any, written: Path, tmp_path: Path
) -> None:
    offers = pd.read_parquet(written)
    encoder = Encoder.fit(offers)
    batches: list[int] = []

    class Deadly(Encoder):
        """Kills its process within the first attempt at the second shard."""

        def encode(self, offers: pd.DataFrame) -> Any:
            from pyspark import TaskContext

            task: Any = TaskContext.get()
            batches.append(task.partitionId())
            if task.attemptNumber() == 0 and batches.count(1) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().encode(offers)

    deadly = Deadly(**{part.name: getattr(encoder, part.name) for part in fields(encoder)})
    table = spark.read_parquet(str(written))
    files = write_records(table, tmp_path / "records", deadly, shards=4)
    assert sorted((tmp_path / "records").iterdir()) == [tmp_path / "records/encoder.json", *files]
    read = [ids for *_, ids in read_records(tmp_path / "records", ids=True)]
    keys = pd.DataFrame({name: np.concatenate([ids[name] for ids in read]) for name in KEY})
    expected = offers[list(KEY)].sort_values(list(KEY), ignore_index=True)
    pd.testing.assert_frame_equal(keys.sort_values(list(KEY), ignore_index=True), expected)


def test_scores_and_choices_are_those_without_spark(
    spark: Any, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "FORMATS", {"onnx": exporting.FORMATS["onnx"]})
    records, offers = tmp_path / "records", pd.read_parquet(written)
    encoder = Encoder.fit(offers)
    write_records(spark.read_parquet(str(written)), records, encoder, shards=2)
    model = coupled_model(encoder, purchase_units=(8,), coupon_units=(8,))
    fit(model, read_records(records, 256), read_records(records, 256), epochs=1)
    bundle = exporting.export(model, tmp_path / "bundle", offers)
    found = []
    for name, source in (("here", written), ("spark", spark.read_parquet(str(written)))):
        scores = score(bundle, source, tmp_path / f"scores-{name}")
        opened = scores if name == "here" else spark.read_parquet(str(scores))
        best = allocate_scores(opened, tmp_path / f"choices-{name}", budget=1.0, caps={}, parts=3)
        found.append((pd.read_parquet(scores), best, pd.read_parquet(best.folder)))
    (scores, best, choices), (their_scores, their_best, their_choices) = found
    their_scores = their_scores.sort_values(list(KEY), ignore_index=True)
    pd.testing.assert_frame_equal(their_scores, scores, check_exact=True)
    assert 0 < best.sent < offers.groupby(list(KEY[:2])).ngroups
    assert (their_best.bound, their_best.value) == (best.bound, best.value)
    pd.testing.assert_frame_equal(their_choices, choices, check_exact=True)


def test_commands_go_from_tables_to_the_coupons_that_they_choose_without_spark(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "FORMATS", {"onnx": exporting.FORMATS["onnx"]})
    market = Path(shutil.copytree(SAMPLE, tmp_path / "market"))
    purchases = market / "purchases.parquet"
    pd.read_parquet(purchases).to_csv(purchases.with_suffix(".csv"), index=False)
    purchases.unlink()
    model, bundle = tmp_path / "network.keras", tmp_path / "bundle"
    dates = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
    on_spark = ("--spark", "local[2]")
    workers = ("--workers", 2, *on_spark) if find_spec("jax") else ()

    def run(*arguments: object) -> None:
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output

    for place, source, on in (
        (tmp_path / "spark", market.as_uri(), on_spark),
        (tmp_path, market, ()),
    ):
        place.mkdir(exist_ok=True)
        run("features", place / "offers", "--market", source, *on)
        run("records", place / "offers", place / "records", "--shards", 2, *dates, *on)
        if on:
            run("train", place / "records", model, "--epochs", 2, *workers)
            run("export", model, bundle, "--market", market, *dates)
        run("score", bundle, place / "offers", place / "scores", *on)
        run("allocate", place / "scores", place / "choices", "--budget", 1, "--parts", 3, *on)

    for part in ("train", "validation"):
        theirs, ours = (held(tmp_path / name / part) for name in ("spark/records", "records"))
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-5)
    theirs, ours = (
        pd.read_parquet(tmp_path / name).sort_values([*KEY], ignore_index=True)
        for name in ("spark/choices", "choices")
    )
    assert len(ours) > 0
    pd.testing.assert_frame_equal(theirs, ours, rtol=1e-5)


def held(folder: Path) -> pd.DataFrame:
    """All that records hold, by the keys of the offers."""
    rows = []
    for batch in read_records(folder, ids=True):
        arrays = {name: np.asarray(array) for part in batch for name, array in part.items()}
        wide = [pd.DataFrame(array).add_prefix(f"{name}_") for name, array in arrays.items()]
        rows.append(pd.concat(wide, axis=1))
    return pd.concat(rows).sort_values([f"{name}_0" for name in KEY], ignore_index=True)


def test_workers_that_spark_starts_train_the_model_of_one(
    spark: Any, written: Path, tmp_path: Path, unavailable: Callable[[str], NoReturn]
) -> None:
    if not find_spec("jax"):
        unavailable("no JAX: `make test` installs it")
    offers = pd.read_parquet(written)  # dealt in turn, so that both shards have as many
    write_records(offers, tmp_path / "records", Encoder.fit(offers), shards=2)
    settings = {"epochs": 2, "batch_size": 256, "shuffle": False, "model": {"dropout": 0.0}}
    weights = []
    for workers in (1, 2):
        history = train_on_spark(
            spark._session,
            tmp_path / "records",
            tmp_path / "records",
            tmp_path / f"{workers}.keras",
            workers=workers,
            checkpoint=str(tmp_path / f"run-{workers}"),
            **settings,
        )
        assert len(history) == 2
        weights.append(load_model(tmp_path / f"{workers}.keras").get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)


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
