"""A log of events that several replicas share, over any stream that keeps them a while."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol

from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import EventLog

logger = logging.getLogger("coupon_rec.serving")

AT_ONCE = 1_000


class StreamError(OSError):
    """A stream that cannot be reached now."""


class EventStream(Protocol):
    """Events that replicas publish and read, each from a place of its own, from the first one on.

    An event that was published may be read several times, by its own publisher too, and in any
    order; a `SharedLog` counts it once. All methods may raise a `StreamError`, and wait for a
    second at most.
    """

    def rewound(self) -> bool:
        """Whether the place is gone, since the stream was emptied; `read` begins anew then."""

    def read(self, take: Callable[[Sequence[Event]], None]) -> None:
        """Hand all that is new to `take`, some at a time; what it fails at comes again."""

    def publish(self, events: Sequence[Event]) -> None:
        """Add events at the end; they may be read when it returns."""

    def close(self) -> None:
        """Leave it."""


class SharedLog(EventLog):
    """A log whose events all replicas share, each with a file of its own.

    The file holds every event that this replica knows, and the stream should hold the same. An
    event is accepted when it is in the file; `sync` exchanges the differences. So the stream may be
    slow, away, or back and empty: events are accepted all the same, and nothing is lost while one
    replica has its file. An event is published until it was read there: at least once, then.

    Parameters
    ----------
    path : str or pathlib.Path
        The file of this replica.
    stream : EventStream
        Such as a `RedisStream`.

    Attributes
    ----------
    degraded : bool
        Whether the last exchange failed, or none was made yet: others may know more.
    """

    def __init__(self, path: str | Path, stream: EventStream) -> None:
        super().__init__(path)
        self.degraded = True
        self._stream = stream
        self._known: set[str] = set()
        self._missing: dict[str, Event] = {}
        self._syncing = Lock()
        self._said = False
        self._take(self.read()[0])

    @property
    def unpublished(self) -> int:
        """How many events of this replica were not seen in the stream yet."""
        return len(self._missing)

    def append(self, events: Sequence[Event]) -> tuple[int, int]:
        """Write events: on disk when it returns, and in the stream with the next `sync`."""
        with self._lock:
            positions = super().append(events)
            self._take(events)
            return positions

    def drop(self, events: int | Callable[[Event], bool]) -> list[Event]:
        """Drop events as an `EventLog`, here alone; they come back if the stream begins anew."""
        gone = super().drop(events)
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
            except OSError as error:
                self._say(True, f"no exchange with other replicas ({type(error).__name__})")
            else:
                self._say(False, "events are exchanged with other replicas")

    def _say(self, degraded: bool, words: str) -> None:
        """Note how the last exchange went, and log when that changes."""
        if degraded != self.degraded or not self._said:
            logger.warning(words)
        self.degraded, self._said = degraded, True

    def close(self) -> None:
        """Let another process have the file, and leave the stream."""
        self._stream.close()
        super().close()

    def _take(self, events: Sequence[Event]) -> None:
        """Know events; they are missing in the stream until they were seen there."""
        self._known.update(event.event_id for event in events)
        self._missing.update((event.event_id, event) for event in events)

    def _pull(self) -> None:
        """Read the stream on; if it begins anew, what this replica knows may be missing there."""
        if self._stream.rewound():
            with self._lock:
                self._take(self.read()[0])
        self._stream.read(self._see)

    def _see(self, published: Sequence[Event]) -> None:
        """Take in what is new among some events of the stream; they are not missing there."""
        with self._lock:
            new = {e.event_id: e for e in published if e.event_id not in self._known}
            if new:
                self.append(list(new.values()))
            for event in published:
                self._missing.pop(event.event_id, None)

    def _push(self) -> None:
        """Publish what was not seen in the stream. It is seen there in the next `_pull`."""
        with self._lock:
            missing = list(self._missing.values())
        for first in range(0, len(missing), AT_ONCE):
            self._stream.publish(missing[first : first + AT_ONCE])
