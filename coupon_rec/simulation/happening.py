"""What happens in one campaign to a block of users."""

from dataclasses import dataclass, replace

import numpy as np

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.drawing import (
    Appetite,
    Chance,
    Trips,
    Wishes,
    draw_offers,
    draw_trips,
    draw_wishes,
    poisson_of,
    units_of,
)
from coupon_rec.simulation.likely import Likely
from coupon_rec.simulation.model import Bools, Floats, Ints, redeem_rate, softplus
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.users import Crowd, Traits

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
    """What is sent and what comes of it, for n users and K coupons.

    Attributes
    ----------
    offered, bought_without, bought_with, redeemed_with : numpy.ndarray
        As in `truth.candidates`; shape (n, K).
    """

    offered: Bools
    bought_without: Bools
    bought_with: Bools
    redeemed_with: Bools


@dataclass(frozen=True)
class Happened:
    """A campaign as it happened: its trips, lines, what was sent, and the wishes to look at."""

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
    appetite: Appetite,
    sending: tuple[Floats, Floats],
) -> Happened:
    """Let a campaign happen in which these probabilities of mailing and coupons hold."""
    traits = crowd.traits
    trips = draw_trips(chance.trips, crowd, "supply" in nature.mechanisms)
    wishes = draw_wishes(chance.wishes, nature, campaign, crowd, trips, appetite)
    offered = draw_offers(chance.sending, campaign, *sending)
    shape = (len(offered), len(campaign.kinds))
    seen = chance.coupons.random(shape)[:, campaign.slot] < found.noticed

    usual, level, z = usual_lines(nature, campaign, found, wishes)
    bought_without, bought_with, lost = despite_coupons(
        campaign, found, usual, level, z, seen, offered
    )
    if "substitution" in nature.mechanisms:
        share = switched(nature, campaign, found, usual, seen & offered)
        lost |= level >= softplus(z) * (1 - share)
    added, more = added_lines(chance.coupons, campaign, found, trips, seen, offered)
    bought_with |= more
    lines = joined(usual.chosen(~lost), new_lines(added, usual, len(campaign.cut)))
    if traits.collector.any():
        of_person = traits.person[traits.collector]
        bought_with[traits.collector] = bought_without[of_person] & seen[traits.collector]
        bought_without[traits.collector] = False
        lines = collected(lines, traits, campaign, offered & seen)
    tells = chance.telling.random(shape)[:, campaign.slot]
    redeemed_with = bought_with & seen & (tells < redeem_rate(found.habit, campaign.depth))
    return Happened(trips, lines, Sent(offered, bought_without, bought_with, redeemed_with), wishes)


def usual_lines(
    nature: Nature, campaign: Round, found: Likely, wishes: Wishes
) -> tuple[CampaignLines, Floats, Floats]:
    """The wishes that come true in spite of what users remember, one of each trip and item.

    With the level of each, and the logit that its rate comes from.
    """
    z = wishes.logit - found.memory[wishes.user, nature.kind[wishes.item]]
    keep = np.flatnonzero(~wishes.view & (wishes.level < softplus(z)))
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
    return lines, wishes.level[keep], z[keep]


def despite_coupons(
    campaign: Round,
    found: Likely,
    lines: CampaignLines,
    level: Floats,
    z: Floats,
    seen: Bools,
    offered: Bools,
) -> tuple[Bools, Bools, Bools]:
    """What is bought without each coupon, what of it with the coupon, and the lines that it costs.

    Of shapes (n, K), (n, K) and (lines,). A coupon that annoys costs purchases.
    """
    without, kept = np.zeros_like(offered), np.zeros_like(offered)
    lost = np.zeros(len(lines.user), bool)
    covered = np.flatnonzero(lines.slot >= 0)
    for pair in campaign.pairs.T:
        own = pair[lines.slot[covered]]
        rows, own = covered[own >= 0], own[own >= 0]
        user = lines.user[rows]
        lower = np.where(seen[user, own], np.minimum(found.lift[user, own], 0.0), 0.0)
        stays = level[rows] < softplus(z[rows] + lower)
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
    turn = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    user, row = np.repeat(user, many), np.repeat(row[cell], many)
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


def switched(
    nature: Nature, campaign: Round, found: Likely, lines: CampaignLines, sent: Bools
) -> Floats:
    """The probability that a coupon of another type of the category takes a line; (lines,)."""
    categories = nature.category.max() + 1
    taken, kind_of = np.zeros((len(sent), categories)), np.full(categories, -1)
    of_pair = nature.category_of(campaign.kind)
    who, pair = np.nonzero(sent)
    taken[who, of_pair[pair]] = found.taken[who, pair]
    kind_of[of_pair] = campaign.kind
    category = nature.category[lines.item]
    return np.asarray(taken[lines.user, category] * (nature.kind[lines.item] != kind_of[category]))


def collected(
    lines: CampaignLines, traits: Traits, campaign: Round, noticed: Bools
) -> CampaignLines:
    """Give lines of a person to the collecting account that holds a coupon for them."""
    collector_of = np.full(len(traits.person), -1)
    collectors = np.flatnonzero(traits.collector)
    collector_of[traits.person[collectors]] = collectors
    slots = np.zeros((len(noticed), len(campaign.kinds)), bool)
    who, pair = np.nonzero(noticed)
    slots[who, campaign.slot[pair]] = True
    account = collector_of[lines.user]
    moved = (account >= 0) & (lines.slot >= 0)
    moved[moved] = (
        slots[account[moved], lines.slot[moved]] & ~slots[lines.user[moved], lines.slot[moved]]
    )
    return replace(lines, user=np.where(moved, account, lines.user))
