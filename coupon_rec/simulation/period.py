"""One period of a block of users: what happens in it, what is sold, and what they keep of it."""

from dataclasses import replace

import numpy as np

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.drawing import Appetite, Chance
from coupon_rec.simulation.happening import Happened, happen
from coupon_rec.simulation.likely import likely
from coupon_rec.simulation.memory import COVER, FORGETTING, Memory
from coupon_rec.simulation.model import DAY, WEEKS, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.tables import Tables, campaign_tables, stock_table
from coupon_rec.simulation.users import Crowd, Traits

LEARNING = 0.25
"""Weight of the last week in what counts as usual sales."""


def pass_period(
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    appetite: Appetite,
    sending: tuple[Floats, Floats] | None = None,
    orders: Floats | None = None,
) -> tuple[Crowd, Tables]:
    """Let a period pass for one block: the block after it, and what happened as tables.

    `sending` holds probabilities of each mailing and, within it, of each coupon; if left out, they
    are the retailer's own. In period 0 nobody is mailed.
    """
    chance = Chance.of(nature, campaign.period, crowd.first)
    found = likely(chance.place, nature, campaign, crowd)
    mailing, within = sending or (found.mailed, found.offered)
    if not campaign.period:
        mailing = np.zeros_like(mailing)
    happened = happen(chance, nature, campaign, crowd, found, appetite, (mailing, within))
    memory, stocks = crowd.memory, {}
    if "supply" in nature.mechanisms:
        happened, memory, units = sell(happened, memory, orders)
        stocks = {"stock": stock_table(campaign, units, int(crowd.usual_store[0]))}
    tables = campaign_tables(
        chance.place, nature, campaign, crowd, found, happened, (mailing, within)
    )
    memory = remember(nature, campaign, crowd.traits, memory, happened)
    return replace(crowd, memory=memory), tables | stocks


def remember(
    nature: Nature, campaign: Round, traits: Traits, memory: Memory, happened: Happened
) -> Memory:
    """What users keep of a campaign."""
    sent, lines, cut = happened.sent, happened.lines, campaign.cut[happened.lines.item]
    n, kinds = memory.bought.shape
    mailed = sent.offered.any(axis=1)
    by_person = np.zeros(n)
    np.maximum.at(by_person, traits.person, mailed)
    kind = nature.kind[lines.item]
    bought = memory.bought.copy()
    np.add.at(bought.reshape(-1), lines.user * kinds + kind, np.float32(1))
    pantry = memory.pantry
    if "stockpiling" in nature.mechanisms:
        saved_by_coupon = np.zeros((n, len(campaign.kinds) + 1))  # the last: lines without any
        who, pair = np.nonzero(sent.offered & sent.redeemed_with)
        off = -nature.settings.strength * np.log1p(-campaign.depth[pair])
        saved_by_coupon[who, campaign.slot[pair]] = off
        saved = cut + saved_by_coupon[lines.user, lines.slot]
        shopper = np.where(traits.collector, traits.person, np.arange(n))
        pantry = FORGETTING * memory.pantry
        cell = shopper[lines.user] * kinds + kind
        np.maximum.at(pantry.reshape(-1), cell, saved.astype("float32"))
    return replace(
        memory,
        mailed=FORGETTING * memory.mailed + by_person[traits.person],
        trips=happened.trips.counts.astype("float64"),
        expecting=FORGETTING * memory.expecting + (1 - FORGETTING) * mailed,
        pantry=pantry,
        bought=bought,
        on_sale=memory.on_sale + np.bincount(lines.user[cut > 0], minlength=n),
    )


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
