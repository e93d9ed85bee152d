"""What chance brings to a block of users in a campaign, whatever is sent: trips and wishes.

Each kind of chance has a generator of its own, and what it draws does not depend on what is sent:
two policies meet the same users, on the same trips, in the same mood.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import pdtr, pdtrik

from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.model import DAY, WEEKS, Bools, Floats, Ints, softplus
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.users import Crowd
from coupon_rec.simulation.world import STORES

BROWSING = 0.2
"""Views of an item at leisure, for each purchase that its price would bring."""


@dataclass(frozen=True)
class Chance:
    """Generators of one block and campaign, one for each kind of chance."""

    trips: np.random.Generator
    wishes: np.random.Generator
    coupons: np.random.Generator
    sending: np.random.Generator
    place: np.random.Generator
    telling: np.random.Generator

    @classmethod
    def of(cls, nature: Nature, period: int, first: int) -> "Chance":
        """Seed them by the market, the campaign and the first user of the block."""
        seeds = np.random.SeedSequence(nature.settings.seed, spawn_key=(5, period, first)).spawn(6)
        return cls(*map(np.random.default_rng, seeds))


@dataclass(frozen=True)
class Appetite:
    """What n users would buy of I items if each had its best price and season.

    Attributes
    ----------
    slope, drift : numpy.ndarray
        The best of all periods: as in `Round`, shape (I,).
    ends : numpy.ndarray
        Purchases a trip, never below those of any period, summed over users and items so far;
        shape (n, I).
    """

    slope: Floats
    drift: Floats
    ends: Floats

    @classmethod
    def of(cls, nature: Nature, crowd: Crowd, period: int) -> "Appetite":
        """Of a block of users. It changes only with a plant: what is to come moves nothing now."""
        cuts = nature.world.cuts
        planted = nature.cuts[period] - cuts[period]
        slope = np.max([nature.slope(cut + planted) for cut in cuts], axis=0)
        drift = nature.own_drift.max(axis=0) + nature.planted("season", period)
        rate = softplus(crowd.shelf_logits(slope, drift))
        return cls(slope, drift, np.cumsum(rate, dtype="float64").reshape(rate.shape))


@dataclass(frozen=True)
class Trips:
    """The trips of a block in a period, in order of user and time.

    Attributes
    ----------
    counts, first : numpy.ndarray
        How many each user makes, and the number of the first; shape (n,).
    user, second, store : numpy.ndarray
        Of each trip; seconds count from the period's first day.
    """

    counts: Ints
    first: Ints
    user: Ints
    second: Ints
    store: Ints


def draw_trips(rng: np.random.Generator, crowd: Crowd, one_store: bool) -> Trips:
    """Draw when and where each user shops: mostly in the afternoon, mostly or only in one store."""
    counts = rng.poisson(WEEKS * crowd.people.trips)
    counts[crowd.traits.collector] = 0
    user = np.repeat(np.arange(len(counts)), counts)
    hour = np.clip(15.5 + 3.5 * rng.standard_normal(len(user)), 6, 23.9)
    second = (rng.integers(0, WEEKS * 7, len(user)) * DAY + hour * 3600).astype(int)
    away = rng.random(len(user)) < (0.0 if one_store else 0.25)
    return Trips(
        counts=counts,
        first=np.cumsum(counts) - counts,
        user=user,
        second=second[np.lexsort((second, user))],
        store=np.where(away, rng.integers(1, STORES + 1, len(user)), crowd.usual_store[user]),
    )


@dataclass(frozen=True)
class Wishes:
    """What users would buy if they were sent nothing and forgot what they have, and what they view.

    Attributes
    ----------
    user, trip, item : numpy.ndarray
        Of each line; trips count within the campaign.
    logit : numpy.ndarray
        Of buying the item on a trip, without memory; shape (lines,).
    level : numpy.ndarray
        A line is bought while the rate of its item is above this; shape (lines,).
    luck : numpy.ndarray
        In [0, 1), shape (lines, 3): of units, of looking an item up, of writing a review.
    view : numpy.ndarray
        Whether the line is only looked at.
    """

    user: Ints
    trip: Ints
    item: Ints
    logit: Floats
    level: Floats
    luck: Floats
    view: Bools


def draw_wishes(
    rng: np.random.Generator,
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    trips: Trips,
    appetite: Appetite,
) -> Wishes:
    """Draw lines at the best price, keep those of the campaign's price, and as many to look at.

    Without mechanisms, users look for the best price: all lines to look at are kept.
    """
    items, end = crowd.base.shape[1], appetite.ends[:, -1]
    total = np.diff(end, prepend=0.0)
    counts = rng.poisson(trips.counts * total * (1 + BROWSING))
    user = np.repeat(np.arange(len(counts)), counts)
    at = np.repeat(end, counts) - rng.random(len(user)) * np.repeat(total, counts)
    cell = np.searchsorted(appetite.ends.ravel(), np.sort(at))  # sorted: found faster
    cell = cell.clip(user * items, user * items + items - 1)
    item, base = cell - user * items, crowd.base.ravel()[cell]
    sensitivity = np.repeat(crowd.people.price_sensitivity, counts)
    best = softplus(base + sensitivity * appetite.slope[item] + appetite.drift[item])
    logit = base + sensitivity * campaign.slope[item] + campaign.drift[item]
    level = rng.random(len(user)) * best
    view = rng.random(len(user)) < BROWSING / (1 + BROWSING)
    kept = level < softplus(logit)
    if not nature.mechanisms:
        kept |= view
    user, item = user[kept], item[kept]
    return Wishes(
        user=user,
        trip=trips.first[user] + (rng.random(len(user)) * trips.counts[user]).astype(int),
        item=item,
        logit=logit[kept],
        level=level[kept],
        luck=rng.random((len(user), 3)),
        view=view[kept],
    )


def draw_offers(
    rng: np.random.Generator, campaign: Round, mailing: Floats, within: Floats
) -> Bools:
    """Draw the mailing and, within it, at most one coupon of each type; shape (n, K)."""
    mailed = rng.random(len(mailing)) < mailing
    u = rng.random((len(mailing), len(campaign.kinds)))
    offered, reached = np.zeros(within.shape, bool), np.zeros_like(u)
    for pair in campaign.pairs.T:
        slots = np.flatnonzero(pair >= 0)
        low = reached[:, slots]
        high = low + within[:, pair[slots]]
        chosen = (low <= u[:, slots]) & (u[:, slots] < high)
        offered[:, pair[slots]] = chosen & mailed[:, None]
        reached[:, slots] = high
    return offered


def poisson_of(u: Floats, mean: Floats) -> Ints:
    """The Poisson counts that numbers in [0, 1) stand for."""
    counts = np.zeros(u.shape, int)
    some = u >= np.exp(-mean)
    u, mean = u[some], mean[some]
    most = np.ceil(pdtrik(u, mean))
    counts[some] = np.where(pdtr(most - 1, mean) >= u, most - 1, most)  # pdtrik rounds
    return counts


def units_of(u: Floats, mean: Floats) -> Ints:
    """The geometric number of units, 1 or more, that a number in [0, 1) stands for."""
    more = np.maximum(1 - 1 / mean, 1e-12)
    return 1 + np.floor(np.log1p(-u) / np.log(more)).astype(int)
