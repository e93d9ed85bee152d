"""Examples for `fit`: arrays or batches, as a model needs them, in an order that a seed decides."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._keras import keras, tf
from coupon_rec.arguments import require_columns
from coupon_rec.features import LABELS, Arrays, Encoder

Examples = tuple[Arrays, Arrays]


def examples(offers: pd.DataFrame, encoder: Encoder, labels: Sequence[str] = LABELS) -> Examples:
    """Inputs and labels of offers, in the form that `fit` takes.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table.
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers.
    labels : sequence of str
        Columns of the offers, 0 or 1.

    Returns
    -------
    inputs, labels : dict of str to numpy.ndarray
        The arrays of the encoder; each label as float32 of shape (n, 1).

    Raises
    ------
    ValueError
        If a column is missing.
    """
    require_columns(offers, labels)
    return encoder.encode(offers), {
        name: offers[name].to_numpy("float32")[:, None] for name in labels
    }


def needed(model: keras.Model, data: Examples | tf.data.Dataset) -> Any:
    """Leave out the inputs that the model does not read and the labels it does not predict."""

    def parts(inputs: Any, labels: Any) -> Any:
        return _named(inputs, model.input, "input"), _named(labels, model.output, "label")

    form = data.element_spec if isinstance(data, tf.data.Dataset) else data
    if not isinstance(form, tuple) or len(form) != 2:
        raise ValueError(
            f"expected inputs and labels, as `examples` gives them, or a tf.data.Dataset of both, "
            f"as `read_records` gives it without ids; got {form!r:.60}"
        )
    if isinstance(data, tf.data.Dataset):
        return data.map(parts)
    inputs, labels = parts(*data)
    arrays = {**inputs, **labels}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1 or not min(lengths.values()):
        raise ValueError(f"the arrays are empty or not equally long: {lengths}")
    for name, array in arrays.items():
        if bad := int((~np.isfinite(array)).sum()):
            raise ValueError(f"{name} has {bad} values that are not finite: replace them")
    for name, label in labels.items():
        if not ((label >= 0) & (label <= 1)).all():
            raise ValueError(f"the label {name!r} ranges to {label.max()}: expected 0 to 1")
    return inputs, labels


def _named(given: dict[str, Any], names: Any, kind: str) -> dict[str, Any]:
    if missing := [name for name in names if name not in given]:
        raise ValueError(f"the model needs the {kind} {missing[0]!r}; there are {sorted(given)}")
    return {name: given[name] for name in names}


def in_batches(examples: Any, batch_size: int, seed: int) -> tf.data.Dataset:
    """Make batches; the k-th iterator over them brings the k-th order of the seed."""
    if isinstance(examples, tf.data.Dataset):
        if examples.cardinality() < 1:
            raise ValueError(
                "the training dataset is empty, or does not know its length: apply "
                "tf.data.experimental.assert_cardinality(batches) to it"
            )
        return examples
    rows = len(tf.nest.flatten(examples)[0])
    batches = -(-rows // batch_size)
    held = tf.nest.map_structure(tf.constant, examples)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), tf.stack([number, 0]))

        def batch(index: tf.Tensor) -> Any:
            chosen = order[index * batch_size : (index + 1) * batch_size]
            return tf.nest.map_structure(lambda array: tf.gather(array, chosen), held)

        return tf.data.Dataset.range(batches).map(batch, tf.data.AUTOTUNE)

    numbers = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).take(1)
    length = tf.data.experimental.assert_cardinality(batches)
    return numbers.flat_map(epoch).apply(length).prefetch(tf.data.AUTOTUNE)


def identity(examples: Any) -> int:
    """Tell data from other data: by its bytes, or by the number of its batches."""
    if not isinstance(examples, tuple):
        return int(examples.cardinality())
    code = 0
    for array in tf.nest.flatten(examples):
        code = zlib.crc32(array.tobytes(), code)
    return code


def one_by_one(batches: tf.data.Dataset, skip: int) -> tf.data.Dataset:
    """Bring one epoch each time that it is read, after those that are skipped.

    Keras opens more iterators than it reads. One inside of `flat_map` is opened when it is read.
    """
    for _ in range(skip):
        iter(batches)
    one = tf.data.Dataset.range(1).flat_map(lambda _: batches)
    return one.apply(tf.data.experimental.assert_cardinality(len(batches)))
