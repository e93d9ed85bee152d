"""Streams of server-sent events, which tell a user of a new best coupon."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from typing import Final

HEARTBEAT: Final = 15.0
"""Seconds between signs of life on a silent stream."""


OF_A_USER: Final = 20
"""Streams that one user may have open, so that nobody takes them all."""


class Streams:
    """The open streams, by user. What happens to a sleeping stream twice wakes it once.

    Parameters
    ----------
    limit : int
        How many may be open at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: defaultdict[int | str, set[Stream]] = defaultdict(set)
        self._count = 0
        self._closing = False

    def __len__(self) -> int:
        return self._count

    def open(self, user_id: int | str) -> "Stream | None":
        """Open a stream for a user; None if too many are open, or if the service stops."""
        mine = len(self._open.get(user_id, ()))
        if self._count >= self._limit or mine >= OF_A_USER or self._closing:
            return None
        stream = Stream(user_id)
        self._open[user_id].add(stream)
        self._count += 1
        return stream

    def close(self, stream: "Stream") -> None:
        """Forget a stream."""
        self._open[stream.user_id].remove(stream)
        if not self._open[stream.user_id]:
            del self._open[stream.user_id]
        self._count -= 1

    def wake(self, users: Iterable[int | str]) -> None:
        """Have the streams of users look for a new best coupon."""
        for user_id in users:
            for stream in self._open.get(user_id, ()):
                stream.wake()

    def wake_all(self) -> None:
        """Have all streams look: the bundle is another."""
        self.wake(list(self._open))

    def stop(self) -> None:
        """End all streams, and open none."""
        self._closing = True
        for streams in self._open.values():
            for stream in streams:
                stream.stop()


class Stream:
    """One open stream of a user: asleep until something happens."""

    def __init__(self, user_id: int | str) -> None:
        self.user_id = user_id
        self._awake = asyncio.Event()
        self._awake.set()
        self._stopped = False

    def wake(self) -> None:
        """Something happened to the user."""
        self._awake.set()

    def stop(self) -> None:
        """The service ends."""
        self._stopped = True
        self._awake.set()

    async def happenings(self) -> AsyncIterator[bool]:
        """Yield True at once and whenever something happened, False when all was silent a while."""
        while not self._stopped:
            try:
                await asyncio.wait_for(self._awake.wait(), HEARTBEAT)
            except TimeoutError:
                yield False
                continue
            self._awake.clear()
            if not self._stopped:
                yield True
