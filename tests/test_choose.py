"""Rules decide what may be sent, and every offer is told why it is sent or not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.decisions import (
    Economics,
    Rules,
    best_coupon,
    choose,
    expected_discount,
    refusals,
    sensitivity,
)
from coupon_rec.features import NEVER

CHANCE = np.array([0.3, 0.2, 0.3, 0.001])
TEXT: dict[Any, Any] = {"10": 0}
"""As a file of settings has it."""


def offers(**columns: list[Any]) -> pd.DataFrame:
    """Three coupons for user 7 and one for user 8, all in campaign 1."""
    table = {
        "campaign_id": [1, 1, 1, 1],
        "user_id": [7, 7, 7, 8],
        "coupon_id": [10, 11, 12, 10],
        "spend_per_line": [8.0, 20.0, 4.0, 8.0],
        "discount": [1.0, 1.0, 2.0, 1.0],
        "match_recency": [3.0, NEVER, NEVER, NEVER],
        "match_distinct_items": [2.0, 0.0, 0.0, 0.0],
        "match_category_recency": [3.0, 1.0, NEVER, NEVER],
        "user_redemption_recency": [NEVER, NEVER, NEVER, 40.0],
    }
    return pd.DataFrame(table | columns)


def reasons(rules: Rules | None = None, budget: float | None = None, **columns: Any) -> list[str]:
    return choose(offers(**columns), CHANCE, rules, budget=budget)["reason"].tolist()


def test_without_rules_the_choice_is_that_of_best_coupon() -> None:
    rng = np.random.default_rng(0)
    many = pd.concat([offers().assign(user_id=user) for user in range(50)], ignore_index=True)
    many = many.drop_duplicates(["user_id", "coupon_id"])
    p = rng.uniform(0, 0.1, len(many))
    sent = choose(many, p).query("sent").sort_values("user_id")
    best = best_coupon(many, p).dropna(subset="coupon_id")
    assert sent["coupon_id"].tolist() == best["coupon_id"].tolist()
    assert sent["value"].tolist() == best["value"].tolist()
    assert sent["reason"].tolist() == best["reason"].tolist()


def test_each_offer_has_a_reason() -> None:
    assert reasons() == [
        "others are worth more",
        "shopped its category 1 day ago",
        "others are worth more",
        "not worth its cost",
    ]


def test_of_no_offers_nothing_is_chosen() -> None:
    some, none = choose(offers(), CHANCE), choose(offers().head(0), [], budget=1.0)
    assert none.empty
    assert none.dtypes.to_dict() == some.dtypes.to_dict()


def test_a_user_gets_at_most_k_coupons() -> None:
    sent = choose(offers(), CHANCE, Rules(per_user=2))["sent"]
    assert sent.tolist() == [True, True, False, False]


def test_of_a_group_a_user_gets_the_best_only() -> None:
    said = reasons(Rules(per_user=2, groups={10: "tea", 11: "tea"}))
    assert said[0] == "another of its group is worth more"
    assert choose(offers(), CHANCE, Rules(per_user=2, groups={10: "tea", 11: "tea"}))[
        "sent"
    ].tolist() == [False, True, True, False]


def test_a_cap_counts_all_users_and_the_next_best_coupon_takes_over() -> None:
    said = reasons(Rules(caps={11: 0}))
    assert said[:2] == ["bought 2 of its items, last 3 days ago", "cap reached"]


def test_a_budget_is_kept_in_expectation() -> None:
    table = choose(offers(), CHANCE, Rules(per_user=3), budget=0.35)
    assert table.loc[table["sent"], "cost"].sum() <= 0.35
    assert table["sent"].tolist() == [False, True, False, False]
    assert table["reason"].tolist()[0] == "budget spent"


@pytest.mark.parametrize(
    ("rules", "columns", "reason"),
    [
        (Rules(), {"opted_out": [True, True, True, False]}, "opted out"),
        (Rules(), {"eligible": [False, False, False, True]}, "not eligible"),
        (Rules(cooldown=14), {"days_since_coupon": [13.0, 13.0, 13.0, np.inf]}, "in cooldown"),
        (Rules(contacts=3), {"user_mailed_90": [3, 4, 3, 2]}, "mailed often enough"),
        (Rules(minimum_stock=5), {"stock": [4, 4, 4, 5]}, "too little stock"),
    ],
)
def test_a_rule_forbids_and_says_so(rules: Rules, columns: dict[str, Any], reason: str) -> None:
    table = choose(offers(**columns), [0.3, 0.2, 0.3, 0.3], rules)
    assert table["reason"].tolist()[:3] == [reason] * 3
    assert table["sent"].tolist() == [False, False, False, True]


def test_the_users_own_wish_is_named_first() -> None:
    both = offers(opted_out=[True] * 4, eligible=[False] * 4)
    assert set(refusals(both, Rules())) == {"opted out"}


def test_limits_are_met_exactly_at_the_limit() -> None:
    fresh = offers(days_since_coupon=[14.0] * 4, stock=[5] * 4)
    assert set(refusals(fresh, Rules(cooldown=14, minimum_stock=5))) == {""}


@pytest.mark.parametrize(
    ("rules", "columns", "message"),
    [
        (Rules(cooldown=14), {}, "lack the columns \\['days_since_coupon'\\]"),
        (Rules(minimum_stock=1), {"stock": [1, None, 1, 1]}, "'stock'\\] must be present"),
        (Rules(), {"opted_out": [True, None, True, True]}, "must be True or False"),
        (
            Rules(),
            {"coupon_id": [10, 10, 12, 10]},
            "1 offers are duplicates, such as .*'user_id': 7.*drop_duplicates",
        ),
        (Rules(caps=TEXT), {}, "caps has keys such as '10', and ids are such as 10"),
        (Rules(groups=TEXT), {}, "groups has keys such as '10'"),
    ],
)
def test_missing_facts_are_refused(rules: Rules, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(offers(**columns), CHANCE, rules)


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="per_user is 0"):
        Rules(per_user=0)
    with pytest.raises(ValueError, match=r"caps of coupons \[10\]"):
        Rules(caps={10: -1})


def test_only_a_redeemed_coupon_costs_its_face_value() -> None:
    assert expected_discount(offers(), CHANCE).tolist() == [0.3, 0.2, 0.6, 0.001]


def test_the_true_share_is_the_best_one_to_assume() -> None:
    table = sensitivity(offers(), CHANCE, [0.0, 0.5, 1.0])
    assert (table.to_numpy() <= np.diag(table) + 1e-12).all()
    assert table.loc[0.0].tolist() == [0, 0, 0]
    value = 0.2 * (0.5 * 0.25 * 20 - 0.17) - Economics().contact
    assert table.loc[0.5, 0.5] == pytest.approx(value)
