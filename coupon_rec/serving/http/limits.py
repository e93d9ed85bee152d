"""How often a client may ask: an address in a second, a client about people in an hour."""

import asyncio
import logging
import time
from collections import OrderedDict
from hashlib import blake2b
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.asyncio import ConnectionPool

from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

HOUR = 3600
MAX_COUNTERS = 2**16
"""Clients, or people of a client, that are remembered; whoever was not seen longest goes first."""
REDIS_SECONDS = 0.5
"""How long a question may wait for the counters in Redis."""
RETRY_SECONDS = 10
"""How long a replica counts for itself before it asks a Redis again that did not answer."""


class Memory(Storage):
    """Counters of this process; the storage of `limits` looks through all of them at each hit."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counters: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing is wrapped."""
        return ValueError

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter, which begins anew once its time is over."""
        count, end = self._counters.pop(key, (0, 0.0))
        if end <= time.time():
            count, end = 0, time.time() + expiry
        self._counters[key] = count + amount, end
        if len(self._counters) > MAX_COUNTERS:
            self._counters.popitem(last=False)
        return count + amount

    async def get(self, key: str) -> int:
        """Read a counter."""
        count, end = self._counters.get(key, (0, 0.0))
        return count if end > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        """Say when a counter begins anew."""
        return self._counters.get(key, (0, time.time()))[1]

    async def check(self) -> bool:
        """Memory is always there."""
        return True

    async def clear(self, key: str) -> None:
        """Forget a counter."""
        self._counters.pop(key, None)

    async def reset(self) -> int:
        """Forget all counters."""
        count = len(self._counters)
        self._counters.clear()
        return count


class Limits:
    """Counts requests and questions in windows that begin with the first one.

    A model can be copied from its answers, and a person's place in its training guessed: both take
    many of them. So a client may ask about so many people in an hour, and so often about each of
    them. A person counts once an hour, under whatever number of questions.

    Replicas count questions together in a Redis. While it does not answer, each counts for itself,
    so that a client may ask each as often as all of them together before. People have pseudonyms
    there, which are gone after an hour.

    Parameters
    ----------
    settings : Settings
        `rate`, `users_per_client`, `asks_per_user` and `redis` count here.
    """

    def __init__(self, settings: Settings) -> None:
        self._rate = _allowed(settings.rate, 1)
        self._users = _allowed(settings.users_per_client, HOUR)
        self._asks = _allowed(settings.asks_per_user, HOUR)
        self._known = RateLimitItemPerSecond(1, HOUR)
        self._secret = blake2b(f"{settings.pseudonym_key}\0{settings.api_key}".encode()).digest()
        self._own = FixedWindowRateLimiter(Memory())
        self._shared, self._pool = self._own, None
        self._ask_redis_from = 0.0
        if settings.redis and (self._users or self._asks):
            self._pool = ConnectionPool.from_url(settings.redis)
            client: dict[str, Any] = {"connection_pool": self._pool}
            storage = RedisStorage("async+redis://", implementation="redispy", **client)
            self._shared = FixedWindowRateLimiter(storage)

    async def request(self, address: str) -> float:
        """Grant an address a request, or say how long to wait; each replica counts for itself."""
        return await _take(self._own, self._rate, "rate", address) if self._rate else 0.0

    async def question(self, client: str, user_id: int | str, cost: int = 1) -> tuple[str, float]:
        """Grant a question, or say which limit is reached and how long to wait, in seconds.

        Parameters
        ----------
        client : str
            Who asks.
        user_id : int or str
            About whom; 5 and "5" are the same person.
        cost : int
            How many questions it counts as.

        Returns
        -------
        str, float
            "users" or "asks" and the seconds; an empty text and 0 if it is granted.
        """
        if not (self._users or self._asks):
            return "", 0.0
        person = blake2b(str(user_id).encode(), key=self._secret, digest_size=16).hexdigest()
        if self._pool and time.monotonic() >= self._ask_redis_from:
            try:
                async with asyncio.timeout(REDIS_SECONDS):
                    return await self._granted(self._shared, client, person, cost)
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("limits are counted by each replica (%s)", type(error).__name__)
                self._ask_redis_from = time.monotonic() + RETRY_SECONDS
        return await self._granted(self._own, client, person, cost)

    async def _granted(
        self, counters: FixedWindowRateLimiter, client: str, person: str, cost: int
    ) -> tuple[str, float]:
        if self._asks and (
            wait := await _take(counters, self._asks, "asks", client, person, cost=cost)
        ):
            return "asks", wait
        if self._users and await counters.test(self._known, "known", client, person):
            if wait := await _take(counters, self._users, "users", client):
                return "users", wait
            await counters.hit(self._known, "known", client, person)
        return "", 0.0

    async def close(self) -> None:
        """Leave Redis."""
        if self._pool:
            await self._pool.disconnect()


def _allowed(count: float, seconds: int) -> RateLimitItem | None:
    """So many in a time; one in a longer time, if it is less than one. None for no limit."""
    if not count:
        return None
    times = ceil(1 / count)
    return RateLimitItemPerSecond(max(int(count * times), 1), times * seconds)


async def _take(
    counters: FixedWindowRateLimiter, item: RateLimitItem, *names: str, cost: int = 1
) -> float:
    cost = min(cost, item.amount)
    if await counters.test(item, *names, cost=cost) and await counters.hit(item, *names, cost=cost):
        return 0.0
    window = await counters.get_window_stats(item, *names)
    return max(window.reset_time - time.time(), 1.0)
