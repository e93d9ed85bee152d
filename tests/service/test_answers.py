"""What the service answers, over HTTP, with the bundle of the sample market."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import DAY, Inside, question
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import Economics
from coupon_rec.market import Market
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.opening import NO_DECISIONS
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import NOT_WORTH_IT

STRANGER = 10**12


@pytest.mark.parametrize("user_id", [1, 7, 60, STRANGER])
def test_the_coupons_are_those_of_scorer_store_and_economics(
    service: Inside, bundle: Path, user_id: int
) -> None:
    found = FeatureStore.load(bundle / "snapshot", Scorer.load(bundle).encoder).offers(user_id, DAY)
    p = Scorer.load(bundle).predict(found.arrays)["redeemed"]
    value = Economics().profit(p, found.spend_per_line, found.coupon_discount)
    best = np.argsort(-value)[:3]
    assert value[best[0]] > 0
    coupons = service.ask(user_id, k=3)["coupons"]
    wanted = [(found.coupon_id[row], p[row], value[row]) for row in best if value[row] > 0]
    assert [coupon["coupon_id"] for coupon in coupons] == [row[0] for row in wanted]
    assert np.allclose([coupon["probability"] for coupon in coupons], [row[1] for row in wanted])
    assert np.allclose([coupon["value"] for coupon in coupons], [row[2] for row in wanted])
    assert all(coupon["reason"] for coupon in coupons)


def test_nobody_is_sent_the_same_coupon_twice(service: Inside) -> None:
    for user_id in range(1, 61):
        coupons = [coupon["coupon_id"] for coupon in service.ask(user_id, k=100)["coupons"]]
        assert len(coupons) == len(set(coupons))


def test_an_unknown_user_gets_the_cold_start_answer_marked_as_such(service: Inside) -> None:
    assert service.ask(1)["known"]
    cold = service.ask(STRANGER)
    assert not cold["known"]
    assert cold["coupons"]


def test_who_is_held_out_of_a_campaign_is_given_none_of_its_coupons(
    service: Inside, market: Market
) -> None:
    held = market.holdouts.to_pandas().query("campaign_id == 4")["user_id"].tolist()
    assert [service.ask(user_id)["coupons"] for user_id in held] == [[]] * 6


def test_an_answer_says_whether_the_user_was_mailed_the_coupons(
    service: Inside, market: Market
) -> None:
    mailed = set(market.offers.to_pandas().query("campaign_id == 4")["user_id"])
    for user_id in range(1, 61):
        answer = service.ask(user_id)
        assert answer["mailed"] is (user_id in mailed)
    assert not service.ask(STRANGER)["mailed"] and service.ask(STRANGER)["coupons"]


def test_no_coupon_is_an_answer(service: Inside) -> None:
    nothing = service.ask(1, DAY + timedelta(days=300))
    assert (nothing["coupons"], nothing["note"]) == ([], "no coupon is live for this user")


def test_what_a_redemption_is_worth_is_for_the_retailer_to_say(
    inside: Callable[..., Inside],
) -> None:
    def answer(**economics: float) -> dict[str, Any]:
        service = inside(economics=Economics(**economics), decisions=NO_DECISIONS)
        found = service.ask(2)
        service.stop()
        return found

    usual, dearer, nothing_gained = answer(), answer(margin=0.5), answer(incremental=0)
    assert dearer["coupons"][0]["value"] > usual["coupons"][0]["value"] > 0
    assert (nothing_gained["coupons"], nothing_gained["note"]) == ([], NOT_WORTH_IT)


def test_every_option_of_the_command_reaches_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr("coupon_rec.serving.http.server.serve", lambda *all: called.append(all))
    texts = {"log": "l", "redis": "r", "api_key": "a", "decisions": "d", "pseudonym_key": "p"}
    texts["operator_key"] = "o"
    numbers = {"margin": 0.1, "incremental": 0.2, "retailer_match": 0.3, "contact": 0.4}
    others = {"rate": 5.0, "explore": 0.5, "explore_floor": 0.25, "explore_seed": 6}
    others |= {"users_per_client": 7.0, "asks_per_user": 8.0}
    given = {**texts, **numbers, **others}
    wanted = Settings(
        **{**texts, **others, "log": Path("l"), "decisions": Path("d")},  # type: ignore[arg-type]
        economics=Economics(**numbers),
    )
    options = [
        word
        for name, value in given.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    environment = {f"COUPON_REC_{name.upper()}": str(value) for name, value in given.items()}
    place = ["serve", "bundle", "--host", "::1", "--port", "7"]
    for extra, env in ((options, {}), ([], environment)):
        assert CliRunner().invoke(app, [*place, *extra], env=env).exit_code == 0
    assert called == [(Path("bundle"), "::1", 7, wanted)] * 2


def test_the_second_answer_comes_from_the_cache_and_is_the_same(service: Inside) -> None:
    first, before = service.ask(2), service.metric("coupon_rec_cached_total")
    assert service.ask(2) == first
    assert service.metric("coupon_rec_cached_total") == before + 1
    assert service.ask(2, k=1)["coupons"] == first["coupons"][:1]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"user_id": ""}, "user_id", "a whole number from 0 to 9007199254740991, or 1 to 100"),
        ({"user_id": "x" * 101}, "user_id", "a whole number from 0 to 9007199254740991, or 1"),
        ({"user_id": "\ud800"}, "user_id", "a whole number from 0 to 9007199254740991, or 1"),
        ({"user_id": 10**30}, "user_id", "a whole number from 0 to 9007199254740991, or 1"),
        ({"user_id": 1.5}, "user_id", "a whole number from 0 to 9007199254740991, or 1"),
        ({"user_id": True}, "user_id", "a whole number from 0 to 9007199254740991, or 1"),
        ({"k": 0}, "k", "greater than or equal to 1"),
        ({"k": 1.5}, "k", "valid integer"),
        ({"context": {}}, "context.time", "required"),
        ({"context": {"time": "soon"}}, "context.time", "such as 2017-11-20T09:30:00"),
        ({"context": {"time": 0}}, "context.time", "such as 2017-11-20T09:30:00"),
        ({"context": {"time": "2017-02-30T00:00:00"}}, "context.time", "day"),
        ({"colour": "red"}, "colour", "not permitted"),
    ],
)
def test_bad_input_is_named(
    service: Inside, change: dict[str, object], field: str, words: str
) -> None:
    body = json.dumps({**question(1), **change}).encode()  # which may spell half a character
    headers = {"Content-Type": "application/json"}
    answer = service.client.post("/v1/recommendations", content=body, headers=headers)
    assert answer.status_code == 422
    (found,) = answer.json()["fields"]
    assert found["field"] == field
    assert words in found["problem"]


@pytest.mark.parametrize("day", [DAY - timedelta(days=1), DAY + timedelta(days=366)])
def test_a_day_that_the_features_do_not_reach_is_refused(service: Inside, day: date) -> None:
    asked = service.client.post("/v1/recommendations", json=question(1, day))
    listed = service.client.get("/v1/coupons", params={"day": str(day)})
    for answer, field in ((asked, "context.time"), (listed, "day")):
        assert answer.status_code == 409
        (found,) = answer.json()["fields"]
        assert (found["field"], f"send {DAY} to" in found["problem"]) == (field, True)


class Clock(datetime):
    """A clock of a server that a test sets."""

    moment = datetime(2017, 6, 1, 9)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        """The time that the test has set."""
        return cls.moment


def test_without_a_context_now_is_meant(service: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coupon_rec.serving.http.app.datetime", Clock)
    answer = service.client.post("/v1/recommendations", json={"user_id": 1})
    assert answer.json() == service.ask(1)
    monkeypatch.setattr(Clock, "moment", datetime(2026, 1, 1))
    refused = service.client.post("/v1/recommendations", json={"user_id": 1})
    assert refused.status_code == 409
    (found,) = refused.json()["fields"]
    assert found["field"] == "context.time"
    assert f"2026-01-01 is out of reach: send {DAY} to" in found["problem"]
    assert 'send the time of the shop, such as "context": {"time": ' in found["problem"]


def test_a_text_that_spells_the_number_of_a_user_is_that_user(service: Inside) -> None:
    assert service.ask("2") == service.ask(2)
    assert not service.ask("nobody")["known"]
    assert service.ask("nobody")["user_id"] == "nobody"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'{"user_id": NaN}',
        b'{"\\ud800": 1}',
        b'{"user_id": "\xff"}',
        b"[" * 100_000,
        b'{"user_id": ' + b"9" * 10_000 + b"}",
    ],
)
def test_a_body_that_is_no_request_is_refused_in_words(service: Inside, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.client.post("/v1/recommendations", content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert answer.json()["fields"]


def test_a_body_over_the_limit_is_refused_with_or_without_its_length(service: Inside) -> None:
    large = [b" " * 2**18] * 5
    headers = {"Content-Type": "application/json"}
    for content in (b"".join(large), iter(large)):
        answer = service.client.post("/v1/events", content=content, headers=headers)
        assert answer.status_code == 413
        assert "send less at a time" in answer.json()["error"]


def test_what_is_not_there_is_said_in_the_same_form(service: Inside) -> None:
    assert service.client.get("/v1/nothing").json()["error"]
    assert service.client.put("/v1/events").status_code == 405


def test_the_coupons_that_run_are_listed(service: Inside) -> None:
    listed = service.client.get("/v1/coupons", params={"day": str(DAY)}).json()
    assert {(coupon["campaign_id"], coupon["coupon_id"]) for coupon in listed["coupons"]} >= {
        (coupon["campaign_id"], coupon["coupon_id"]) for coupon in service.ask(1, k=100)["coupons"]
    }
    later = service.client.get("/v1/coupons", params={"day": "2018-01-01"}).json()
    assert later == {"day": "2018-01-01", "coupons": []}


def test_it_says_that_it_lives_is_ready_and_what_it_counts(service: Inside, bundle: Path) -> None:
    assert service.client.get("/healthz").json() == {"status": "ok"}
    assert service.client.get("/readyz").json() == {
        "status": "ok",
        "bundle": Scorer.load(bundle).version,
        "day": str(DAY),
        "degraded": False,
        "trial": None,
    }
    name = 'coupon_rec_requests_total{route="/v1/recommendations",status="200"}'
    before = service.metric(name)
    service.ask(1)
    assert service.metric(name) == before + 1
    assert service.metric('coupon_rec_waiting{queue="model"}') == 0


def test_the_examples_of_the_documentation_are_taken(service: Inside) -> None:
    schemas = service.client.get("/openapi.json").json()["components"]["schemas"]
    asked = {
        **schemas["RecommendationRequest"]["examples"][0],
        "context": {"time": f"{DAY}T12:00:00"},
    }
    assert service.client.post("/v1/recommendations", json=asked).status_code == 200
    sent = schemas["EventBatch"]["examples"][0]
    assert service.client.post("/v1/events", json=sent).json() == {"accepted": 1}
