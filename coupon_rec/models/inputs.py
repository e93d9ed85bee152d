"""The inputs of a model: its named arrays, normalized, encoded or embedded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._keras import keras
from coupon_rec.features import COUPON_CATEGORIES, USER_CATEGORIES, Arrays, tokens

ops, layers = keras.ops, keras.layers

TOKENS = {"user_category": tokens(USER_CATEGORIES), "coupon_category": tokens(COUPON_CATEGORIES)}
IDS = ("user_id", "item_id", "coupon_id")
VECTOR = 16
"""Coordinates of a vector that is learned for an id."""

PENALTY = 0.03
"""Added to the loss, times the mean squared length of the vectors that a batch looks up."""

Tensors = dict[str, keras.KerasTensor]


def ids(table: pd.DataFrame, names: Sequence[str] = ("user_id", "item_id")) -> Arrays:
    """Take ids as named arrays, for a model that learns a vector for each.

    Parameters
    ----------
    table : pandas.DataFrame
        n rows with these columns: offers, or pairs of user and item.
    names : sequence of str
        Some of user_id, item_id and coupon_id.

    Returns
    -------
    dict of str to numpy.ndarray
        Each int32 of shape (n, 1).

    Raises
    ------
    ValueError
        If an id does not fit in 32 bits, as the coupons of Complete Journey do not.
    """
    for name in names:
        if table[name].abs().max() > np.iinfo("int32").max:
            raise ValueError(f"{name} has ids that do not fit in 32 bits; number them from 0 on")
    return {name: table[name].to_numpy("int32")[:, None] for name in names}


@keras.saving.register_keras_serializable("coupon_rec")
class IdVector(keras.layers.Layer):
    """A learned vector for each known id, and zero for every other.

    Parameters
    ----------
    known : sequence of int
        The ids, in ascending order.
    size : int
        Coordinates of a vector.

    Notes
    -----
    The search among the known ids has no counterpart in ONNX; a SavedModel holds it.
    """

    def __init__(self, known: Sequence[int], size: int = VECTOR, **options: Any) -> None:
        super().__init__(**options)
        self.known, self.size = [int(number) for number in known], size
        self.table = layers.Embedding(
            len(self.known),
            size,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
            activity_regularizer=keras.regularizers.L2(PENALTY),
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the table of vectors."""
        self.table.build(shape)

    def call(self, number: Any) -> Any:
        """Turn ids of shape (n, 1), int32, into vectors of shape (n, size)."""
        known = ops.convert_to_tensor(self.known, "int32")
        row = ops.minimum(ops.searchsorted(known, number[:, 0]), len(self.known) - 1)
        found = ops.equal(ops.take(known, row), number[:, 0])
        return self.table(row) * ops.cast(found, self.compute_dtype)[:, None]

    def get_config(self) -> dict[str, Any]:
        """Everything that builds the layer again."""
        return {**super().get_config(), "known": self.known, "size": self.size}


def encoded(train: Arrays) -> tuple[Tensors, Tensors]:
    """Make an input for each named array, and what the networks read of it.

    Parameters
    ----------
    train : dict of str to numpy.ndarray
        Training offers, from `coupon_rec.features.encode`, from `ids`, or from both.

    Returns
    -------
    inputs, ready : dict of str to keras.KerasTensor
        Numbers are normalized by their mean and variance, categories become ones and zeros, and
        an id becomes a vector and, with `_bias` after its name, one number.
    """
    inputs: Tensors = {}
    ready: Tensors = {}
    for name, array in train.items():
        whole = name in TOKENS or name in IDS
        inputs[name] = keras.Input(array.shape[1:], dtype="int32" if whole else None, name=name)
        if name in IDS:
            known = np.unique(array).tolist()
            ready[name] = IdVector(known, name=f"{name}_vector")(inputs[name])
            ready[f"{name}_bias"] = IdVector(known, 1, name=f"{name}_bias")(inputs[name])
        else:
            ready[name] = _encoder(name, array)(inputs[name])
    return inputs, ready


def _encoder(name: str, array: np.ndarray) -> keras.Layer:
    if name in TOKENS:
        return layers.CategoryEncoding(TOKENS[name], "multi_hot", name=f"{name}_encoded")
    encoder = layers.Normalization(name=f"{name}_normalized")
    encoder.adapt(array)
    return encoder


def joined(ready: Mapping[str, Any], names: Sequence[str], name: str) -> keras.KerasTensor:
    """Concatenate those of the named tensors that there are."""
    return layers.Concatenate(name=name)([ready[one] for one in names if one in ready])


def network(
    x: keras.KerasTensor, units: Sequence[int], dropout: float, name: str
) -> keras.KerasTensor:
    """Pass x through hidden layers `name_1`, `name_2`, ..., each with dropout."""
    for number, width in enumerate(units, start=1):
        x = layers.Dense(width, "relu", name=f"{name}_{number}")(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout_{number}")(x)
    return x
