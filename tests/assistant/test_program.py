"""The real program over HTTP holds out against crowds, hostile services, and ends."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import NoReturn

import pytest
from shop import NGINX, Edge

from coupon_rec.assistant import DialogueLog
from coupon_rec.assistant.talking import ALONE, SAYS
from coupon_rec.outgoing import FEW_BYTES

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of files"),
]


def recommends(asked: dict[str, object]) -> bytes:
    """Answer as the service does."""
    coupon = {"campaign_id": 1, "coupon_id": 501, "reason": "you buy these"}
    facts = {"user_id": asked["user_id"], "mailed": True, "coupons": [coupon]}
    return json.dumps(facts).encode()


@contextmanager
def program(*options: object, files: int = 1024) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the assistant, and give its port."""
    command = ["-m", "coupon_rec", "assistant", "--market", str(SAMPLE), "--port", "0"]
    shell = ["bash", "-c", f'ulimit -n {files}; exec "$@"', "bash", sys.executable, *command]
    process = subprocess.Popen([*shell, *map(str, options)], stderr=subprocess.PIPE, text=True)
    assert process.stderr
    lines = iter(process.stderr.readline, "")
    address = next(line for line in lines if "running on http://" in line).split()[4]
    Thread(target=lambda: [*lines], daemon=True).start()
    yield int(address.rsplit(":", 1)[1]), process
    process.kill()
    process.wait()


def say(connection: HTTPConnection, words: str, user_id: int = 7) -> str:
    """Give the answer to a message."""
    body = json.dumps({"user_id": user_id, "words": words})
    connection.request("POST", "/v1/assistant", body, {"Content-Type": "application/json"})
    events = connection.getresponse().read().decode().splitlines()
    texts = [json.loads(event[6:]).get("text", "") for event in events if event.startswith("data")]
    return "".join(texts)


@pytest.mark.parametrize("size", [FEW_BYTES - 1000, 8_000_000])
def test_a_service_that_sends_far_too_much_holds_up_nobody_else(
    size: int, serving: Callable[..., str]
) -> None:
    much = b"[" + b"[]," * (size // 3) + b"0]"
    with (
        program("--service", serving(lambda asked: much)) as (port, _),
        ThreadPoolExecutor(40) as crowd,
    ):
        asked = [
            crowd.submit(say, HTTPConnection("127.0.0.1", port, timeout=60), "any coupons?", user)
            for user in range(40)
        ]
        while not all(each.done() for each in asked):
            begin = monotonic()
            assert say(HTTPConnection("127.0.0.1", port, timeout=60), "hello") == SAYS["hello"]
            assert monotonic() - begin < 5
        assert {each.result() for each in asked} == {ALONE["away"]}


def test_behind_the_proxy_idle_connections_cut_off_no_customer_and_lose_no_turn(
    tmp_path: Path, serving: Callable[..., str], unavailable: Callable[[str], NoReturn]
) -> None:
    if not NGINX:
        unavailable("no nginx: on Debian, `apt-get install nginx`")
    talks = tmp_path / "talks"
    with (
        program("--service", serving(recommends), "--log", talks, files=300) as (port, _),
        ExitStack() as stack,
    ):
        upstream = SimpleNamespace(port=port)
        edge = stack.enter_context(closing(Edge(tmp_path, upstream, upstream)))
        kept = HTTPConnection("127.0.0.1", edge.port, timeout=60)
        assert say(kept, "any coupons?").startswith(SAYS["coupons"])
        for _ in range(400):
            stack.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=10))
        sleep(0.5)
        assert say(kept, "any coupons?").startswith(SAYS["coupons"])
        assert say(kept, "hello") == SAYS["hello"]
        assert len(DialogueLog(talks).rows()) == 3
