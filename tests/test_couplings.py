"""Couplings of two logits: what each computes, that it stays finite, and what none of them does."""

from typing import Any

import numpy as np
import pytest

from coupon_rec._keras import keras
from coupon_rec.models import COUPLINGS, Coupling, coupling

PROPER = [name for name in COUPLINGS if name != "sum"]
EXTREME = np.array([-50.0, -5.0, 0.0, 5.0, 50.0], "float32")


def build(name: str) -> Coupling:
    return coupling(name, improper=True) if name == "sum" else coupling(name)


def probability(name: str | Coupling, purchase: Any, coupon: Any) -> np.ndarray:
    """Apply a coupling to logits of shape (n,)."""
    layer = build(name) if isinstance(name, str) else name
    logits = [np.asarray(z, "float32")[:, None] for z in (purchase, coupon)]
    return keras.ops.convert_to_numpy(layer(logits))[:, 0].astype("float64")


def s(z: Any) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(z, "float64")))


def logit(p: Any) -> np.ndarray:
    return np.log(p / (1 - p))


@pytest.fixture
def two() -> np.ndarray:
    """Two logits of a thousand offers."""
    return np.random.default_rng(0).normal(0, 3, (2, 1000))


@pytest.mark.parametrize(
    ("name", "by_hand"),
    [
        ("mixture", lambda p, q: (p + q) / 2),
        ("noisy_or", lambda p, q: 1 - (1 - p) * (1 - q)),
        ("logit_sum", lambda p, q: p * q / (p * q + (1 - p) * (1 - q))),
        ("chain", lambda p, q: p * q),
    ],
)
def test_a_coupling_is_its_formula(name: str, by_hand: Any, two: np.ndarray) -> None:
    np.testing.assert_allclose(probability(name, *two), by_hand(*s(two)), rtol=2e-5)


@pytest.mark.parametrize("name", PROPER)
def test_the_log_odds_are_those_of_the_probability(name: str, two: np.ndarray) -> None:
    layer = coupling(name)
    layer.build([(None, 1), (None, 1)])
    z = keras.ops.convert_to_numpy(layer.logit(*two.astype("float32")[:, :, None]))
    np.testing.assert_allclose(s(z[:, 0]), probability(name, *two), rtol=2e-5)


@pytest.mark.parametrize("name", PROPER)
def test_extreme_logits_give_probabilities_log_odds_and_gradients_that_are_finite(
    name: str,
) -> None:
    z1, z2 = (grid.reshape(-1, 1) for grid in np.meshgrid(EXTREME, EXTREME))
    layer = coupling(name)
    p = probability(layer, z1[:, 0], z2[:, 0])
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(layer.logit(z1, z2)).all()
    assert all(np.isfinite(slope).all() for slope in gradients(layer, z1, z2))


def gradients(layer: Coupling, z1: np.ndarray, z2: np.ndarray) -> list[np.ndarray]:
    """Slopes of the log loss of half the offers being positive, through the log odds."""
    import tensorflow as tf

    y = (np.arange(len(z1)) % 2).astype("float32")[:, None]
    logits = [tf.Variable(z1), tf.Variable(z2)]
    with tf.GradientTape() as tape:
        loss = keras.losses.binary_crossentropy(y, layer.logit(*logits), from_logits=True)
    return [slope.numpy() for slope in tape.gradient(loss, logits)]


def test_the_slope_of_the_chain_is_the_one_derived_by_hand() -> None:
    z = np.random.default_rng(1).normal(0, 2, (2, 50, 1)).astype("float32")
    y = (np.arange(50) % 2)[:, None]
    p = s(z[0]) * s(z[1])
    for found, own in zip(gradients(coupling("chain"), *z), z, strict=True):
        np.testing.assert_allclose(found, -(y - p) / (1 - p) * (1 - s(own)), rtol=1e-3, atol=1e-6)


def test_bayes_rule_needs_the_prior_once() -> None:
    prior, n = 0.05, 200_000
    rng = np.random.default_rng(0)
    y = rng.random(n) < prior
    evidence = rng.normal(np.where(y, 1.0, 0.0), 1.0, (2, n))
    logits = logit(prior) + evidence - 0.5
    right = probability(coupling("logit_sum", prior=prior), *logits)
    twice = probability(coupling("logit_sum"), *logits)
    np.testing.assert_allclose(logit(right), logit(prior) + evidence.sum(axis=0) - 1, rtol=1e-3)
    assert right.mean() == pytest.approx(y.mean(), rel=0.02)
    assert twice.mean() < y.mean() / 5


@pytest.mark.parametrize("name", list(COUPLINGS))
def test_no_coupling_personalizes_a_logit_that_sees_only_the_coupon(name: str) -> None:
    rng = np.random.default_rng(0)
    users, coupons = rng.normal(0, 2, 40), rng.normal(0, 2, 10)
    p = probability(name, np.repeat(users, 10), np.tile(coupons, 40)).reshape(40, 10)
    assert set(p.argmax(axis=1)) == {coupons.argmax()}


def test_the_sum_is_refused_with_its_reasons() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 2.*likelihood.*does not personalize"):
        coupling("sum")


def test_the_sum_that_was_asked_for_exceeds_one(two: np.ndarray) -> None:
    total = probability(coupling("sum", improper=True), *two)
    np.testing.assert_allclose(total, s(two).sum(axis=0), rtol=1e-5)
    assert 0.4 < (total > 1).mean() < 0.6


def test_factors_can_be_swapped_unless_the_purchase_is_seen() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 1, (2, 5000))
    a = rng.random(5000) < s(z[0])
    r = a & (rng.random(5000) < s(z[1]))

    def loss(y: np.ndarray, p: np.ndarray) -> float:
        return float(-np.where(y, np.log(p), np.log(1 - p)).mean())

    product = probability("chain", *z), probability("chain", *z[::-1])
    assert loss(r, product[0]) == pytest.approx(loss(r, product[1]), rel=1e-6)
    assert loss(a, s(z[0])) < loss(a, s(z[1])) - 0.1


def test_the_weight_of_a_mixture_is_learned() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (2, 4000, 1)).astype("float32")
    y = (rng.random((4000, 1)) < 0.9 * s(z[0]) + 0.1 * s(z[1])).astype("float32")
    inputs = [keras.Input((1,)), keras.Input((1,))]
    layer = coupling("mixture")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    model.fit(list(z), y, epochs=10, batch_size=256, verbose=0)
    assert s(layer.get_weights()[0])[0] == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("prior", [0.0, 1.0, -3.0])
def test_a_prior_is_a_probability(prior: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        coupling("logit_sum", prior=prior)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'product'; there are sum, mixture, .*, chain"):
        coupling("product")


@pytest.mark.parametrize(
    "layer",
    [
        coupling("sum", improper=True),
        coupling("mixture"),
        coupling("noisy_or"),
        coupling("logit_sum", prior=0.1),
        coupling("chain"),
    ],
    ids=list(COUPLINGS),
)
def test_a_coupling_comes_back_from_its_config(layer: Coupling, two: np.ndarray) -> None:
    stored = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(stored)
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(probability(again, *two), probability(layer, *two))
