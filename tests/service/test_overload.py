"""When more is asked than can be answered, some are turned away and the others are answered."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from shop import purchase, question

from coupon_rec.serving.events.feature_store import StoreFullError
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings


def together(
    bundle: Path, settings: Settings, *requests: tuple[str, object]
) -> list[httpx.Response]:
    """Send requests all at once, to a service in this process."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(bundle, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await asyncio.gather(*(client.post(path, json=body) for path, body in requests))

    return asyncio.run(send())


def test_beyond_its_queue_the_service_sheds_and_says_when_to_come_again(
    bundle: Path, tmp_path: Path
) -> None:
    asked = [("/v1/recommendations", question(user_id)) for user_id in range(1, 61)]
    answers = together(
        bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS, queue_limit=8), *asked
    )
    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {200, 503}
    assert found[200] >= 8
    shed = next(answer for answer in answers if answer.status_code == 503)
    assert shed.headers["Retry-After"] == "1"
    assert "try again" in shed.json()["error"]


def test_what_is_turned_away_is_counted_and_events_that_come_again_count_once(
    bundle: Path, tmp_path: Path
) -> None:
    async def crowd() -> tuple[list[httpx.Response], list[httpx.Response], FastAPI]:
        app = create_app(
            bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS, queue_limit=2)
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            bodies = [{"events": [purchase(number, number)]} for number in range(40)]
            first = await asyncio.gather(*(client.post("/v1/events", json=b) for b in bodies))
            again = [await client.post("/v1/events", json=body) for body in bodies]
        return first, again, app

    first, again, app = asyncio.run(crowd())
    refused = [answer for answer in first if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert {answer.status_code for answer in again} == {200}
    assert app.state.service.recommender.store.counted == 40
    calls = app.state.service.metrics.registry.get_sample_value
    assert calls("coupon_rec_turned_away_total", {"queue": "log"}) == len(refused) > 0
    assert calls("coupon_rec_turned_away_total", {"queue": "model"}) == 0


def test_requests_that_arrive_together_go_into_one_call_of_the_model(
    bundle: Path, tmp_path: Path
) -> None:
    async def batches() -> float:
        app = create_app(bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sent = (client.post("/v1/recommendations", json=question(n)) for n in range(1, 41))
            assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
        calls = app.state.service.metrics.registry.get_sample_value
        assert calls("coupon_rec_batch_requests_sum") == 40
        return float(calls("coupon_rec_batch_requests_count"))

    assert asyncio.run(batches()) < 10


@pytest.mark.parametrize("error", [StoreFullError("full"), OSError("no space left")])
def test_events_that_cannot_be_kept_are_not_accepted(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> object:
        raise error

    monkeypatch.setattr("coupon_rec.serving.events.feature_store.FeatureStore.add", refuse)
    sent = ("/v1/events", {"events": [purchase(1, 1)]})
    (answer,) = together(bundle, Settings(tmp_path / "events", decisions=NO_DECISIONS), sent)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "send them again" in answer.json()["error"]
