"""Streams of server-sent events, which tell a user of a new best coupon."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

HEARTBEAT = 15.0
"""Seconds between signs of life on a silent stream."""
OF_A_USER = 20
"""Streams that one user may have open, so that nobody takes them all."""


class Stream:
    """One open stream of a user: asleep until something happens."""

    def __init__(self, user_id: int | str) -> None:
        self.user_id = user_id
        self.stopped = False
        self.awake = asyncio.Event()
        self.awake.set()

    async def happenings(self) -> AsyncIterator[bool]:
        """Yield True at once and whenever something happened, False when all was silent a while."""
        while not self.stopped:
            try:
                await asyncio.wait_for(self.awake.wait(), HEARTBEAT)
            except TimeoutError:
                yield False
                continue
            self.awake.clear()
            if not self.stopped:
                yield True


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
        self._closing = False

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def open(self, user_id: int | str) -> Stream | None:
        """Open a stream for a user; None if too many are open, or if the service stops."""
        mine = len(self._open.get(user_id, ()))
        if len(self) >= self._limit or mine >= OF_A_USER or self._closing:
            return None
        stream = Stream(user_id)
        self._open[user_id].add(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """Forget a stream."""
        self._open[stream.user_id].remove(stream)
        if not self._open[stream.user_id]:
            del self._open[stream.user_id]

    def wake(self, users: Iterable[int | str] | None = None) -> None:
        """Have the streams of users, or all of them, look for a new best coupon."""
        for user_id in list(self._open) if users is None else users:
            for stream in self._open.get(user_id, ()):
                stream.awake.set()

    def stop(self) -> None:
        """End all streams, and open none."""
        self._closing = True
        for streams in self._open.values():
            for stream in streams:
                stream.stopped = True
        self.wake()
