"""Which items the service gives a user: as the package does, moved by events, for strangers too."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from running import DAY, Inside
from shop import Service, question

from coupon_rec import recommend_items
from coupon_rec.market import Market

STRANGER = 10**12


def items_of(service: Service, user_id: int | str, k: int = 10) -> dict[str, Any]:
    """Ask for the items of a user, and insist on an answer."""
    answer = service.client.post("/v1/items", json=question(user_id, k=k))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def wanted(market: Market) -> pd.DataFrame:
    """What the package recommends for a day of which nothing but its own date is known."""
    purchases = market.purchases.to_pandas()
    users = [1, 7, 60, STRANGER]
    past = purchases[purchases["time"] < pd.Timestamp(DAY)]
    return recommend_items(past, day=DAY, users=users)


@pytest.mark.parametrize("user_id", [1, 7, 60, STRANGER])
def test_the_items_are_those_of_the_package(
    process: Service, wanted: pd.DataFrame, user_id: int
) -> None:
    answer = items_of(process, user_id)
    mine = wanted[wanted["user_id"] == user_id]
    assert answer["known"] is (user_id < 60), "user 60 has bought nothing yet"
    assert answer["user_id"] == user_id
    assert answer["day"] == str(DAY)
    assert {each["item_id"] for each in answer["items"]} == set(mine["item_id"])
    p = [each["probability"] for each in answer["items"]]
    assert p == sorted(p, reverse=True)
    # The package looks as of the morning, the service as of the evening: a day more has faded.
    assert p == pytest.approx(mine["probability"].to_list(), rel=0.02)
    assert all(each["reason"] for each in answer["items"])


def test_a_text_that_spells_the_number_of_a_user_is_that_user(process: Service) -> None:
    assert items_of(process, "7") == items_of(process, 7)
    assert items_of(process, "nobody")["user_id"] == "nobody"


def test_items_are_given_after_a_reload_too(inside: Callable[..., Inside]) -> None:
    service = inside()
    first = items_of(service, 1)
    assert service.client.post("/v1/reload").is_success
    assert items_of(service, 1) == first
