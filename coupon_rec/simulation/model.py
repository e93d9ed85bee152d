"""The equations of the simulated market, each once, for drawing and for telling the truth."""

import numpy as np
from numpy.typing import NDArray

from coupon_rec.odds import sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAY = 24 * 3600
"""Seconds."""
WEEKS = 4
"""Weeks that a period lasts: prices hold, and a campaign's coupons are valid, for one period."""
BLOCK = 500
"""Users who are drawn together, from a seed of their own."""
TASTES = 8
"""Dimensions of taste, the latent vector of a user and of an item."""
COUPON_WORTH = 0.7
"""A coupon moves demand as much as this share of the same cut of the shelf price."""


def wished(z: Floats) -> Floats:
    """A rate that softplus(z) never exceeds and that is quickly worked out: e^z, 1 + z above 0."""
    rate: Floats = np.exp(np.minimum(z, 0))
    rate += np.maximum(z, 0)
    return rate


def softplus(z: Floats) -> Floats:
    """log(1 + e^z) = -log(1 - sigmoid(z)): the rate of a Poisson count that is not 0 with sigmoid.

    `z` must stay below 700, where e^z overflows; the logits here stay below 20.
    """
    return np.asarray(np.log1p(np.exp(z)))


def chance(trips: Floats, rate: Floats) -> Floats:
    """Probability that a user buys something within one period: equation (2) of the simulation.

    Parameters
    ----------
    trips : numpy.ndarray
        Trips a week, 0 or more.
    rate : numpy.ndarray
        Softplus of the logit of an item, or the sum over the items that count, of a shape that
        broadcasts with `trips`.

    Returns
    -------
    numpy.ndarray
        In [0, 1].
    """
    return np.asarray(-np.expm1(WEEKS * trips * np.expm1(-rate)))


def saving(price_sensitivity: Floats, depth: Floats) -> Floats:
    """What coupons save adds to the purchase logit of their items: equation (3) without h.

    Parameters
    ----------
    price_sensitivity : numpy.ndarray
        Of each user, shape (n,), above 0.
    depth : numpy.ndarray
        Share of the price that each coupon takes off, shape (k,), in (0, 1).

    Returns
    -------
    numpy.ndarray
        Shape (n, k).
    """
    return np.asarray(COUPON_WORTH * np.outer(price_sensitivity, -np.log1p(-depth)))


def redeem_rate(habit: Floats, depth: Floats) -> Floats:
    """Probability that a purchase under a coupon comes with its redemption: equation (4).

    Parameters
    ----------
    habit : numpy.ndarray
        Of each user, on the logit's scale, shape (n,).
    depth : numpy.ndarray
        Share of the price that each coupon takes off, shape (k,), in (0, 1).

    Returns
    -------
    numpy.ndarray
        Shape (n, k), in [0, 1].
    """
    return sigmoid(habit[:, None] + 4 * (depth - 0.25))
