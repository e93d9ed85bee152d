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
)
from coupon_rec.simulation.likely import FORGETTING, Likely, pulled
from coupon_rec.simulation.memory import Memory
from coupon_rec.simulation.model import Bools, Floats, Ints, redeem_rate, softplus
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.traits import Traits

GOLDEN = 0.6180339887
"""A step around the circle that spreads the trips of further purchases of one item."""


@dataclass(frozen=True)
class Lines:
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

    def chosen(self, rows: Bools | Ints) -> "Lines":
        """Some of the lines."""
        return Lines(**{name: values[rows] for name, values in vars(self).items()})


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
    lines: Lines
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
    traits, items = crowd.traits, len(campaign.cut)
    trips = draw_trips(chance.trips, crowd, "supply" in nature.mechanisms)
    wishes = draw_wishes(chance.wishes, trips, found.logits)
    mailed, offered = draw_sent(chance.sending, campaign, mailing, within)
    shape = (len(mailed), len(campaign.kinds))
    seen = chance.coupons.random(shape)[:, campaign.slot] < found.noticed

    wished = found.logits[wishes.user, wishes.item].astype("float64")
    z = wished - found.memory[wishes.user, nature.kind[wishes.item]]
    drawn = wishes.mood * np.exp(np.minimum(wished, 20.0))
    keep = np.flatnonzero(~wishes.view & (drawn < softplus(z)))
    keep = keep[first_of_each(wishes.trip[keep], wishes.item[keep], items)]
    user, trip, item = wishes.user[keep], wishes.trip[keep], wishes.item[keep]
    luck = wishes.luck[keep]
    drawn, z, slot = drawn[keep], z[keep], campaign.slot_of_item[item]
    units = units_of(luck[:, 0], campaign.units[item])
    usual = Lines(user, trip, item, units, slot, luck[:, 1:])

    n_pairs = len(campaign.slot)
    bought_without = np.zeros((len(mailed), n_pairs), bool)
    bought_with = np.zeros_like(bought_without)
    stays = np.ones(len(user), bool)
    covered = np.flatnonzero(slot >= 0)
    for pair in campaign.pairs.T:
        own = pair[slot[covered]]
        rows, own = covered[own >= 0], own[own >= 0]
        lower = np.where(seen[user[rows], own], np.minimum(found.lift[user[rows], own], 0.0), 0.0)
        still = drawn[rows] < softplus(z[rows] + lower)
        bought_without[user[rows], own] = True
        bought_with[user[rows[still]], own[still]] = True
        stays[rows] &= still | ~offered[user[rows], own]
    added = added_lines(chance.coupons, campaign, trips, found, seen, offered, bought_with)
    if "substitution" in nature.mechanisms:
        stays &= ~switches(nature, campaign, found, seen & offered, user, item, drawn, z)
    if traits.collector.any():
        of_person = traits.person[traits.collector]
        bought_with[traits.collector] = bought_without[of_person] & seen[traits.collector]
        bought_without[traits.collector] = False
    rates = redeem_rate(found.habit, campaign.depth)
    tells = chance.telling.random(shape)[:, campaign.slot]
    redeemed_with = bought_with & seen & (tells < rates)
    demand = joined(usual.chosen(stays), added)
    demand = demand.chosen(first_of_each(demand.trip, demand.item, items))
    if traits.collector.any():
        demand = collected(demand, traits, campaign, offered, seen)
    sent = Sent(mailed, offered, bought_without, bought_with, redeemed_with)
    return Happened(trips, demand, sent, wishes)


def first_of_each(trip: Ints, item: Ints, items: int) -> Ints:
    """The first line of each trip and item, in their order."""
    return np.asarray(np.unique(trip * items + item, return_index=True)[1])


def joined(one: Lines, other: Lines) -> Lines:
    """The lines of both."""
    return Lines(
        **{name: np.concatenate([a, getattr(other, name)]) for name, a in vars(one).items()}
    )


def added_lines(
    rng: np.random.Generator,
    campaign: Round,
    trips: Trips,
    found: Likely,
    seen: Bools,
    offered: Bools,
    bought_with: Bools,
) -> Lines:
    """Purchases that only happen with a coupon: all are noted, those with an offer are given.

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
    bought_with[user, pair[cell]] = True
    sent = offered[user, pair[cell]]
    user, cell = user[sent], cell[sent]
    many = times[user, cell]
    user, row, turn = np.repeat(user, many), np.repeat(row[cell], many), ranks(many)
    where = (place[user, row] + turn * GOLDEN) % 1
    trip = trips.first[user] + (where * trips.counts[user]).astype(int)
    some = luck[user, row]
    return Lines(
        user,
        trip,
        item[row],
        units_of(some[:, 0], campaign.units[item[row]]),
        campaign.slot_of_row[row],
        some[:, 1:],
    )


def switches(
    nature: Nature,
    campaign: Round,
    found: Likely,
    sent: Bools,
    user: Ints,
    item: Ints,
    drawn: Floats,
    z: Floats,
) -> Bools:
    """Which lines a coupon of another type of the category takes."""
    categories = nature.category.max() + 1
    lifted = np.zeros((len(sent), categories))
    of_pair = nature.category[np.searchsorted(nature.kind, campaign.kind)]
    who, pair = np.nonzero(sent)
    lifted[who, of_pair[pair]] = pulled(nature, campaign, found)[who, pair]
    kind_of = np.full(categories, -1)
    kind_of[of_pair] = campaign.kind
    category = nature.category[item]
    other = nature.kind[item] != kind_of[category]
    less = z - lifted[user, category] * other
    return drawn >= softplus(less)


def collected(lines: Lines, traits: Traits, campaign: Round, offered: Bools, seen: Bools) -> Lines:
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
    return Lines(**{**vars(lines), "user": np.where(moved, account, lines.user)})


def remember(
    nature: Nature, campaign: Round, traits: Traits, memory: Memory, happened: Happened
) -> Memory:
    """What users keep of a campaign."""
    sent, lines, cut = happened.sent, happened.lines, campaign.cut
    by_person = np.zeros(len(sent.mailed))
    np.maximum.at(by_person, traits.person, sent.mailed)
    kinds = memory.bought.shape[1]
    key = lines.user * kinds + nature.kind[lines.item]
    bought = np.bincount(key, minlength=memory.bought.size).reshape(memory.bought.shape)
    saved = np.zeros(memory.bought.size)
    depth = np.zeros(len(lines.user))
    under = lines.slot >= 0
    with_coupon = np.zeros((len(sent.mailed), len(campaign.kinds)))
    who, pair = np.nonzero(sent.offered & sent.redeemed_with)
    with_coupon[who, campaign.slot[pair]] = -np.log1p(-campaign.depth[pair])
    depth[under] = with_coupon[lines.user[under], lines.slot[under]]
    np.maximum.at(saved, key, np.maximum(cut[lines.item] + depth, 0))
    pantry = np.maximum(FORGETTING * memory.pantry, saved.reshape(memory.pantry.shape))
    on_sale = np.bincount(lines.user[cut[lines.item] > 0], minlength=len(sent.mailed))
    return Memory(
        mailed=FORGETTING * memory.mailed + by_person[traits.person],
        trips=happened.trips.counts.astype("float64"),
        expecting=FORGETTING * memory.expecting + (1 - FORGETTING) * sent.mailed,
        pantry=pantry.astype("float32"),
        bought=(memory.bought + bought).astype("float32"),
        on_sale=memory.on_sale + on_sale,
        on_hand=memory.on_hand,
        on_order=memory.on_order,
        weekly=memory.weekly,
    )
