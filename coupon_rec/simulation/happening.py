"""What happens in one campaign of a market that answers back, to a block of users."""

from dataclasses import dataclass

import numpy as np

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.drawing import (
    Chance,
    Trips,
    Wishes,
    draw_trips,
    draw_wishes,
    poisson_of,
    ranks,
    units_of,
    wished,
)
from coupon_rec.simulation.likely import FORGETTING, Likely
from coupon_rec.simulation.memory import Memory
from coupon_rec.simulation.model import Bools, Floats, Ints, redeem_rate, softplus
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.traits import Traits

GOLDEN = 0.6180339887
"""A step around the circle that spreads the trips of further purchases of one item."""


@dataclass(frozen=True)
class CampaignLines:
    """Purchase lines of a campaign.

    Attributes
    ----------
    user, trip, item, units : numpy.ndarray
        Of each line.
    slot : numpy.ndarray
        The slot of the campaign that covers the item, or -1.
    luck : numpy.ndarray
        Of looking it up and writing about it; shape (lines, 2).
    """

    user: Ints
    trip: Ints
    item: Ints
    units: Ints
    slot: Ints
    luck: Floats

    def chosen(self, rows: Bools | Ints) -> "CampaignLines":
        """Some of the lines."""
        return CampaignLines(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Sent:
    """What is sent and what comes of it, for n users and K coupons or S slots.

    Attributes
    ----------
    mailed : numpy.ndarray
        Whether the campaign reaches the account, shape (n,).
    offered, bought_without, bought_with, redeemed_with : numpy.ndarray
        As in `truth.candidates`; shape (n, K).
    """

    mailed: Bools
    offered: Bools
    bought_without: Bools
    bought_with: Bools
    redeemed_with: Bools


def draw_sent(
    rng: np.random.Generator, campaign: Round, mailing: Floats, within: Floats
) -> tuple[Bools, Bools]:
    """Draw the mailing and, within it, at most one coupon of each type.

    Who is reached by any, shape (n,), and what is offered, shape (n, K).
    """
    n = len(mailing)
    mailed = rng.random(n) < mailing
    u = rng.random((n, len(campaign.kinds)))
    offered = np.zeros(within.shape, bool)
    reached = np.zeros_like(u)
    for pair in campaign.pairs.T:
        slots = np.flatnonzero(pair >= 0)
        chosen = pair[slots]
        low = reached[:, slots]
        high = low + within[:, chosen]
        offered[:, chosen] = (low <= u[:, slots]) & (u[:, slots] < high) & mailed[:, None]
        reached[:, slots] = high
    return np.asarray(offered.any(axis=1)), offered


@dataclass(frozen=True)
class Happened:
    """A campaign as it happened: its trips, lines, views and what was sent."""

    trips: Trips
    lines: CampaignLines
    sent: Sent
    wishes: Wishes


def happen(
    chance: Chance,
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    found: Likely,
    mailing: Floats,
    within: Floats,
) -> Happened:
    """Let a campaign happen in which these probabilities of mailing and coupons hold."""
    traits = crowd.traits
    trips = draw_trips(chance.trips, crowd, "supply" in nature.mechanisms)
    wishes = draw_wishes(chance.wishes, trips, found.logits)
    mailed, offered = draw_sent(chance.sending, campaign, mailing, within)
    shape = (len(mailed), len(campaign.kinds))
    seen = chance.coupons.random(shape)[:, campaign.slot] < found.noticed

    usual = usual_lines(nature, campaign, found, wishes)
    bought_without, bought_with, lost = despite_coupons(campaign, found, usual, seen, offered)
    if "substitution" in nature.mechanisms:
        lost |= switches(nature, campaign, found, usual, seen & offered)
    added, more = added_lines(chance.coupons, campaign, found, trips, seen, offered)
    bought_with |= more
    demand = joined(usual.lines.chosen(~lost), new_lines(added, usual.lines, len(campaign.cut)))
    if traits.collector.any():
        of_person = traits.person[traits.collector]
        bought_with[traits.collector] = bought_without[of_person] & seen[traits.collector]
        bought_without[traits.collector] = False
        demand = collected(demand, traits, campaign, offered, seen)
    tells = chance.telling.random(shape)[:, campaign.slot]
    redeemed_with = bought_with & seen & (tells < redeem_rate(found.habit, campaign.depth))
    sent = Sent(mailed, offered, bought_without, bought_with, redeemed_with)
    return Happened(trips, demand, sent, wishes)


@dataclass(frozen=True)
class Usual:
    """What is bought if nothing is sent.

    Attributes
    ----------
    lines : CampaignLines
        One of each trip and item.
    drawn : numpy.ndarray
        A line is bought while the rate of its item is above this; shape (lines,).
    z : numpy.ndarray
        The logit that makes this rate; shape (lines,).
    """

    lines: CampaignLines
    drawn: Floats
    z: Floats


def usual_lines(nature: Nature, campaign: Round, found: Likely, wishes: Wishes) -> Usual:
    """The wishes that come true in spite of what users remember."""
    logit = found.logits[wishes.user, wishes.item].astype("float64")
    z = logit - found.memory[wishes.user, nature.kind[wishes.item]]
    drawn = wishes.mood * wished(logit)
    keep = np.flatnonzero(~wishes.view & (drawn < softplus(z)))
    keep = keep[first_of_each(wishes.trip[keep], wishes.item[keep], len(campaign.cut))]
    item, luck = wishes.item[keep], wishes.luck[keep]
    lines = CampaignLines(
        user=wishes.user[keep],
        trip=wishes.trip[keep],
        item=item,
        units=units_of(luck[:, 0], campaign.units[item]),
        slot=campaign.slot_of_item[item],
        luck=luck[:, 1:],
    )
    return Usual(lines, drawn[keep], z[keep])


def despite_coupons(
    campaign: Round, found: Likely, usual: Usual, seen: Bools, offered: Bools
) -> tuple[Bools, Bools, Bools]:
    """What is bought without each coupon, what of it with the coupon, and the lines that it costs.

    Of shapes (n, K), (n, K) and (lines,). A coupon that annoys costs purchases.
    """
    lines = usual.lines
    without, kept = np.zeros_like(offered), np.zeros_like(offered)
    lost = np.zeros(len(lines.user), bool)
    covered = np.flatnonzero(lines.slot >= 0)
    for pair in campaign.pairs.T:
        own = pair[lines.slot[covered]]
        rows, own = covered[own >= 0], own[own >= 0]
        user = lines.user[rows]
        lower = np.where(seen[user, own], np.minimum(found.lift[user, own], 0.0), 0.0)
        stays = usual.drawn[rows] < softplus(usual.z[rows] + lower)
        without[user, own] = True
        kept[user[stays], own[stays]] = True
        lost[rows] |= ~stays & offered[user, own]
    return without, kept, lost


def first_of_each(trip: Ints, item: Ints, items: int) -> Ints:
    """The first line of each trip and item, in their order."""
    return np.asarray(np.unique(trip * items + item, return_index=True)[1])


def new_lines(added: CampaignLines, usual: CampaignLines, items: int) -> CampaignLines:
    """Those of the added lines whose trip would not have brought the item anyway.

    The usual lines are ordered by trip and item, as `usual_lines` leaves them.
    """
    added = added.chosen(first_of_each(added.trip, added.item, items))
    known, key = usual.trip * items + usual.item, added.trip * items + added.item
    before, after = (known.searchsorted(key, side) for side in ("left", "right"))
    return added.chosen(before == after)


def joined(one: CampaignLines, other: CampaignLines) -> CampaignLines:
    """The lines of both."""
    return CampaignLines(
        **{name: np.concatenate([a, getattr(other, name)]) for name, a in vars(one).items()}
    )


def added_lines(
    rng: np.random.Generator,
    campaign: Round,
    found: Likely,
    trips: Trips,
    seen: Bools,
    offered: Bools,
) -> tuple[CampaignLines, Bools]:
    """Purchases that a coupon adds: the lines of those with an offer, and whether each would.

    All coupons of a type draw from the same luck, so that a deeper one adds to what a shallower
    one does.
    """
    pair, row, item = campaign.pair, campaign.row, campaign.item
    shape = found.rate.shape
    u = rng.random(shape)[:, row]
    place, luck = rng.random(shape), rng.random((*shape, 3))
    more: Floats = np.maximum(found.lifted - found.rate[:, row], 0) * trips.counts[:, None]
    times = poisson_of(u, more * seen[:, pair])
    user, cell = np.nonzero(times)
    would = np.zeros_like(offered)
    would[user, pair[cell]] = True
    sent = offered[user, pair[cell]]
    user, cell = user[sent], cell[sent]
    many = times[user, cell]
    user, row, turn = np.repeat(user, many), np.repeat(row[cell], many), ranks(many)
    where = (place[user, row] + turn * GOLDEN) % 1
    trip = trips.first[user] + (where * trips.counts[user]).astype(int)
    some = luck[user, row]
    lines = CampaignLines(
        user=user,
        trip=trip,
        item=item[row],
        units=units_of(some[:, 0], campaign.units[item[row]]),
        slot=campaign.slot_of_row[row],
        luck=some[:, 1:],
    )
    return lines, would


def switches(nature: Nature, campaign: Round, found: Likely, usual: Usual, sent: Bools) -> Bools:
    """Which lines a coupon of another type of the category takes."""
    categories = nature.category.max() + 1
    taken = np.zeros((len(sent), categories))
    of_pair = nature.category[np.searchsorted(nature.kind, campaign.kind)]
    who, pair = np.nonzero(sent)
    taken[who, of_pair[pair]] = found.taken[who, pair]
    kind_of = np.full(categories, -1)
    kind_of[of_pair] = campaign.kind
    item = usual.lines.item
    category = nature.category[item]
    other = nature.kind[item] != kind_of[category]
    share = taken[usual.lines.user, category] * other
    return np.asarray(usual.drawn >= softplus(usual.z) * (1 - share))


def collected(
    lines: CampaignLines, traits: Traits, campaign: Round, offered: Bools, seen: Bools
) -> CampaignLines:
    """Give lines of a person to the collecting account that holds a coupon for them."""
    collector_of = np.full(len(traits.person), -1)
    collectors = np.flatnonzero(traits.collector)
    collector_of[traits.person[collectors]] = collectors
    slots = np.zeros((len(offered), len(campaign.kinds)), bool)
    who, pair = np.nonzero(offered & seen)
    slots[who, campaign.slot[pair]] = True
    account = collector_of[lines.user]
    moved = (account >= 0) & (lines.slot >= 0)
    moved[moved] = (
        slots[account[moved], lines.slot[moved]] & ~slots[lines.user[moved], lines.slot[moved]]
    )
    return CampaignLines(**{**vars(lines), "user": np.where(moved, account, lines.user)})


def remember(
    nature: Nature, campaign: Round, traits: Traits, memory: Memory, happened: Happened
) -> Memory:
    """What users keep of a campaign."""
    sent, lines, cut = happened.sent, happened.lines, campaign.cut
    by_person = np.zeros(len(sent.mailed))
    np.maximum.at(by_person, traits.person, sent.mailed)
    kinds = memory.bought.shape[1]
    key = lines.user * kinds + nature.kind[lines.item]
    bought = memory.bought.copy()
    np.add.at(bought.reshape(-1), key, np.float32(1))
    shopper = np.where(traits.collector, traits.person, np.arange(len(traits.person)))
    filled = shopper[lines.user] * kinds + nature.kind[lines.item]
    depth = np.zeros(len(lines.user))
    under = lines.slot >= 0
    with_coupon = np.zeros((len(sent.mailed), len(campaign.kinds)))
    who, pair = np.nonzero(sent.offered & sent.redeemed_with)
    with_coupon[who, campaign.slot[pair]] = -nature.strength * np.log1p(-campaign.depth[pair])
    depth[under] = with_coupon[lines.user[under], lines.slot[under]]
    pantry = FORGETTING * memory.pantry
    saved = (cut[lines.item] + depth).astype("float32")
    np.maximum.at(pantry.reshape(-1), filled, saved)
    on_sale = np.bincount(lines.user[cut[lines.item] > 0], minlength=len(sent.mailed))
    return Memory(
        mailed=FORGETTING * memory.mailed + by_person[traits.person],
        trips=happened.trips.counts.astype("float64"),
        expecting=FORGETTING * memory.expecting + (1 - FORGETTING) * sent.mailed,
        pantry=pantry,
        bought=bought,
        on_sale=memory.on_sale + on_sale,
        on_hand=memory.on_hand,
        on_order=memory.on_order,
        weekly=memory.weekly,
    )
