"""What the service answers, over HTTP, with the bundle of the sample market."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from running import DAY, Inside
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import Economics
from coupon_rec.serving.http.settings import Settings


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
        proxy="10.0.0.2",
    )
    options = [
        word
        for name, value in given.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    environment = {f"COUPON_REC_{name.upper()}": str(value) for name, value in given.items()}
    place = ["serve", "bundle", "--host", "::1", "--port", "7", "--forwarded-allow-ips", "10.0.0.2"]
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
    monkeypatch.setattr("coupon_rec.serving.http.bundles.datetime", Clock)
    answer = service.client.post("/v1/recommendations", json={"user_id": 1})
    assert answer.json() == service.ask(1)
    monkeypatch.setattr(Clock, "moment", datetime(2026, 1, 1))
    refused = service.client.post("/v1/recommendations", json={"user_id": 1})
    assert refused.status_code == 409
    (found,) = refused.json()["fields"]
    assert found["field"] == "context.time"
    assert f"2026-01-01 is out of reach: send {DAY} to" in found["problem"]
    assert 'send the time of the shop, such as "context": {"time": ' in found["problem"]
