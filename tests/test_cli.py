"""The path from tables to a coupon, from a shell."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SAMPLE = Path(__file__).parent.parent / "data" / "sample"


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coupon_rec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_lists_the_commands() -> None:
    page = shell("--help")
    assert page.returncode == 0
    assert all(name in page.stdout for name in ("features", "train", "evaluate", "recommend"))


def test_from_tables_to_a_coupon(tmp_path: Path) -> None:
    offers, model = tmp_path / "offers.parquet", tmp_path / "model.keras"
    built = shell("features", offers, "--market", SAMPLE)
    assert "redeemed" in built.stdout, built.stderr
    table = pd.read_parquet(offers)
    thirds = pd.to_datetime(["2017-06-01", "2017-09-10", "2017-11-01"])
    table["start"] = thirds[table["campaign_id"].rank(method="dense").astype(int) % 3]
    table.to_parquet(offers)
    assert "validation log loss" in shell("train", offers, model).stdout
    assert "average precision" in shell("evaluate", model, offers).stdout
    chosen = shell("recommend", model, offers, "--user", table["user_id"].iloc[0])
    assert "probability" in chosen.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("features", "out.parquet", "--market", "nowhere"), "nowhere"),
        (("train", __file__, "model.keras"), "cannot be read as Parquet"),
    ],
)
def test_bad_input_is_one_clear_error(arguments: tuple[str, ...], message: str) -> None:
    result = shell(*arguments)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
