"""Purchase, coupon and coupled models: what each reads and learns, and that it comes back whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import (
    COUPLINGS,
    Coupling,
    coupled_model,
    coupling,
    general_coupling,
    load_model,
    logits,
    out_of_fold,
    predict,
    purchase_model,
    user_folds,
)
from coupon_rec.odds import Platt

KINDS = ["linear", "network", "two_tower", "matrix_factorization"]
PROPER = [name for name in COUPLINGS if name != "sum"]

each_kind = pytest.mark.parametrize("kind", KINDS)


def of_ids(pairs: pd.DataFrame, *names: str) -> Encoder:
    """Make an encoder that reads nothing but ids."""
    return Encoder(ids={name: tuple(np.unique(pairs[name]).tolist()) for name in names})


@pytest.fixture(scope="module")
def tastes() -> tuple[pd.DataFrame, np.ndarray]:
    """Pairs of 40 users and 40 items; the chance of a purchase depends on both and their match."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 40, (2, 20_000))
    z = -1 + (user % 5 - 2) / 2 + np.where(user < 20, 2, -2) * np.where(item < 20, 1, -1)
    pairs = pd.DataFrame({"user_id": user, "item_id": item})
    return pairs.assign(bought=rng.random(len(z)) < 1 / (1 + np.exp(-z))), z


def logistic(z: Any) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(z, "float64")))


def test_a_network_starts_at_the_rates_of_the_training_offers(
    encoder: Encoder, arrays: Arrays
) -> None:
    p = coupled_model(encoder).predict(arrays, verbose=0)
    assert np.median(p["bought"]) == pytest.approx(encoder.rates["bought"], rel=0.5)
    assert np.median(p["redeemed"]) == pytest.approx(encoder.rates["redeemed"], rel=0.8)


@each_kind
def test_a_purchase_model_does_not_read_the_coupon(kind: str, encoder: Encoder) -> None:
    model = purchase_model(encoder, kind)
    assert set(model.input) == {"user", "item", "match", "user_category"}
    assert list(model.output) == ["bought"]


def test_a_matrix_factorization_knows_nothing_of_an_unknown_user_but_the_item(
    tastes: tuple[pd.DataFrame, np.ndarray],
) -> None:
    pairs, _ = tastes
    encoder = of_ids(pairs, "user_id", "item_id")
    model = purchase_model(encoder, "matrix_factorization")
    new = pd.DataFrame({"user_id": [-5, 40, 10**9, 40], "item_id": [3, 3, 3, 4]})
    same, same_too, still, other = logits(model, encoder.encode(new))
    assert same == same_too == still != other


def test_the_weights_depend_on_nothing_that_was_drawn_before_and_differ_by_layer(
    encoder: Encoder,
) -> None:
    def corners(drawn_before: int) -> list[float]:
        keras.utils.set_random_seed(drawn_before)
        return [w[0, 0] for w in coupled_model(encoder).get_weights() if w.ndim == 2]

    first = corners(1)
    assert first == corners(2)
    assert len(set(first)) == len(first) >= 4


@pytest.mark.parametrize("name", PROPER)
def test_a_coupled_model_gives_the_coupling_of_its_two_logits(
    name: str, encoder: Encoder, arrays: Arrays
) -> None:
    model = coupled_model(encoder, name)
    z = [logits(model, arrays, f"{which}_logit") for which in ("bought", "redeemed_if_bought")]
    p = model.predict(arrays, verbose=0)
    couple = keras.ops.convert_to_numpy(coupling(name)([one[:, None] for one in z]))
    np.testing.assert_allclose(p["redeemed"], couple, rtol=1e-4)
    np.testing.assert_allclose(p["bought"][:, 0], logistic(z[0]), rtol=1e-4)


def test_a_coupled_model_refuses_the_sum_of_probabilities(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="no probability"):
        coupled_model(encoder, "sum")
    assert coupled_model(encoder, coupling("sum", improper=True))


def test_what_a_model_cannot_do_is_an_error_that_says_so(
    encoder: Encoder, offers: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=r"'forest'; there are linear, network"):
        purchase_model(encoder, "forest")
    with pytest.raises(ValueError, match=r"vector of the item needs one of .* item, item_cat"):
        purchase_model(encoder.only("user"), "two_tower")
    with pytest.raises(ValueError, match="does not know how offers are encoded"):
        predict(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), offers)


def own_layers(model: keras.Model) -> list[dict[str, Any]]:
    """List the configurations of a model's layers that are not Keras's."""
    return [
        layer.get_config() for layer in model.layers if type(layer).__module__.startswith("coupon")
    ]


@pytest.mark.parametrize(("name", "kind"), zip(PROPER, KINDS, strict=True))
def test_a_saved_model_predicts_the_same(
    name: str, kind: str, offers: pd.DataFrame, tmp_path: Path
) -> None:
    encoder = Encoder.fit(offers, ids=("user_id", "item_id"))
    model = coupled_model(encoder, name, kind)
    model.calibration["redeemed"] = Platt(-0.4, 0.9)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.encoder == encoder
    assert loaded.calibration == model.calibration
    assert own_layers(loaded) == own_layers(model)
    assert [each.name for each in loaded.layers] == [each.name for each in model.layers]
    pd.testing.assert_frame_equal(predict(loaded, offers), predict(model, offers))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_no_code_in_the_file_of_a_model_is_run(tmp_path: Path, name: str) -> None:
    mark = str(tmp_path / "mark")
    code = keras.layers.Lambda(lambda x: (x, open(mark, "w").close())[0])
    inputs = keras.Input((1,))
    keras.Model(inputs, code(inputs)).save(tmp_path / name)
    Path(mark).unlink()
    with pytest.raises((ValueError, TypeError)):
        load_model(tmp_path / name)
    assert not Path(mark).exists()


# A general coupling


def test_all_rows_of_a_user_fall_into_one_fold_and_folds_are_even() -> None:
    users = pd.Series(np.random.default_rng(0).integers(0, 103, 5000))
    folds = pd.DataFrame({"user": users, "fold": user_folds(users)})
    assert (folds.groupby("user")["fold"].nunique() == 1).all()
    sizes = folds.drop_duplicates("user")["fold"].value_counts()
    assert sorted(sizes) == [20, 20, 21, 21, 21]


def test_no_row_is_predicted_by_a_model_that_saw_it_or_its_user() -> None:
    users = pd.Series(np.repeat(np.arange(30), 4))

    def predict_fold(fit_on: np.ndarray, held_out: np.ndarray) -> np.ndarray:
        assert not set(users[fit_on]) & set(users[held_out])
        return held_out.astype("float64")

    found = out_of_fold(user_folds(users, 3), predict_fold)
    np.testing.assert_array_equal(found, np.arange(120))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["linear", "tree", "network"])
def test_a_general_coupling_is_calibrated_and_uses_the_purchase(
    kind: str, encoder: Encoder, arrays: Arrays
) -> None:
    rng = np.random.default_rng(0)
    n = 8000
    some = {name: array[rng.integers(0, len(array), n)] for name, array in arrays.items()}
    many = encoder.matrix(some)
    z = rng.normal(-2, 2, n)
    redeemed = rng.random(n) < logistic(z - 1)
    users = pd.Series(rng.integers(0, 300, n))
    g = general_coupling(kind, many, z, redeemed, user_folds(users, 3))
    p = g.predict(many, z)
    assert p.mean() == pytest.approx(redeemed.mean(), rel=0.1)
    assert np.abs(p - logistic(z - 1)).mean() < 0.06


# Couplings


EXTREME = np.array([-50.0, -5.0, 0.0, 5.0, 50.0], "float32")


def probability(name: str | Coupling, purchase: Any, coupon: Any) -> np.ndarray:
    """Apply a coupling to logits of shape (n,)."""
    layer = coupling(name) if isinstance(name, str) else name
    logits = [np.asarray(z, "float32")[:, None] for z in (purchase, coupon)]
    return keras.ops.convert_to_numpy(layer(logits))[:, 0].astype("float64")


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
    np.testing.assert_allclose(probability(name, *two), by_hand(*logistic(two)), rtol=2e-5)


@pytest.mark.parametrize("name", PROPER)
def test_the_log_odds_are_those_of_the_probability(name: str, two: np.ndarray) -> None:
    layer = coupling(name)
    layer.build([(None, 1), (None, 1)])
    z = keras.ops.convert_to_numpy(layer.logit(*two.astype("float32")[:, :, None]))
    np.testing.assert_allclose(logistic(z[:, 0]), probability(name, *two), rtol=2e-5)


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
