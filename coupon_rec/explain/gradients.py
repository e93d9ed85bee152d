"""Expected gradients: the credit of each feature of a network, along straight paths."""

from typing import Any

import numpy as np

from coupon_rec._keras import keras, quiet
from coupon_rec.arguments import Floats
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import OfferModel, network_of


def expected_gradients(
    model: OfferModel, offers: Arrays, others: Arrays, *, paths: int = 200, seed: int = 0
) -> Floats:
    r"""Share log p(a, r) of a network among its features, by its gradient between offers.

    Parameters
    ----------
    model : OfferModel
        As `coupled_model` builds it, fitted. Of a model with trees, the network alone is
        explained: trees have no gradient.
    offers : dict of str to numpy.ndarray
        Encoded, n rows.
    others : dict of str to numpy.ndarray
        Encoded: from where the paths begin.
    paths : int
        How many points are drawn for each offer: a path from one of the others, and a place on it.
    seed : int
        Of the draws.

    Returns
    -------
    numpy.ndarray
        Shape (n, features), in the order of `features_of(model.encoder)`. A row's sum is the
        offer's log p less the mean of the others', up to the error of drawing.

    Raises
    ------
    ValueError
        If Keras does not compute on TensorFlow, or the model learned a vector for each id.

    Notes
    -----
    Equation `eq-expected-gradients` of the book; Erion et al., *Improving performance of deep
    learning models with axiomatic attribution priors and expected gradients*, 2021.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError("gradients are taken by TensorFlow: set KERAS_BACKEND=tensorflow")
    network = network_of(model)
    if network.encoder.ids:
        raise ValueError(f"there is no path between the ids {[*network.encoder.ids]}: use `credit`")
    read, rest = _halves(network)
    ends, starts = read(offers), read(others)
    rng = np.random.default_rng(seed)
    rows = [
        _one(rest, {name: x[row] for name, x in ends.items()}, starts, rng, paths)
        for row in range(len(next(iter(ends.values()))))
    ]
    return np.stack([_by_feature(network.encoder, row) for row in rows])


def _halves(network: OfferModel) -> tuple[Any, Any]:
    """Cut a network where categories have become ones and zeros: from there on it has a slope."""
    encoder = network.encoder
    layers = {
        name: network.get_layer(f"{name}_{'normalized' if name in encoder.numbers else 'encoded'}")
        for name in encoder.arrays
    }
    ready = {name: layer.output for name, layer in layers.items()}
    front = keras.Model(network.input, ready)
    back = keras.Model([*ready.values()], network.output["redeemed"])

    def read(arrays: Arrays) -> dict[str, Any]:
        ready = front.predict_on_batch({name: arrays[name] for name in network.input})
        return {name: np.asarray(x) for name, x in ready.items()}

    return read, back


def _one(
    rest: Any, end: dict[str, Any], starts: dict[str, Any], rng: np.random.Generator, paths: int
) -> dict[str, Floats]:
    with quiet():
        from coupon_rec._keras import tf
    size = len(next(iter(starts.values())))
    start = np.resize(rng.permutation(size), paths)
    place = ((rng.permutation(paths) + rng.random(paths)) / paths)[:, None].astype("float32")
    ways = {name: end[name] - starts[name][start] for name in end}
    points = {name: tf.constant(starts[name][start] + place * way) for name, way in ways.items()}
    with tf.GradientTape() as tape:
        tape.watch(points)
        log_p = keras.ops.log(rest([*points.values()]))
    slopes = tape.gradient(log_p, points)
    return {name: (ways[name] * slopes[name].numpy()).mean(axis=0) for name in end}


def _by_feature(encoder: Encoder, parts: dict[str, Floats]) -> Floats:
    """One number a column: the ones and zeros of a category are added up."""
    parts_of = [parts[name] for name in encoder.numbers]
    for name, categories in encoder.categories.items():
        ends = np.cumsum([len(category.values) for category in categories])
        parts_of.append(np.array([part.sum() for part in np.split(parts[name], ends[:-1])]))
    return np.concatenate(parts_of).astype("float64")
