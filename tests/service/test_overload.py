"""When more is asked than can be answered, some are turned away and the others are answered."""

from collections import Counter
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from running import together
from shop import purchase, question

from coupon_rec.serving.events.feature_store import FeatureStore, StoreFullError


def test_beyond_its_queue_the_service_sheds_and_says_when_to_come_again(
    app: Callable[..., FastAPI],
) -> None:
    asked = [("/v1/recommendations", question(user_id)) for user_id in range(1, 61)]
    answers = together(app(queue_limit=8), *asked)
    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {200, 503}
    assert found[200] >= 8
    shed = next(answer for answer in answers if answer.status_code == 503)
    assert shed.headers["Retry-After"] == "1"
    assert "try again" in shed.json()["error"]


def test_what_is_turned_away_is_counted_and_events_that_come_again_count_once(
    app: Callable[..., FastAPI],
) -> None:
    crowded = app(queue_limit=2)
    sent = [("/v1/events", {"events": [purchase(number, number)]}) for number in range(40)]
    answers = together(crowded, *sent, again=True)
    refused = [answer for answer in answers[:40] if answer.status_code != 200]
    assert {(each.status_code, each.headers["Retry-After"]) for each in refused} == {(503, "1")}
    assert {answer.status_code for answer in answers[40:]} == {200}
    assert crowded.state.service.recommender.store.counted == 40
    calls = crowded.state.service.metrics.registry.get_sample_value
    assert calls("coupon_rec_turned_away_total", {"queue": "log"}) == len(refused) > 0
    assert calls("coupon_rec_turned_away_total", {"queue": "model"}) == 0


def test_requests_that_arrive_together_go_into_one_call_of_the_model(
    app: Callable[..., FastAPI],
) -> None:
    service = app()
    asked = [("/v1/recommendations", question(user_id)) for user_id in range(1, 41)]
    assert {answer.status_code for answer in together(service, *asked)} == {200}
    calls = service.state.service.metrics.registry.get_sample_value
    assert calls("coupon_rec_batch_requests_sum") == 40
    assert calls("coupon_rec_batch_requests_count") < 10


@pytest.mark.parametrize("error", [StoreFullError("full"), OSError("no space left")])
def test_events_that_cannot_be_kept_are_not_accepted(
    app: Callable[..., FastAPI], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> object:
        raise error

    monkeypatch.setattr(FeatureStore, "add", refuse)
    (answer,) = together(app(), ("/v1/events", {"events": [purchase(1, 1)]}))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "send them again" in answer.json()["error"]
