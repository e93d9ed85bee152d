"""The assistant and a real service of the sample market: what it says is what the service said."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from shop import PATIENCE, Service, question, until

from coupon_rec.assistant import service

NOON = datetime(2017, 6, 1, 12)
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
COMMAND = [sys.executable, "-m", "coupon_rec", "assistant", "--market", str(SAMPLE)]
COMMAND += ["--time", "2017-06-01T12:00:00", "--service"]


def asked(process: Service, mailed: bool = True) -> tuple[int, list[dict[str, Any]]]:
    """Find a user with coupons, mailed or open to everybody."""
    for user in range(1, 61):
        found = process.client.post("/v1/recommendations", json=question(user)).json()
        if found["coupons"] and found["mailed"] is mailed:
            return user, found["coupons"]
    raise AssertionError("nobody has a coupon")


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


@pytest.fixture
def endpoint(address: str, tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Start the assistant over HTTP."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> httpx.Client:
        words = tmp_path / f"words{len(started)}"
        with words.open("wb") as sink:
            command = [*COMMAND, address, "--port", "0", *options]
            started.append(subprocess.Popen(command, stdout=sink, stderr=sink, env={**os.environ}))
        until(lambda: re.search(r"http://127.0.0.1:\d+", words.read_text()))
        found = re.search(r"http://127.0.0.1:\d+", words.read_text())
        assert found
        return httpx.Client(base_url=found[0], timeout=PATIENCE)

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_the_command_says_what_is_missing() -> None:
    for options, words in (([], "name the customer"), (["--forget", "7"], "--log")):
        command = [*COMMAND, "http://127.0.0.1:9", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and words in done.stderr
