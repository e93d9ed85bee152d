"""A service as the tests start and ask it: in this process, or in one of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import Settings

DAY = date(2017, 6, 1)
"""Of the snapshot of the sample market: its fourth campaign runs."""
PATIENCE = 120
"""Seconds that anything may take on a machine that is busy with other things."""


def question(user_id: int | str, day: date = DAY, k: int = 5) -> dict[str, Any]:
    """Ask for the coupons of a user, at noon."""
    return {"user_id": user_id, "context": {"time": f"{day}T12:00:00"}, "k": k}


def purchase(name: object, user_id: int | str, item_id: int | str = 1001) -> dict[str, Any]:
    """A purchase at noon of the day of the snapshot, a basket of its own."""
    return {
        "event_id": f"till-{name}",
        "kind": "purchase",
        "user_id": user_id,
        "time": f"{DAY}T12:00:00",
        "basket_id": 10**6 + zlib.crc32(str(name).encode()),
        "item_id": item_id,
        "amount": 2.5,
    }


def review(name: object, stars: int = 4, **fields: Any) -> dict[str, Any]:
    """What user 1 says about an item, at noon of that day."""
    names = ("event_id", "user_id", "time", "item_id")
    event = {each: purchase(f"said-{name}", 1)[each] for each in names}
    return {**event, "kind": "review", "rating": stars, **fields}


def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def files(folder: Path) -> dict[str, Path]:
    """Where a service of a test writes."""
    return {"log": folder / "events", "decisions": folder / "decisions"}


class Service:
    """What a test asks, whichever process answers."""

    client: httpx.Client

    def ask(self, user_id: int | str, day: date = DAY, k: int = 5) -> dict[str, Any]:
        """Ask for the coupons of a user, and insist on an answer."""
        answer = self.client.post("/v1/recommendations", json=question(user_id, day, k))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def send(self, *events: dict[str, Any]) -> httpx.Response:
        """Send events."""
        return self.client.post("/v1/events", json={"events": events})

    def metric(self, name: str) -> float:
        """Read a number of `/metrics`, of all labels together if it has any that are not named."""
        text = self.client.get("/metrics").text
        found = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))


class Inside(Service):
    """A service in this process."""

    def __init__(self, bundle: Path, settings: Settings) -> None:
        self.app = create_app(bundle, settings)
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self.client.__enter__()

    def stop(self) -> None:
        """End it in an orderly way."""
        self.client.__exit__()


class Running(Service):
    """A process of `python -m coupon_rec serve`, on a free port."""

    def __init__(self, bundle: Path, words: Path, *options: str, **environment: str) -> None:
        self.words = words
        with words.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "coupon_rec", "serve", bundle, "--port", "0", *options],
                stdout=sink,
                stderr=sink,
                env={**os.environ, **environment},
            )
        begin = time.monotonic()
        while not (found := re.search(r"http://127.0.0.1:(\d+)", words.read_text())):
            assert self.process.poll() is None, words.read_text()
            assert time.monotonic() < begin + PATIENCE, words.read_text()
            time.sleep(0.02)
        self.port = int(found[1])
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def stop(self, signum: int = signal.SIGTERM) -> str:
        """Send a signal, wait for the end, and return all that was logged."""
        self.process.send_signal(signum)
        self.process.wait(PATIENCE)
        return self.words.read_text()
