"""One period of a block of users: what happens in it, what is sold, and what they keep of it."""

from dataclasses import replace

import numpy as np

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.model import DAY, WEEKS, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.shopping import Happened, chosen, generators, happen
from coupon_rec.simulation.tables import Tables, campaign_tables
from coupon_rec.simulation.users import COVER, Crowd, Memory

FORGETTING = 0.5
"""Share of mailings, and of what is in the pantry, that still counts one campaign later."""
LEARNING = 0.25
"""Weight of the last week in what counts as usual sales."""


def pass_period(
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    sending: tuple[Floats, Floats] | None = None,
    orders: Floats | None = None,
) -> tuple[Crowd, Tables]:
    """Let a period pass for one block: the block after it, and what happened as tables.

    `sending` is as in `happen`, `orders` as in `sell`.
    """
    rngs = generators(nature, campaign.period, crowd.first)
    happened, stock = happen(rngs, nature, campaign, crowd, sending), None
    if "supply" in nature.mechanisms:
        happened, crowd, stock = sell(happened, crowd, orders)
    tables = campaign_tables(rngs["place"], nature, campaign, crowd, happened, stock)
    return replace(crowd, memory=remember(nature, campaign, crowd, happened)), tables


def remember(nature: Nature, campaign: Round, crowd: Crowd, happened: Happened) -> Memory:
    """What users keep of a campaign."""
    lines, traits, memory = happened.lines, crowd.traits, crowd.memory
    user, item = lines["user"], lines["item"]
    n, kinds = memory.bought.shape
    mailed = happened.sent["offered"].any(axis=1)
    by_person = np.zeros(n)
    np.maximum.at(by_person, traits.person, mailed)
    bought, pantry = memory.bought.copy(), FORGETTING * memory.pantry
    np.add.at(bought.reshape(-1), user * kinds + nature.kind[item], np.float32(1))
    pair = happened.used[user, lines["slot"]]
    by_coupon = np.where(pair < 0, 0.0, -np.log1p(-campaign.depth[pair]))
    saved = campaign.cut[item] + nature.settings.strength * by_coupon
    shopper = np.where(traits.collector, traits.person, np.arange(n))[user]
    cell = shopper * kinds + nature.kind[item]
    np.maximum.at(pantry.reshape(-1), cell, saved.astype("float32"))
    return replace(
        memory,
        mailed=FORGETTING * memory.mailed + by_person[traits.person],
        trips=happened.trips.counts.astype("float64"),
        expecting=FORGETTING * memory.expecting + (1 - FORGETTING) * mailed,
        pantry=pantry,
        bought=bought,
        on_sale=memory.on_sale + np.bincount(user[campaign.cut[item] > 0], minlength=n),
    )


def sell(happened: Happened, crowd: Crowd, orders: Floats | None) -> tuple[Happened, Crowd, Ints]:
    """Sell what is in stock, week by week, and order for the weeks to come.

    Parameters
    ----------
    happened : Happened
        A campaign in which all shelves were full.
    crowd : Crowd
        With the stock on its first day.
    orders : numpy.ndarray, optional
        Units of each item to order every week, shape (I,); if left out, what fills the store up to
        `COVER` weeks of usual sales.

    Returns
    -------
    happened : Happened
        Without the lines for which too little was left, and those after them until the week ends.
    crowd : Crowd
        With the stock on the last day's evening.
    stock : numpy.ndarray
        Units on hand on the first day of each week, shape (WEEKS, I).
    """
    lines, memory = happened.lines, crowd.memory
    items, second = len(memory.on_hand), happened.trips.second[lines["trip"]]
    week = second // (7 * DAY)
    order = np.lexsort((second, lines["item"], week))
    hand, coming, usual = memory.on_hand.copy(), memory.on_order.copy(), memory.weekly.copy()
    stock, kept = np.zeros((WEEKS, items), int), np.zeros(len(second), bool)
    for number in range(WEEKS):
        hand += coming
        stock[number] = hand
        rows = order[week[order] == number]
        item, units = lines["item"][rows], lines["units"][rows]
        total = units.cumsum()
        before = np.searchsorted(item, item)
        sold = total - (total[before] - units[before]) <= hand[item]
        kept[rows[sold]] = True
        weekly = np.bincount(item[sold], units[sold], items)
        hand -= weekly
        usual += LEARNING * (weekly - usual)
        coming = orders if orders is not None else np.ceil(np.maximum(COVER * usual - hand, 0))
    memory = replace(memory, on_hand=hand, on_order=coming, weekly=usual)
    return replace(happened, lines=chosen(lines, kept)), replace(crowd, memory=memory), stock
