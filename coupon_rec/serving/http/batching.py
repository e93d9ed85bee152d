"""A bounded queue whose waiting requests are worked on together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

TURNS = 12
"""Turns of the event loop between two batches: the answers leave, and what has arrived meanwhile is
read. A request takes a few of them from the socket to the queue."""

T = TypeVar("T")
R = TypeVar("R")


class Overloaded(Exception):
    """As many wait in a queue as may wait; this request is turned away."""

    def __init__(self, queue: str) -> None:
        super().__init__(queue)
        self.queue = queue


class Batcher(Generic[T, R]):
    """Hands everything that waits to one call of a function.

    Nothing is held back to fill a batch: a lone request is worked on at once, and what arrives
    meanwhile is the next batch. So batches grow with the load.

    Parameters
    ----------
    name : str
        What the queue is for.
    work : coroutine function
        From n requests to n results, in order. A result that is an exception is raised to the one
        who asked; an exception that `work` raises, to all.
    queue_limit : int
        How many requests may wait.
    batch_limit : int
        How many go into one call at most.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        queue_limit: int,
        batch_limit: int,
    ) -> None:
        self._name, self._work = name, work
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, request: T) -> R:
        """Wait for the result of one request.

        Raises
        ------
        Overloaded
            At once, if the queue is full.
        """
        if len(self._waiting) >= self._queue_limit:
            raise Overloaded(self._name)
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, result))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await result

    def __len__(self) -> int:
        return len(self._waiting)

    async def _run(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), self._batch_limit)
            batch = [self._waiting.popleft() for _ in range(size)]
            try:
                results = await self._work([request for request, _ in batch])
            except Exception as error:
                results = [error] * size
            for (_, future), result in zip(batch, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
            for _ in range(TURNS):
                await asyncio.sleep(0)
        self._task = None
