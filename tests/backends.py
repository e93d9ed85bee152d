"""Print, as JSON, what every model and coupling gives from fixed weights on Keras's backend.

`KERAS_BACKEND=tensorflow python tests/backends.py > tests/backends.json` stores what
`test_backends.py` compares each backend with.
"""

import json
from typing import Any

import numpy as np

from coupon_rec._keras import keras
from coupon_rec.features import (
    CATEGORIES,
    GROUPS,
    Arrays,
    Category,
    Encoder,
    Number,
    feature_names,
)
from coupon_rec.models import (
    COUPLINGS,
    Trees,
    coupled_model,
    coupling,
    coupon_model,
    purchase_model,
    with_trees,
)

OFFERS = 32
SMALL = {"dropout": 0.0, "seed": 1}
IDS = ("user_id", "item_id", "coupon_id")
KINDS = ("linear", "network", "two_tower", "matrix_factorization")
TRAINED = ("coupled by chain", "coupled by mixture", "coupled by id")


def encoder() -> Encoder:
    """Make an encoder of all features, of four values a category, and of eight ids of each kind."""
    numbers = {
        group: tuple(
            Number(
                name, "", False, 0.0, -3.0, 3.0, place / 50, 0.0 if place == 1 else 1 + place / 9
            )
            for place, name in enumerate(feature_names(group))
        )
        for group in GROUPS
    }
    categories = {
        array: tuple(
            Category(name, ("a", "b", "c", "d"), 1 + 4 * place) for place, name in enumerate(names)
        )
        for array, names in CATEGORIES.items()
    }
    return Encoder(numbers, categories, dict.fromkeys(IDS, tuple(range(1, 9))))


def arrays(encoder: Encoder) -> Arrays:
    """Draw offers as an encoder gives them."""
    rng = np.random.default_rng(0)
    drawn: Arrays = {}
    for name, width in encoder.arrays.items():
        if name in encoder.numbers:
            drawn[name] = rng.normal(size=(OFFERS, width)).astype("float32")
        elif name in encoder.categories:
            codes = rng.integers(0, 5, (OFFERS, width))
            drawn[name] = np.where(codes, codes + 4 * np.arange(width), 0).astype("int32")
        else:
            drawn[name] = rng.integers(0, 9, (OFFERS, 1)).astype("int32")
    return drawn


def fixed(model: Any) -> Any:
    """Give a model weights that do not depend on the backend."""
    rng = np.random.default_rng(1)
    for weight in model.trainable_variables:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    return model


def stumps() -> Trees:
    """Plant trees of one split each."""
    rng = np.random.default_rng(2)
    paths = np.tile([[[-1.0], [1.0]]], (20, 1, 1))
    columns, thresholds = rng.integers(0, 50, (20, 1)), rng.normal(size=(20, 1))
    return Trees(columns, thresholds, paths, np.ones((20, 2)), rng.normal(size=(20, 2)))


def models() -> dict[str, Any]:
    """Build each purchase model, the coupon model, and a coupled model of each coupling."""
    features = encoder().only(*GROUPS, *CATEGORIES)
    numbers = encoder().only(*IDS)
    built = {f"{kind} purchase": purchase_model(features, kind, **SMALL) for kind in KINDS}
    built |= {f"{kind} purchase by id": purchase_model(numbers, kind, **SMALL) for kind in KINDS}
    built["coupon"] = coupon_model(features, **SMALL)
    for name in COUPLINGS:
        layer = coupling(name, improper=True) if name == "sum" else coupling(name)
        built[f"coupled by {name}"] = coupled_model(features, layer, **SMALL)
    built["coupled by id"] = coupled_model(numbers, "chain", "matrix_factorization", **SMALL)
    fitted = {name: fixed(model) for name, model in built.items()}
    with_stumps = with_trees(fitted["coupled by chain"], stumps())
    return {"coupled with trees": with_stumps} | fitted  # before its network is trained


def losses(model: Any, inputs: Arrays) -> list[float]:
    """Train for a few epochs, and list the loss after each."""
    labels = {
        name: (np.arange(OFFERS) % 4 == 0).astype("float32")[:, None] for name in model.output
    }
    model.compile(keras.optimizers.AdamW(0.01), dict.fromkeys(labels, "binary_crossentropy"))
    return model.fit(inputs, labels, epochs=5, verbose=0, batch_size=16).history["loss"]


def main() -> None:
    """Print the outputs and the losses of each model."""
    offers = arrays(encoder())
    found: dict[str, Any] = {}
    for name, model in models().items():
        inputs = {key: offers[key] for key in model.input}
        found[name] = {
            key: keras.ops.convert_to_numpy(p)[:, 0].round(7).tolist()
            for key, p in model(inputs).items()
        }
        if name in TRAINED:
            found[name]["losses"] = losses(model, inputs)
    print(json.dumps({"backend": keras.backend.backend(), "models": found}))


if __name__ == "__main__":
    main()
