"""Who is let in, how often, and what of it is written down."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from running import DAY, Inside, Running

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.security import RateLimit, key_is_right
from coupon_rec.serving.http.service import NO_DECISIONS
from coupon_rec.serving.http.settings import Settings

ASKED = {"user_id": 424_242, "context": {"time": f"{DAY}T12:00:00"}}
PERSONAL = ("424242", "Ada-Lovelace", "31.07")


def test_with_a_key_configured_only_its_holder_is_answered(
    inside: Callable[..., Inside], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service = inside(api_key="s3cret")
    for headers in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "s3cret"}):
        answer = service.client.post("/v1/recommendations", json=ASKED, headers=headers)
        assert answer.status_code == 401
        assert "Authorization: Bearer KEY" in answer.json()["error"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    key = {"Authorization": "Bearer s3cret"}
    assert service.client.post("/v1/recommendations", json=ASKED, headers=key).is_success
    assert service.client.get("/metrics").status_code == 401
    assert service.client.get("/healthz").is_success
    assert service.client.get("/readyz").is_success
    assert "HTTPBearer" in service.client.get("/openapi.json", headers=key).text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("sent", "right"),
    [("Bearer ключ".encode(), True), ("Bearer ключ".encode("cp1251"), False), (b"", False)],
)
def test_a_key_is_compared_byte_by_byte(sent: bytes, right: bool) -> None:
    assert key_is_right(Settings(api_key="ключ"), sent) is right


def test_a_bucket_lets_a_burst_through_and_refills() -> None:
    limit = RateLimit(2)
    assert [limit.wait("a", 0.0) for _ in range(3)] == [0, 0, 0.5]
    assert limit.wait("b", 0.0) == 0
    assert limit.wait("a", 0.5) == 0
    assert limit.wait("a", 0.5) == pytest.approx(0.5)


def test_beyond_the_rate_a_client_is_told_to_wait(inside: Callable[..., Inside]) -> None:
    service = inside(rate=0.01)
    answers = [service.client.post("/v1/recommendations", json=ASKED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert 90 < int(answers[-1].headers["Retry-After"]) <= 100
    assert service.client.get("/healthz").is_success


def test_no_line_of_the_log_holds_what_a_user_sent(serve: Callable[..., Running]) -> None:
    service = serve()
    event = {
        "event_id": "Ada-Lovelace",
        "kind": "purchase",
        "user_id": 424_242,
        "time": f"{DAY}T12:00:00",
        "basket_id": 1,
        "item_id": 1001,
        "amount": 31.07,
    }
    assert service.client.post("/v1/recommendations", json=ASKED).is_success
    assert service.client.post("/v1/events", json={"events": [event]}).is_success
    wrong = {"events": [{**event, "amount": "31.07", "Ada-Lovelace": 424_242}]}
    assert service.client.post("/v1/events", json=wrong).status_code == 422
    with service.client.stream("GET", "/v1/users/424242/stream") as stream:
        assert next(stream.iter_lines()) == "event: coupon"
    words = service.stop()
    assert "Uvicorn running" in words
    assert [word for word in PERSONAL if word in words] == []


def test_an_internal_error_is_answered_and_logged_by_its_place_alone(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS))

    def broken(*_: object) -> object:
        raise KeyError("user 424242 is Ada-Lovelace")

    monkeypatch.setattr(app.state.service.recommender.store, "offers_of", broken)
    caplog.set_level(logging.DEBUG)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/v1/recommendations", json=ASKED)

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.json()["error"]
    assert "KeyError at" in caplog.text
    assert [word for word in PERSONAL if word in caplog.text + answer.text] == []
