"""The stream of events of several replicas in Redis."""

import logging
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from coupon_rec.privacy.vault import Vault, VaultError, opened
from coupon_rec.serving.events.event import Event, from_json, to_json
from coupon_rec.serving.events.shared_log import AT_ONCE, StreamError

T = TypeVar("T")

logger = logging.getLogger("coupon_rec.serving")

STREAM = "coupon-rec:events"
KEPT = 1_000_000
"""Events that the stream keeps, about."""


def stream_of(shard: tuple[int, int] | None) -> str:
    """Name the stream of a bundle: the replicas of a shard share what happens to its users."""
    return f"{STREAM}:{shard[0]}-{shard[1]}" if shard else STREAM


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


class RedisStream:
    """A stream of Redis, as an `EventStream` for a `SharedLog`.

    With the environment's ``COUPON_REC_STORAGE_KEYS`` (`coupon_rec.privacy.Vault`), the same for
    all replicas, events are encrypted there, and what others put into the stream is left out.

    Parameters
    ----------
    url : str
        Of the Redis server, such as ``redis://localhost:6379``.
    name : str
        The name of the stream in it.
    """

    def __init__(self, url: str, name: str = STREAM) -> None:
        self._redis = connected(url)
        self._vault = Vault.from_environment()
        self._name = name
        self._last = ""

    def rewound(self) -> bool:
        """Whether the last entry that was read is gone."""
        gone = bool(self._last) and not self._entries(self._last, self._last)
        if gone:
            self._last = ""
        return gone

    def read(self, take: Callable[[Sequence[Event]], None]) -> None:
        """Hand all that is new to `take`; what is no event is left out."""
        while entries := self._entries(f"({self._last}" if self._last else "-"):
            take([event for _, fields in entries if (event := self._event(fields))])
            self._last = entries[-1][0]

    def publish(self, events: Sequence[Event]) -> None:
        """Add events."""
        pipeline = self._redis.pipeline(transaction=False)
        for event in events:
            pipeline.xadd(self._name, {"event": self._sealed(event)}, maxlen=KEPT)
        _reached(pipeline.execute)

    def forget(self, user_id: int | str, *others: int | str) -> int:
        """Write the stream anew without the events of some people, and say how many these were.

        Redis keeps the bytes of an entry that is only deleted. It is asked to write its files anew
        too, which takes it a moment. A replica that still runs, or whose file was not gone through,
        publishes the events again.

        Raises
        ------
        StreamError
            If Redis cannot be reached, or does not let the caller do this.
        """
        names, kept, deleted = {*map(str, (user_id, *others))}, f"{self._name}:kept", 0
        last = "-"

        def is_theirs(fields: dict[str, Any]) -> bool:
            event = self._event(fields)
            return event is not None and str(event.user_id) in names

        def copy() -> None:
            nonlocal deleted, last
            while entries := self._entries(last):
                adding = self._redis.pipeline(transaction=False)
                for entry, fields in entries:
                    if is_theirs(fields):
                        deleted += 1
                    else:
                        adding.xadd(kept, fields, id=entry)
                adding.execute()
                last = f"({entries[-1][0]}"

        def exchange(watching: Any) -> None:
            copy()  # what has come since
            left = watching.exists(kept)
            watching.multi()
            if left:
                watching.rename(kept, self._name)
            else:
                watching.delete(self._name)

        def forget() -> None:
            self._redis.delete(kept)
            copy()
            self._redis.transaction(exchange, self._name)

        if any(is_theirs(fields) for fields in self._all()):
            _reached(forget)
        _reached(self._write_files)  # though nothing was there: it may have failed the last time
        return deleted

    def _all(self) -> Iterator[dict[str, Any]]:
        first = "-"
        while entries := self._entries(first):
            yield from (fields for _, fields in entries)
            first = f"({entries[-1][0]}"

    def _write_files(self) -> None:
        """Have Redis write its files anew, once what it is writing now is done."""
        state = self._redis.info("persistence")
        while state["aof_rewrite_in_progress"] or state["rdb_bgsave_in_progress"]:
            time.sleep(0.1)
            state = self._redis.info("persistence")
        if state["aof_enabled"]:
            self._redis.bgrewriteaof()
        self._redis.bgsave(schedule=True)

    def close(self) -> None:
        """Leave Redis."""
        self._redis.close()

    def _entries(self, first: str, last: str = "+") -> list[tuple[str, dict[str, Any]]]:
        found: Any = _reached(lambda: self._redis.xrange(self._name, first, last, AT_ONCE))
        return list(found)

    def _sealed(self, event: Event) -> str:
        text = to_json(event)
        if self._vault is None:
            return text
        return b64encode(self._vault.seal(text.encode(), self._name)).decode()

    def _event(self, fields: dict[str, Any]) -> Event | None:
        """The event of an entry, or None if somebody put something else there."""
        try:
            text: str = fields["event"]
            data = text.encode() if text.startswith("{") else b64decode(text, validate=True)
            return from_json(opened(data, self._name, self._vault))
        except VaultError as error:
            logger.warning("an entry of the stream is left out: %s", error)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            pass
        return None


def _reached(work: Callable[[], T]) -> T:
    try:
        return work()
    except RedisError as error:
        raise StreamError(f"Redis cannot be reached: {error}") from error
