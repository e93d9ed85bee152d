"""A service in this process, as the tests start and ask it; `shop` has one in its own."""

from datetime import date
from pathlib import Path
from typing import Any

import shop
from shop import Service, purchase
from starlette.testclient import TestClient

from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.settings import Settings

DAY = date.fromisoformat(shop.DAY)
"""Of the snapshot of the sample market: its fourth campaign runs."""


def review(name: object, stars: int = 4, **fields: Any) -> dict[str, Any]:
    """What user 1 says about an item, at noon of that day."""
    names = ("event_id", "user_id", "time", "item_id")
    event = {each: purchase(f"said-{name}", 1)[each] for each in names}
    return {**event, "kind": "review", "rating": stars, **fields}


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
