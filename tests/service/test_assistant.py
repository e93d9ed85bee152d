"""The assistant and a real service of the sample market: what it says is what the service said."""

import asyncio
import json
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
from running import PATIENCE, Running, question, until

from coupon_rec.assistant import Assistant, Catalog, Tools, service
from coupon_rec.market import Market

NOON = datetime(2017, 6, 1, 12)
SAMPLE = Path(__file__).parents[2] / "data" / "sample"
COMMAND = [sys.executable, "-m", "coupon_rec", "assistant", "--market", str(SAMPLE)]
COMMAND += ["--time", "2017-06-01T12:00:00", "--service"]


def asked(process: Running, mailed: bool = True) -> tuple[int, list[dict[str, Any]]]:
    """Find a user with coupons, mailed or open to everybody."""
    for user in range(1, 61):
        found = process.client.post("/v1/recommendations", json=question(user)).json()
        if found["coupons"] and found["mailed"] is mailed:
            return user, found["coupons"]
    raise AssertionError("nobody has a coupon")


@pytest.fixture(scope="module")
def address(process: Running) -> str:
    return f"http://127.0.0.1:{process.port}"


@pytest.mark.parametrize(("mailed", "begin"), [(True, "You have:"), (False, "Open to you:")])
def test_the_assistant_says_what_the_service_recommends(
    process: Running, address: str, market: Market, mailed: bool, begin: str
) -> None:
    user, coupons = asked(process, mailed)
    catalog = Catalog.of_market(market, names=market.items.to_pandas()["department"])
    assert catalog.products
    talk = Assistant(Tools(user, service(address, moment=NOON), catalog))
    reply = talk.reply("what coupons do I have?").reply
    assert reply.splitlines()[0] == begin and len(reply.splitlines()) == 1 + len(coupons)
    for line, coupon in zip(reply.splitlines()[1:], coupons, strict=True):
        product, off, _ = catalog.terms[coupon["campaign_id"], coupon["coupon_id"]]
        assert line.startswith(f"- {off}") and product in line


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
def test_the_command_talks_in_the_terminal(
    process: Running, address: str, market: Market, tmp_path: Path
) -> None:
    user, _ = asked(process)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(market.items.to_pandas()["department"].unique()), "utf-8")
    command = [*COMMAND, address, "--user", str(user), "--log", str(tmp_path / "talks")]
    command += ["--names", str(names)]
    words = "hello\nwhat coupons do I have?\nmy order is late\n"
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "You have:\n- " in done.stdout and "selected products" not in done.stdout
    assert "Please ask in the shop: I cannot pass this on from here." in done.stdout
    command = [*COMMAND, address, "--log", str(tmp_path / "talks"), "--forget", str(user)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "removed 3 turns\n"


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
def test_the_command_answers_over_http(
    process: Running, endpoint: Callable[..., httpx.Client]
) -> None:
    user, _ = asked(process)
    with endpoint("--api-key", "secret") as client:
        body = {"user_id": user, "words": "what coupons do I have?"}
        assert client.post("/v1/assistant", json=body).status_code == 401
        headers = {"Authorization": "Bearer secret"}
        with client.stream("POST", "/v1/assistant", json=body, headers=headers) as answer:
            lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert "You have:" in lines[0]
    assert json.loads(lines[-1].removeprefix("data: "))["intent"] == "coupons"


@pytest.mark.slow
def test_the_command_speaks_mcp_over_stdio(process: Running, address: str) -> None:
    mcp = pytest.importorskip("mcp")
    user, coupons = asked(process)
    arguments = [*COMMAND[1:], address, "--user", str(user), "--mcp"]

    async def use() -> int:
        command = mcp.StdioServerParameters(command=sys.executable, args=arguments)
        async with mcp.Client(command) as client:
            found = await client.call_tool("coupons", {})
            return len(found.structured_content["result"])

    assert asyncio.run(use()) == len(coupons)


@pytest.mark.slow
def test_the_command_says_what_is_missing() -> None:
    for options, words in (([], "name the customer"), (["--forget", "7"], "--log")):
        command = [*COMMAND, "http://127.0.0.1:9", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and words in done.stderr
