"""What waits together goes together, and each gets what is theirs."""

import asyncio
from collections.abc import Sequence

import pytest

from coupon_rec.serving.http import batching
from coupon_rec.serving.http.batching import Batcher


class Slow:
    """Work that a test holds up; it notes what came together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, requests: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(requests))
        await self.go.wait()
        return [KeyError(request) if request == 13 else 10 * request for request in requests]


async def gather(slow: Slow, requests: Sequence[int]) -> list[object]:
    """Send a first request, then the others while the first is worked on."""
    batcher = Batcher("test", slow, 100)
    first, *others = (asyncio.ensure_future(batcher(request)) for request in requests)
    await asyncio.sleep(0.05)
    slow.go.set()
    return list(await asyncio.gather(first, *others, return_exceptions=True))


def test_what_arrives_together_goes_together_up_to_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "BATCH", 4)
    slow = Slow()
    assert asyncio.run(gather(slow, range(1, 8))) == [10, 20, 30, 40, 50, 60, 70]
    assert slow.batches == [[1, 2, 3, 4], [5, 6, 7]]


def test_what_is_on_its_way_when_a_batch_ends_goes_with_the_next() -> None:
    slow = Slow()
    slow.go.set()

    async def later(batcher: Batcher[int, int], request: int) -> int:
        for _ in range(request):  # as from the socket to the queue
            await asyncio.sleep(0)
        return await batcher(request)

    async def all_of_them() -> list[int]:
        batcher = Batcher("test", slow, 100)
        return await asyncio.gather(*(later(batcher, request) for request in range(7)))

    assert asyncio.run(all_of_them()) == [0, 10, 20, 30, 40, 50, 60]
    assert len(slow.batches) == 2


def test_an_error_reaches_the_one_who_asked_and_nobody_else() -> None:
    first, second, third = asyncio.run(gather(Slow(), [1, 13, 3]))
    assert (first, third) == (10, 30)
    assert isinstance(second, KeyError)


def test_a_request_that_was_given_up_harms_no_other() -> None:
    async def give_up() -> object:
        slow = Slow()
        batcher = Batcher("test", slow, 10)
        lost, kept = (asyncio.ensure_future(batcher(request)) for request in (1, 2))
        await asyncio.sleep(0.05)
        lost.cancel()
        slow.go.set()
        return await kept

    assert asyncio.run(give_up()) == 20


def test_work_that_fails_as_a_whole_fails_each_request_and_not_the_next() -> None:
    async def broken(requests: Sequence[int]) -> list[int | Exception]:
        if 13 in requests:
            raise ValueError("no")
        return list(requests)

    async def twice() -> tuple[object, object]:
        batcher = Batcher("test", broken, 10)
        with pytest.raises(ValueError, match="no"):
            await batcher(13)
        return await batcher(2), len(batcher)

    assert asyncio.run(twice()) == (2, 0)
