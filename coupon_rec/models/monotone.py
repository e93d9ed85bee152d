"""A coupled model that keeps promises: the more of this, never the less likely."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coupon_rec._keras import keras, seeded
from coupon_rec.features import Encoder
from coupon_rec.models.coupled import coupled
from coupon_rec.models.couplings import coupling
from coupon_rec.models.inputs import OfferModel, Tensors, encoded, logit_start, rates
from coupon_rec.models.purchase import FEATURES

ops, layers = keras.ops, keras.layers
registered = keras.saving.register_keras_serializable("coupon_rec")

PROMISES = {
    "match_lines_per_week": 1,
    "match_decayed_14": 1,
    "match_decayed_45": 1,
    "match_decayed_120": 1,
    "match_distinct_items": 1,
    "match_spend_per_week": 1,
    "match_wallet_share": 1,
    "match_recency": -1,
    "match_category_decayed": 1,
    "match_category_recency": -1,
    "user_redemption_rate": 1,
    "user_redemptions_decayed": 1,
    "user_redemption_recency": -1,
    "coupon_success": 1,
    "coupon_redeemed_before": 1,
}
"""What a retailer might promise, other things being equal: 1 if more of it never lowers a
probability, -1 if it never raises one."""


@registered
class Monotone(keras.layers.Layer):
    """A dense layer whose weights have the signs that are asked for.

    Parameters
    ----------
    units : int
        How many numbers it gives; each rises or stays with an input of sign 1.
    signs : sequence of int
        Of each input: 1, -1, or 0 where the weights are free.
    bend : bool
        Whether the sums are bent: one half keeps what is above 0, the other what is below. Both
        rise, and together they follow curves that bend either way.
    bias : float
        Where the bias starts.
    """

    def __init__(
        self,
        units: int,
        signs: Sequence[int],
        bend: bool = True,
        bias: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.signs, self.bend, self.bias = units, list(signs), bend, bias

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights."""
        self.weights_in = self.add_weight(shape=(shape[-1], self.units), name="weights")
        start = keras.initializers.Constant(self.bias)
        self.added = self.add_weight(shape=(self.units,), initializer=start, name="bias")

    def call(self, x: Any) -> Any:
        """Turn numbers of shape (n, inputs) into numbers of shape (n, units)."""
        signs = np.array(self.signs, "float32")[:, None]
        free = 1 - np.abs(signs)
        weights = self.weights_in * free + ops.abs(self.weights_in) * signs
        sums = ops.matmul(x, weights) + self.added
        if not self.bend:
            return sums
        half = self.units // 2
        above, below = ops.maximum(sums[:, :half], 0), ops.minimum(sums[:, half:], 0)
        return ops.concatenate([above, below], axis=-1)


def monotone_model(
    encoder: Encoder,
    promises: Mapping[str, int] = PROMISES,
    units: Sequence[int] = (64, 32),
    dropout: float = 0.3,
    seed: int = 0,
) -> OfferModel:
    """Build a chain of two networks, untrained, that keeps promises whatever it learns.

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers, without ids.
    promises : mapping of str to int
        By numeric feature, 1 if p(a) and p(a, r) must not fall as it rises, -1 if they must not
        rise. The purchase model does not read the coupon's features.
    units : sequence of int
        Hidden layers of each of the two networks.
    dropout, seed
        As for `coupled_model`.

    Returns
    -------
    OfferModel
        With the outputs and the logits of `coupled_model`.

    Raises
    ------
    ValueError
        If a promise is about no number that the encoder reads, or is neither 1 nor -1.

    Notes
    -----
    Archer and Wang, *Application of the Back Propagation Neural Network Algorithm with
    Monotonicity Constraints*, 1993: weights of one sign. A sum of rising terms rises.
    """
    signs = signs_of(encoder, promises)
    with seeded(seed):
        inputs, ready = encoded(encoder)
        bought, given = rates(encoder)
        read = [name for name in FEATURES if name in ready]
        inputs_known, of_known = _joined(ready, signs, read)
        interest = _network(inputs_known, of_known, units, dropout, "purchase")
        rising = [1] * units[-1]
        start = logit_start(bought)
        bought_logit = Monotone(1, rising, False, start, name="bought_logit")(interest)
        everything, of_everything = _joined(ready, signs, [*ready])
        both = layers.Concatenate(name="interest_and_coupon")([interest, everything])
        response = _network(both, [*rising, *of_everything], units, dropout, "coupon")
        last = Monotone(1, rising, False, logit_start(given), name="redeemed_if_bought_logit")
        chain = coupling("chain", name="redeemed")
        logits = [bought_logit, last(response)]
        return coupled(encoder, inputs, logits, chain, "monotone_model")


def signs_of(encoder: Encoder, promises: Mapping[str, int]) -> dict[str, list[int]]:
    """Give the sign of every number of an encoder, by array; 0 where nothing is promised.

    Raises
    ------
    ValueError
        If a promise is about no number of the encoder, or is neither 1 nor -1.
    """
    names = {array: [one.name for one in numbers] for array, numbers in encoder.numbers.items()}
    read = set().union(*names.values())
    for name, sign in promises.items():
        if name not in read:
            raise ValueError(f"{name!r} is promised something, and is no number that is read")
        if sign not in (1, -1):
            raise ValueError(f"the promise of {name} is {sign}: expected 1 or -1")
    return {array: [promises.get(name, 0) for name in of] for array, of in names.items()}


def _joined(
    ready: Tensors, signs: Mapping[str, list[int]], names: Sequence[str]
) -> tuple[keras.KerasTensor, list[int]]:
    """Put tensors side by side, with the sign of every column."""
    joined = layers.Concatenate()([ready[name] for name in names])
    return joined, [sign for name in names for sign in signs.get(name, [0] * ready[name].shape[-1])]


def _network(
    x: keras.KerasTensor, signs: list[int], units: Sequence[int], dropout: float, name: str
) -> keras.KerasTensor:
    for number, width in enumerate(units, start=1):
        x = Monotone(width, signs, name=f"{name}_{number}")(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout_{number}")(x)
        signs = [1] * width
    return x
