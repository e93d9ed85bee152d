"""What a user of the package has: commands, files, a service to ask. Nothing below is imported."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import redis

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
DATES = ("--validate-from", "2017-04-05", "--test-from", "2017-05-22")
DAY = "2017-06-01"
"""Of the bundle of the sample market: its fourth campaign runs."""
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
PATIENCE = 120
"""Seconds that anything may take on a machine that is busy with other things."""


class CommandFailed(AssertionError):
    """A command that had to succeed did not."""


def attempt(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m coupon_rec`, whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "coupon_rec", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200", **environment},
        timeout=5 * PATIENCE,
    )


def command(*words: object, **environment: str) -> str:
    """Run `python -m coupon_rec`, which has to succeed, and return what it printed."""
    done = attempt(*words, **environment)
    if done.returncode:
        raise CommandFailed(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stderr}")
    return done.stdout


def refusal(*words: object, **environment: str) -> str:
    """Run a command that has to be refused as bad input, and return its complaint in one line."""
    done = attempt(*words, **environment)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    return " ".join(re.sub("[─│╭╮╰╯]", " ", done.stderr).split())


def told(call: Callable[[], object]) -> str:
    """What a call says: its warnings, and the error with which it ends, if it does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except ValueError as error:
            return str(error)
    return " ".join(str(each.message) for each in caught)


def question(user_id: int | str, day: str = DAY, k: int = 5) -> dict[str, Any]:
    """Ask for the coupons of a user, at noon."""
    return {"user_id": user_id, "context": {"time": f"{day}T12:00:00"}, "k": k}


def purchase(name: object, user_id: int | str, item_id: int | str = 1001) -> dict[str, Any]:
    """A purchase at noon of the day of the bundle, a basket of its own."""
    return {
        "event_id": f"till-{name}",
        "kind": "purchase",
        "user_id": user_id,
        "time": f"{DAY}T12:00:00",
        "basket_id": 10**6 + zlib.crc32(str(name).encode()),
        "item_id": item_id,
        "amount": 2.5,
    }


def logged(log: Path) -> list[dict[str, Any]]:
    """Read the events of a log that no service has open, with SQLite alone."""
    with closing(sqlite3.connect(log)) as database:
        return [json.loads(event) for (event,) in database.execute("SELECT event FROM events")]


def recorded(decisions: Path, kind: str = "answers") -> list[dict[str, Any]]:
    """Read the rows of a decision log of a service that has ended, with PyArrow alone."""
    files = sorted((decisions / kind).rglob("*.parquet"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def until(condition: Callable[[], object]) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Service:
    """A process of `python -m coupon_rec serve`, on a free port; its logs are in `folder`."""

    def __init__(self, bundle: Path, folder: Path, *options: object, **environment: str) -> None:
        self.log, self.decisions = folder / "events", folder / "decisions"
        self.words = folder / f"words-{time.monotonic_ns()}"
        logs = ("--log", self.log, "--decisions", self.decisions)
        self._start(["serve", bundle, "--port", 0, *logs, *options], environment)

    def _start(self, given: Sequence[object], environment: Mapping[str, str]) -> None:
        with self.words.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "coupon_rec", *map(str, given)],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **environment},
            )
        until(self._answers)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def _answers(self) -> bool:
        said = self.words.read_text()
        assert self.process.poll() is None, said
        found = re.search(r"http://127.0.0.1:(\d+)", said)
        self.port = int(found[1]) if found else 0
        return bool(found)

    def ask(self, user_id: int | str, day: str = DAY, k: int = 5, **more: Any) -> dict[str, Any]:
        """Ask for the coupons of a user, and insist on an answer."""
        asked = {**question(user_id, day, k), **more}
        answer = self.client.post("/v1/recommendations", json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def send(self, *events: dict[str, Any]) -> httpx.Response:
        """Send events."""
        return self.client.post("/v1/events", json={"events": events})

    def metric(self, name: str) -> float:
        """Read a number of `/metrics`, of all its labels together."""
        text = self.client.get("/metrics").text
        found = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return sum(map(float, found))

    def stop(self, signum: int = signal.SIGTERM) -> str:
        """Send a signal, wait for the end, and return all that was said."""
        self.process.send_signal(signum)
        self.process.wait(PATIENCE)
        return self.words.read_text()

    def close(self) -> None:
        """End it, if it has not ended."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)


class Edge:
    """An nginx with `deploy/nginx.conf` before two services, with a certificate of its own."""

    def __init__(self, folder: Path, *services: Service) -> None:
        self.services = services
        self.port, self.tls_port = free_port(), free_port()
        self.certificate = folder / "certificate.pem"
        key = folder / "key.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        settings = (ROOT / "deploy" / "nginx.conf").read_text()
        first, second = (f"127.0.0.1:{service.port}" for service in services)
        for ours, here in (
            ("/tmp/", f"{folder}/"),
            ("first:8000", first),
            ("second:8000", second),
            ("listen 8443 ", f"listen 127.0.0.1:{self.tls_port} "),
            ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
            ("/etc/nginx/tls/certificate.pem", str(self.certificate)),
            ("/etc/nginx/tls/key.pem", str(key)),
        ):
            assert ours in settings
            settings = settings.replace(ours, here)
        (folder / "nginx.conf").write_text(settings)
        also = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
        command = [str(NGINX), "-e", "stderr", "-g", also, "-c", str(folder / "nginx.conf")]
        self.words = folder / "words"
        with self.words.open("wb") as sink:
            self.process = subprocess.Popen(command, stdout=sink, stderr=sink)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.words.read_text()
        try:
            return self.client.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        """End it."""
        self.client.close()
        self.process.terminate()
        self.process.wait(PATIENCE)


@contextmanager
def stream(service: Service, user: int) -> Iterator[Iterator[dict[str, Any]]]:
    """Read the messages of a user's stream."""
    with service.client.stream("GET", f"/v1/users/{user}/stream") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        yield (json.loads(line[6:]) for line in lines if line.startswith("data: "))


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Redis:
    """A `redis-server` on a port of its own; all that it keeps is in its folder, uncompressed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.client = redis.Redis(port=self.port)
        self.folder = folder
        folder.mkdir()
        self.start()

    def start(self) -> None:
        """Start it; it begins with what its folder holds."""
        files = (
            "--dir",
            self.folder,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--rdbcompression",
            "no",
        )
        command = ("redis-server", "--port", self.port, *files)
        self.process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Kill it, as a machine that fails would."""
        self.process.kill()
        self.process.wait(PATIENCE)
