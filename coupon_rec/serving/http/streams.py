"""Streams of server-sent events, which tell a user of a new best coupon."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coupon_rec.serving.http.batching import BATCH
from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Question

if TYPE_CHECKING:
    from coupon_rec.serving.http.service import Service

HEARTBEAT = 15.0
"""Seconds between signs of life on a silent stream."""
OF_A_USER = 20
"""Streams that one user may have open, so that nobody takes them all."""


class Streams:
    """The open streams, by user. What happens to a sleeping stream twice wakes it once."""

    def __init__(self, settings: Settings) -> None:
        self.stopped = False
        self._limit = settings.stream_limit
        self._open: defaultdict[int | str, set[asyncio.Event]] = defaultdict(set)
        self._asking = asyncio.Semaphore(BATCH)  # they leave room in the queue for who waits

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    @contextmanager
    def open(self, user_id: int | str) -> Iterator[asyncio.Event]:
        """Open a stream of a user: what wakes it, to begin with at once.

        Refused if too many are open, or if the service stops.
        """
        mine = len(self._open.get(user_id, ()))
        if len(self) >= self._limit or mine >= OF_A_USER or self.stopped:
            words = "too many streams are open, or the service stops: try again"
            raise Refused(503, words, wait=5, queue="streams")
        awake = asyncio.Event()
        awake.set()
        self._open[user_id].add(awake)
        try:
            yield awake
        finally:
            self._open[user_id].remove(awake)
            if not self._open[user_id]:
                del self._open[user_id]

    def wake(self, users: Iterable[int | str] | None = None) -> None:
        """Have the streams of users, or all of them, look for a new best coupon."""
        for user_id in list(self._open) if users is None else users:
            for awake in self._open.get(user_id, ()):
                awake.set()

    def stop(self) -> None:
        """End all streams, and open none."""
        self.stopped = True
        self.wake()

    async def messages(
        self, service: "Service", user_id: int | str, client: str, awake: asyncio.Event
    ) -> AsyncIterator[bytes]:
        """Yield a user's best coupon as server-sent events, whenever it changes.

        The first answer was counted as a question of the client when the stream was opened, and
        each further one is counted here.
        """
        last: object = None
        while True:
            try:
                await asyncio.wait_for(awake.wait(), HEARTBEAT)
            except TimeoutError:
                yield b": nothing new\n\n"
                continue
            awake.clear()
            if self.stopped:
                return
            moment = service.recommender.store.newest
            try:
                if last is not None:
                    await service.limits.question(client, user_id)
                async with self._asking:
                    answer = await service.ask(Question(user_id, moment.date(), 1))
            except Refused:
                yield b": wait\n\n"
                await asyncio.sleep(1)
                awake.set()
                continue
            best = [choice.coupon_id for choice in answer.reply.choices]
            if best != last:
                last = best
                service.record(answer, moment)
                event = b"event: coupon\nid: %d\ndata: %s\n\n"
                yield event % (answer.reply.version, answer.body)
