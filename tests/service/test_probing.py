"""Who asks about everybody, or about one person again and again, is slowed; a shop is not."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from running import Inside, files
from shop import Redis, purchase, question

from coupon_rec.serving.http.errors import Refused
from coupon_rec.serving.http.limits import Limits
from coupon_rec.serving.http.metrics import Metrics
from coupon_rec.serving.http.settings import Settings


def asked(service: Inside, user_id: int | str, key: str = "", **fields: object) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {**question(user_id), **fields}
    return service.client.post("/v1/recommendations", json=body, headers=headers).status_code


def test_who_varies_one_users_events_to_map_the_model_gets_so_many_answers(
    inside: Callable[..., Inside],
) -> None:
    service = inside(asks_per_user=10)
    answers = set()
    for number in range(30):
        service.send(purchase(number, 3, 1001 + number))
        answer = service.client.post("/v1/recommendations", json=question(3))
        answers.add(answer.text if answer.is_success else "")
    assert "" in answers
    assert len(answers) <= 11
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert asked(service, 4) == 200
    assert service.metric('coupon_rec_limited_total{limit="asks"}') == 20


def waited(asked: Coroutine[Any, Any, None]) -> str:
    """How many seconds somebody is told to wait; none if the question is granted."""
    try:
        asyncio.run(asked)
    except Refused as refused:
        return dict(refused.headers or {})["Retry-After"]
    return ""


def test_a_window_begins_with_the_first_question_and_then_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("coupon_rec.serving.http.limits.time.time", lambda: now[0])
    limits = Limits(Settings(users_per_client=2, asks_per_user=60, rate=0.5), Metrics())

    def wait(user: int | str, cost: int = 1, client: str = "a") -> str:
        return waited(limits.question(client, user, cost))

    assert [wait(1) for _ in range(61)] == [""] * 60 + ["3600"]
    assert wait(2) == ""
    now[0] += 600
    assert wait(3) == wait("1", cost=5) == "3000"
    assert wait(1, client="b") == ""
    now[0] += 3000
    assert wait(3) == wait(1) == ""
    assert [waited(limits.request("1.2.3.4")) for _ in range(2)] == ["", "2"]


def test_a_question_that_is_refused_counts_as_none() -> None:
    limits = Limits(Settings(asks_per_user=6), Metrics())
    granted = [not waited(limits.question("a", 1, cost)) for cost in (5, 5, 1, 1)]
    assert granted == [True, False, True, False]


def test_who_floods_the_limits_with_names_does_not_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("coupon_rec.serving.http.limits.time.time", lambda: now[0])
    monkeypatch.setattr("coupon_rec.serving.http.limits.MAX_COUNTERS", 10)
    limits = Limits(Settings(users_per_client=4, asks_per_user=2), Metrics())

    def granted(client: str, *users: int) -> list[bool]:
        return [not waited(limits.question(client, user)) for user in users]

    assert granted("a", 1, 1, 1) == [True, True, False]
    assert granted("a", *range(2, 50)) == [True] * 3 + [False] * 45
    assert not any(granted("b", *range(50))), "there is room for no more than one client"
    assert granted("a", 1, 2, 2) == [False, True, False], "these still count"
    now[0] += 3600
    assert granted("b", 1) == [True]


def test_however_many_people_are_asked_about_no_answer_is_late() -> None:
    limits = Limits(Settings(users_per_client=10**6, asks_per_user=10**6), Metrics())

    async def ask() -> list[float]:
        seconds = []
        for user in range(20_000):
            begin = time.perf_counter()
            await limits.question("a", user)
            seconds.append(time.perf_counter() - begin)
        return seconds

    assert median(asyncio.run(ask())) < 1e-4


def test_replicas_count_together_through_redis_and_each_for_itself_without_it(
    inside: Callable[..., Inside], redis: Redis, tmp_path: Path
) -> None:
    one, two = (
        inside(redis=redis.url, users_per_client=5, **files(tmp_path / name))
        for name in ("one", "two")
    )
    assert [asked(one, user) for user in (424_242, *range(2, 6))] == [200] * 5
    assert asked(two, 77) == 429
    assert asked(two, "424242") == 200, "that one was counted there"
    assert not [key for key in redis.client.scan_iter() if b"424242" in key], "a pseudonym"
    redis.process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    assert [asked(two, user) for user in range(100, 106)] == [200] * 5 + [429]
    assert time.monotonic() - begin < 5, "what does not answer is asked once"
    redis.kill()
    assert [asked(one, user) for user in range(100, 106)] == [200] * 5 + [429]
