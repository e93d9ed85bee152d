"""Boosted trees beside the chain: a direct look at redemptions, in the same model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec._extras import need
from coupon_rec._keras import keras
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models.inputs import MultiHot, OfferModel, offer_model

ops, layers = keras.ops, keras.layers
registered = keras.saving.register_keras_serializable("coupon_rec")

TREES = 150
"""How many trees `boosted` grows."""

BOTH = "redeemed_by_both"
"""The layer that puts the network and the trees together."""


@registered
class Trees(keras.layers.Layer):
    """The sum of many small trees, each of at most L leaves and S = L - 1 splits.

    A row goes right at a split where its number exceeds the threshold. It reaches the leaf whose
    whole path it takes, and the tree gives the value of that leaf. Nothing here is learned by
    gradients: `boosted` makes it. Shorter trees are filled up with leaves that nothing reaches.

    Parameters
    ----------
    columns, thresholds : array_like
        Of each split, shape (trees, S). Thresholds are exact in float32.
    paths : array_like
        Shape (trees, L, S): 1 where the way to the leaf goes right, -1 for left, 0 elsewhere.
    lengths : array_like
        Splits on the way to each leaf, shape (trees, L); -1 for a leaf that fills up.
    values : array_like
        Of each leaf, in log odds, shape (trees, L).
    """

    def __init__(
        self,
        columns: ArrayLike,
        thresholds: ArrayLike,
        paths: ArrayLike,
        lengths: ArrayLike,
        values: ArrayLike,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.columns = np.asarray(columns, "int32")
        self.thresholds = np.asarray(thresholds, "float32")
        self.paths = np.asarray(paths, "float32")
        self.lengths = np.asarray(lengths, "float32")
        self.values = np.asarray(values, "float32")

    def call(self, x: Any) -> Any:
        """Turn rows of shape (n, columns) into log odds of shape (n, 1)."""
        trees, splits = self.columns.shape
        numbers = ops.take(ops.transpose(x), self.columns.ravel(), axis=0)
        over = ops.greater(numbers, self.thresholds.reshape(-1, 1))
        right = ops.cast(over, self.compute_dtype)
        taken = ops.matmul(self.paths, ops.reshape(right, (trees, splits, -1)))
        wanted = (self.lengths + self.paths.sum(axis=-1)) / 2  # turns to the right on the path
        reached = ops.cast(ops.equal(taken, wanted[..., None]), self.compute_dtype)
        of_leaf = ops.reshape(reached, (self.values.size, -1))
        return ops.transpose(ops.matmul(self.values.reshape(1, -1), of_leaf))

    def get_config(self) -> dict[str, Any]:
        """Everything that builds the layer again."""
        names = ("columns", "thresholds", "paths", "lengths", "values")
        return {**super().get_config(), **{name: getattr(self, name).tolist() for name in names}}


@registered
class Blend(keras.layers.Layer):
    """The mean of a probability and of direct log odds, in log odds: equation `eq-blend`."""

    def call(self, given: Sequence[Any]) -> Any:
        """Turn `[p, logit]`, both of shape (n, 1), into probabilities of that shape."""
        p = ops.clip(given[0], 1e-7, 1 - 1e-7)
        return ops.sigmoid((ops.log(p) - ops.log(1 - p) + given[1]) / 2)


def boosted(
    encoder: Encoder,
    arrays: Arrays,
    label: ArrayLike,
    *,
    trees: int = TREES,
    leaves: int = 4,
    rows: int = 1,
    evidence: float = 20.0,
    learning_rate: float = 0.05,
    promises: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Trees:
    """Fit boosted trees to offers, as a layer of a model.

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers.
    arrays : dict of str to numpy.ndarray
        n training offers, as `encoder.encode` gives them.
    label : array_like
        0 or 1, shape (n,) or (n, 1).
    trees, leaves : int
        How many trees, and how many leaves each has at most.
    rows : int
        A leaf has at least so many training offers.
    evidence : float
        And they have at least this sum of p (1 - p), which is about how many positives are
        expected among them: a rare label takes more offers than a common one. With less than
        twice of it in all, no tree splits, and each offer gets the usual rate.
    learning_rate : float
        What each tree counts.
    promises : mapping of str to int, optional
        As for `monotone_model`: trees that keep them split only so.
    seed : int
        Of the offers and columns that each tree is grown on.

    Returns
    -------
    Trees
        Of the columns of `encoder.matrix`.

    Raises
    ------
    ValueError
        If all offers have the same label.

    Notes
    -----
    Ke et al., *LightGBM*, NeurIPS 2017. The offers are read as float32, in training and ever
    after, and each threshold is the largest float32 below LightGBM's: no offer goes another way.
    """
    need("lightgbm", "train")
    import lightgbm

    y = np.asarray(label, "float32").reshape(-1)
    if y.min(initial=1) == y.max(initial=0):
        raise ValueError("all training offers have the same label: there is nothing to learn")
    settings = {
        "objective": "binary",
        "num_leaves": leaves,
        "min_data_in_leaf": rows,
        "min_sum_hessian_in_leaf": evidence,
        "learning_rate": learning_rate,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    if promises:
        numbers = [number.name for part in encoder.numbers.values() for number in part]
        settings["monotone_constraints"] = [promises.get(name, 0) for name in numbers] + [0] * (
            encoder.matrix(arrays).shape[1] - len(numbers)
        )
    data = lightgbm.Dataset(encoder.matrix(arrays), y)
    return layer_of(lightgbm.train(settings, data, trees).dump_model())


def layer_of(described: Mapping[str, Any]) -> Trees:
    """Make a layer of the trees that LightGBM's `dump_model` describes."""
    trees = described["tree_info"]
    most = max(2, *(tree["num_leaves"] for tree in trees))
    columns, thresholds = (np.zeros((len(trees), most - 1)) for _ in range(2))
    values, lengths = np.zeros((len(trees), most)), np.full((len(trees), most), -1)
    paths = np.zeros((len(trees), most, most - 1))
    for tree, info in enumerate(trees):
        waiting = [(info["tree_structure"], np.zeros(most - 1))]
        leaf = 0
        while waiting:
            node, path = waiting.pop()
            if "split_index" in node:
                split = node["split_index"]
                columns[tree, split] = node["split_feature"]
                thresholds[tree, split] = _float32_below(node["threshold"])
                way = np.eye(most - 1)[split]
                waiting.append((node["right_child"], path + way))
                waiting.append((node["left_child"], path - way))
            else:
                values[tree, leaf], paths[tree, leaf] = node["leaf_value"], path
                lengths[tree, leaf] = np.abs(path).sum()
                leaf += 1
    return Trees(columns, thresholds, paths, lengths, values, name="direct_logit")


def _float32_below(threshold: float) -> float:
    near = np.float32(threshold)
    return float(near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf)))


def with_trees(network: OfferModel, trees: Trees) -> OfferModel:
    r"""Put boosted trees beside a fitted network.

    Parameters
    ----------
    network : OfferModel
        As `coupled_model` builds it, fitted.
    trees : Trees
        As `boosted` fits it, with the encoder of the network.

    Returns
    -------
    OfferModel
        The network's outputs, with the mean of both in log odds for `redeemed`. The layer
        `redeemed` is still the network's coupling, and `direct_logit` the trees; both are shared,
        not copied.

    Notes
    -----
    Equation `eq-blend` of the book.
    """
    encoder, inputs = network.encoder, network.input
    parts = [inputs[name] for name in encoder.numbers]
    for name, categories in encoder.categories.items():
        sizes = [len(category.values) for category in categories]
        parts.append(MultiHot(sizes, name=f"{name}_ones")(inputs[name]))
    direct = trees(layers.Concatenate(name="known")(parts))
    both = Blend(name=BOTH)([network.output["redeemed"], direct])
    outputs = {**network.output, "redeemed": both}
    return offer_model(encoder, inputs, outputs, f"{network.name}_with_trees")


def network_of(model: OfferModel) -> OfferModel:
    """Give the network within a model of `with_trees`: with its weights, not with a copy of them.

    A model without trees is given back as it is.
    """
    if BOTH not in {layer.name for layer in model.layers}:
        return model
    outputs = {**model.output, "redeemed": model.get_layer("redeemed").output}
    return offer_model(model.encoder, model.input, outputs, "coupled_model")
