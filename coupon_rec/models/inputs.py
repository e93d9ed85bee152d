"""The inputs of a model: the arrays of an encoder, normalized, one-hot or embedded."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from coupon_rec._keras import keras
from coupon_rec.features import LABELS, Encoder
from coupon_rec.odds import Platt

ops, layers = keras.ops, keras.layers
registered = keras.saving.register_keras_serializable("coupon_rec")

VECTOR = 16
"""Coordinates of a vector that is learned for an id."""

CUT = 3.0
"""Deviations from the mean at which a network's numbers are cut: beyond them it has seen little."""

PENALTY = 0.03
"""Added to the loss, times the mean squared length of the vectors that a batch looks up."""

Tensors = dict[str, keras.KerasTensor]


@registered
class OfferModel(keras.Model):
    """A Keras model that knows how offers are encoded for it, and saves it with its weights.

    Attributes
    ----------
    encoder : coupon_rec.features.Encoder
        Learned from the training offers.
    calibration : dict of str to Platt
        What recalibrates each output; an output that is not named stays as it is.
    """

    encoder: Encoder
    calibration: dict[str, Platt]

    def get_config(self) -> dict[str, Any]:
        """Everything that builds the model again."""
        lines = {name: asdict(line) for name, line in self.calibration.items()}
        return {**super().get_config(), "encoder": self.encoder.to_dict(), "calibration": lines}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "OfferModel":
        """Build a model from what `get_config` gave."""
        own = ("encoder", "calibration")
        rest = {name: part for name, part in config.items() if name not in own}
        model: OfferModel = super().from_config(rest, custom_objects)
        model.encoder = Encoder.from_dict(config["encoder"])
        model.calibration = {name: Platt(**line) for name, line in config["calibration"].items()}
        return model


def offer_model(encoder: Encoder, inputs: Tensors, outputs: Tensors, name: str) -> OfferModel:
    """Make a model of its inputs and outputs, which reads offers by an encoder."""
    model = OfferModel(inputs, outputs, name=name)
    model.encoder, model.calibration = encoder, {}
    return model


@registered
class Normalized(keras.layers.Layer):
    """Numbers less their mean, over their deviation, cut at ±3; 0 where they never varied.

    The tails of the features are long, and months to come have longer ones than those learned
    from. A weighted sum follows them anywhere; cut, they stay where it was trained.

    Keras's `Normalization` keeps its mean as a tensor, which the conversion to ONNX takes for an
    input of the model; constants go into every format.

    Parameters
    ----------
    mean, deviation : sequence of float
        One for each column.
    """

    def __init__(self, mean: Sequence[float], deviation: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)  # only if it is called `kwargs`, Keras stores a layer's name
        self.mean, self.deviation = list(mean), list(deviation)

    def call(self, x: Any) -> Any:
        """Normalize numbers of shape (n, columns)."""
        times = [1 / deviation if deviation else 0.0 for deviation in self.deviation]
        scaled = (x - np.array(self.mean, "float32")) * np.array(times, "float32")
        return ops.clip(scaled, -CUT, CUT)


@registered
class MultiHot(keras.layers.Layer):
    """Ones and zeros: one for each code that is there, none for code 0.

    A code belongs to one column only, so each output compares one column with one code. Columns
    are repeated by a multiplication with zeros and ones, which ONNX Runtime does ten times as fast
    as it gathers them.

    Parameters
    ----------
    sizes : sequence of int
        How many codes each column has; the first has the codes from 1 on, and those of a column
        follow those of the column before.
    """

    def __init__(self, sizes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = [int(size) for size in sizes]

    def call(self, codes: Any) -> Any:
        """Turn codes of shape (n, columns), int32, into ones and zeros of shape (n, codes)."""
        repeat = np.repeat(np.eye(len(self.sizes), dtype="float32"), self.sizes, axis=1)
        repeated = ops.matmul(ops.cast(codes, "float32"), repeat)
        there = ops.equal(repeated, np.arange(1, sum(self.sizes) + 1, dtype="float32"))
        return ops.cast(there, self.compute_dtype)


@registered
class IdVector(keras.layers.Layer):
    """A learned vector for each known id, and zero for code 0, an unknown one.

    Parameters
    ----------
    known : int
        How many ids there are.
    size : int
        Coordinates of a vector.
    """

    def __init__(self, known: int, size: int = VECTOR, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.known, self.size = known, size
        self.table = layers.Embedding(
            known + 1,
            size,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=0.1),
            activity_regularizer=keras.regularizers.L2(PENALTY),
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the table of vectors."""
        self.table.build(shape)

    def call(self, code: Any) -> Any:
        """Turn codes of shape (n, 1), int32, into vectors of shape (n, size)."""
        there = ops.cast(code > 0, self.compute_dtype)
        return self.table(code[:, 0]) * there


def encoded(encoder: Encoder) -> tuple[Tensors, Tensors]:
    """Make an input for each array of an encoder, and what the networks read of it.

    Returns
    -------
    inputs, ready : dict of str to keras.KerasTensor
        Numbers are normalized by their mean and deviation, categories become ones and zeros, and
        an id becomes a vector and, with `_bias` after its name, one number.
    """
    inputs: Tensors = {}
    ready: Tensors = {}
    for name, width in encoder.arrays.items():
        dtype = "float32" if name in encoder.numbers else "int32"
        inputs[name] = keras.Input((width,), dtype=dtype, name=name)
        if name in encoder.ids:
            ids = len(encoder.ids[name])
            ready[name] = IdVector(ids, name=f"{name}_vector")(inputs[name])
            ready[f"{name}_bias"] = IdVector(ids, 1, name=f"{name}_bias")(inputs[name])
        elif name in encoder.categories:
            sizes = [len(category.values) for category in encoder.categories[name]]
            ready[name] = MultiHot(sizes, name=f"{name}_encoded")(inputs[name])
        else:
            means = [number.mean for number in encoder.numbers[name]]
            deviations = [number.deviation for number in encoder.numbers[name]]
            layer = Normalized(means, deviations, name=f"{name}_normalized")
            ready[name] = layer(inputs[name])
    return inputs, ready


def rates(encoder: Encoder) -> tuple[float, float]:
    """How often the training offers were bought, and how often they were redeemed if bought."""
    bought, redeemed = (encoder.rates.get(label, 0.0) for label in LABELS)
    return bought, redeemed / bought if bought else 0.0


def joined(ready: Mapping[str, Any], names: Sequence[str], name: str) -> keras.KerasTensor:
    """Concatenate those of the named tensors that there are."""
    return layers.Concatenate(name=name)([ready[one] for one in names if one in ready])


def logit_layer(rate: float | None, name: str) -> keras.Layer:
    """Make the last weighted sum of a network, which starts at the log odds of a rate.

    From a probability of one half, the first epochs would be spent on learning how rare a
    redemption is.
    """
    start = keras.initializers.Constant(logit_start(rate))
    return layers.Dense(1, bias_initializer=start, name=name)


def logit_start(rate: float | None) -> float:
    """The log odds of a rate; 0 where there is none to start from."""
    return math.log(rate / (1 - rate)) if rate and rate < 1 else 0.0


def network(
    x: keras.KerasTensor, units: Sequence[int], dropout: float, name: str
) -> keras.KerasTensor:
    """Pass x through hidden layers `name_1`, `name_2`, ..., each with dropout."""
    for number, width in enumerate(units, start=1):
        x = layers.Dense(width, "relu", name=f"{name}_{number}")(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout_{number}")(x)
    return x
