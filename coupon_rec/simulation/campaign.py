"""One campaign: its coupons, their items, and the prices of all items while it lasts."""

import numpy as np

from coupon_rec.simulation.model import Floats
from coupon_rec.simulation.nature import Nature


class Round:
    """A campaign of K coupons for S types with R items, in a market of I items.

    Attributes
    ----------
    period : int
        The number of the campaign, from 1.
    some : bool
        Whether who is mailed gets some of the coupons, or all of them.
    coupon, slot, kind, depth : numpy.ndarray
        Of each coupon: its row in `world.coupons`, its type's place among those of the campaign,
        its type, the share it takes off; shape (K,), ordered by coupon.
    kinds : numpy.ndarray
        The type of each slot; shape (S,).
    item, slot_of_row : numpy.ndarray
        The items of the slots, and the slot of each, in order; shape (R,).
    pair, row : numpy.ndarray
        Cells, one for each coupon and item of it, in order: the coupon, and the item as a place
        in `item`.
    slot_of_item : numpy.ndarray
        The slot that covers each item, or -1; shape (I,).
    list_price, sale, price, cost : numpy.ndarray
        Of each item: the list price, the share that a sale takes off, the shelf price, and what a
        unit costs; in currency, shape (I,).
    cut : numpy.ndarray
        How far the shelf price lies below the first list price, as a log; shape (I,).
    slope : numpy.ndarray
        What the cuts of the item and of others add to the logit of a user of price sensitivity 1;
        shape (I,).
    best : numpy.ndarray
        As `cut`, at the best price of all periods; shape (I,).
    units : numpy.ndarray
        Mean units of a purchase at the shelf price, 1 or more; shape (I,).
    drift : numpy.ndarray
        What season, drift and plants add to the logit; shape (I,).
    """

    def __init__(self, nature: Nature, period: int) -> None:
        """Put half of the types whose coupons exist into a campaign."""
        world, on = nature.world, nature.mechanisms
        key = np.random.SeedSequence(nature.settings.seed, spawn_key=(4, period))
        rng = np.random.default_rng(key)
        kinds = rng.permutation(np.unique(nature.kind_of_coupon))
        there = kinds[nature.first[kinds] <= max(period, nature.first[kinds].min())]
        if "substitution" in on:
            there = there[np.sort(np.unique(nature.category_of(there), return_index=True)[1])]
        self.period = period
        self.some = period > 0 and world.campaigns["campaign_type"][period - 1] == "A"
        self.kinds = np.sort(there[: -(-len(kinds) // 2)])
        coupon = np.flatnonzero(np.isin(nature.kind_of_coupon, self.kinds))
        if "depths" not in on:
            mixed = rng.permutation(coupon)
            coupon = np.sort(mixed[np.unique(nature.kind_of_coupon[mixed], return_index=True)[1]])
        self.coupon, self.kind = coupon, nature.kind_of_coupon[coupon]
        self.slot = np.searchsorted(self.kinds, self.kind)
        self.depth = world.coupons["depth"].to_numpy()[coupon]
        self.item = np.flatnonzero(np.isin(nature.kind, self.kinds))
        self.slot_of_row = np.searchsorted(self.kinds, nature.kind[self.item])
        self.slot_of_item = np.full(len(nature.kind), -1)
        self.slot_of_item[self.item] = self.slot_of_row
        self.pair, self.row = np.nonzero(self.slot[:, None] == self.slot_of_row)
        self.list_price, self.sale = nature.prices[period], world.sales[period]
        self.price = self.list_price * (1 - self.sale)
        self.cost, self.drift = nature.unit_cost[period], nature.drift[period]
        self.cut = nature.cuts[period]
        self.slope, self.units = nature.slope(self.cut), nature.units(self.cut)
        self.best = self.cut - world.cuts[period] + world.cuts.max(axis=0)

    @property
    def of_one_type(self) -> Floats:
        """1 for each two coupons of one type, 0 for others; shape (K, K)."""
        return np.asarray(np.equal.outer(self.slot, self.slot).astype("float64"))

    def of_slots(self, values: Floats) -> Floats:
        """The sum over the items of each coupon of what does not depend on it; (n, R) to (n, K)."""
        first = np.searchsorted(self.slot_of_row, np.arange(len(self.kinds)))
        return np.asarray(np.add.reduceat(values, first, axis=1)[:, self.slot])

    def of_coupons(self, values: Floats) -> Floats:
        """The sum over the items of each coupon of what it moves; (n, cells) to (n, K)."""
        first = np.searchsorted(self.pair, np.arange(len(self.coupon)))
        return np.asarray(np.add.reduceat(values, first, axis=1))
