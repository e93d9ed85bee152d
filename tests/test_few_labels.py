"""Which labels are bought, what a model learns from few of them, and what a step costs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from coupon_rec._keras import keras
from coupon_rec.book import asking
from coupon_rec.evaluation import auc
from coupon_rec.models import adapted, trained_weights

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def shop() -> asking.Shop:
    """Forty thousand offers whose log odds bend, as in the live figure."""
    rng = np.random.default_rng(24)
    x = rng.standard_normal((40_000, 3)).astype("float32")
    appeal = np.minimum(3, x[:, 0])
    p = expit(-1 - 0.6 * (3 - appeal) ** 1.5)
    bought = rng.random(len(x)) < np.minimum(1, 3 * p)
    redeemed = bought & (rng.random(len(x)) < 1 / 3)
    offers = pd.DataFrame({"redeemed": redeemed.astype(int), "bought": bought.astype(int)})
    half = len(x) // 2
    return asking.Shop(offers[:half], offers[half:], x[:half], x[half:])


def test_offers_drawn_by_lot_stand_for_all_redemptions(shop: asking.Shop) -> None:
    found = []
    for seed in range(100):
        rows, weight, _ = asking.drawn(shop, seed, budget=300)
        found.append(weight @ shop.y[rows])
    error = np.std(found) / np.sqrt(len(found))
    assert error < 0.03 * shop.y.sum()
    assert np.mean(found) == pytest.approx(shop.y.sum(), abs=2.5 * error)


def test_asking_the_top_promises_too_much_and_a_lot_with_weights_does_not(
    shop: asking.Shop,
) -> None:
    def ratio(model: asking.Line) -> float:
        return float(model(shop.x).sum() / shop.y.sum())

    _, topper = asking.top(shop, budget=1500)
    again = []
    for seed in range(10):
        rows, weight, lot = asking.drawn(shop, seed, budget=1500)
        again.append(ratio(asking.recalibrated(lot, shop.x[rows], shop.y[rows], weight)))
    assert ratio(topper) > 1.3
    assert 0.85 < np.mean(again) < 1.15


def test_nobody_is_asked_twice_and_the_budget_is_kept(shop: asking.Shop) -> None:
    rows, _ = asking.top(shop, budget=900)
    assert len(rows) == len(set(rows.tolist())) == 900
    lottery, _ = asking.at_random(shop, 0, budget=900)
    assert len(set(lottery.tolist())) == 900
    drawn, weight, _ = asking.drawn(shop, 0, budget=900)
    assert 600 < len(drawn) <= 1000
    assert (weight >= 1 / asking.ROUNDS).all()


def test_recalibrated_promises_have_the_sum_of_the_weighted_labels(shop: asking.Shop) -> None:
    rows, weight, lot = asking.drawn(shop, 0, budget=1500)
    x, y = shop.x[rows], shop.y[rows]
    again = asking.recalibrated(lot, x, y, weight)
    assert weight @ again(x) == pytest.approx(weight @ y, rel=1e-3)
    order = np.argsort(lot(shop.x_test), kind="stable")
    assert (np.diff(again(shop.x_test)[order]) > -1e-6).all()


def invented(rows: int, seed: int) -> tuple[Any, Any, Any]:
    """Offers, what was bought, and what was redeemed, which depends on more than the purchase."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 20)).astype("float32")
    likes = x[:, 0] * x[:, 1] + np.maximum(x[:, 2], 0) - 0.5 * x[:, 3]
    bought = rng.random(rows) < expit(likes - 1)
    redeemed = bought & (rng.random(rows) < expit(x[:, 4] + 0.5 * x[:, 0] - 0.5))
    return x, bought.astype("float32"), redeemed.astype("float32")


def fitted(model: keras.Model, x: Any, y: Any, rate: float) -> keras.Model:
    keras.utils.set_random_seed(0)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    model.fit(x, y, batch_size=128, epochs=4, verbose=0)
    return model


@pytest.fixture(scope="module")
def ways() -> dict[str, keras.Model]:
    """A network of free purchases, all its weights and adapters fitted to few redemptions."""
    keras.utils.set_random_seed(0)
    x = hidden = keras.Input((20,))
    for _ in range(2):
        hidden = keras.layers.Dense(64, "relu")(hidden)
    free = keras.Model(x, keras.layers.Dense(1, "sigmoid")(hidden))
    offers, bought, _ = invented(20_000, seed=0)
    fitted(free, offers, bought, rate=3e-3)
    full = keras.models.clone_model(free)
    full.set_weights(free.get_weights())
    offers, _, redeemed = invented(4_000, seed=1)
    return {
        "free": free,
        "adapters": fitted(adapted(free), offers, redeemed, rate=3e-3),
        "full": fitted(full, offers, redeemed, rate=1e-3),
    }


def test_adapters_learn_from_few_labels_nearly_what_all_weights_do(
    ways: dict[str, keras.Model],
) -> None:
    x, _, redeemed = invented(10_000, seed=2)
    found = {
        way: auc(redeemed, model.predict(x, batch_size=10_000, verbose=0)[:, 0].astype(float))
        for way, model in ways.items()
    }
    assert found["adapters"] > found["free"] + 0.02
    assert found["adapters"] > found["full"] - 0.02
    assert trained_weights(ways["adapters"]) <= 0.15 * trained_weights(ways["full"])


def test_a_step_of_adapters_holds_less_than_half_the_bytes(ways: dict[str, keras.Model]) -> None:
    def held(model: keras.Model) -> int:
        slopes = model.trainable_variables
        variables = [*model.weights, *slopes, *model.optimizer.variables]
        return sum(int(np.prod(each.shape)) * np.dtype(each.dtype).itemsize for each in variables)

    assert held(ways["adapters"]) < 0.5 * held(ways["full"])
