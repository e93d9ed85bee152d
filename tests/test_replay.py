"""The stored answers come out again, and a comparison tells a difference from a tie."""

from pathlib import Path
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


def test_coupons_of_the_same_value_may_change_places() -> None:
    first, second, third = coupon(501, 0.5), coupon(502, 0.5 + 4e-7), coupon(503, 0.4)
    one = answer(second, first, third)
    assert replay.differences(one, answer(first, second, third)) == {"ties"}
    assert replay.differences(one, answer(second, third, first)) == {"coupons"}


def test_an_account_is_compared_to_its_last_number() -> None:
    said, less = (
        answer(coupon(501, account={"rivals": 7, "topics": {"habit": {"bought": number}}}))
        for number in (0.8, 0.7)
    )
    assert replay.differences(said, said) == set()
    assert replay.differences(said, less) == {"values"}


def test_items_are_compared_by_their_probability() -> None:
    def items(*ids: int, reason: str = "bought twice") -> dict[str, Any]:
        return {"items": [{"item_id": n, "probability": 0.3, "reason": reason} for n in ids]}

    assert replay.differences(items(1, 2), items(2, 1)) == {"ties"}
    assert replay.differences(items(1, 2), items(1, 3)) == {"coupons"}
    assert replay.differences(items(1), items(1, reason="new")) == {"reasons"}


def test_a_refusal_may_be_worded_anew_but_names_the_same_field() -> None:
    def refusal(field: str, error: str = "fix it", status: int = 422) -> dict[str, Any]:
        return {"status": status, "error": error, "fields": [{"field": field, "problem": error}]}

    assert replay.differences(refusal("k"), refusal("k", "mend it")) == set()
    assert replay.differences(refusal("k"), refusal("user_id")) == {"others"}
    assert replay.differences(refusal("k"), refusal("k", status=409)) == {"others"}


def test_a_comparison_counts_shows_the_first_of_each_kind_and_fails_unless_all_are_ties(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = answer(coupon(501, 0.5), coupon(502, 0.3))
    tie = answer(coupon(501, 0.5), coupon(502, 0.4 + 4e-7))
    counts, said = replay.compare([GIVEN] * 8, [GIVEN, tie, *[changed] * 6])
    assert counts == {"same": 1, "ties": 1, "values": 6}
    assert "answer 7" in said and "answer 8" not in said and "0.300000000" in said
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    for other, code in ((tie, 0), (changed, 1)):
        replay.write(a, iter([GIVEN]))
        replay.write(b, iter([other]))
        assert replay.say(replay.read(a), replay.read(b)) == code
    assert "502" in capsys.readouterr().out


def test_the_same_number_of_answers_is_needed() -> None:
    with pytest.raises(ValueError, match="longer"):
        replay.compare([GIVEN], [GIVEN, GIVEN])


def test_the_seed_makes_the_stored_requests() -> None:
    assert [*replay.made_requests()] == replay.read(replay.REQUESTS)


def test_the_stored_answers_come_out_again() -> None:
    counts, said = replay.compare(replay.read(replay.ANSWERS), [*replay.record(replay.ROOT)])
    assert counts.keys() <= {"same", "ties"} and counts.total() == replay.COUNT, said
