"""Two replicas share what happens through a real Redis, and serve on without it."""

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Inside
from shop import purchase, until

from coupon_rec.serving.events.feature_store import FeatureStore

SERVER = shutil.which("redis-server")
STRANGER = 10**9

pytestmark = pytest.mark.skipif(
    SERVER is None, reason="redis-server is not installed (Debian: apt-get install redis-server)"
)


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a Redis server, always on the same port, that forgets all when it dies."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []

    def start() -> subprocess.Popen[bytes]:
        command = [str(SERVER), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return started[-1]

    start.port = port  # type: ignore[attr-defined]
    yield start
    for process in started:
        process.kill()
        process.wait()


def buy(service: Inside, name: str, user_id: int) -> None:
    assert service.client.post("/v1/events", json={"events": [purchase(name, user_id)]}).is_success


def degraded(service: Inside) -> bool:
    return bool(service.client.get("/readyz").json()["degraded"])


def test_an_exchange_that_fails_is_told_and_made_again(
    inside: Callable[..., Inside],
    start_redis: Callable[[], subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coupon_rec.serving.http.service.RECOVER", 0.1)
    start_redis()
    service = inside(redis=f"redis://127.0.0.1:{start_redis.port}")  # type: ignore[attr-defined]
    until(lambda: not degraded(service))
    with monkeypatch.context() as broken:
        broken.setattr(FeatureStore, "catch_up", lambda _: 1 // 0)
        until(lambda: degraded(service))
    until(lambda: not degraded(service))
