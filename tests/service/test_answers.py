"""What the service answers, over HTTP, with the bundle of the sample market."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import DAY, Inside
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import Economics
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.http.settings import Settings

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
