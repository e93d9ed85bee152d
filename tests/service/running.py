"""A process that serves a bundle, as the tests start and ask it."""

import os
import re
import signal
import subprocess
import sys
import time
import zlib
from datetime import date
from pathlib import Path
from typing import Any

import httpx

DAY = date(2017, 6, 1)
"""Of the snapshot of the sample market: its fourth campaign runs."""


def question(user_id: int, day: date = DAY, k: int = 5) -> dict[str, Any]:
    """Ask for the coupons of a user, at noon."""
    return {"user_id": user_id, "context": {"time": f"{day}T12:00:00"}, "k": k}


def purchase(name: object, user_id: int, item_id: int = 1001) -> dict[str, Any]:
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


class Running:
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
            assert time.monotonic() < begin + 30, words.read_text()
            time.sleep(0.02)
        self.port = int(found[1])
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)

    def ask(self, user_id: int, day: date = DAY, k: int = 5) -> dict[str, Any]:
        """Ask for the coupons of a user, and insist on an answer."""
        answer = self.client.post("/v1/recommendations", json=question(user_id, day, k))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def metric(self, name: str) -> float:
        """Read one number of `/metrics`."""
        text = self.client.get("/metrics").text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def stop(self, signum: int = signal.SIGTERM) -> str:
        """Send a signal, wait for the end, and return all that was logged."""
        self.process.send_signal(signum)
        self.process.wait(30)
        return self.words.read_text()
