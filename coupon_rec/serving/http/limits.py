"""How often a client may ask: an address in a second, a client about people in an hour."""

import asyncio
import logging
import time
from hashlib import blake2b
from math import ceil
from typing import Any

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.asyncio import ConnectionPool

from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings

logger = logging.getLogger("coupon_rec.serving")

HOUR = 3600
MAX_COUNTERS = 2**18
"""Clients, or people of a client, that are remembered; beyond them, newcomers are refused."""
FULL_SECONDS = 60
"""After which a newcomer who found no room may try again."""
SWEEP_SECONDS = 1.0
"""How long counters that are full wait before they look again for some whose time is over."""
REDIS_SECONDS = 0.5
"""How long a question may wait for the counters in Redis."""
RETRY_SECONDS = 10
"""How long a replica counts for itself before it asks a Redis again that did not answer."""
TOO_OFTEN = {
    "address": "too many requests: wait a little",
    "users": "you ask about too many people: wait, or have the limit raised",
    "asks": "you ask about this user too often: wait a little",
}


class Memory(MemoryStorage):
    """Counters of this process.

    As it comes, this storage goes through all counters at each hit, which takes 0.9 ms with 10,000
    of them: at 1,000 requests a second, nearly all of the one processor that answers.

    None is forgotten while it counts: else whoever floods us with names would begin anew.
    """

    STORAGE_SCHEME: list[str] | None = None  # type: ignore[assignment]
    _sweep_from = 0.0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a counter, which begins anew once its time is over."""
        await self.get(key)  # forgets it where its time is over
        if key not in self.storage and self._is_full():
            raise Refused(503, "too many clients or people are counted: wait", wait=FULL_SECONDS)
        self.expirations.setdefault(key, time.time() + expiry)
        self.storage[key] += amount
        return self.storage[key]

    def _is_full(self) -> bool:
        """Whether there is no room, even without the counters whose time is over."""
        now = time.time()
        if len(self.storage) >= MAX_COUNTERS and now >= self._sweep_from:
            self._sweep_from = now + SWEEP_SECONDS
            for key in [key for key, end in self.expirations.items() if end <= now]:
                del self.storage[key], self.expirations[key]
            if len(self.storage) >= MAX_COUNTERS:
                logger.warning("the limits count %d at once and refuse newcomers", MAX_COUNTERS)
        return len(self.storage) >= MAX_COUNTERS


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

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._refused = metrics.count["limited"]
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

    async def request(self, address: str) -> None:
        """Grant an address a request, or raise Refused; each replica counts for itself."""
        if self._rate:
            await self._take(self._own, "address", self._rate, address)

    async def question(self, client: str, user_id: int | str, cost: int = 1) -> None:
        """Grant a client a question about a person, or raise Refused.

        Parameters
        ----------
        client : str
            Who asks.
        user_id : int or str
            About whom; 5 and "5" are the same person.
        cost : int
            How many questions it counts as.
        """
        if not (self._users or self._asks):
            return None
        person = blake2b(str(user_id).encode(), key=self._secret, digest_size=16).hexdigest()
        if self._pool and time.monotonic() >= self._ask_redis_from:
            try:
                async with asyncio.timeout(REDIS_SECONDS):
                    return await self._grant(self._shared, client, person, cost)
            except (RedisError, OSError, TimeoutError) as error:
                logger.warning("limits are counted by each replica (%s)", type(error).__name__)
                self._ask_redis_from = time.monotonic() + RETRY_SECONDS
        return await self._grant(self._own, client, person, cost)

    async def _grant(
        self, counters: FixedWindowRateLimiter, client: str, person: str, cost: int
    ) -> None:
        # People come first: a client that is past its number of them takes no more room by names.
        if self._users and await counters.test(self._known, "known", client, person):
            if await counters.test(self._users, "users", client):
                await counters.hit(self._known, "known", client, person, cost=0)  # is there room?
            await self._take(counters, "users", self._users, client)
            await counters.hit(self._known, "known", client, person)
        if self._asks:
            await self._take(counters, "asks", self._asks, client, person, cost=cost)

    async def _take(
        self,
        counters: FixedWindowRateLimiter,
        limit: str,
        item: RateLimitItem,
        *names: str,
        cost: int = 1,
    ) -> None:
        cost = min(cost, item.amount)
        if not (
            await counters.test(item, limit, *names, cost=cost)
            and await counters.hit(item, limit, *names, cost=cost)
        ):
            self._refused.labels(limit).inc()
            window = await counters.get_window_stats(item, limit, *names)
            raise Refused(429, TOO_OFTEN[limit], wait=max(window.reset_time - time.time(), 1.0))

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
