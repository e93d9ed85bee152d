"""The commands that may work on Spark: what they do without it, and what they say of bad input."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from shell import refusal, run
from typer.main import get_command

from coupon_rec import _extras
from coupon_rec.__main__ import app
from coupon_rec.commands import recording
from coupon_rec.models import load_model
from coupon_rec.records import read_encoder
from coupon_rec.training import train_on_spark

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
PAGE = (ROOT / "appendix" / "cluster.md").read_text("utf-8")
LINES = re.findall(r"^\$ python -m coupon_rec (.+)$", PAGE.replace("\\\n", ""), re.MULTILINE)
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")


@pytest.fixture(scope="module")
def table(offers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The offers of the sample, as a file."""
    file = tmp_path_factory.mktemp("offers") / "offers.parquet"
    offers.to_parquet(file)
    return file


@pytest.fixture(scope="module")
def records(table: Path) -> Path:
    """Their records, written without Spark."""
    folder = table.with_name("records")
    written = run("records", table, folder, "--shards", 2, *DATES)
    assert "576 training and 480 validation offers" in written.stdout, written.output
    return folder


def test_records_without_spark_train_a_calibrated_network(records: Path, tmp_path: Path) -> None:
    trained = run("train", records, tmp_path / "network.keras", "--epochs", 2)
    assert "2 epochs, validation log loss" in trained.stdout, trained.output
    network = load_model(tmp_path / "network.keras")
    assert network.encoder == read_encoder(records / "train")
    assert "redeemed" in network.calibration


def test_an_encoder_of_a_sample_encodes_all_records_and_its_seed_decides_which(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SAMPLE", 300)
    learned = []
    for number, seed in enumerate((0, 0, 0, 1)):
        folder = tmp_path / str(number)
        written = run("records", table, folder, "--shards", 1, "--seed", seed, *DATES)
        assert "576 training and 480 validation offers" in written.stdout, written.output
        learned.append(read_encoder(folder / "train"))
    assert learned[0] == learned[1] == learned[2] != learned[3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("features", "out", "--spark", "local[2]"), "name your own tables too"),
        (("records", "nowhere", "out"), "there are no files nowhere"),
        (("records", __file__, "out"), "No magic bytes found"),
        (("records", SAMPLE / "users.parquet", "out"), "offers lack the columns ['campaign_id'"),
        (("train", "RECORDS", "m.keras", "--workers", 2), "name the Spark that starts the workers"),
        (("train", "RECORDS", "m.keras", "--extra", "user_x"), "give these to `records`"),
        (("train", "TABLE", "m.keras", "--spark", "local"), "the folder that `records` wrote"),
    ],
)
def test_bad_input_is_one_clear_error(
    arguments: tuple[object, ...], message: str, table: Path, records: Path
) -> None:
    files = {"TABLE": table, "RECORDS": records}
    assert message in refusal(*(files.get(str(word), word) for word in arguments))


@pytest.mark.parametrize(
    ("arguments", "module", "extra"),
    [
        (("features", "out", "--market", SAMPLE, "--spark", "local"), "pyspark", "spark"),
        (("records", "TABLE", "out", "--spark", "local"), "pyspark", "spark"),
        (("train", "RECORDS", "m.keras", "--spark", "local"), "jax", "cluster"),
    ],
)
def test_what_is_not_installed_is_named_with_its_extra(
    arguments: tuple[object, ...],
    module: str,
    extra: str,
    table: Path,
    records: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_extras, "find_spec", lambda name: None if name == module else name)
    files = {"TABLE": table, "RECORDS": records}
    refused = refusal(*(files.get(str(word), word) for word in arguments))
    assert f"{module} is not installed: pip install 'coupon-rec[{extra}]'" in refused


def test_without_java_spark_says_what_it_needs(table: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "coupon_rec", "records", table, tmp_path, "--spark", "local"]
    none = {**os.environ, "JAVA_HOME": str(tmp_path / "nowhere"), "COLUMNS": "200"}
    result = subprocess.run(command, env=none, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    said = " ".join(result.stderr.split())
    assert "there is no Spark at 'local'" in said
    assert "here it needs Java 17 or 21" in said


def test_workers_that_cannot_share_the_records_evenly_never_start(records: Path) -> None:
    with pytest.raises(ValueError, match="cannot be shared by 3 workers evenly"):
        train_on_spark(None, records / "train", records / "validation", "m.keras", workers=3)


@pytest.mark.parametrize("line", LINES)
def test_the_page_about_a_cluster_names_options_that_there_are(line: str) -> None:
    name, *rest = shlex.split(line)
    command = get_command(app).commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
