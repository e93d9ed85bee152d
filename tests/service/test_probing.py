"""Who asks about everybody, or about one person again and again, is slowed; a shop is not."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from running import Inside, files
from shop import purchase, question, until

from coupon_rec.serving.http.security import Probing
from coupon_rec.serving.http.shared_asked import CHANNEL, SharedAsked

SERVER = shutil.which("redis-server")


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
    assert 0 < int(answer.headers["Retry-After"]) <= 360
    assert asked(service, 4) == 200
    assert service.metric('coupon_rec_limited_total{limit="asks"}') == 20


def test_what_is_saved_up_is_an_hours_and_comes_back_steadily() -> None:
    probing = Probing(users=2, asks=60)
    assert [probing.wait("a", 1, now=0.0)[1] for _ in range(61)] == [0.0] * 60 + [60.0]
    assert probing.wait("a", 1, now=60.0) == ("", 0.0)
    assert probing.wait("a", 2, now=60.0) == ("", 0.0)
    assert probing.wait("a", 3, now=60.0)[0] == "users"
    assert probing.wait("a", 3, now=1900.0) == ("", 0.0)
    assert probing.wait("a", 1, now=9e5) == ("", 0.0)


def test_without_limits_nothing_is_remembered_and_with_them_no_answer_is_late() -> None:
    silent = Probing(shared=True)
    assert silent.wait("a", 1) == ("", 0.0)
    assert silent.given() == []
    probing, seconds = Probing(10**6, 10**6, shared=True), []
    for user in range(20_000):
        begin = time.perf_counter()
        probing.wait("a", user)
        seconds.append(time.perf_counter() - begin)
    assert median(seconds) < 1e-4
    assert len(probing.given()) == 20_000
    assert probing.given() == []


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis server that keeps nothing."""
    if SERVER is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [SERVER, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    yield f"redis://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_replicas_count_together_through_redis(
    inside: Callable[..., Inside], redis: str, tmp_path: Path
) -> None:
    one, two = (
        inside(redis=redis, users_per_client=5, **files(tmp_path / name)) for name in ("one", "two")
    )
    theirs = two.app.state.service.probing
    until(lambda: all(each.app.state.service._asked._channel for each in (one, two)))
    assert [asked(one, user) for user in range(1, 6)] == [200] * 5
    until(lambda: len(theirs._seen) == 5)
    assert asked(two, 77) == 429
    assert asked(two, 1) == 200, "that one was counted there"


def test_what_others_put_into_the_channel_is_left_alone(redis: str) -> None:
    shared = SharedAsked(redis)
    until(lambda: shared.exchange([]) == [] and shared._channel)
    for junk in ("", "[", "[1]", '["x", 5]', '["x", [["a"]]]', '["x", [["a", "b", "c"]]]'):
        shared._redis.publish(CHANNEL, junk)
    for junk in (b"\xff", "[" * 100_000, f'["x", [["a", "b", 1{"0" * 400}]]]'):
        shared._redis.publish(CHANNEL, junk)
    shared._redis.publish(CHANNEL, '["x", [["a", 5, 1]]]')
    found: list[object] = []
    until(lambda: found.extend(shared.exchange([("mine", "1", 1.0)])) or found)
    assert found == [("a", "5", 1.0)]
    shared.close()
