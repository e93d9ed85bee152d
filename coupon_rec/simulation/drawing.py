"""What chance brings to a block of users in a campaign, whatever is sent: trips and wishes.

Each kind of chance has a generator of its own, and what it draws does not depend on what is sent:
two policies meet the same users, on the same trips, in the same mood.
"""

from dataclasses import dataclass

import numpy as np

from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.model import WEEKS, Bools, Floats, Ints
from coupon_rec.simulation.shopping import DAY
from coupon_rec.simulation.tables import BROWSING
from coupon_rec.simulation.world import STORES


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
    def of(cls, seed: int, period: int, first: int) -> "Chance":
        """Seed them by the market, the campaign and the first user of the block."""
        seeds = np.random.SeedSequence(seed, spawn_key=(5, period, first)).spawn(6)
        return cls(*map(np.random.default_rng, seeds))


@dataclass(frozen=True)
class Wishes:
    """What users would buy if they were sent nothing and forgot what they have.

    Attributes
    ----------
    user, trip, item : numpy.ndarray
        Of each line; trips count within the campaign.
    mood : numpy.ndarray
        In [0, 1), shape (lines,): a line whose rate has fallen to less than this share is not
        bought.
    luck : numpy.ndarray
        In [0, 1), shape (lines, 3): of units, of looking an item up, of writing a review.
    view : numpy.ndarray
        Whether the line is only looked at.
    """

    user: Ints
    trip: Ints
    item: Ints
    mood: Floats
    luck: Floats
    view: Bools


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


def wished(z: Floats) -> Floats:
    """A rate that softplus(z) never exceeds and that is quickly worked out: e^z, 1 + z above 0."""
    rate: Floats = np.minimum(z, 0)
    np.exp(rate, out=rate)
    rate += np.maximum(z, 0)
    return rate


def draw_wishes(rng: np.random.Generator, trips: Trips, logits: Floats) -> Wishes:
    """Draw lines at the rates of `wished`, and as many again to look at."""
    ends = np.cumsum(wished(logits), dtype="float64").reshape(logits.shape)
    rates = np.diff(ends[:, -1], prepend=0.0)
    counts = rng.poisson(trips.counts * rates * (1 + BROWSING))
    user = np.repeat(np.arange(len(counts)), counts)
    at = np.sort(ends[user, -1] - rng.random(len(user)) * rates[user])  # sorted: found faster
    item = np.searchsorted(ends.ravel(), at) - user * logits.shape[1]
    item = item.clip(0, logits.shape[1] - 1)
    trip = trips.first[user] + (rng.random(len(user)) * trips.counts[user]).astype(int)
    return Wishes(
        user=user,
        trip=trip,
        item=item,
        mood=rng.random(len(user)),
        luck=rng.random((len(user), 3)),
        view=rng.random(len(user)) < BROWSING / (1 + BROWSING),
    )


def poisson_of(u: Floats, mean: Floats) -> Ints:
    """The Poisson counts that numbers in [0, 1) stand for."""
    counts = np.zeros(u.shape, int)
    term = np.exp(-mean)
    cells = np.nonzero(u >= term)
    u, mean, term = u[cells], mean[cells], term[cells]
    total, number = term.copy(), 1
    while len(u):
        counts[cells] = number
        term = term * mean / number
        total = total + term
        left = (u >= total) & (term > 1e-15)
        cells = tuple(axis[left] for axis in cells)
        u, mean, term, total = u[left], mean[left], term[left], total[left]
        number += 1
    return counts


def ranks(many: Ints) -> Ints:
    """0, 1, ... within each run of so many."""
    return np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)


def units_of(u: Floats, mean: Floats) -> Ints:
    """The geometric number of units, 1 or more, that a number in [0, 1) stands for."""
    more = np.maximum(1 - 1 / mean, 1e-12)
    return 1 + np.floor(np.log1p(-u) / np.log(more)).astype(int)
