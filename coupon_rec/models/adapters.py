"""Adapters: small weights that turn a fitted model into that of another screen, or of another task.

A copy of the model stays as it is, but for what the other screen needs: two thin matrices whose
product is added to a kernel, the biases, or the last weighted sums. The model itself never changes.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from coupon_rec._keras import keras, seeded
from coupon_rec.models.inputs import OfferModel, logit_layer, offer_model

layers = keras.layers

FACTORS = ("bought", "redeemed_if_bought")
"""What `factors` may name: the two factors of a coupled model."""

THIN = (layers.Dense, layers.EinsumDense, layers.Embedding)
"""Layers to which Keras can add the product of two thin matrices."""


def adapted(
    model: keras.Model, rank: int = 2, factors: Sequence[str] | None = None, seed: int = 0
) -> keras.Model:
    r"""Copy a fitted model, and let little of the copy be trained: low-rank adapters.

    A kernel W stays as it is and is used as W + A B, where A has `rank` columns and B as many
    rows, and starts at 0: at first the copy says what the model says, to the bit. Biases are
    trained too, for they are few and hold how frequent things are on a screen. So is a weighted
    sum that is no larger than its A and B, such as the last one of a network. All else is frozen,
    and so are embeddings that are no larger than theirs.

    Parameters
    ----------
    model : keras.Model
        Fitted. It is copied and does not change.
    rank : int
        Columns of A, 1 or more.
    factors : sequence of str, optional
        Of a coupled model, which factors are adapted: `bought`, `redeemed_if_bought`, or both,
        which is also what happens if it is left out. The network of the second reads a layer
        of the first, so to adapt `bought` moves both.
    seed : int
        Of A.

    Returns
    -------
    keras.Model
        Of the class of the model; an `OfferModel` keeps its encoder, and not its calibration.
        Train it as any other.

    Raises
    ------
    ValueError
        If the rank is below 1, the model has no such factor, or there is nothing to adapt.

    Examples
    --------
    >>> x = keras.Input((8,))
    >>> hidden = keras.layers.Dense(16, "relu")(x)
    >>> model = keras.Model(x, keras.layers.Dense(1, "sigmoid")(hidden))
    >>> trained_weights(model), trained_weights(adapted(model, rank=1))
    (161, 57)

    Notes
    -----
    Equation `eq-low-rank` of the book; Hu et al., *LoRA: Low-Rank Adaptation of Large Language
    Models*, ICLR 2022.
    """
    if rank < 1:
        raise ValueError(f"rank is {rank}: an adapter has 1 or more")
    copy, parts = _frozen(model, factors)
    thin = [part for part in parts if isinstance(part, THIN)]
    if not thin:
        kinds = ", ".join(each.__name__ for each in THIN)
        raise ValueError(f"{model.name} has nothing to adapt: no {kinds}")
    with seeded(seed):
        for part in thin:
            _adapt(part, rank)
    return copy


def head_only(model: keras.Model, factors: Sequence[str] | None = None) -> keras.Model:
    """Copy a fitted model, and let the last weighted sum of each factor be trained, no more.

    Parameters
    ----------
    model, factors
        As for `adapted`, and so are what is returned and the errors.

    Examples
    --------
    >>> x = keras.Input((8,))
    >>> hidden = keras.layers.Dense(16, "relu")(x)
    >>> model = keras.Model(x, keras.layers.Dense(1, "sigmoid")(hidden))
    >>> trained_weights(head_only(model))
    17
    """
    copy, parts = _frozen(model, factors)
    last = [part for part in parts if isinstance(part, layers.Dense) and part.units == 1]
    if not last:
        raise ValueError(f"{model.name} has no last weighted sum: a Dense layer of one unit")
    for part in last:
        for weight in part.weights:
            weight.trainable = True
    return copy


def new_head(
    model: keras.Model, layer: str, name: str, rate: float | None = None, seed: int = 0
) -> keras.Model:
    """Put a new head on the frozen trunk of a fitted model, for another task on the same inputs.

    Parameters
    ----------
    model : keras.Model
        Fitted. It is copied and does not change.
    layer : str
        The last layer of the trunk, such as `purchase_2` of a coupled model.
    name : str
        Of the new output, such as `clicked`.
    rate : float, optional
        Share of positives of the new task, in (0, 1), for the head to start from.
    seed : int
        Of the head.

    Returns
    -------
    keras.Model
        From the inputs of the model to `{name: p}`, p of shape (n, 1) and within [0, 1]; an
        `OfferModel` if the model is one.

    Raises
    ------
    ValueError
        If the model has no such layer, or the rate is not in (0, 1).

    Examples
    --------
    >>> x = keras.Input((8,))
    >>> hidden = keras.layers.Dense(16, "relu", name="trunk")(x)
    >>> model = keras.Model(x, keras.layers.Dense(1, "sigmoid")(hidden))
    >>> clicks = new_head(model, "trunk", "clicked")
    >>> list(clicks.output), trained_weights(clicks)
    (['clicked'], 17)
    """
    if rate is not None and not 0 < rate < 1:
        raise ValueError(f"rate is {rate}: a share of positives lies between 0 and 1")
    copy, _ = _frozen(model)
    trunk = copy.get_layer(layer).output
    with seeded(seed):
        p = layers.Activation("sigmoid", name=name)(logit_layer(rate, f"{name}_logit")(trunk))
    if isinstance(model, OfferModel):
        return offer_model(model.encoder, copy.input, {name: p}, f"{model.name}_{name}")
    return keras.Model(copy.input, {name: p}, name=f"{model.name}_{name}")


def trained_weights(model: keras.Model) -> int:
    """Count the weights that training changes: `adapted` leaves a few percent of them.

    Parameters
    ----------
    model : keras.Model
        Any.
    """
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def _frozen(
    model: keras.Model, factors: Sequence[str] | None = None
) -> tuple[keras.Model, list[keras.Layer]]:
    """Copy a model, freeze every weight, and find the layers of some factors, or all."""
    if any(getattr(part, "lora_enabled", False) for part in _parts(model)):
        raise ValueError(f"{model.name} has adapters already: adapt the model it came from")
    with seeded(0):  # the initial weights of the copy, which are not kept
        copy = type(model).from_config(model.get_config())
    copy.set_weights(model.get_weights())
    if isinstance(copy, OfferModel):
        copy.calibration = {}
    for weight in copy.weights:
        weight.trainable = False
    chosen = _factor(copy, factors)
    return copy, [part for part in _parts(copy) if chosen is None or part in chosen]


def _factor(model: keras.Model, factors: Sequence[str] | None) -> list[keras.Layer] | None:
    """The layers of the factors of a coupled model; None for those of all."""
    if factors is None:
        return None
    if not factors or not set(factors) <= set(FACTORS):
        raise ValueError(f"factors is {factors!r}: name some of {', '.join(FACTORS)}")
    ends = {name: f"{name}_logit" for name in FACTORS}
    if not set(ends.values()) <= {layer.name for layer in model.layers}:
        raise ValueError(f"{model.name} has no factors: leave `factors` out, or couple two models")
    first = list(_parts(keras.Model(model.input, model.get_layer(ends["bought"]).output)))
    return [part for part in _parts(model) if FACTORS[part not in first] in factors]


def _parts(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers that have weights of their own: of an id's vector, its table."""
    for layer in model.layers:
        yield getattr(layer, "table", layer)


def _adapt(part: keras.Layer, rank: int) -> None:
    """Add two thin matrices to a layer, or train it whole where they would be no smaller."""
    if getattr(part, "bias", None) is not None:
        part.bias.trainable = True
    kernel = part.embeddings if isinstance(part, layers.Embedding) else part.kernel
    *rows, columns = kernel.shape
    if rank * (np.prod(rows) + columns) < np.prod(kernel.shape):
        part.enable_lora(rank)
    elif not isinstance(part, layers.Embedding):
        kernel.trainable = True
