"""Replicas that share events over a real Redis agree, and lose nothing when it dies."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import Redis, until

from coupon_rec import Market
from coupon_rec.features import Encoder
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.serving.bundle.manifest import seal
from coupon_rec.serving.events import redis_log
from coupon_rec.serving.events.event import Event, from_json
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.events.redis_log import STREAM, SharedLog, forget_in_stream
from coupon_rec.serving.forgetting import forget

DAY = date(2017, 4, 10)


def published(server: Redis) -> list[bytes]:
    """The entries of the stream."""
    return [fields[b"event"] for _, fields in server.client.xrange(STREAM)]


@pytest.fixture(scope="module")
def snapshot(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(market, DAY, tmp_path_factory.mktemp("shared") / "snapshot")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    server = Redis(tmp_path / "redis")
    yield server
    server.kill()


class Replicas(dict[str, FeatureStore]):
    """Stores by name, each with its own log."""

    def __init__(self, snapshot: Path, encoder: Encoder, folder: Path, url: str) -> None:
        super().__init__()
        self.snapshot, self.encoder, self.folder, self.url = snapshot, encoder, folder, url

    def start(self, name: str) -> FeatureStore:
        """Start a replica, or start it again."""
        self[name] = FeatureStore.load(
            self.snapshot, self.encoder, SharedLog(self.folder / name, self.url)
        )
        return self[name]

    def stop(self, name: str) -> None:
        """End a replica; its file stays."""
        log = self.pop(name).log
        assert log
        log.close()

    def exchange(self) -> None:
        """Let each have its turn, often enough for what one publishes to reach all others."""
        for store in [*self.values(), *self.values(), *self.values()]:
            store.catch_up()

    def assert_alike(self, events: int) -> None:
        """All have counted so many events, and give the same answer to everyone."""
        first, *others = self.values()
        for store in self.values():
            store.rank()
        assert sum(first.version(user) for user in range(1, 61)) == events
        for user in range(1, 61):
            mine = first.offers(user, DAY)
            for other in others:
                theirs = other.offers(user, DAY)
                assert theirs.version == mine.version
                for name, values in mine.arrays.items():
                    np.testing.assert_array_equal(theirs.arrays[name], values)


@pytest.fixture
def replicas(snapshot: Path, encoder: Encoder, tmp_path: Path, server: Redis) -> Iterator[Replicas]:
    replicas = Replicas(snapshot, encoder, tmp_path, server.url)
    replicas.start("one")
    replicas.start("two")
    yield replicas
    for name in list(replicas):
        replicas.stop(name)


def purchase(name: int, user: int = 5) -> Event:
    return Event(f"e{name}", user, datetime(2017, 4, 10, 12), "purchase", 1003, name, amount=2.0)


def publish(url: str, folder: Path, *people: str, stream: str = STREAM) -> None:
    """Let a replica of its own publish what some people looked at."""
    log = SharedLog(folder / f"of-{stream}-{len(people)}", url, stream)
    noon = datetime(2017, 4, 10, 12)
    log.append([Event(f"e{k}-{who}", who, noon, "view", 1) for k, who in enumerate(people)])
    log.sync()
    log.close()


def test_the_streams_of_parts_are_gone_through_too(server: Redis, tmp_path: Path) -> None:
    parts = [tmp_path / "part-0", tmp_path / "part-1"]
    for number, part in enumerate(parts):
        part.mkdir()
        seal(part, {"created": "", "packages": {}, "differences": {}})
        publish(server.url, tmp_path, "Zelda", "Ben", stream=f"{STREAM}:{number}-2")
    assert forget(["Zelda"], parts, redis=server.url).events == 2
    files = [path for path in server.folder.rglob("*") if path.is_file()]
    until(lambda: not any(b"Zelda" in path.read_bytes() for path in files if path.exists()))


def test_what_comes_while_somebody_is_forgotten_is_not_lost(
    server: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(server.url, tmp_path, "Zelda", "Ben")
    write = redis_log._write_anew

    def too_late(*given: Any) -> None:
        write(*given)
        if len(published(server)) == 2:
            publish(server.url, tmp_path, "Ada")

    monkeypatch.setattr(redis_log, "_write_anew", too_late)
    assert forget_in_stream(server.url, STREAM, ["Zelda"]) == 1
    assert [from_json(entry).user_id for entry in published(server)] == ["Ben", "Ada"]


def test_a_retry_that_reaches_another_replica_counts_once(replicas: Replicas) -> None:
    replicas["one"].add([purchase(1)])
    replicas["two"].add([purchase(1)])
    replicas.exchange()
    replicas.assert_alike(1)
    assert replicas["two"].add([purchase(1)]) == 0


def test_a_new_replica_learns_what_happened_before_it(replicas: Replicas) -> None:
    replicas["one"].add([purchase(number) for number in range(2500)])
    replicas.exchange()
    replicas.start("three")
    replicas.assert_alike(2500)


def test_a_redis_that_lost_its_memory_unnoticed_is_told_everything_again(
    replicas: Replicas, server: Redis
) -> None:
    replicas["one"].add([purchase(1)])
    replicas.exchange()
    server.client.flushall()
    server.client.xadd(STREAM, {"event": "something else"})
    replicas["two"].add([purchase(2)])
    replicas.exchange()
    replicas.start("three")
    replicas.assert_alike(2)


@pytest.mark.parametrize(
    "entry",
    [
        b"\xff",
        '{"a":' * 100_000,
        '{"event_id":"a","user_id":"\\ud800","time":"2017-04-10T12:00:00","kind":"view","item_id":1}',
    ],
    ids=["no text", "nested deeply", "half a character"],
)
def test_an_entry_that_is_no_event_is_left_out_and_those_after_it_count(
    replicas: Replicas, server: Redis, entry: str | bytes
) -> None:
    server.client.xadd(STREAM, {"event": entry})
    replicas["one"].add([purchase(1)])
    replicas.exchange()
    assert not any(store.degraded for store in replicas.values())
    replicas.assert_alike(1)


def test_a_replica_that_dies_without_redis_loses_nothing(replicas: Replicas, server: Redis) -> None:
    replicas["one"].add([purchase(1)])
    replicas.exchange()
    server.kill()
    replicas["two"].add([purchase(2)])
    replicas.stop("two")
    again = replicas.start("two")
    assert again.degraded
    assert again.version(5) == 2, "its own event, and the one it had heard of"
    server.start()
    replicas.exchange()
    replicas.assert_alike(2)


def test_a_replica_whose_disk_is_full_says_so_and_takes_in_the_events_later(
    replicas: Replicas, caplog: pytest.LogCaptureFixture
) -> None:
    replicas["one"].add([purchase(1)])
    replicas["one"].catch_up()
    log = replicas["two"].log
    assert log
    log._database.execute("PRAGMA query_only=ON")
    caplog.clear()
    for _ in range(3):
        assert replicas["two"].catch_up() == 0
    assert replicas["two"].degraded
    assert caplog.messages == ["no exchange with other replicas (OSError)"]
    log._database.execute("PRAGMA query_only=OFF")
    replicas.exchange()
    assert not replicas["two"].degraded
    replicas.assert_alike(1)


def test_an_event_that_left_the_log_is_known_and_kept_no_more(
    replicas: Replicas, snapshot: Path
) -> None:
    replicas["one"].add([purchase(1), purchase(2)])
    replicas.exchange()
    log = replicas["two"].log
    assert isinstance(log, SharedLog)
    assert [event.event_id for event in log.drop(lambda each: each.event_id == "e1")] == ["e1"]
    replicas.exchange()
    assert log._known == {"e2"} and not log.unpublished
    assert [event.event_id for event in log.read()[0]] == ["e2"]
