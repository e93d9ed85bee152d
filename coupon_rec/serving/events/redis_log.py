"""One stream of events for several replicas of the service, over Redis."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupon_rec.serving.events.event import Event, from_json, to_json
from coupon_rec.serving.events.event_log import EventLog

logger = logging.getLogger("coupon_rec.serving")

STREAM = "coupon-rec:events"
KEPT = 1_000_000
"""Events that the stream keeps, about."""
AT_ONCE = 1_000


class SharedLog(EventLog):
    """A log whose events all replicas share, each with a file of its own.

    The file holds every event that this replica knows, and the stream should hold the same. An
    event is accepted when it is in the file; `sync` exchanges the differences. So Redis may be
    slow, away, or back and empty: events are accepted all the same, and nothing is lost while one
    replica has its file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file of this replica.
    url : str
        Of the Redis server, such as ``redis://localhost:6379``.
    stream : str
        The name of the stream in it.

    Attributes
    ----------
    degraded : bool
        Whether the last exchange failed, or none was made yet: others may know more.
    """

    def __init__(self, path: str | Path, url: str, stream: str = STREAM) -> None:
        super().__init__(path)
        self.degraded = True
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
        self._stream = stream
        self._known: set[str] = set()
        self._missing: dict[str, Event] = {}
        self._last = ""
        self._syncing = Lock()
        self._said = False
        self._take(self.read()[0])

    def append(self, events: Sequence[Event]) -> tuple[int, int]:
        """Write events; they are on disk when it returns, and with the next `sync` in Redis."""
        with self._lock:
            positions = super().append(events)
            self._take(events)
            return positions

    def sync(self) -> None:
        """Take in what other replicas have published, and publish what the stream lacks.

        Call it a few times a second. It waits for Redis for a second at most. It fails, and says
        so in `degraded` and once in the log, if Redis cannot be reached or the file not written.
        """
        with self._syncing:
            try:
                self._pull()
                self._push()
            except (RedisError, OSError) as error:
                self._say(True, f"no exchange with other replicas ({type(error).__name__})")
            else:
                self._say(False, "events are exchanged with other replicas")

    def _say(self, degraded: bool, words: str) -> None:
        """Note how the last exchange went, and log when that changes."""
        if degraded != self.degraded or not self._said:
            logger.warning(words)
        self.degraded, self._said = degraded, True

    def close(self) -> None:
        """Let another process have the file, and leave Redis."""
        self._redis.close()
        super().close()

    def _take(self, events: Sequence[Event]) -> None:
        """Know events; they are missing in the stream until they were seen there."""
        self._known.update(event.event_id for event in events)
        self._missing.update((event.event_id, event) for event in events)

    def _pull(self) -> None:
        """Read the stream on from the last entry seen, or from its beginning if that is gone."""
        if self._last and not self._entries(self._last, self._last):
            self._last = ""
            with self._lock:
                self._take(self.read()[0])
        while entries := self._entries(f"({self._last}" if self._last else "-"):
            published = [event for _, fields in entries if (event := _event(fields))]
            with self._lock:
                new = {e.event_id: e for e in published if e.event_id not in self._known}
                if new:
                    self.append(list(new.values()))
                for event in published:
                    self._missing.pop(event.event_id, None)
            self._last = entries[-1][0]

    def _push(self) -> None:
        """Publish what was not seen in the stream. It is seen there in the next `_pull`."""
        with self._lock:
            missing = list(self._missing.values())
        for first in range(0, len(missing), AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for event in missing[first : first + AT_ONCE]:
                pipeline.xadd(self._stream, {"event": to_json(event)}, maxlen=KEPT)
            pipeline.execute()

    def _entries(self, first: str, last: str = "+") -> list[tuple[str, dict[str, Any]]]:
        found: Any = self._redis.xrange(self._stream, first, last, AT_ONCE)
        return list(found)


def _event(fields: dict[str, Any]) -> Event | None:
    """The event of an entry, or None if somebody put something else there."""
    try:
        return from_json(fields["event"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
