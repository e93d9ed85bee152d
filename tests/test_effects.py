"""What a coupon causes on average: weights that make a log an experiment, intervals by user."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from coupon_rec.effects import EffectLog, average_effect, holdout_size, power

ROWS_A_USER = 4


def confounded(seed: int, effect: float = 0.1, users: int = 400) -> dict[str, Any]:
    """Draw a log in which regulars get most of the coupons; users differ in what they buy."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(users), ROWS_A_USER)
    regular = np.repeat(rng.random(users) < 0.4, ROWS_A_USER)
    taste = np.repeat(rng.uniform(-0.1, 0.1, users), ROWS_A_USER)
    chance = np.where(regular, 0.7, 0.2)
    sent = rng.random(len(who)) < chance
    p = np.where(regular, 0.5, 0.2) + taste + effect * sent
    bought = rng.random(len(who)) < p
    return {
        "outcome": bought.astype(int),
        "treatment": sent.astype(int),
        "users": who,
        "propensity": chance,
    }


def test_the_weighted_interval_holds_the_truth_and_the_naive_one_does_not() -> None:
    held = {"weighted": 0, "naive": 0}
    for seed in range(200):
        data = confounded(seed)
        for name, given_ in (("weighted", data), ("naive", data | {"propensity": None})):
            found = average_effect(EffectLog(**given_)).loc[1]
            held[name] += found["low"] <= 0.1 <= found["high"]
    assert 184 <= held["weighted"] <= 196
    assert held["naive"] < 20


def test_rows_of_one_user_are_not_counted_as_many_users() -> None:
    rng = np.random.default_rng(0)
    of_user = rng.integers(0, 2, 100)
    users, sent = np.repeat(np.arange(100), 20), np.repeat(rng.integers(0, 2, 100), 20)
    outcome = np.repeat(of_user, 20)
    clustered = average_effect(EffectLog(outcome, sent, users)).loc[1, "error"]
    apart = average_effect(EffectLog(outcome, sent)).loc[1, "error"]
    once = average_effect(EffectLog(of_user, sent[::20])).loc[1, "error"]
    assert clustered == pytest.approx(once)
    assert clustered == pytest.approx(np.sqrt(20) * apart, rel=0.02)


@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_the_effect_moves_with_the_unit_and_not_with_the_origin_or_the_order(
    seed: int, origin: float, unit: float
) -> None:
    data = confounded(seed, users=60)
    plain = average_effect(EffectLog(**data)).loc[1]
    moved = average_effect(EffectLog(**data | {"outcome": origin + unit * data["outcome"]})).loc[1]
    columns = ["value", "low", "high", "error"]
    np.testing.assert_allclose(moved[columns], unit * plain[columns], atol=1e-9)
    order = np.random.default_rng(seed).permutation(len(data["users"]))
    mixed = average_effect(EffectLog(**{name: each[order] for name, each in data.items()})).loc[1]
    np.testing.assert_allclose(mixed[columns], plain[columns], atol=1e-9)


def test_only_the_ratio_of_propensities_within_a_group_counts() -> None:
    data = confounded(0)
    chances = np.column_stack([1 - data["propensity"], data["propensity"]])
    long = average_effect(EffectLog(**data | {"propensity": chances}))
    pd.testing.assert_frame_equal(long, average_effect(EffectLog(**data)))


def test_an_interval_of_users_in_one_arm_each_is_that_of_welch() -> None:
    rng = np.random.default_rng(0)
    outcome, sent = rng.normal(size=30) * np.r_[np.full(6, 5), np.ones(24)], np.arange(30) < 6
    found = average_effect(EffectLog(outcome, sent)).loc[1]
    welch = ttest_ind(outcome[sent], outcome[~sent], equal_var=False).confidence_interval(0.95)
    assert found[["low", "high"]].tolist() == pytest.approx([welch.low, welch.high])


def test_one_user_gives_no_interval() -> None:
    with pytest.raises(ValueError, match="of 1 users a row counts that got treatment 1"):
        average_effect(EffectLog([0, 1] * 500 + [1], [0] * 1000 + [1]))


def test_each_of_several_treatments_is_compared_with_none() -> None:
    rng = np.random.default_rng(1)
    treatment = rng.integers(0, 4, 20_000)
    outcome = np.array([0.0, 0.1, 0.3, -0.2])[treatment] + rng.normal(size=20_000)
    found = average_effect(EffectLog(outcome, treatment))
    assert found.index.tolist() == [1, 2, 3]
    assert ((found["low"] < [0.1, 0.3, -0.2]) & (found["high"] > [0.1, 0.3, -0.2])).all()
    np.testing.assert_allclose(found["effective"], found["rows"])


def test_a_fair_guess_of_the_outcome_narrows_the_signal_and_does_not_move_it() -> None:
    rng = np.random.default_rng(2)
    usual, sent = 5 * rng.normal(size=5000), rng.integers(0, 2, 5000)
    outcome = usual + 0.5 * sent + rng.normal(size=5000)
    plain, helped = (EffectLog(outcome, sent, expected=e).signal(1) for e in (None, usual))
    assert helped.std() < plain.std() / 2
    assert helped.mean() == pytest.approx(0.5, abs=0.1)


GOOD = {"outcome": [0, 1, 1, 0], "treatment": [0, 1, 0, 1], "users": [1, 1, 2, 2]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"outcome": [0, 1, np.nan, 0]}, "outcome must be finite"),
        ({"treatment": [0, 1, 0.5, 1]}, "treatment must be 0 for none"),
        ({"treatment": [0, 0, 0, 0]}, "none of 1"),
        ({"treatment": [0, 2, 0, 2]}, "none of 1"),
        ({"users": [1, 1, 1, 1]}, "users must be two or more"),
        ({"propensity": [0.5, 0.5, 0.5]}, r"propensity must have shape \(4, 2\)"),
        ({"propensity": [0.5, 1.0, 0.5, 0.5]}, "propensity must be above 0 and below 1"),
        ({"propensity": [[0.5, 0.4]] * 4}, "propensity must be 1 in sum"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EffectLog(**GOOD | wrong)


# How large an experiment must be


def test_the_power_is_the_share_of_experiments_that_find_the_effect() -> None:
    rng, n = np.random.default_rng(0), 400
    found = 0
    for _ in range(400):
        sent = rng.random(n) < 0.3
        log = EffectLog(0.3 * sent + rng.normal(size=n), sent)
        found += average_effect(log).loc[1, "low"] > 0
    assert found / 400 == pytest.approx(power(n, 0.3, 1.0, share=0.3), abs=0.06)


@given(st.floats(0.01, 0.5), st.floats(0.5, 0.95), st.floats(0.1, 0.9), st.floats(0, 0.5))
@settings(max_examples=50, deadline=None)
def test_the_size_is_the_least_with_this_power(
    effect: float, wanted: float, share: float, correlation: float
) -> None:
    design = {"share": share, "per_user": 5.0, "correlation": correlation}
    size = holdout_size(effect, 1.0, power=wanted, **design)
    assert power(size, effect, 1.0, **design) >= wanted - 1e-6
    assert size == 1 or power(size - 1, effect, 1.0, **design) < wanted + 1e-6
    assert size == holdout_size(-effect, 1.0, power=wanted, **design)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effect": 0.0}, "no experiment is large enough"),
        ({"share": 1.0}, r"share must be in \(0, 1\)"),
        ({"power": 1.0}, "power must be above 0.05"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        holdout_size(**{"effect": 0.1, "deviation": 1.0} | arguments)
