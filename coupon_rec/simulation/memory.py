"""What the past of a market leaves behind: in its users, and in their store."""

from dataclasses import dataclass

import numpy as np

from coupon_rec.simulation.model import Floats
from coupon_rec.simulation.nature import Nature

COVER = 2.15
"""Weeks of usual sales that an order fills the store up to. A week passes until it arrives. About
8% of items are then out of stock, the mean that Gruen, Corsten and Bharadwaj (2002) report."""
FORGETTING = 0.5
"""Share of mailings, and of what is in the pantry, that still counts one campaign later."""


@dataclass(frozen=True)
class Memory:
    """What n users and their store keep of the past; T types, I items.

    Attributes
    ----------
    mailed : numpy.ndarray
        Campaigns that reached the person, each half of the one after it; shape (n,).
    trips : numpy.ndarray
        Trips in the period before, shape (n,).
    expecting : numpy.ndarray
        How sure a user is of the next mail, shape (n,), in [0, 1].
    pantry : numpy.ndarray
        What purchases of each type had saved on the log price; shape (n, T).
    bought : numpy.ndarray
        Purchase lines of each type so far; shape (n, T).
    on_sale : numpy.ndarray
        Purchase lines on sale so far; shape (n,).
    on_hand, on_order, weekly : numpy.ndarray
        Units in the store, units to come in a week, and units sold in a usual week; shape (I,).
    """

    mailed: Floats
    trips: Floats
    expecting: Floats
    pantry: Floats
    bought: Floats
    on_sale: Floats
    on_hand: Floats
    on_order: Floats
    weekly: Floats


def newcomers(nature: Nature, trips: Floats, base: Floats) -> Memory:
    """What users keep who have nothing behind them, and their store before it opens."""
    n, kinds, weekly = len(trips), len(nature.responsiveness), np.zeros(base.shape[1])
    if "supply" in nature.mechanisms:
        weekly = (trips[:, None] * np.exp(np.minimum(base, 5.0))).sum(axis=0)
        weekly *= nature.units(nature.cuts[0])
    return Memory(
        mailed=np.zeros(n),
        trips=np.ones(n),
        expecting=np.zeros(n),
        pantry=np.zeros((n, kinds), "float32"),
        bought=np.zeros((n, kinds), "float32"),
        on_sale=np.zeros(n),
        on_hand=np.ceil(COVER * weekly),
        on_order=np.ceil(weekly),
        weekly=weekly,
    )
