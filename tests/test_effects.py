"""What a coupon causes: averages with intervals by user, learners, and how a log judges them."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from coupon_rec.decisions import Economics, offer_value
from coupon_rec.effects import (
    EffectLog,
    EffectModel,
    average_effect,
    best_linear_predictor,
    first_pilot,
    holdout_size,
    policy_value,
    power,
    qini,
    recalibrate,
    uplift_at,
)

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


def test_a_first_pilot_finds_what_pays_and_costs_what_it_says() -> None:
    money = {"spend": 5.0, "discount": 0.5, "economics": Economics(margin=0.3, contact=0.01)}
    plan = first_pilot(0.08, 0.08, **money)
    rng, pilots = np.random.default_rng(0), 4000

    def bought(users: int, share: float) -> np.ndarray:
        return rng.binomial(users, share, pilots) / users

    sent, held = bought(plan.mailed, 0.16), bought(plan.held, 0.08)
    error = np.sqrt(sent * (1 - sent) / plan.mailed + held * (1 - held) / plan.held)
    found = sent - held - plan.pays > 1.96 * error
    assert found.mean() == pytest.approx(0.8, abs=0.03)
    assert 0.03 < (0.5 * plan.mailed * sent > plan.stop).mean() < 0.07
    nothing = plan.mailed * (0.5 * bought(plan.mailed, 0.08) + 0.01)
    assert nothing.mean() == pytest.approx(plan.cost, rel=0.01)
    at_the_edge = offer_value(
        pd.DataFrame({"spend_per_line": [5.0], "discount": 0.5, "shop_share": 1.0}),
        [0.08 + plan.pays],
        money["economics"],
        effect=[plan.pays],
    )
    assert at_the_edge[0] == pytest.approx(0, abs=1e-6)


# Learners

LEARNERS = ("s", "t", "x", "r", "dr")


class World(NamedTuple):
    """Rows whose effects are known: 1 + x_0 of treatment 1 and -2 x_0 of treatment 2."""

    x: np.ndarray
    log: EffectLog
    effect: np.ndarray


def world(n: int = 6000, seed: int = 0, effects: float = 1.0) -> World:
    """Draw a confounded log of three arms, two rows a user."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    effect = effects * np.column_stack([1 + x[:, 0], -2 * x[:, 0]])
    eager = 1 / (1 + np.exp(-x[:, 1]))
    propensity = np.column_stack([0.7 - 0.4 * eager, 0.1 + 0.2 * eager, 0.2 + 0.2 * eager])
    treatment = (rng.random((n, 1)) > propensity.cumsum(axis=1)).sum(axis=1)
    given_ = np.column_stack([np.zeros(n), effect])[np.arange(n), treatment]
    outcome = 2 * x[:, 1] + given_ + rng.normal(size=n)
    return World(x, EffectLog(outcome, treatment, np.arange(n) // 2, propensity), effect)


CROSSED = make_pipeline(PolynomialFeatures(2), Ridge())


@pytest.mark.parametrize("learner", LEARNERS)
def test_each_learner_finds_whose_outcome_each_treatment_moves(learner: Any) -> None:
    x, log, effect = world()
    found = EffectModel(CROSSED, learner).fit(x, log).predict(x)
    assert found.shape == effect.shape
    for k in range(2):
        assert np.corrcoef(found[:, k], effect[:, k])[0, 1] > 0.97
        assert abs(found[:, k] - effect[:, k]).mean() < 0.3


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_user_is_never_judged_by_a_model_that_saw_that_user(learner: Any) -> None:
    x, log, _ = world(n=400)
    before = EffectModel(CROSSED, learner).cross_predict(x, log)
    changed = log.outcome.copy()
    changed[:2] += 1000.0
    other = EffectLog(changed, log.treatment, log.cluster, log.propensity)
    after = EffectModel(CROSSED, learner).cross_predict(x, other)
    np.testing.assert_allclose(after[:2], before[:2])
    assert not np.allclose(after[2:], before[2:])


def test_a_classifier_learns_the_effect_on_a_probability() -> None:
    rng = np.random.default_rng(3)
    x, sent = rng.normal(size=(8000, 1)), rng.integers(0, 2, 8000)
    p = 1 / (1 + np.exp(-(x[:, 0] + sent)))
    log = EffectLog((rng.random(8000) < p).astype(int), sent)
    line = LogisticRegression()
    true = 1 / (1 + np.exp(-(x[:, 0] + 1))) - 1 / (1 + np.exp(-x[:, 0]))
    bent = make_pipeline(PolynomialFeatures(3), StandardScaler(), Ridge())
    for model in (
        EffectModel(line, "s"),
        EffectModel(line, "t"),
        EffectModel(line, "x", bent),
        EffectModel(line, "dr", bent),
    ):
        found = model.fit(x, log).predict(x)[:, 0]
        assert abs(found - true).mean() < 0.04, model.learner


# Judged on a log


def test_the_best_order_has_the_largest_qini_and_a_random_one_none() -> None:
    _, log, effect = world()
    best = qini(log, effect[:, 0], replicates=100)
    assert best.low > 0
    assert best.coefficient > 0.2
    worst = qini(log, -effect[:, 0], replicates=100)
    assert worst.coefficient == pytest.approx(-best.coefficient, rel=0.02)
    rng = np.random.default_rng(0)
    drawn = [qini(log, rng.random(len(log)), replicates=50) for _ in range(20)]
    assert sum(found.low < 0 < found.high for found in drawn) >= 16
    assert qini(log, np.ones(len(log)), replicates=10).coefficient == pytest.approx(0)


def test_the_curve_ends_at_the_average_effect_whatever_the_order() -> None:
    x, log, effect = world()
    for score in (effect[:, 0], x[:, 2]):
        curve = qini(log, score, replicates=50).curve
        assert curve["gain"].iloc[0] == 0
        assert curve["gain"].iloc[-1] == pytest.approx(log.signal(1).mean())
        assert (curve["low"] <= curve["gain"]).all()


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_normalized_qini_is_at_most_one_and_ignores_the_scale_of_the_score(
    seed: int, perfect: bool
) -> None:
    rng = np.random.default_rng(seed)
    log = EffectLog(rng.integers(0, 2, 30), np.arange(30) % 2)
    score = log.signal(1) if perfect else rng.integers(0, 5, 30).astype(float)
    found = qini(log, score, replicates=2)
    assert found.normalized <= 1 + 1e-9
    assert not perfect or found.normalized == pytest.approx(1)
    stretched = qini(log, np.exp(score / 10), replicates=2)
    assert stretched.coefficient == pytest.approx(found.coefficient)
    shifted = EffectLog(log.outcome + 7, log.treatment)
    assert qini(shifted, score, replicates=2).coefficient == pytest.approx(found.coefficient)


def test_the_line_of_true_effects_has_the_slope_one_and_that_of_noise_none() -> None:
    x, log, effect = world()
    line = best_linear_predictor(log, effect[:, 1], 2)
    assert line.loc["slope", "low"] < 1 < line.loc["slope", "high"]
    doubled = best_linear_predictor(log, 2 * effect[:, 1], 2)
    assert doubled.loc["slope", "value"] == pytest.approx(line.loc["slope", "value"] / 2)
    noise = best_linear_predictor(log, x[:, 2], 2)
    assert noise.loc["slope", "low"] < 0 < noise.loc["slope", "high"]


def test_a_policy_is_worth_what_it_truly_adds() -> None:
    _, log, effect = world(n=20_000)
    choice = np.where(effect.max(axis=1) > 0.5, effect.argmax(axis=1) + 1, 0)
    true = np.where(choice > 0, effect.max(axis=1) - 0.5, 0).mean()
    found = policy_value(log, choice, cost=0.5)
    assert found["low"] < true < found["high"]
    assert policy_value(log, choice, [0.5, 0.5])["value"] == pytest.approx(found["value"])
    assert policy_value(log, 0)["value"] == policy_value(log, choice, against=choice)["value"] == 0
    better = policy_value(log, choice, 0.5, against=3 - np.where(choice == 0, 2, choice))
    assert better["low"] > 0


def test_a_promise_that_is_twice_too_large_is_halved() -> None:
    _, log, effect = world(n=20_000)
    choice = np.where(effect[:, 0] > 0, 1, 0)
    found = recalibrate(log, 2 * effect[:, 0], choice)
    assert found["low"] < 0.5 < found["high"]
    assert found["high"] - found["low"] < 0.2


# Bad input


def a_log(**wrong: Any) -> EffectLog:
    good = {"outcome": [0, 1, 1, 0], "treatment": [0, 1, 0, 1], "users": [1, 1, 2, 2]}
    return EffectLog(**good | wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda _: a_log(outcome=[0, 1, np.nan, 0]), "outcome must be finite"),
        (lambda _: a_log(treatment=[0, 1, 0.5, 1]), "treatment must be 0 for none"),
        (lambda _: a_log(treatment=[0, 0, 0, 0]), "none of 1"),
        (lambda _: a_log(users=[1, 1, 1, 1]), "users must be two or more"),
        (lambda _: a_log(propensity=[0.5, 0.5, 0.5]), r"propensity must have shape \(4, 2\)"),
        (lambda _: a_log(propensity=[0.5, 1.0, 0.5, 0.5]), "must be above 0 and below 1"),
        (lambda _: a_log(propensity=[[0.5, 0.4]] * 4), "propensity must be 1 in sum"),
        (lambda _: holdout_size(0.0, 1.0), "no experiment is large enough"),
        (lambda _: holdout_size(0.1, 1.0, share=1.0), r"share must be in \(0, 1\)"),
        (lambda _: holdout_size(0.1, 1.0, power=1.0), "power must be above 0.05"),
        (lambda _: first_pilot(0.1, 0.05, spend=4.0, discount=2.0), "inf: take less off"),
        (lambda _: first_pilot(0.5, 0.6, spend=4.0, discount=0.1), r"effect must be in \(0, 0.5\)"),
        (lambda _: EffectModel(Ridge(), "z"), 'learner must be "s"'),
        (lambda _: EffectModel(Ridge(), folds=1), "folds must be 2 or more"),
        (lambda _: EffectModel(LogisticRegression()), "pass a regressor as final"),
        (lambda log: qini(log, [1.0]), "score must have shape"),
        (lambda log: qini(log, log.outcome, 0), "treatment must be 1 to 2, not 0"),
        (lambda log: uplift_at(log, log.outcome, 0.0), r"share must be in \(0, 1\]"),
        (lambda log: uplift_at(log, log.outcome, 0.001), "take more rows"),
        (lambda log: policy_value(log, 3), "choice must be a whole number from 0 to 2"),
        (lambda log: policy_value(log, 1, cost=[1.0]), "cost must be a finite number, or 2"),
        (lambda log: recalibrate(log, np.ones(len(log)), 0), "more than 0 over the rows"),
    ],
)
def test_what_cannot_be_learned_or_judged_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(world(n=60)[1])
