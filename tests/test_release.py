"""What a release promises: names that stay, and a wheel that works where nothing else is."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
import yaml
from names import names

import coupon_rec

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
UV = Path(sys.executable).with_name("uv")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def test_names_commands_and_paths_are_those_that_were_promised() -> None:
    promised = (ROOT / "tests" / "names.txt").read_text("utf-8").splitlines()
    assert names() == promised, "If that is meant: tests/names.py says how, and CHANGELOG.md what."


def test_changelog_citation_and_installed_package_have_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.findall(r"^## (\d\S+) \((.+)\)$", changelog, re.MULTILINE)[0]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert newest == (VERSION, citation["date-released"])
    assert (citation["version"], version("coupon-rec")) == (VERSION, VERSION)


def test_dir_of_the_package_lists_what_it_gives() -> None:
    assert dir(coupon_rec) == sorted(
        [
            *("CoupledModel", "Economics", "Encoder", "Market", "MarketError"),
            *("load_complete_journey", "load_market", "offers_frame", "recommend_items", "split"),
        ]
    )
    assert all(hasattr(coupon_rec, name) for name in dir(coupon_rec))


def uv(*arguments: object) -> None:
    command = [UV, *map(str, arguments), "--quiet"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if re.search("dns error|error sending request|timed out", result.stderr):
        pytest.skip("no network, and uv's cache does not know all packages")
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder)
    return next(folder.glob("*.whl"))


def installed(wheel: Path, folder: Path, extra: str = "") -> Path:
    """A fresh environment with the wheel and what it asks for, and its Python."""
    uv("venv", "--python", sys.executable, folder)
    python = folder / "bin" / "python"
    uv("pip", "install", "--python", python, "-c", "requirements.txt", f"{wheel}{extra}")
    return python


def run(python: Path, *arguments: object) -> str:
    """Run a command of the package from a folder that holds nothing."""
    empty = python.parents[2] / "elsewhere"
    empty.mkdir(exist_ok=True)
    command = [python, "-m", "coupon_rec", *map(str, arguments)]
    result = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_builds_offers_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    assert wheel.name == f"coupon_rec-{VERSION}-py3-none-any.whl"
    python = installed(wheel, tmp_path / "core")
    offers = tmp_path / "offers.parquet"
    assert "redeemed" in run(python, "features", offers, "--market", SAMPLE)
    assert len(pd.read_parquet(offers)) > 1000


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="downloads 1 GB: only in CI")
def test_what_one_environment_trains_another_scores(wheel: Path, tmp_path: Path) -> None:
    trains = installed(wheel, tmp_path / "train", "[train]")
    answers = installed(wheel, tmp_path / "core")
    model, bundle = tmp_path / "model.keras", tmp_path / "bundle"
    offers, scores = tmp_path / "offers.parquet", tmp_path / "scores"
    run(trains, "train", model, "--market", SAMPLE)
    run(trains, "export", model, bundle, "--market", SAMPLE)
    run(answers, "features", offers, "--market", SAMPLE)
    run(answers, "score", bundle, offers, scores)
    assert pd.read_parquet(scores)["redeemed"].between(0, 1).all()
