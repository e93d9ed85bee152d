"""What happens in the shops: accepted once it is on disk, and in the next answer."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from running import DAY, PATIENCE, Inside, Running, purchase, until

from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event import from_json
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Question, Recommender, Reply


def browse(name: object, user_id: int | str, kind: str = "view") -> dict[str, Any]:
    """An item that somebody looks at, in the app."""
    names = ("event_id", "user_id", "time", "item_id")
    return {
        **{each: purchase(name, user_id)[each] for each in names},
        "kind": kind,
        "channel": "app",
    }


def test_views_and_clicks_are_events_that_survive_a_restart(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside()
    assert service.send(browse(1, 1), browse(2, 1, "click")).json() == {"accepted": 2}
    assert service.app.state.service.recommender.store.version(1) == 2
    service.stop()
    log = EventLog(tmp_path / "events")
    assert [event.kind for event in log.read()[0]] == ["view", "click"]
    log.close()


def test_the_day_of_the_newest_event_is_known_after_a_restart(
    inside: Callable[..., Inside],
) -> None:
    def day(service: Inside) -> str:
        return str(service.client.get("/v1/coupons").json()["day"])

    service = inside()
    assert day(service) == str(DAY)
    assert service.send(browse(1, 1) | {"time": f"{DAY + timedelta(days=3)}T12:00:00"}).is_success
    assert day(service) == str(DAY + timedelta(days=3))
    service.stop()
    assert day(inside()) == str(DAY + timedelta(days=3))


def test_texts_are_identifiers_as_good_as_numbers(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside()
    bought = purchase("a", "ada", "1001") | {"basket_id": "b-17"}
    assert service.send(bought).json() == {"accepted": 1}
    assert service.ask("ada")["known"]
    service.stop()
    log = EventLog(tmp_path / "events")
    (event,) = log.read()[0]
    log.close()
    assert (event.user_id, event.item_id, event.basket_id) == ("ada", "1001", "b-17")


def test_an_event_counts_from_the_next_request_on(inside: Callable[..., Inside]) -> None:
    service = inside()
    before = service.ask(1, k=100)
    assert service.ask(1, k=100) == before
    assert service.send(purchase(1, 1)).json() == {"accepted": 1}
    after = service.ask(1, k=100)
    assert after["coupons"] != before["coupons"]
    assert service.send(purchase(1, 1)).json() == {"accepted": 1}
    assert service.ask(1, k=100) == after


def test_an_answer_given_before_is_given_anew_once_others_have_moved_its_ranks(
    inside: Callable[..., Inside],
) -> None:
    service = inside()
    users = range(1, 21)
    before = [service.ask(user, k=100) for user in users]
    others = [
        purchase(f"{user}-{item}", user, item) | {"amount": 30.0}
        for user in range(41, 61)
        for item in range(1001, 1021)
    ]
    assert service.send(*others).json() == {"accepted": len(others)}
    after = [service.ask(user, k=100) for user in users]
    assert after != before
    service.stop()
    fresh = inside()
    assert [fresh.ask(user, k=100) for user in users] == after


def test_a_stranger_who_buys_is_a_stranger_no_more(inside: Callable[..., Inside]) -> None:
    service = inside()
    assert not service.ask(10**9)["known"]
    service.send(purchase(1, 10**9))
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
        ({"kind": "view", "item_id": 1001, "quantity": 2}, "events.1.quantity"),
        ({"kind": "click", "item_id": None}, "events.1.item_id"),
        ({"kind": "click", "item_id": 1001, "channel": ""}, "events.1.channel"),
    ],
)
def test_one_bad_event_is_named_and_none_is_accepted(
    service: Inside, change: dict[str, Any], field: str
) -> None:
    before = service.metric("coupon_rec_events_total")
    second = {**purchase(2, 1), **change}
    if change.get("kind") in ("view", "click"):
        second = {**browse(2, 1), **change}
    answer = service.send(purchase(1, 1), second)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert service.metric("coupon_rec_events_total") == before


def test_an_event_of_a_day_out_of_reach_is_refused_with_its_batch(service: Inside) -> None:
    before = service.metric("coupon_rec_events_total")
    answer = service.send(purchase(1, 1), {**purchase(2, 1), "time": "9999-12-31T23:59:59"})
    assert answer.status_code == 409
    assert answer.json()["fields"][0]["field"] == "events.1.time"
    assert service.metric("coupon_rec_events_total") == before


def test_accepted_events_are_counted_by_their_kind(service: Inside) -> None:
    def counted() -> list[float]:
        names = (f'coupon_rec_events_total{{kind="{kind}"}}' for kind in ("purchase", "view"))
        return [service.metric(name) for name in names]

    purchases, views = counted()
    assert service.send(purchase(901, 1), {**browse(902, 1), "kind": "view"}).status_code == 200
    assert counted() == [purchases + 1, views + 1]


class Till(threading.Thread):
    """Sends events of five users, five at a time, until the service is gone."""

    def __init__(self, service: Running, first: int, seed: int) -> None:
        super().__init__()
        self.client = httpx.Client(base_url=service.client.base_url, timeout=PATIENCE)
        self.random = np.random.default_rng(seed)
        self.first = first
        self.sent: list[dict[str, Any]] = []
        self.accepted: set[str] = set()

    def run(self) -> None:
        """Send until nobody answers."""
        while True:
            names = range(self.first + len(self.sent), self.first + len(self.sent) + 5)
            batch = [
                purchase(
                    name, int(self.random.integers(1, 7)), int(self.random.integers(1001, 1201))
                )
                for name in names
            ]
            self.sent += batch
            try:
                answer = self.client.post("/v1/events", json={"events": batch})
            except httpx.TransportError:
                return self.client.close()
            assert answer.status_code == 200
            self.accepted.update(event["event_id"] for event in batch)


def test_a_kill_at_any_moment_loses_no_accepted_event_and_no_coupon_is_wrong(
    serve: Callable[..., Running], inside: Callable[..., Inside], bundle: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    sent: list[dict[str, Any]] = []
    accepted: set[str] = set()
    for seed in range(4):
        service = serve()
        till = Till(service, len(sent), seed)
        till.start()
        enough = int(random.integers(20, 200))
        until(lambda till=till, enough=enough: len(till.accepted) > enough)
        service.process.kill()
        service.process.wait()
        till.join()
        assert len(till.accepted) > enough
        sent += till.sent
        accepted |= till.accepted
        log = EventLog(tmp_path / "events")
        assert accepted <= {event.event_id for event in log.read()[0]}
        log.close()

    again = inside()
    for begin in range(0, len(sent), 500):
        assert again.send(*sent[begin : begin + 500]).status_code == 200
    store = FeatureStore.load(bundle / "snapshot", Scorer.load(bundle).encoder)
    store.add([from_json(json.dumps(event)) for event in sent])
    reference = Recommender(Scorer.load(bundle), store, Settings().economics)
    for user_id in range(1, 7):
        (reply,) = reference([Question(user_id, DAY, 20)])
        assert isinstance(reply, Reply)
        wanted = [choice.coupon_id for choice in reply.choices]
        assert [coupon["coupon_id"] for coupon in again.ask(user_id, k=20)["coupons"]] == wanted
