"""A request names its platform: it has a model of its own, the main one, or a clear refusal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import DAY, Inside, exported, files
from shop import question

from coupon_rec.market import Market
from coupon_rec.serving.events.decision_reader import read_decisions
from coupon_rec.serving.http.settings import Settings

USER = 7
URL = "/v1/recommendations"


@pytest.fixture(scope="module")
def two(
    market: Market, offers: pd.DataFrame, model: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The bundle of the other tests, with a model for phones."""
    from coupon_rec.models import adapted

    phone = adapted(model)
    rng = np.random.default_rng(0)
    for weight in phone.trainable_variables:
        weight.assign_add(0.3 * rng.standard_normal(weight.shape))
    folder = tmp_path_factory.mktemp("platforms") / "bundle"
    return exported(model, folder, offers, market, platforms={"phone": phone})


@pytest.fixture(scope="module")
def both(two: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    service = Inside(two, Settings(**files(tmp_path_factory.mktemp("service"))))
    yield service
    service.stop()


def probabilities(service: Inside, **more: object) -> dict[int, float]:
    answer = service.client.post(URL, json=question(USER, k=100) | more)
    assert answer.status_code == 200, answer.text
    return {each["coupon_id"]: each["probability"] for each in answer.json()["coupons"]}


def test_the_web_is_answered_to_the_bit_as_before_there_were_phones(
    service: Inside, both: Inside
) -> None:
    assert probabilities(both) == probabilities(service)


def test_a_phone_is_answered_by_its_own_model(both: Inside) -> None:
    recommender = both.app.state.service.recommender
    scorer, store = recommender.scorer, recommender.store
    (candidates,) = store.offers_of([(USER, DAY)])
    for platform in (None, "phone"):
        p = scorer.on(platform).predict(candidates.arrays, ["redeemed"])["redeemed"]
        best = pd.Series(p, candidates.coupon_id).groupby(level=0).max()
        found = probabilities(both, platform=platform)
        assert len(found) > 5
        assert all(np.isclose(best[coupon], each, atol=1e-9) for coupon, each in found.items())
    assert probabilities(both, platform="phone") != probabilities(both)


def test_an_account_of_a_phones_coupon_adds_up_to_the_phones_probability(both: Inside) -> None:
    body = question(USER, k=5) | {"explain": True, "platform": "phone"}
    for coupon in both.client.post(URL, json=body).json()["coupons"]:
        account = coupon["account"]
        parts = [account["others"], *account["topics"].values()]
        log_p = sum(part["bought"] + part["redeemed_if_bought"] for part in parts)
        assert log_p == pytest.approx(np.log(coupon["probability"]), abs=1e-9)


@pytest.mark.parametrize("platform", ["watch", "Phone"])
def test_an_unknown_platform_is_refused_by_its_field(platform: str, both: Inside) -> None:
    answer = both.client.post(URL, json=question(USER) | {"platform": platform})
    assert answer.status_code == 409
    (found,) = answer.json()["fields"]
    assert found["field"] == "platform"
    assert platform in found["problem"]
    assert "phone" in found["problem"]


def test_the_log_of_decisions_keeps_the_platform(
    two: Path, tmp_path: Path, inside: Callable[..., Inside]
) -> None:
    service = inside(two)
    for platform in (None, "phone"):
        probabilities(service, platform=platform)
    service.stop()
    log = read_decisions(tmp_path / "decisions")
    answers = log.drop_duplicates("request_id")["platform"]
    assert sorted(answers) == ["", "phone"]


def test_a_trial_without_the_platforms_in_service_is_refused(
    two: Path, bundle: Path, inside: Callable[..., Inside]
) -> None:
    with pytest.raises(ValueError, match="no model for phone"):
        inside(two, trial=bundle)
