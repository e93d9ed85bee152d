"""On Spark, everything from the tables to the allocation is what it is without."""

import os
import re
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

from coupon_rec import load_market
from coupon_rec.__main__ import app
from coupon_rec.decisions import allocate_scores
from coupon_rec.features import Encoder
from coupon_rec.market import identifiers
from coupon_rec.models import coupled_model, load_model
from coupon_rec.odds import Platt
from coupon_rec.records import read_records, write_records
from coupon_rec.serving.batch import KEY, score
from coupon_rec.serving.bundle import exporting
from coupon_rec.training.cluster import train_on_spark

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
PAGE = (ROOT / "appendix" / "cluster.md").read_text("utf-8")
SMALLER = {
    "s3a://bucket/market": SAMPLE.as_uri(),
    "2017-09-01": "2017-05-22",
    "sample(0.01)": "sample(0.9)",
    "shards=64": "shards=2",
    "workers=8": "workers=2",
    "epochs=20": "epochs=2",
    "batch_size=16384": "batch_size=64",
    "user_id % 100": "user_id % 2",
    "budget=50_000, parts=200": "budget=1.0, caps=caps, parts=3",
}
"""What the page about a cluster says, and what is said here in its place."""
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

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


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
def page(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """Run the Python code of a section of the page about a cluster, after that of those before."""
    shared = tmp_path_factory.mktemp("shared")
    held: dict[str, Any] = {}

    def run(section: str) -> dict[str, Any]:
        (text,) = re.findall(rf"^## {section}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
        for code in re.findall(r"^```python$(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            code = code.replace("/shared", str(shared))
            for there, here in SMALLER.items():
                code = code.replace(there, here)
            exec(code, held)  # the page of this repository
        return held

    return run


@pytest.fixture(scope="module")
def written(page: Callable[[str], dict[str, Any]]) -> Path:
    """The offers, written by Spark as the page says."""
    page("Open the tables")
    offers: Path = page("Build the offers")["offers"]
    return offers


def test_records_hold_each_offer_once_though_a_task_is_killed(
    spark: Any, written: Path, tmp_path: Path
) -> None:
    offers = pd.read_parquet(written)
    encoder = Encoder.fit(offers)
    batches: list[int] = []
    killed = tmp_path / "killed"

    class Deadly(Encoder):
        """Kills its process within the first attempt at the second shard."""

        def encode(self, offers: pd.DataFrame) -> Any:
            from pyspark import TaskContext

            task: Any = TaskContext.get()
            batches.append(task.partitionId())
            if task.attemptNumber() == 0 and batches.count(1) == 2:
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().encode(offers)

    deadly = Deadly(**{part.name: getattr(encoder, part.name) for part in fields(encoder)})
    table = spark.read_parquet(str(written))
    files = write_records(table, tmp_path / "records", deadly, shards=4)
    assert killed.exists()
    assert sorted((tmp_path / "records").iterdir()) == [tmp_path / "records/encoder.json", *files]
    read = [ids for *_, ids in read_records(tmp_path / "records", ids=True)]
    keys = pd.DataFrame({name: np.concatenate([ids[name] for ids in read]) for name in KEY})
    expected = offers[list(KEY)].sort_values(list(KEY), ignore_index=True)
    pd.testing.assert_frame_equal(keys.sort_values(list(KEY), ignore_index=True), expected)


def test_the_page_goes_from_tables_to_the_coupons_that_are_chosen_without_spark(
    page: Callable[[str], dict[str, Any]],
    written: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unavailable: Callable[[str], NoReturn],
) -> None:
    if not find_spec("jax"):
        unavailable("no JAX: `make test-slow` installs it")
    page("Write the records and train")
    page("Export")["caps"] = caps = {501: 2, 502: 0}
    page("Score and allocate")

    shared = written.parent
    assert load_market(shared / "sample").users.count().execute() == 30
    scores = pd.read_parquet(score(shared / "bundle", written, tmp_path / "scores"))
    theirs = pd.read_parquet(shared / "scores").sort_values(list(KEY), ignore_index=True)
    pd.testing.assert_frame_equal(theirs, scores, check_exact=True)
    best = allocate_scores(
        tmp_path / "scores", tmp_path / "choices", budget=1.0, caps=caps, parts=3
    )
    choices, theirs = (pd.read_parquet(each) for each in (best.folder, shared / "choices"))
    pd.testing.assert_frame_equal(theirs, choices, check_exact=True)
    assert 0 < len(choices) < scores.groupby(list(KEY[:2])).ngroups
    assert choices["cost"].sum() <= 1
    sent = choices["coupon_id"].value_counts()
    assert all(sent.get(coupon, 0) <= most for coupon, most in caps.items())


def test_a_session_scores_with_the_bundle_that_is_there_now(
    spark: Any, written: Path, tmp_path: Path
) -> None:
    offers, table = pd.read_parquet(written), spark.read_parquet(str(written))
    model = coupled_model(Encoder.fit(offers))
    means = []
    for intercept in (0.0, -2.0):
        line = {"redeemed": Platt(intercept, 1.0)}
        bundle = exporting.export(model, tmp_path / "bundle", offers, calibration=line)
        means.append(pd.read_parquet(score(bundle, table, tmp_path / "scores"))["redeemed"].mean())
    assert means[1] < 0.5 * means[0]


def test_the_commands_write_the_same_records_on_spark_and_train_from_them_there(
    written: Path, tmp_path: Path, unavailable: Callable[[str], NoReturn]
) -> None:
    if not find_spec("jax"):
        unavailable("no JAX: `make test-slow` installs it")
    dates = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
    on_spark = ("--spark", "local[2]")

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(app, list(map(str, arguments)))
        assert result.exit_code == 0, result.output
        return result.stdout

    run("records", written, tmp_path / "ours", "--shards", 2, *dates)
    run("records", written, tmp_path / "theirs", "--shards", 2, *dates, *on_spark)
    for part in ("train", "validation"):
        ours, theirs = (held(tmp_path / name / part) for name in ("ours", "theirs"))
        pd.testing.assert_frame_equal(theirs, ours, rtol=1e-5)
    model = tmp_path / "network.keras"
    epoch = ("--epochs", 1, "--workers", 2)
    assert "1 epochs" in run("train", tmp_path / "theirs", model, *epoch, *on_spark)
    assert "redeemed" in load_model(model).calibration


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
        unavailable("no JAX: `make test-slow` installs it")
    offers = pd.read_parquet(written)  # dealt in turn, so that both shards have as many
    write_records(offers, tmp_path / "records", Encoder.fit(offers), shards=2)
    settings = {"batch_size": 256, "shuffle": False, "model": {"dropout": 0.0}}
    weights = []
    for workers, epochs in ((1, 2), (2, 1), (2, 2)):  # the third goes on where the second ended
        history = train_on_spark(
            spark._session,
            tmp_path / "records",
            tmp_path / "records",
            tmp_path / f"{workers}.keras",
            workers=workers,
            checkpoint=str(tmp_path / f"run-{workers}"),
            epochs=epochs,
            **settings,
        )
        assert len(history) == epochs
        weights.append(load_model(tmp_path / f"{workers}.keras").get_weights())
    whole, _half, resumed = weights
    for one, two in zip(whole, resumed, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)


def test_spark_numbers_text_as_duckdb_does(spark: Any, tmp_path: Path) -> None:
    pd.DataFrame({"user_id": ["b", "a", "a"]}).to_parquet(tmp_path / "users.parquet")
    pd.DataFrame({"user_id": ["c", "a", None]}).to_parquet(tmp_path / "views.parquet")
    for connection in (spark, ibis.duckdb.connect()):
        tables = {
            name: connection.read_parquet(str(tmp_path / f"{name}.parquet"))
            for name in ("users", "views")
        }
        kinds, *_ = identifiers.text_kinds(tables)
        known = identifiers.number(tables, kinds)
        numbered = {
            name: identifiers.exchanged(table, known, "number", "text")
            .to_pandas()["user_id"]
            .dropna()
            for name, table in tables.items()
        }
        assert known["user_id"].order_by("number").to_pandas()["text"].tolist() == ["a", "b", "c"]
        assert sorted(numbered["users"]) == [1, 1, 2]
        assert sorted(numbered["views"]) == [1, 3]
