"""What happens in the shops: accepted once it is on disk, and in the next answer."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from running import DAY, Running, purchase

from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event import from_json
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Question, Recommender


def send(service: Running, *events: dict[str, Any]) -> httpx.Response:
    return service.client.post("/v1/events", json={"events": events})


def event_id(line: bytes) -> str:
    """Read the name of an event from a line of the log; none, if a kill cut the line short."""
    try:
        return from_json(line).event_id
    except (ValueError, TypeError):
        return ""


def test_an_event_counts_from_the_next_request_on(serve: Callable[..., Running]) -> None:
    service = serve()
    before = service.ask(1, k=100)
    assert service.ask(1, k=100) == before
    assert send(service, purchase(1, 1)).json() == {"accepted": 1}
    after = service.ask(1, k=100)
    assert after["coupons"] != before["coupons"]
    assert send(service, purchase(1, 1)).json() == {"accepted": 1}
    assert service.ask(1, k=100) == after


def test_an_answer_given_before_is_given_anew_once_others_have_moved_its_ranks(
    serve: Callable[..., Running],
) -> None:
    service = serve()
    users = range(1, 21)
    before = [service.ask(user, k=100) for user in users]
    others = [
        purchase(f"{user}-{item}", user, item) | {"amount": 30.0}
        for user in range(41, 61)
        for item in range(1001, 1021)
    ]
    assert send(service, *others).json() == {"accepted": len(others)}
    after = [service.ask(user, k=100) for user in users]
    assert after != before
    service.stop()
    fresh = serve()
    assert [fresh.ask(user, k=100) for user in users] == after


def test_a_stranger_who_buys_is_a_stranger_no_more(serve: Callable[..., Running]) -> None:
    service = serve()
    assert not service.ask(10**9)["known"]
    send(service, purchase(1, 10**9))
    assert service.ask(10**9)["known"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "theft"}, "events.1"),
        ({"item_id": None}, "events.1.item_id"),
        ({"amount": float("1e308")}, "events.1.amount"),
        ({"amount": -1}, "events.1.amount"),
        ({"quantity": 0}, "events.1.quantity"),
        ({"event_id": ""}, "events.1.event_id"),
        ({"event_id": "a\nb"}, "events.1.event_id"),
        ({"campaign_id": 4}, "events.1.campaign_id"),
    ],
)
def test_one_bad_event_is_named_and_none_is_accepted(
    serve: Callable[..., Running], change: dict[str, Any], field: str
) -> None:
    service = serve()
    answer = send(service, purchase(1, 1), {**purchase(2, 1), **change})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert service.metric("coupon_rec_events_total") == 0


def test_an_event_of_a_day_out_of_reach_is_refused_with_its_batch(
    serve: Callable[..., Running],
) -> None:
    service = serve()
    answer = send(service, purchase(1, 1), {**purchase(2, 1), "time": "9999-12-31T23:59:59"})
    assert answer.status_code == 409
    assert answer.json()["fields"][0]["field"] == "events.1.time"
    assert service.metric("coupon_rec_events_total") == 0


def test_a_kill_at_any_moment_loses_no_accepted_event_and_no_coupon_is_wrong(
    serve: Callable[..., Running], bundle: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    users, items = range(1, 7), range(1001, 1201)
    sent: list[dict[str, Any]] = []
    accepted: set[str] = set()
    for _ in range(4):
        service = serve()

        def till(service: Running, kill: threading.Event) -> None:
            with httpx.Client(base_url=service.client.base_url) as client:
                while not kill.is_set():
                    numbers = range(len(sent), len(sent) + 5)
                    batch = [
                        purchase(n, int(random.choice(users)), int(random.choice(items)))
                        for n in numbers
                    ]
                    sent.extend(batch)
                    try:
                        answer = client.post("/v1/events", json={"events": batch})
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 200
                    accepted.update(event["event_id"] for event in batch)

        over = threading.Event()
        thread = threading.Thread(target=till, args=(service, over))
        thread.start()
        time.sleep(random.uniform(0.05, 0.4))
        service.process.kill()
        service.process.wait()
        over.set()
        thread.join()
        lines = (tmp_path / "events").read_bytes().splitlines()
        assert accepted <= {event_id(line) for line in lines}
    assert len(accepted) > 50

    service = serve()
    for begin in range(0, len(sent), 500):
        assert send(service, *sent[begin : begin + 500]).status_code == 200
    store = FeatureStore.load(bundle / "snapshot")
    store.add([from_json(json.dumps(event)) for event in sent])
    reference = Recommender(Scorer.load(bundle), store, Settings().economics)
    for user_id in users:
        (reply,) = reference([Question(user_id, DAY, 20)])
        wanted = [choice.coupon_id for choice in reply.choices]
        assert [coupon["coupon_id"] for coupon in service.ask(user_id, k=20)["coupons"]] == wanted
