"""A replica that cannot hear of the others says so, and goes on trying."""

from collections.abc import Callable

import pytest
from running import Inside
from shop import Redis, until

from coupon_rec.serving.events.feature_store import FeatureStore


def test_an_exchange_that_fails_is_told_and_made_again(
    inside: Callable[..., Inside], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_rec.serving.http.service.RECOVER", 0.1)
    service = inside(redis=redis.url)

    def degraded() -> bool:
        return bool(service.client.get("/readyz").json()["degraded"])

    until(lambda: not degraded())
    with monkeypatch.context() as broken:
        broken.setattr(FeatureStore, "catch_up", lambda _: 1 // 0)
        until(degraded)
    until(lambda: not degraded())
