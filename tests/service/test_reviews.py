"""Reviews reach the service as events, and a listener hears them from there."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from running import DAY, Inside, review
from shop import Service, purchase
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.listening import SourceError, read_service
from coupon_rec.privacy import new_key
from coupon_rec.privacy.vault import VARIABLE
from coupon_rec.serving.events.decision_reader import read_outcomes
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import EventLog

ITEM = 1001
SAMPLE = Path(__file__).parents[2] / "data" / "sample"


def said(service: Inside | Service, **question: Any) -> dict[str, Any]:
    answer = service.client.get("/v1/reviews", params=question)
    assert answer.is_success, answer.text
    return dict(answer.json())


def test_reviews_are_given_in_order_without_their_users_and_after_a_restart(
    inside: Callable[..., Inside],
) -> None:
    service = inside()
    service.send(purchase("a", 1), review("a", 2, text="Sour milk — again."), review("b", 5))
    found = said(service)
    assert [(each["rating"], each["text"]) for each in found["reviews"]] == [
        (2, "Sour milk — again."),
        (5, None),
    ]
    first, second = found["reviews"]
    assert set(first) == {"position", "time", "item_id", "rating", "text"}
    assert said(service, log=found["log"], after=first["position"])["reviews"] == [second]
    assert said(service, most=1)["reviews"] == [first]
    service.stop()
    assert said(inside()) == found


def test_no_answer_changes_by_a_review(inside: Callable[..., Inside]) -> None:
    service = inside()
    before = service.ask(1, k=100)
    assert service.send(review("a", 1)).json() == {"accepted": 1}
    assert service.ask(1, k=100) == before
    assert service.app.state.service.recommender.store.counted == 0
    day = service.client.get("/v1/coupons").json()["day"]
    service.send(review("b", 1, time=f"{DAY + timedelta(days=1)}T12:00:00"))
    assert service.client.get("/v1/coupons").json()["day"] == day


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": None}, "rating"),
        ({"text": ""}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"item_id": None}, "item_id"),
    ],
)
def test_a_review_that_is_none_is_refused(
    service: Inside, change: dict[str, Any], field: str
) -> None:
    answer = service.send({**review("bad"), **change})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["fields"]] == [f"events.0.{field}"]
    assert not said(service)["reviews"]


def test_half_a_character_is_refused(service: Inside) -> None:
    body = json.dumps({"events": [review("half", text="x\ud800")]})
    answer = service.client.post(
        "/v1/events", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert not said(service)["reviews"]


def test_a_place_in_another_log_is_refused(inside: Callable[..., Inside]) -> None:
    service = inside()
    answer = service.client.get("/v1/reviews", params={"log": "elsewhere", "after": 3})
    assert answer.status_code == 409
    assert "ask the replica that gave it" in answer.json()["error"]
    name = said(service)["log"]
    beyond = service.client.get("/v1/reviews", params={"log": name, "after": 3})
    assert beyond.status_code == 409, "a copy that was put back ends earlier"


def test_a_position_is_given_once_though_reviews_are_dropped_or_forgotten(tmp_path: Path) -> None:
    def event(name: str) -> Event:
        return Event(name, 1, datetime(2017, 6, 1), "review", item_id=ITEM, rating=3)

    log = EventLog(tmp_path / "events")
    name = log.name
    log.append([event("a"), event("b")])
    log.forget(1)
    log.close()
    log = EventLog(tmp_path / "events")
    assert log.name == name
    assert not log.reviews()
    assert log.append([event("c")]) == (2, 3)
    log.drop(lambda each: each.event_id == "c")
    assert not log.reviews()
    log.append([event("d")])
    assert [(position, each.event_id) for position, each in log.reviews()] == [(4, "d")]
    log.close()


def test_a_review_that_comes_again_is_not_said_twice(tmp_path: Path) -> None:
    def event(name: str) -> Event:
        return Event(name, 1, datetime(2017, 6, 1), "review", item_id=ITEM, rating=3)

    log = EventLog(tmp_path / "events")
    log.append([event("a"), event("b")])
    log.append([event("a")])
    assert [each.event_id for _, each in log.reviews()] == ["a", "b"]
    log.drop(lambda each: each.event_id == "a")
    log.close()
    log = EventLog(tmp_path / "events")
    log.append([event("a"), event("c")])
    assert [each.event_id for _, each in log.reviews()] == ["b", "c"]
    log.close()


def test_words_are_sealed_where_events_are_and_are_in_no_outcome(
    inside: Callable[..., Inside], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, new_key())
    service = inside()
    service.send(review("a", text="quince-lane"))
    assert [each["text"] for each in said(service)["reviews"]] == ["quince-lane"]
    service.stop()
    with closing(sqlite3.connect(tmp_path / "events")) as database:
        assert b"quince-lane" not in database.serialize()
    outcomes = read_outcomes(tmp_path / "decisions")
    assert outcomes["kind"].tolist() == ["review"]
    assert "quince-lane" not in outcomes.to_string()


def listen(address: str, *words: object) -> tuple[int, list[dict[str, Any]], str]:
    command = ["listen", address, "--days", "14", "--cooldown", "12", *map(str, words)]
    result = CliRunner().invoke(app, command)
    return (
        result.exit_code,
        [json.loads(line) for line in result.stdout.splitlines()],
        result.output,
    )


def test_a_listener_says_what_is_wrong_with_a_service(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    memory = ("--memory", tmp_path / "memory")
    assert "a service is asked for them anyway" in listen("http://127.0.0.1:9", "--reviews")[2]
    code, _, told = listen("http://127.0.0.1:9", *memory)
    assert code == 2 and "nothing answers at http://127.0.0.1:9/v1/reviews" in told
    service = serve(COUPON_REC_API_KEY="s3cret")
    address = f"http://127.0.0.1:{service.port}"
    assert "the key is missing or wrong" in listen(address, *memory)[2]
    headers = {"Authorization": "Bearer s3cret"}
    sent = {"events": [review("a", text="Sour."), review("b", item_id=77)]}
    assert service.client.post("/v1/events", json=sent, headers=headers).is_success
    key = ("--operator-key", "s3cret")
    assert "name labeled sentences" in listen(address, *memory, *key)[2]
    code, _, told = listen(address, *memory, *key, "--market", SAMPLE)
    assert code == 0
    assert "skipped, since it is about item 77, which the market does not have" in told
    with pytest.raises(SourceError, match="name another memory to begin anew"):
        next(read_service(address, {"elsewhere": 3}, key="s3cret"))
