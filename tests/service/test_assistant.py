"""The assistant and a real service of the sample market: what it says is what the service said."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from shop import PATIENCE, Service

from coupon_rec.assistant import service

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
COMMAND = [sys.executable, "-m", "coupon_rec", "assistant", "--market", str(SAMPLE)]
COMMAND += ["--time", "2017-06-01T12:00:00", "--service"]


@pytest.fixture(scope="module")
def address(process: Service) -> str:
    return f"http://127.0.0.1:{process.port}"


@pytest.mark.parametrize(
    ("moment", "problem"), [(datetime(2011, 1, 1), "refused"), (None, "refused")]
)
def test_a_refusal_of_the_service_is_quoted(
    address: str, moment: datetime | None, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        service(address, moment=moment)(1)


def test_a_service_that_is_away_is_named() -> None:
    with pytest.raises(ValueError, match="coupon_rec serve BUNDLE"):
        service("http://127.0.0.1:9")(1)


@pytest.mark.slow
def test_the_command_says_what_is_missing() -> None:
    for options, words in (([], "name the customer"), (["--forget", "7"], "--log")):
        command = [*COMMAND, "http://127.0.0.1:9", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and words in done.stderr
