"""Who is moved by a coupon: learners find it, and a log tells without the truth who found it."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from coupon_rec.effects import (
    EffectLog,
    EffectModel,
    best_linear_predictor,
    policy_value,
    qini,
    recalibrate,
    uplift_at,
)

Floats = NDArray[np.float64]
LEARNERS = ("s", "t", "x", "r", "dr")


class World(NamedTuple):
    """Rows whose effects are known: 1 + x_0 of treatment 1 and -2 x_0 of treatment 2."""

    x: Floats
    log: EffectLog
    effect: Floats


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"learner": "z"}, 'learner must be "s"'),
        ({"folds": 1}, "folds must be 2 or more"),
        ({"model": LogisticRegression()}, "pass a regressor as final"),
    ],
)
def test_a_model_that_cannot_learn_an_effect_is_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        EffectModel(**{"model": LinearRegression()} | arguments)


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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda log: qini(log, [1.0]), "score must have shape"),
        (lambda log: qini(log, log.outcome, 0), "treatment must be 1 to 2, not 0"),
        (lambda log: uplift_at(log, log.outcome, 0.0), r"share must be in \(0, 1\]"),
        (lambda log: uplift_at(log, log.outcome, 0.001), "take more rows"),
        (lambda log: policy_value(log, 3), "choice must be a whole number from 0 to 2"),
        (lambda log: policy_value(log, 1, cost=[1.0]), "cost must be a finite number, or 2"),
        (lambda log: recalibrate(log, np.ones(len(log)), 0), "more than 0 over the rows"),
    ],
)
def test_what_cannot_be_judged_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(world(n=60)[1])
