"""A store's stock: what is on hand, what is ordered, and which purchases find an empty shelf."""

from dataclasses import replace

import numpy as np

from coupon_rec.simulation.happening import Happened
from coupon_rec.simulation.memory import COVER, Memory
from coupon_rec.simulation.model import WEEKS, Floats, Ints
from coupon_rec.simulation.shopping import DAY

LEARNING = 0.25
"""Weight of the last week in what counts as usual sales."""


def sell(
    happened: Happened, memory: Memory, orders: Floats | None
) -> tuple[Happened, Memory, Ints]:
    """Sell what is in stock, week by week, and order for the weeks to come.

    Parameters
    ----------
    happened : Happened
        A campaign in which all shelves were full.
    memory : Memory
        With the stock on its first day.
    orders : numpy.ndarray, optional
        Units of each item to order every week, shape (I,); if left out, what fills the store up to
        `COVER` weeks of usual sales.

    Returns
    -------
    happened : Happened
        Without the lines for which too little was left, and those after them until the week ends.
    memory : Memory
        With the stock on the last day's evening.
    stock : numpy.ndarray
        Units on hand on the first day of each week, shape (WEEKS, I).
    """
    lines, items = happened.lines, len(memory.on_hand)
    second = happened.trips.second[lines.trip]
    week = second // (7 * DAY)
    order = np.argsort((week * items + lines.item) * WEEKS * 7 * DAY + second)
    hand, coming, usual = memory.on_hand.copy(), memory.on_order.copy(), memory.weekly.copy()
    stock, kept = np.zeros((WEEKS, items), int), np.zeros(len(second), bool)
    for number in range(WEEKS):
        hand += coming
        stock[number] = hand
        rows = order[week[order] == number]
        item, units = lines.item[rows], lines.units[rows]
        total = units.cumsum()
        before = np.searchsorted(item, item)
        taken = total - (total[before] - units[before])
        sold = taken <= hand[item]
        kept[rows[sold]] = True
        weekly = np.bincount(item[sold], units[sold], items)
        hand -= weekly
        usual += LEARNING * (weekly - usual)
        coming = orders if orders is not None else np.ceil(np.maximum(COVER * usual - hand, 0))
    after = replace(memory, on_hand=hand, on_order=coming, weekly=usual)
    return replace(happened, lines=lines.chosen(kept)), after, stock
