"""One campaign: its coupons, their items, and the prices of all items while it lasts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from coupon_rec.simulation.model import Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.world import World

SWITCHING = 1 / 3
"""Share of what a coupon gains that is taken from the rest of its category: a third, as of the
units that promotions gain in van Heerde, Gupta and Wittink (2003)."""
MOST_SWITCHED = 0.9
"""Of the purchases of the rest, the largest share that one coupon takes."""
USUAL_UNITS = 1.3
"""Units on a trip with a purchase, at list price."""


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
        its type, and the share it takes off; shape (K,), ordered by coupon.
    coupon_id, content : numpy.ndarray
        Of each coupon: its identifier, and what picture and text add to the purchase logit; (K,).
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
    """

    period: int
    some: bool
    coupon: Ints
    slot: Ints
    kind: Ints
    depth: Floats
    coupon_id: Ints
    content: Floats
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

    @property
    def price(self) -> Floats:
        """The shelf price of each item; shape (I,)."""
        return self.list_price * (1 - self.sale)


def draw_round(world: World, nature: Nature, period: int, seed: int) -> Round:
    """Put half of the types whose coupons exist into a campaign."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4, period)))
    kinds = rng.permutation(np.unique(nature.kind_of_coupon))
    there = kinds[nature.first[kinds] <= period]
    if not len(there):
        there = kinds[nature.first[kinds] == nature.first[kinds].min()]
    if "substitution" in nature.mechanisms:
        category = nature.category[np.searchsorted(nature.kind, there)]
        there = there[np.sort(np.unique(category, return_index=True)[1])]
    chosen = np.sort(there[: -(-len(kinds) // 2)])
    coupons = np.flatnonzero(np.isin(nature.kind_of_coupon, chosen))
    if "depths" not in nature.mechanisms:
        mixed = rng.permutation(coupons)
        coupons = np.sort(mixed[np.unique(nature.kind_of_coupon[mixed], return_index=True)[1]])
    slot = np.searchsorted(chosen, nature.kind_of_coupon[coupons])
    item = np.flatnonzero(np.isin(nature.kind, chosen))
    item = item[np.lexsort((item, nature.kind[item]))]
    slot_of_item = np.full(len(nature.kind), -1)
    slot_of_item[item] = np.searchsorted(chosen, nature.kind[item])
    pair, row = np.nonzero(slot[:, None] == slot_of_item[item])
    cut = cuts(world, nature, period)
    slope = nature.sensitivity * cut
    if "substitution" in nature.mechanisms:
        slope = slope - SWITCHING * others_cut(nature, cut)
    return Round(
        period=period,
        some=period > 0 and world.campaigns["campaign_type"][period - 1] == "A",
        coupon=coupons,
        slot=slot,
        kind=nature.kind_of_coupon[coupons],
        depth=world.coupons["depth"].to_numpy()[coupons],
        coupon_id=world.coupons["coupon_id"].to_numpy()[coupons],
        content=nature.coupon_content()[coupons],
        kinds=chosen,
        pairs=pairs_of(slot),
        item=item,
        slot_of_row=slot_of_item[item],
        first_row=np.searchsorted(slot_of_item[item], np.arange(len(chosen))),
        pair=pair,
        row=row,
        first_cell=np.searchsorted(pair, np.arange(len(coupons))),
        slot_of_item=slot_of_item,
        list_price=nature.prices[period],
        sale=world.sales[period],
        cost=nature.unit_cost[period],
        cut=cut,
        slope=slope,
        units=units_at(nature, cut),
    )


def cuts(world: World, nature: Nature, period: int) -> Floats:
    """How far the shelf prices of a period lie below the first list prices, as logs; shape (I,)."""
    return np.asarray(world.cuts[period] - np.log(nature.prices[period] / world.prices))


def units_at(nature: Nature, cut: Floats) -> Floats:
    """Units that a purchase brings at prices that lie so far below the first ones; shape (I,)."""
    return np.maximum(USUAL_UNITS * np.exp(nature.quantity * cut), 1.0)


def pairs_of(slot: Ints) -> Ints:
    """The coupons of each slot, in their order; -1 where there is none."""
    place = pd.Series(slot).groupby(slot).cumcount().to_numpy()
    table = np.full((slot.max() + 1, place.max() + 1), -1)
    table[slot, place] = np.arange(len(slot))
    return table


def others_cut(nature: Nature, cut: Floats) -> Floats:
    """The cuts of the other types of each item's category, by their share of its sales; (I,)."""
    sold = nature.sold
    own = pd.DataFrame(
        {"category": nature.category, "kind": nature.kind, "sold": sold, "cut": sold * cut}
    )
    of_kind, of_all = (own.groupby(name)["cut"].transform("sum") for name in ("kind", "category"))
    return np.asarray((of_all - of_kind) / own.groupby("category")["sold"].transform("sum"))
