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


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sum", {}, r"from 0 to 2.*likelihood.*does not personalize"),
        ("logit_sum", {"prior": 1.0}, "between 0 and 1"),
        ("product", {}, r"'product'; there are sum, mixture, .*, chain"),
    ],
)
def test_a_coupling_that_is_none_is_refused_with_its_reasons(
    name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        coupling(name, **options)
