"""The path from tables to a coupon, from a shell."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from coupon_rec.__main__ import _last_day
from coupon_rec.features import offers_frame
from coupon_rec.market import load_complete_journey, load_market
from coupon_rec.serving.bundle.manifest import verified

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coupon_rec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_the_commands() -> None:
    page = shell("--help")
    assert page.returncode == 0
    commands = ("features", "train", "evaluate", "recommend", "export", "serve")
    assert all(name in page.stdout for name in commands)


def test_from_tables_to_a_coupon(tmp_path: Path) -> None:
    offers, model = tmp_path / "offers.parquet", tmp_path / "model.keras"
    built = shell("features", offers, "--market", SAMPLE)
    assert "redeemed" in built.stdout, built.stderr
    table = pd.read_parquet(offers)
    starts = sorted(table["start"].dt.strftime("%Y-%m-%d").unique())
    dates = ("--validate-from", starts[-2], "--test-from", starts[-1])
    trained = shell("train", offers, model, *dates)
    assert "validation log loss" in trained.stdout, trained.stderr
    assert "average precision" in shell("evaluate", model, offers, *dates[2:]).stdout
    chosen = shell("recommend", model, offers, "--user", table["user_id"].iloc[0])
    assert "probability" in chosen.stdout


def test_from_tables_to_a_bundle_in_two_commands(tmp_path: Path) -> None:
    model, bundle = tmp_path / "model.keras", tmp_path / "bundle"
    dates = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
    trained = shell("train", model, "--market", SAMPLE, *dates)
    assert "validation log loss" in trained.stdout, trained.stderr
    exported = shell("export", model, bundle, "--market", SAMPLE, *dates, "--day", "2017-06-01")
    assert exported.returncode == 0, exported.stderr
    manifest = verified(bundle)
    assert manifest["version"] in exported.stdout
    assert any(name.startswith("snapshot/") for name in manifest["files"])
    assert json.loads((bundle / "calibration.json").read_text())["redeemed"]["slope"] != 1
    words = shell("export", model, bundle, "--market", SAMPLE, *dates, "--day", "2016-01-01").stderr
    assert "no campaign is valid on 2016-01-01" in " ".join(words.split())
    assert verified(bundle) == manifest


def test_the_question_of_the_readme_is_of_the_day_that_its_bundle_serves() -> None:
    (moment,) = re.findall(r'"time": "(\S+?)T', (ROOT / "README.md").read_text(encoding="utf-8"))
    assert moment == str(_last_day(load_complete_journey()))


def test_a_port_that_is_taken_is_named_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = shell("serve", "nowhere", "--port", port)
    assert result.returncode == 2
    assert f"port {port}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bundle_that_is_missing_leaves_no_log_behind(tmp_path: Path) -> None:
    assert shell("serve", tmp_path / "nowhere", "--port", 0).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_offers_may_come_in_several_files(tmp_path: Path) -> None:
    offers = offers_frame(load_market(SAMPLE))
    early = offers["start"] < "2017-05-01"
    files = [tmp_path / "spring.parquet", tmp_path / "summer.parquet"]
    for path, rows in zip(files, (early, ~early), strict=True):
        offers[rows].to_parquet(path)
    dates = ("--validate-from", "2017-05-01", "--test-from", "2017-06-01")
    trained = shell("train", *files, tmp_path / "model.keras", *dates)
    assert "validation log loss" in trained.stdout, trained.stderr


def test_a_split_without_campaigns_says_which_there_are(tmp_path: Path) -> None:
    offers = tmp_path / "offers.parquet"
    pd.DataFrame({"start": pd.to_datetime(["2020-02-01", "2020-05-01"])}).to_parquet(offers)
    words = shell("train", offers, tmp_path / "model.keras").stderr
    assert "2020-02-01" in words
    assert "--validate-from" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("features", "out.parquet", "--market", "nowhere"), "nowhere"),
        (("train", __file__, "model.keras"), "cannot be read as Parquet"),
        (("train", "model.h5"), "name a .keras file"),
        (("export", "nowhere.keras", "bundle"), "does not exist"),
        (("serve", "nowhere", "--port", "0"), "is no bundle"),
    ],
)
def test_bad_input_is_one_clear_error(arguments: tuple[str, ...], message: str) -> None:
    result = shell(*arguments)
    assert result.returncode == 2
    assert message in " ".join(re.sub("[─│╭╮╰╯]", " ", result.stderr).split())
    assert "Traceback" not in result.stderr
