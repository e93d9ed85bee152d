"""The stored answers come out again, and a comparison tells a difference from a tie."""

from typing import Any

import pytest
import replay


def coupon(number: int, value: float = 0.5, reason: str = "you buy these", **more: Any) -> Any:
    names = {"campaign_id": 4, "coupon_id": number}
    return {**names, "probability": value / 2, "value": value, "reason": reason, **more}


def answer(*coupons: Any, **more: Any) -> dict[str, Any]:
    return {"status": 200, "user_id": 1, "bundle": "one", "coupons": [*coupons], "note": "", **more}


GIVEN = answer(coupon(501, 0.5), coupon(502, 0.4))


@pytest.mark.parametrize(
    ("other", "kinds"),
    [
        (answer(coupon(501, 0.5), coupon(502, 0.4), bundle="two"), set()),
        (answer(coupon(501, 0.5), coupon(503, 0.4)), {"coupons"}),
        (answer(coupon(501, 0.5)), {"coupons"}),
        (answer(coupon(502, 0.4), coupon(501, 0.5)), {"coupons"}),
        (answer(coupon(501, 0.5), coupon(502, 0.4001)), {"values"}),
        (answer(coupon(501, 0.5, probability=0.26), coupon(502, 0.4)), {"values"}),
        (answer(coupon(501, 0.5, propensity=1.0), coupon(502, 0.4)), {"values"}),
        (answer(coupon(501, 0.5, "of yours"), coupon(502, 0.4)), {"reasons"}),
        (answer(coupon(501, 0.5, cold="user"), coupon(502, 0.4)), {"reasons"}),
        (answer(coupon(501, 0.5, "of yours"), coupon(503, 0.4)), {"coupons", "reasons"}),
        (answer(coupon(501, 0.5), coupon(502, 0.4), mailed=False), {"others"}),
        (answer(coupon(501, 0.5), coupon(502, 0.4 + 4e-7)), {"ties"}),
        (answer(coupon(501, 0.5 + 4e-7), coupon(502, 0.4, "of yours")), {"reasons"}),
    ],
)
def test_an_answer_differs_in_its_coupons_its_values_its_reasons_or_not_at_all(
    other: dict[str, Any], kinds: set[str]
) -> None:
    assert replay.differences(GIVEN, other) == kinds
    assert replay.differences(other, GIVEN) == kinds


def test_the_seed_makes_the_stored_requests() -> None:
    assert [*replay.made_requests()] == replay.read(replay.REQUESTS)


def test_the_stored_answers_come_out_again() -> None:
    counts, said = replay.compare(replay.read(replay.ANSWERS), [*replay.record(replay.ROOT)])
    assert counts.keys() <= {"same", "ties"} and counts.total() == replay.COUNT, said
