"""Reviews reach the service as events, and a listener hears them from there."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from running import Inside, files, review
from shop import SAMPLE, Redis, Service, purchase, until
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.listening import SourceError, read_service
from coupon_rec.privacy import new_key
from coupon_rec.privacy.vault import VARIABLE
from coupon_rec.serving.events.decision_reader import read_outcomes
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import EventLog


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
    first, second = found["reviews"]
    assert set(first) == {"position", "time", "item_id", "rating", "text"}
    assert (first["rating"], first["text"]) == (2, "Sour milk — again.")
    assert (second["rating"], second["text"]) == (5, None)
    assert said(service, log=found["log"], after=first["position"])["reviews"] == [second]
    assert said(service, most=1)["reviews"] == [first]
    for place in ({"log": "elsewhere", "after": 3}, {"log": found["log"], "after": 9}):
        refused = service.client.get("/v1/reviews", params=place)
        assert refused.status_code == 409, "another log, or a copy that was put back"
        assert "ask the replica that gave it" in refused.json()["error"]
    service.stop()
    assert said(inside()) == found


def test_half_a_character_is_refused(service: Inside) -> None:
    body = json.dumps({"events": [review("half", text="x\ud800")]})
    headers = {"Content-Type": "application/json"}
    assert service.client.post("/v1/events", content=body, headers=headers).status_code == 422
    assert not said(service)["reviews"]


def event(name: str) -> Event:
    """A review of a person."""
    return Event(name, 1, datetime(2017, 6, 1), "review", item_id=1001, rating=3)


def test_a_position_is_given_once_though_reviews_are_dropped_or_forgotten(tmp_path: Path) -> None:
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


def test_each_replica_gives_every_review_from_its_own_log(
    inside: Callable[..., Inside], redis: Redis, tmp_path: Path
) -> None:
    one, two = (inside(redis=redis.url, **files(tmp_path / name)) for name in ("one", "two"))
    assert one.send(review("a", 1, text="Sour.")).is_success
    until(lambda: said(two)["reviews"])
    assert [each["text"] for each in said(two)["reviews"]] == ["Sour."]
    assert said(one)["log"] != said(two)["log"]


def test_a_listener_says_what_is_wrong_with_a_service(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    def listen(address: str, *words: object) -> tuple[int, str]:
        command = ["listen", address, "--days", "14", "--cooldown", "12", *map(str, words)]
        result = CliRunner().invoke(app, command)
        return result.exit_code, result.output

    nobody, memory = "http://127.0.0.1:9", ("--memory", tmp_path / "memory")
    assert "a service is asked for them anyway" in listen(nobody, "--reviews")[1]
    code, told = listen(nobody, *memory)
    assert code == 2 and f"nothing answers at {nobody}/v1/reviews" in told
    service = serve(COUPON_REC_API_KEY="s3cret")
    address = f"http://127.0.0.1:{service.port}"
    assert "the key is missing or wrong" in listen(address, *memory)[1]
    headers = {"Authorization": "Bearer s3cret"}
    sent = {"events": [review("a", text="Sour."), review("b", item_id=77)]}
    assert service.client.post("/v1/events", json=sent, headers=headers).is_success
    key = ("--operator-key", "s3cret")
    assert "name labeled sentences" in listen(address, *memory, *key)[1]
    code, told = listen(address, *memory, *key, "--market", SAMPLE)
    assert code == 0
    assert "skipped, since it is about item 77, which the market does not have" in told
    with pytest.raises(SourceError, match="name another memory to begin anew"):
        next(read_service(address, {"elsewhere": 3}, key="s3cret"))
