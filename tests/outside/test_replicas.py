"""Two services share their events through a real Redis, and serve on without it."""

import itertools
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import Redis, Service, logged, purchase, question, until

STRANGERS = range(10**9, 10**9 + 5)


class Tills:
    """Sends purchases of a few people, now to one service and now to the other."""

    def __init__(self, *services: Service) -> None:
        self.services = services
        self.acknowledged: set[str] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._sell)
        self.thread.start()

    def _sell(self) -> None:
        for number, service in enumerate(itertools.cycle(self.services)):
            if self.over.is_set():
                return
            event = purchase(number, STRANGERS[number % 5], 1001 + number % 200)
            assert service.send(event).is_success
            self.acknowledged.add(event["event_id"])

    def sell(self, many: int) -> None:
        """Wait until so many more events are acknowledged."""
        goal = len(self.acknowledged) + many
        until(lambda: len(self.acknowledged) >= goal or not self.thread.is_alive())
        assert self.thread.is_alive()

    def close(self) -> None:
        """Send no more."""
        self.over.set()
        self.thread.join()


def coupons(service: Service) -> list[dict[str, Any]]:
    """What is answered to each of these people."""
    answers = [service.ask(user, k=100) for user in STRANGERS]
    return [{**answer, "degraded": None} for answer in answers]


def degraded(service: Service) -> bool:
    """Whether a service says that it may lack events of others."""
    return bool(service.client.get("/readyz").json()["degraded"])


def test_replicas_share_events_and_lose_none_while_redis_is_away_frozen_or_empty(
    serve: Callable[..., Service], redis: Redis, tmp_path: Path
) -> None:
    one, two = (serve("--redis", redis.url, logs=tmp_path / name) for name in ("one", "two"))
    assert one.send(purchase("first", STRANGERS[0])).is_success
    assert one.ask(STRANGERS[0])["known"]
    until(lambda: two.ask(STRANGERS[0])["known"])
    until(lambda: coupons(one) == coupons(two))
    assert not one.ask(1)["degraded"] and not degraded(two)

    tills = Tills(one, two)
    try:
        tills.sell(20)
        redis.process.send_signal(signal.SIGSTOP)
        until(lambda: degraded(one) and degraded(two))
        tills.sell(20)
        redis.process.send_signal(signal.SIGCONT)
        until(lambda: not degraded(one) and not degraded(two))
        tills.sell(20)
        redis.kill()
        until(lambda: degraded(one) and degraded(two))
        assert one.ask(1)["degraded"] and one.metric("coupon_rec_degraded") == 1
        tills.sell(20)
        assert one.metric("coupon_rec_events_unpublished") > 0
        redis.start()
        until(lambda: not degraded(one) and not degraded(two))
        tills.sell(20)
        redis.client.flushall()
        tills.sell(20)
    finally:
        tills.close()
    until(lambda: coupons(one) == coupons(two))
    until(lambda: one.metric("coupon_rec_events_unpublished") == 0)
    for service in (one, two):
        assert not degraded(service) and service.metric("coupon_rec_degraded") == 0
        service.stop()
    assert len(tills.acknowledged) >= 120
    for service in (one, two):
        names = Counter(event["event_id"] for event in logged(service.log))
        assert names == Counter({*tills.acknowledged, "till-first"})


@pytest.mark.slow
def test_replicas_count_together_about_how_many_people_a_client_asks(
    serve: Callable[..., Service], redis: Redis, tmp_path: Path
) -> None:
    limit = 100
    options = ("--redis", redis.url, "--users-per-client", limit)
    one, two = (serve(*options, logs=tmp_path / name) for name in ("one", "two"))

    def granted(service: Service, first: int) -> int:
        for number in range(2 * limit):
            asked = service.client.post("/v1/recommendations", json=question(first + number))
            if asked.status_code == 429:  # the limit, and what has come back meanwhile
                return number
            assert asked.is_success
        raise AssertionError("there is no limit")

    until(lambda: not degraded(one) and not degraded(two))
    assert granted(one, 10**6) >= limit
    assert granted(two, 2 * 10**6) < limit
