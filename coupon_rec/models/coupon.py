"""The coupon model p(r | u, i, c), alone."""

from collections.abc import Sequence

from coupon_rec._keras import keras, seeded
from coupon_rec.features import Encoder
from coupon_rec.models.inputs import (
    OfferModel,
    encoded,
    joined,
    logit_layer,
    network,
    offer_model,
)

layers = keras.layers


def coupon_model(
    encoder: Encoder, units: Sequence[int] = (64, 32), dropout: float = 0.3, seed: int = 0
) -> OfferModel:
    r"""Build the coupon model p(r | u, i, c), which knows nothing of purchases, untrained.

    Parameters
    ----------
    encoder : coupon_rec.features.Encoder
        Fitted on the training offers; the model reads its arrays, and keeps it.
    units : sequence of int
        Hidden layers; none for logistic regression.
    dropout : float
        Share of hidden units switched off in training, in [0, 1).
    seed : int
        Of the initial weights.

    Returns
    -------
    OfferModel
        From the named arrays to `{"redeemed": p}`, of shape (n, 1) and within [0, 1]. The logit
        is the output of its layer `redeemed_logit`.

    Notes
    -----
    Equation `eq-coupon` of the book.
    """
    with seeded(seed):
        inputs, ready = encoded(encoder)
        response = network(joined(ready, tuple(ready), "everything"), units, dropout, "coupon")
        logit = logit_layer(encoder.rates.get("redeemed"), "redeemed_logit")(response)
        redeemed = layers.Activation("sigmoid", name="redeemed")(logit)
    return offer_model(encoder, inputs, {"redeemed": redeemed}, "coupon_model")
