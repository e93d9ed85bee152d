"""The inputs of a model: its named arrays, normalized, encoded or embedded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._keras import keras
from coupon_rec.features import COUPON_CATEGORIES, Arrays
from coupon_rec.market.categories import USER_CATEGORIES

ops, layers = keras.ops, keras.layers
registered = keras.saving.register_keras_serializable("coupon_rec")

CODES = {
    "user_category": [len(values) + 1 for values in USER_CATEGORIES.values()],
    "coupon_category": [len(values) + 1 for values in COUPON_CATEGORIES.values()],
}
"""How many category codes each column of these arrays has."""

TOKENS = {name: sum(sizes) for name, sizes in CODES.items()}
IDS = ("user_id", "item_id", "coupon_id")
VECTOR = 16
"""Coordinates of a vector that is learned for an id."""

PENALTY = 0.03
"""Added to the loss, times the mean squared length of the vectors that a batch looks up."""

MOMENTS = ("mean", "variance")
CONSTANT = 1e-12
"""A variance below this is that of a number that never varied."""

LARGEST = np.iinfo("int32").max

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
        if table[name].abs().max() > LARGEST:
            raise ValueError(f"{name} has ids that do not fit in 32 bits; number them from 0 on")
    return {name: table[name].to_numpy("int32")[:, None] for name in names}


@registered
class Normalized(keras.layers.Normalization):
    """Keras's `Normalization`, whose mean and variance every exported format takes for constants.

    Keras keeps them as tensors, and the conversion to ONNX takes those for inputs of the model.
    A number that never varied in training is divided by 1 here, and by 1e-7 there.
    """

    def finalize_state(self) -> None:
        """Take mean and variance from what was adapted to, or loaded."""
        super().finalize_state()
        if self.built:
            mean, variance = (ops.convert_to_numpy(getattr(self, name)) for name in MOMENTS)
            self.mean, self.variance = mean, np.where(variance < CONSTANT, 1, variance)


@registered
class MultiHot(keras.layers.Layer):
    """Ones and zeros: one for each code that is there, as Keras's multi-hot `CategoryEncoding`.

    A code stands in one column only, so each output compares one column with one code. Unlike
    Keras's counting of codes, LiteRT can do that. Columns are repeated by a multiplication with
    zeros and ones, which ONNX Runtime does ten times as fast as it gathers them.

    Parameters
    ----------
    sizes : sequence of int
        How many codes each column has; those of a column follow those of the column before.
    """

    def __init__(self, sizes: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self.sizes = [int(size) for size in sizes]

    def call(self, codes: Any) -> Any:
        """Turn codes of shape (n, columns), int32, into ones and zeros of shape (n, codes)."""
        repeat = np.repeat(np.eye(len(self.sizes), dtype="float32"), self.sizes, axis=1)
        repeated = ops.matmul(ops.cast(codes, "float32"), repeat)
        there = ops.equal(repeated, np.arange(sum(self.sizes), dtype="float32"))
        return ops.cast(there, self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Give one column for each code."""
        return (*shape[:-1], sum(self.sizes))

    def get_config(self) -> dict[str, Any]:
        """Everything that builds the layer again."""
        return {**super().get_config(), "sizes": self.sizes}


@registered
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
    The known ids are searched by halving, in operations that ONNX and LiteRT have as well;
    `keras.ops.searchsorted` has no counterpart there.
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
        known = np.asarray(self.known, "int32")
        row = last_not_above(known, number[:, 0])
        found = ops.equal(ops.take(known, row), number[:, 0])
        return self.table(row) * ops.cast(found, self.compute_dtype)[:, None]

    def get_config(self) -> dict[str, Any]:
        """Everything that builds the layer again."""
        return {**super().get_config(), "known": self.known, "size": self.size}


def last_not_above(known: np.ndarray, number: Any) -> Any:
    """Find the last of the known numbers that is not above each number, by halving.

    Parameters
    ----------
    known : numpy.ndarray
        Numbers in ascending order, int32 of shape (k,), at least one.
    number : tensor
        int32 of shape (n,).

    Returns
    -------
    tensor
        Rows of `known`, int32 of shape (n,); 0 where all are above.
    """
    powers = (len(known) - 1).bit_length()
    padded = np.pad(known, (0, 2**powers - len(known)), constant_values=LARGEST)
    row = ops.zeros_like(number)
    for step in (2**power for power in reversed(range(powers))):
        row = ops.where(ops.take(padded, row + step) <= number, row + step, row)
    return ops.minimum(row, len(known) - 1)


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
        return MultiHot(CODES[name], name=f"{name}_encoded")
    encoder = Normalized(name=f"{name}_normalized")
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
