"""The coupon model p(r | u, i, c), alone."""

from collections.abc import Sequence

from coupon_rec._keras import keras
from coupon_rec.features import Arrays
from coupon_rec.models.inputs import encoded, joined, network

layers = keras.layers


def coupon_model(
    train: Arrays, units: Sequence[int] = (64, 32), dropout: float = 0.3, seed: int = 0
) -> keras.Model:
    r"""Build the coupon model p(r | u, i, c), which knows nothing of purchases, untrained.

    Parameters
    ----------
    train : dict of str to numpy.ndarray
        Training offers as `coupon_rec.features.encode` gives them, or their `ids`, or both.
    units : sequence of int
        Hidden layers; none for logistic regression.
    dropout : float
        Share of hidden units switched off in training, in [0, 1).
    seed : int
        Of the initial weights.

    Returns
    -------
    keras.Model
        From the named arrays to `{"redeemed": p}`, of shape (n, 1) and within [0, 1]. The logit
        is the output of its layer `redeemed_logit`.

    Notes
    -----
    Equation `eq-coupon` of the book.
    """
    keras.utils.set_random_seed(seed)
    inputs, ready = encoded(train)
    response = network(joined(ready, tuple(ready), "everything"), units, dropout, "coupon")
    logit = layers.Dense(1, name="redeemed_logit")(response)
    redeemed = layers.Activation("sigmoid", name="redeemed")(logit)
    return keras.Model(inputs, {"redeemed": redeemed}, name="coupon_model")
