"""A log of events that several replicas share over a stream of Redis."""

import logging
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupon_rec.privacy.vault import MAGIC_1_0, Vault, VaultError, opened
from coupon_rec.serving.events.event import Event, from_json, to_json
from coupon_rec.serving.events.event_log import EventLog

logger = logging.getLogger("coupon_rec.serving")

STREAM = "coupon-rec:events"
EVENTS_KEPT = 1_000_000
"""How many the stream keeps, about."""
EVENTS_AT_ONCE = 1_000

NO_EVENT = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What is raised where somebody has put something else into the stream."""

Entry = tuple[str, dict[str, str]]


def connected(url: str) -> Any:
    """Give a client of Redis that waits for a second at most and tries once."""
    return Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="replace",  # anybody's bytes are read, and then left out
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def streams_of(redis: Any) -> list[str]:
    """Name the stream of events, and those that the parts of a bundle of 1.0 had."""
    return [STREAM, *redis.scan_iter(f"{STREAM}:[0-9]*")]


class SharedLog(EventLog):
    """A log whose events all replicas share, each with a file of its own.

    The file holds every event that this replica knows, and the stream should hold the same. An
    event is accepted when it is in the file; `sync` exchanges the differences. So Redis may be
    slow, away, or back and empty: events are accepted all the same, and nothing is lost while one
    replica has its file. An event is published until it was read in the stream: at least once.

    With the environment's ``COUPON_REC_STORAGE_KEYS`` (`coupon_rec.privacy.Vault`), the same for
    all replicas, events are encrypted there, and what others put into the stream is left out.

    Parameters
    ----------
    path : str or pathlib.Path
        The file of this replica.
    url : str
        Of the Redis server, such as ``redis://localhost:6379``.
    stream : str
        Its name in Redis.

    Attributes
    ----------
    degraded : bool
        Whether the last exchange failed, or none was made yet: others may know more.
    """

    def __init__(self, path: str | Path, url: str, stream: str = STREAM) -> None:
        super().__init__(path)
        self.degraded = True
        self._redis, self._stream = connected(url), stream
        self._last = ""  # the last entry that was read
        self._known: set[str] = set()
        self._missing: dict[str, Event] = {}
        self._syncing = Lock()
        self._told = False
        self._expect(self.read()[0])

    @property
    def unpublished(self) -> int:
        """How many events of this replica were not seen in the stream yet."""
        return len(self._missing)

    def append(self, events: Sequence[Event]) -> tuple[int, int]:
        """Write events: on disk when it returns, and in the stream with the next `sync`."""
        with self._lock:
            positions = super().append(events)
            self._expect(events)
            return positions

    def drop(self, picked: Callable[[Event], bool]) -> list[Event]:
        """Drop events as an `EventLog`, here alone; they come back if the stream begins anew."""
        gone = super().drop(picked)
        with self._lock:
            for event in gone:
                self._known.discard(event.event_id)
                self._missing.pop(event.event_id, None)
        return gone

    def sync(self) -> None:
        """Take in what other replicas have published, and publish what the stream lacks.

        Call it a few times a second. It waits for the stream for a second at most. It fails, and
        says so in `degraded` and once in the log, if that cannot be reached or the file not
        written.
        """
        with self._syncing:
            try:
                self._pull()
                self._push()
            except (OSError, RedisError) as error:
                self._tell(True, f"no exchange with other replicas ({type(error).__name__})")
            else:
                self._tell(False, "events are exchanged with other replicas")

    def _tell(self, degraded: bool, words: str) -> None:
        """Note how the last exchange went, and log when that changes."""
        if degraded != self.degraded or not self._told:
            logger.warning(words)
        self.degraded, self._told = degraded, True

    def close(self) -> None:
        """Let another process have the file, and leave the stream."""
        self._redis.close()
        super().close()

    def _expect(self, events: Sequence[Event]) -> None:
        """Know events, which are missing in the stream until they were seen there."""
        self._known.update(event.event_id for event in events)
        self._missing.update((event.event_id, event) for event in events)

    def _pull(self) -> None:
        """Take in what is new in the stream, from its beginning if the last entry is gone."""
        if self._last and not self._redis.xrange(self._stream, self._last, self._last):
            self._last = ""
            with self._lock:
                self._expect(self.read()[0])
        for entries in _read(self._redis, self._stream, self._last):
            events = [_event(entry, self._stream, self._vault) for entry in entries]
            self._take([event for event in events if event])
            self._last = entries[-1][0]

    def _take(self, published: Sequence[Event]) -> None:
        with self._lock:
            new = {e.event_id: e for e in published if e.event_id not in self._known}
            if new:
                self.append(list(new.values()))
            for event in published:
                self._missing.pop(event.event_id, None)

    def _push(self) -> None:
        """Publish what was not seen in the stream; the next `_pull` sees it there."""
        with self._lock:
            missing = list(self._missing.values())
        for first in range(0, len(missing), EVENTS_AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for event in missing[first : first + EVENTS_AT_ONCE]:
                pipeline.xadd(self._stream, {"event": self._sealed(event)}, maxlen=EVENTS_KEPT)
            pipeline.execute()

    def _sealed(self, event: Event) -> str:
        text = to_json(event)
        return self._vault.seal(text.encode(), self._stream).decode() if self._vault else text


def forget_in_stream(url: str, stream: str, users: Collection[int | str]) -> int:
    """Write a stream anew without the events of some people, and say how many these were.

    Redis keeps the bytes of an entry that is only deleted. It is asked to write its files anew
    too, which takes it a moment. Stop all replicas first: one that still runs, or whose file was
    not gone through, publishes the events again.

    Raises
    ------
    redis.RedisError
        If Redis cannot be reached, or does not let the caller do this.
    """
    redis, names, vault = connected(url), {*map(str, users)}, Vault.from_environment()
    try:
        removed = sum(
            _is_of(names, entry, stream, vault)
            for entries in _read(redis, stream)
            for entry in entries
        )
        if removed:
            redis.transaction(partial(_write_anew, redis, stream, names), stream)
        _write_files(redis)  # though nothing was there: it may have failed the last time
        return removed
    finally:
        redis.close()


def _write_anew(redis: Any, stream: str, names: Collection[str], watching: Any) -> None:
    """Put the entries of others in the place of a stream; tried again if one is added meanwhile."""
    kept, vault = f"{stream}:kept", Vault.from_environment()
    redis.delete(kept)
    for entries in _read(redis, stream):
        pipeline = redis.pipeline(transaction=False)
        for name, fields in entries:
            if not _is_of(names, (name, fields), stream, vault):
                pipeline.xadd(kept, fields, id=name)
        pipeline.execute()
    any_left = redis.exists(kept)
    watching.multi()
    if any_left:
        watching.rename(kept, stream)
    else:
        watching.delete(stream)


def _write_files(redis: Any) -> None:
    """Have Redis write its files anew, once what it is writing now is done."""
    state = redis.info("persistence")
    while state["aof_rewrite_in_progress"] or state["rdb_bgsave_in_progress"]:
        time.sleep(0.1)
        state = redis.info("persistence")
    if state["aof_enabled"]:
        redis.bgrewriteaof()
    redis.bgsave(schedule=True)


def _read(redis: Any, stream: str, last: str = "") -> Iterator[list[Entry]]:
    """The entries after one, or all, some at a time."""
    while entries := redis.xrange(stream, f"({last}" if last else "-", count=EVENTS_AT_ONCE):
        yield entries
        last = entries[-1][0]


def _event(entry: Entry, stream: str, vault: Vault | None) -> Event | None:
    """The event of an entry, or None if somebody put something else there."""
    try:
        text = entry[1]["event"]
        sealed_by_1_0 = text.startswith(b64encode(MAGIC_1_0).decode()[:5])
        data = b64decode(text) if sealed_by_1_0 else text.encode()
        return from_json(opened(data, stream, vault))
    except VaultError as error:
        logger.warning("an entry of the stream is left out: %s", error)
    except NO_EVENT:
        pass
    return None


def _is_of(names: Collection[str], entry: Entry, stream: str, vault: Vault | None) -> bool:
    event = _event(entry, stream, vault)
    return event is not None and str(event.user_id) in names
