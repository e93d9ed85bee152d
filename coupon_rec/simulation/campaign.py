"""One campaign: its coupons, their items, and the prices of all items while it lasts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

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
    coupon, slot, kind, depth, coupon_id : numpy.ndarray
        Of each coupon: its row in `world.coupons`, its type's place among those of the campaign,
        its type, the share it takes off, its identifier; shape (K,), ordered by coupon.
    kinds : numpy.ndarray
        The type of each slot; shape (S,).
    pairs : numpy.ndarray
        The coupons of each slot, -1 where there is none; shape (S, most coupons of a slot).
    item, slot_of_row : numpy.ndarray
        The items of the slots, ordered by slot, and the slot of each; shape (R,).
    first_row : numpy.ndarray
        Where the items of each slot begin; shape (S,).
    pair, row, first_cell : numpy.ndarray
        Cells, one for each coupon and item of it: the coupon, the item as a place in `item`, and
        where the cells of each coupon begin, shape (K,).
    slot_of_item : numpy.ndarray
        The slot that covers each item, or -1; shape (I,).
    list_price, sale, cost : numpy.ndarray
        Of each item: currency, the share that a sale takes off, and what a unit costs; shape (I,).
    cut : numpy.ndarray
        How far the shelf price lies below the first list price, as a log; shape (I,).
    slope : numpy.ndarray
        What the cuts of the item and of others add to the logit of a user of price sensitivity 1;
        shape (I,).
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
    coupon_id: Ints
    kinds: Ints
    pairs: Ints
    item: Ints
    slot_of_row: Ints
    first_row: Ints
    pair: Ints
    row: Ints
    first_cell: Ints
    slot_of_item: Ints
    list_price: Floats
    sale: Floats
    cost: Floats
    cut: Floats
    slope: Floats
    units: Floats
    drift: Floats

    @property
    def price(self) -> Floats:
        """The shelf price of each item; shape (I,)."""
        return self.list_price * (1 - self.sale)


def draw_round(nature: Nature, period: int) -> Round:
    """Put half of the types whose coupons exist into a campaign."""
    world, seed = nature.world, nature.settings.seed
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4, period)))
    chosen = draw_kinds(rng, nature, period)
    coupon = np.flatnonzero(np.isin(nature.kind_of_coupon, chosen))
    if "depths" not in nature.mechanisms:
        mixed = rng.permutation(coupon)
        coupon = np.sort(mixed[np.unique(nature.kind_of_coupon[mixed], return_index=True)[1]])
    slot = np.searchsorted(chosen, nature.kind_of_coupon[coupon])
    item = np.flatnonzero(np.isin(nature.kind, chosen))
    slot_of_item = np.full(len(nature.kind), -1)
    slot_of_item[item] = np.searchsorted(chosen, nature.kind[item])
    pair, row = np.nonzero(slot[:, None] == slot_of_item[item])
    cut = nature.cuts[period]
    return Round(
        period=period,
        some=period > 0 and world.campaigns["campaign_type"][period - 1] == "A",
        coupon=coupon,
        slot=slot,
        kind=nature.kind_of_coupon[coupon],
        depth=world.coupons["depth"].to_numpy()[coupon],
        coupon_id=world.coupons["coupon_id"].to_numpy()[coupon],
        kinds=chosen,
        pairs=pairs_of(slot),
        item=item,
        slot_of_row=slot_of_item[item],
        first_row=np.searchsorted(slot_of_item[item], np.arange(len(chosen))),
        pair=pair,
        row=row,
        first_cell=np.searchsorted(pair, np.arange(len(coupon))),
        slot_of_item=slot_of_item,
        list_price=nature.prices[period],
        sale=world.sales[period],
        cost=nature.unit_cost[period],
        cut=cut,
        slope=nature.slope(cut),
        units=nature.units(cut),
        drift=nature.drift[period],
    )


def draw_kinds(rng: np.random.Generator, nature: Nature, period: int) -> Ints:
    """The types of a campaign, in order."""
    kinds = rng.permutation(np.unique(nature.kind_of_coupon))
    there = kinds[nature.first[kinds] <= period]
    if not len(there):
        there = kinds[nature.first[kinds] == nature.first[kinds].min()]
    if "substitution" in nature.mechanisms:
        _, first_of_category = np.unique(nature.category_of(there), return_index=True)
        there = there[np.sort(first_of_category)]
    return np.sort(there[: -(-len(kinds) // 2)])


def pairs_of(slot: Ints) -> Ints:
    """The coupons of each slot, in their order; -1 where there is none."""
    place = pd.Series(slot).groupby(slot).cumcount().to_numpy()
    table = np.full((slot.max() + 1, place.max() + 1), -1)
    table[slot, place] = np.arange(len(slot))
    return table
