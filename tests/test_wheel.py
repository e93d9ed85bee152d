"""The wheel works in an environment of its own, where nothing else is."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from zipfile import ZipFile

import pandas as pd
import pytest
from shop import Service

from coupon_rec.serving.bundle.manifest import verified

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample"
UV = Path(sys.executable).with_name("uv")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


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


@pytest.fixture(scope="module")
def core(wheel: Path) -> Iterator[Path]:
    """Python where only the core is installed, with the versions of the lock."""
    folder = Path(mkdtemp())  # 0.6 GB: not one of pytest's folders, which stay
    yield installed(wheel, folder)
    shutil.rmtree(folder)


def alone(python: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python blind to this folder and PYTHONPATH."""
    command = [python, "-I", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(python: Path, *arguments: object) -> str:
    """Run a command of the package, which has to succeed."""
    result = alone(python, "-m", "coupon_rec", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_wheel_builds_offers(wheel: Path, core: Path, tmp_path: Path) -> None:
    assert wheel.name == f"coupon_rec-{VERSION}-py3-none-any.whl"
    assert "coupon_rec/SCHEMA.md" in ZipFile(wheel).namelist()
    offers = tmp_path / "offers.parquet"
    assert "redeemed" in run(core, "features", offers, "--market", SAMPLE)
    assert len(pd.read_parquet(offers)) > 1000


def test_the_core_serves_a_bundle(
    core: Path, released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import coupon_rec.serving.events.redis_log; "
    code += "from coupon_rec.serving.bundle.scorer import Scorer; "
    loaded = alone(core, "-c", f"{code}print(Scorer.load({str(released)!r}).version)")
    assert loaded.stdout.strip() == verified(released)["version"], loaded.stderr
    monkeypatch.setattr(sys, "executable", str(core))
    service = Service(released, tmp_path, PYTHONPATH="", PYTHONSAFEPATH="1")
    try:
        assert service.ask(1)["bundle"] == verified(released)["version"]
    finally:
        service.stop()


@pytest.mark.parametrize(
    "module", ["models", "training", "records.reading", "serving.bundle.exporting"]
)
def test_what_trains_says_what_to_install(core: Path, module: str) -> None:
    result = alone(core, "-c", f"import coupon_rec.{module}")
    assert "pip install 'coupon-rec[train]'" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "model.keras", "--market", SAMPLE), "train"),
        (("adapt", __file__, "offers.parquet", "phone.keras"), "train"),
        (("evaluate", __file__, "offers.parquet"), "train"),
        (("recommend", __file__, "offers.parquet", "--user", 1), "train"),
        (("export", __file__, "bundle", "--market", SAMPLE), "train"),
        (("features", "offers.parquet"), "book"),
    ],
)
def test_a_command_that_the_core_lacks_says_what_to_install(
    core: Path, arguments: tuple[object, ...], extra: str
) -> None:
    result = alone(core, "-m", "coupon_rec", *arguments)
    assert result.returncode == 2
    assert result.stderr.strip().endswith(f"is not installed: pip install 'coupon-rec[{extra}]'")
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="downloads 1 GB: only in CI")
def test_what_one_environment_trains_another_scores(
    wheel: Path, core: Path, tmp_path: Path
) -> None:
    trains = installed(wheel, tmp_path / "train", "[train]")
    model, bundle = tmp_path / "model.keras", tmp_path / "bundle"
    offers, scores = tmp_path / "offers.parquet", tmp_path / "scores"
    run(trains, "train", model, "--market", SAMPLE)
    run(trains, "export", model, bundle, "--market", SAMPLE)
    run(core, "features", offers, "--market", SAMPLE)
    run(core, "score", bundle, offers, scores)
    assert pd.read_parquet(scores)["redeemed"].between(0, 1).all()
