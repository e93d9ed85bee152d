"""One campaign: its coupons, their items, and the prices of all items while it lasts."""

from dataclasses import dataclass

import numpy as np

from coupon_rec.simulation.model import Floats, Ints
from coupon_rec.simulation.nature import Nature


@dataclass(frozen=True)
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
    list_price, sale, cost : numpy.ndarray
        Of each item: currency, the share that a sale takes off, and what a unit costs; shape (I,).
    cut : numpy.ndarray
        How far the shelf price lies below the first list price, as a log; shape (I,).
    slope, browsing : numpy.ndarray
        What the cuts of the item and of others add to the logit of a user of price sensitivity 1,
        who shops, and who looks around; shape (I,).
    units : numpy.ndarray
        Mean units of a purchase at the shelf price, 1 or more; shape (I,).
    drift : numpy.ndarray
        What season, drift and plants add to the logit; shape (I,).
    """

    period: int
    some: bool
    coupon: Ints
    slot: Ints
    kind: Ints
    depth: Floats
    kinds: Ints
    item: Ints
    slot_of_row: Ints
    pair: Ints
    row: Ints
    slot_of_item: Ints
    list_price: Floats
    sale: Floats
    cost: Floats
    cut: Floats
    slope: Floats
    browsing: Floats
    units: Floats
    drift: Floats

    @property
    def price(self) -> Floats:
        """The shelf price of each item; shape (I,)."""
        return self.list_price * (1 - self.sale)

    @property
    def of_one_type(self) -> Floats:
        """1 for each two coupons of one type, 0 for others; shape (K, K)."""
        return (self.slot[:, None] == self.slot).astype("float64")

    def of_slots(self, values: Floats) -> Floats:
        """The sum over the items of each coupon of what does not depend on it; (n, R) to (n, K)."""
        first = np.searchsorted(self.slot_of_row, np.arange(len(self.kinds)))
        return np.asarray(np.add.reduceat(values, first, axis=1)[:, self.slot])

    def of_coupons(self, values: Floats) -> Floats:
        """The sum over the items of each coupon of what it moves; (n, cells) to (n, K)."""
        first = np.searchsorted(self.pair, np.arange(len(self.coupon)))
        return np.asarray(np.add.reduceat(values, first, axis=1))


def draw_round(nature: Nature, period: int) -> Round:
    """Put half of the types whose coupons exist into a campaign."""
    world, on = nature.world, nature.mechanisms
    rng = np.random.default_rng(np.random.SeedSequence(nature.settings.seed, spawn_key=(4, period)))
    kinds = rng.permutation(np.unique(nature.kind_of_coupon))
    there = kinds[nature.first[kinds] <= max(period, nature.first[kinds].min())]
    if "substitution" in on:
        there = there[np.sort(np.unique(nature.category_of(there), return_index=True)[1])]
    chosen = np.sort(there[: -(-len(kinds) // 2)])
    coupon = np.flatnonzero(np.isin(nature.kind_of_coupon, chosen))
    if "depths" not in on:
        mixed = rng.permutation(coupon)
        coupon = np.sort(mixed[np.unique(nature.kind_of_coupon[mixed], return_index=True)[1]])
    slot = np.searchsorted(chosen, nature.kind_of_coupon[coupon])
    item = np.flatnonzero(np.isin(nature.kind, chosen))
    slot_of_item = np.full(len(nature.kind), -1)
    slot_of_item[item] = np.searchsorted(chosen, nature.kind[item])
    pair, row = np.nonzero(slot[:, None] == slot_of_item[item])
    cut = nature.cuts[period]
    slope = nature.slope(cut)
    best = cut - world.cuts[period] + world.cuts.max(axis=0)
    return Round(
        period=period,
        some=period > 0 and world.campaigns["campaign_type"][period - 1] == "A",
        coupon=coupon,
        slot=slot,
        kind=nature.kind_of_coupon[coupon],
        depth=world.coupons["depth"].to_numpy()[coupon],
        kinds=chosen,
        item=item,
        slot_of_row=slot_of_item[item],
        pair=pair,
        row=row,
        slot_of_item=slot_of_item,
        list_price=nature.prices[period],
        sale=world.sales[period],
        cost=nature.unit_cost[period],
        cut=cut,
        slope=slope,
        browsing=slope if on else best,
        units=nature.units(cut),
        drift=nature.drift[period],
    )
