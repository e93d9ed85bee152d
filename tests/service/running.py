"""A service in this process, as the tests start and ask it; `shop` has one in its own."""

import asyncio
import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import shop
from shop import Service, purchase
from starlette.testclient import TestClient

from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import Market
from coupon_rec.serving.bundle import exporting
from coupon_rec.serving.bundle.manifest import NAME, seal
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import Settings

DAY = date.fromisoformat(shop.DAY)
"""Of the snapshot of the sample market: its fourth campaign runs."""


def did(kind: str, name: object, user_id: int | str = 1, **fields: Any) -> dict[str, Any]:
    """What a user does at noon of that day."""
    event = {each: purchase(name, user_id)[each] for each in ("event_id", "user_id", "time")}
    return {**event, "kind": kind, **fields}


def review(name: object, stars: int = 4, **fields: Any) -> dict[str, Any]:
    """What user 1 says about an item."""
    return did("review", f"said-{name}", **{"item_id": 1001, "rating": stars, **fields})


def exported(model: Any, path: Path, offers: pd.DataFrame, market: Market, **more: Any) -> Path:
    """Export a model of the sample market in the one format that is served."""
    snapshot = partial(write_snapshot, market, DAY)
    with pytest.MonkeyPatch.context() as only:
        only.setattr(exporting, "model_card", lambda *_: "")
        return exporting.export(model, path, offers, snapshot=snapshot, **more)


def sealed(folder: Path, **facts: object) -> Path:
    """Seal a bundle whose files have changed."""
    (folder / NAME).unlink()
    seal(folder, {"created": "", "packages": {}, "differences": {}, **facts})
    return folder


def recalibrate(folder: Path, intercept: float) -> Path:
    """Turn a bundle into another one, whole and with a version of its own."""
    path = folder / "calibration.json"
    lines = json.loads(path.read_text())
    lines["redeemed"]["intercept"] = intercept
    path.write_text(json.dumps(lines))
    return sealed(folder)


def together(app: Any, *requests: tuple[str, object], again: bool = False) -> list[httpx.Response]:
    """Send requests all at once, and perhaps again one by one, to a service in this process."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            found = await asyncio.gather(*(client.post(path, json=body) for path, body in requests))
            if again:
                found += [await client.post(path, json=body) for path, body in requests]
            return found

    return asyncio.run(send())


def files(folder: Path) -> dict[str, Path]:
    """Where a service of a test writes."""
    return {"log": folder / "events", "decisions": folder / "decisions"}


class Inside(Service):
    """A service in this process."""

    def __init__(self, bundle: Path, settings: Settings) -> None:
        self.app = create_app(bundle, settings)
        self.client = TestClient(self.app, raise_server_exceptions=False)
        self.client.__enter__()

    def stop(self) -> None:
        """End it in an orderly way."""
        self.client.__exit__()
