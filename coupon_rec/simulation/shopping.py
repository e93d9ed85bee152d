"""What a block of users does: trips, and purchases with and without coupons."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.model import (
    WEEKS,
    Bools,
    Floats,
    Ints,
    chance,
    purchase_logits,
    redeem_rate,
    shift,
    softplus,
)
from coupon_rec.simulation.people import People, draw_people
from coupon_rec.simulation.world import STORES, World

DAY = 24 * 3600


@dataclass(frozen=True)
class Trips:
    """The trips of a block of users, in order of user and time.

    Attributes
    ----------
    counts : numpy.ndarray
        How many there are, shape (users, periods).
    first : numpy.ndarray
        The number of the first one of each user and period, shape (users, periods).
    user, period, second, store : numpy.ndarray
        Of each trip; seconds count from the first day.
    """

    counts: Ints
    first: Ints
    user: Ints
    period: Ints
    second: Ints
    store: Ints


@dataclass(frozen=True)
class Chances:
    """What is true of each user and pair of campaign and coupon; shapes (users, pairs).

    Attributes
    ----------
    buy_without, buy_with : numpy.ndarray
        Probability of buying one of its items in the campaign, without it and with it.
    redeem_given_buy : numpy.ndarray
        Probability of redeeming it, given such a purchase with it.
    mailed : numpy.ndarray
        Probability that a user is mailed a campaign, shape (users, 1).
    offered : numpy.ndarray
        Probability of being offered the coupon, given that the campaign is mailed.
    """

    buy_without: Floats
    buy_with: Floats
    redeem_given_buy: Floats
    mailed: Floats
    offered: Floats


@dataclass(frozen=True)
class PossibleLines:
    """Purchases in either of two worlds, one without coupons and one where all are offered.

    Attributes
    ----------
    trip, item : numpy.ndarray
        On which trip, and of which item, numbered from 0. The same purchase may stand twice.
    pair : numpy.ndarray
        The pair of campaign and coupon that covers it, or -1.
    without, with_coupon : numpy.ndarray
        Whether it happens in either world.
    """

    trip: Ints
    item: Ints
    pair: Ints
    without: Bools
    with_coupon: Bools

    def and_also(self, more: "PossibleLines") -> "PossibleLines":
        """These lines and more."""
        names = [field.name for field in fields(PossibleLines)]
        both = {name: [getattr(self, name), getattr(more, name)] for name in names}
        return PossibleLines(**{name: np.concatenate(parts) for name, parts in both.items()})


@dataclass(frozen=True)
class Outcomes:
    """What would happen and what happened, for each user and pair; shapes (users, pairs).

    Attributes
    ----------
    offered, bought_without, bought_with, redeemed_with : numpy.ndarray
        Whether the coupon is offered; whether one of its items is bought if it is not and if it
        is; whether it is redeemed if it is offered.
    """

    offered: Bools
    bought_without: Bools
    bought_with: Bools
    redeemed_with: Bools


@dataclass(frozen=True)
class Block:
    """A block of users and what they do.

    Attributes
    ----------
    people, trips, chances, outcomes
        Who they are, when they shop, what is likely, what would happen and happened.
    trip, item : numpy.ndarray
        The purchases that happened, each once, in order of user, time and item.
    logits, appetite : numpy.ndarray
        Purchase logits at list price, and their softplus at each item's best price of all
        periods; shapes (users, items).
    """

    people: People
    trips: Trips
    chances: Chances
    outcomes: Outcomes
    trip: Ints
    item: Ints
    logits: Floats
    appetite: Floats


def simulate_block(world: World, rng: Generator, n: int) -> Block:
    """Draw n users and all that they do."""
    people = draw_people(rng, n)
    trips = draw_trips(rng, people, len(world.sales))
    logits = list_logits(people, world)
    appetite = softplus(logits + np.outer(people.price_sensitivity, world.cuts.max(axis=0)))
    depth = world.pairs["depth"].to_numpy()
    shifts = shift(people.price_sensitivity, people.reaction, depth)
    rates = covered_rates(people, world, logits, shifts)
    chances = chances_of(people, world, rates)
    usual = usual_lines(rng, people, world, trips, logits, appetite, shifts)
    lines = usual.and_also(added_lines(rng, world, trips, rates))
    outcomes = draw_outcomes(rng, chances, world, lines, trips)
    trip, item = happened(lines, trips, outcomes.offered, world)
    return Block(people, trips, chances, outcomes, trip, item, logits, appetite)


def list_logits(people: People, world: World) -> Floats:
    """Purchase logits at list price without coupons, shape (users, items)."""
    return purchase_logits(
        people.activity,
        people.tastes,
        people.price_sensitivity,
        world.popularity,
        world.tastes,
        world.log_prices,
    )


def draw_trips(rng: Generator, people: People, periods: int) -> Trips:
    """Draw when and where each user shops: mostly in the afternoon, mostly in one store."""
    n = len(people.trips)
    counts = rng.poisson(WEEKS * people.trips[:, None], (n, periods))
    user, period = np.divmod(np.repeat(np.arange(n * periods), counts.ravel()), periods)
    day = WEEKS * 7 * period + rng.integers(0, WEEKS * 7, len(user))
    hour = np.clip(15.5 + 3.5 * rng.standard_normal(len(user)), 6, 23.9)
    second = (day * DAY + hour * 3600).astype(int)
    usual = rng.integers(0, STORES, n)[user]
    away = rng.random(len(user)) < 0.25
    return Trips(
        counts=counts,
        first=(np.cumsum(counts) - counts.ravel()).reshape(n, periods),
        user=user,
        period=period,
        second=second[np.lexsort((second, user))],
        store=np.where(away, rng.integers(0, STORES, len(user)), usual) + 1,
    )


def covered_rates(
    people: People, world: World, logits: Floats, shifts: Floats
) -> tuple[Floats, Floats]:
    """Softplus of the logits of the coupons' items, without and with their coupon.

    Each of shape (users, rows of `coupon_items`), at the prices of the campaign's period.
    """
    item = world.coupon_items["item_id"].to_numpy() - 1
    period = world.coupon_items["campaign_id"].to_numpy()
    pair = world.coupon_items["pair"].to_numpy()
    now = logits[:, item] + np.outer(people.price_sensitivity, world.cuts[period, item])
    return softplus(now), softplus(now + shifts[:, pair])


def chances_of(people: People, world: World, rates: tuple[Floats, Floats]) -> Chances:
    """The probabilities of the truth, and those of the logging policy: equations (2) to (5)."""
    starts = world.coupon_items["pair"].searchsorted(world.pairs.index)
    without, with_coupon = (
        chance(people.trips[:, None], np.add.reduceat(rate, starts, axis=1)) for rate in rates
    )
    some = (world.pairs["campaign_type"] == "A").to_numpy()
    return Chances(
        buy_without=without,
        buy_with=with_coupon,
        redeem_given_buy=redeem_rate(people.habit, world.pairs["depth"].to_numpy()),
        mailed=0.02 + 0.48 * sigmoid(4 * np.log(people.trips[:, None] / 1.1)),
        offered=np.where(some, 0.2 + 0.6 * sigmoid(3 + np.log(without)), 1.0),
    )


def usual_lines(
    rng: Generator,
    people: People,
    world: World,
    trips: Trips,
    logits: Floats,
    appetite: Floats,
    shifts: Floats,
) -> PossibleLines:
    """Purchases in the world without coupons, and which of them a coupon would put off.

    Drawn at each item's best price of all periods, then thinned to the price of the trip's.
    """
    total = trips.counts.sum(axis=1)
    user, item = repeat(rng.poisson(total[:, None] * appetite))
    trip = trips.first[user, 0] + (rng.random(len(user)) * total[user]).astype(int)
    period = trips.period[trip]
    logit = logits[user, item] + people.price_sensitivity[user] * world.cuts[period, item]
    rate = softplus(logit)
    kept = np.flatnonzero(rng.random(len(user)) * appetite[user, item] < rate)
    user, item, trip, period = user[kept], item[kept], trip[kept], period[kept]
    pair = world.pair_of[period, item]
    lower = np.where(pair < 0, 0.0, np.minimum(shifts[user, pair], 0.0))
    stays = rng.random(len(user)) * rate[kept] < softplus(logit[kept] + lower)
    return PossibleLines(trip, item, pair, np.ones(len(user), bool), stays)


def added_lines(
    rng: Generator, world: World, trips: Trips, rates: tuple[Floats, Floats]
) -> PossibleLines:
    """Purchases that happen only with a coupon."""
    period = world.coupon_items["campaign_id"].to_numpy()
    without, with_coupon = rates
    more = np.maximum(with_coupon - without, 0)
    user, row = repeat(rng.poisson(trips.counts[:, period] * more))
    when = period[row]
    place = (rng.random(len(user)) * trips.counts[user, when]).astype(int)
    return PossibleLines(
        trip=trips.first[user, when] + place,
        item=world.coupon_items["item_id"].to_numpy()[row] - 1,
        pair=world.coupon_items["pair"].to_numpy()[row],
        without=np.zeros(len(user), bool),
        with_coupon=np.ones(len(user), bool),
    )


def draw_outcomes(
    rng: Generator, chances: Chances, world: World, lines: PossibleLines, trips: Trips
) -> Outcomes:
    """Draw the offers, and say what would happen with and without each."""
    campaign = world.pairs["campaign_id"].to_numpy() - 1
    shape = chances.buy_with.shape
    mailed = rng.random((shape[0], len(world.campaigns))) < chances.mailed
    bought = []
    for happens in (lines.without, lines.with_coupon):
        chosen = happens & (lines.pair >= 0)
        any_line = np.zeros(shape, bool)
        any_line[trips.user[lines.trip[chosen]], lines.pair[chosen]] = True
        bought.append(any_line)
    return Outcomes(
        offered=mailed[:, campaign] & (rng.random(shape) < chances.offered),
        bought_without=bought[0],
        bought_with=bought[1],
        redeemed_with=bought[1] & (rng.random(shape) < chances.redeem_given_buy),
    )


def happened(lines: PossibleLines, trips: Trips, offered: Bools, world: World) -> tuple[Ints, Ints]:
    """The trips and items of the purchases that happen, given the offers, each once, in order."""
    under = (lines.pair >= 0) & offered[trips.user[lines.trip], lines.pair]
    real = np.where(under, lines.with_coupon, lines.without)
    key = np.sort(lines.trip[real] * len(world.items) + lines.item[real])
    return np.divmod(key[np.diff(key, prepend=-1) > 0], len(world.items))


def repeat(count: Ints) -> tuple[Ints, Ints]:
    """The row and column of each unit that a matrix counts."""
    row, column = np.nonzero(count)
    times = count[row, column]
    return np.repeat(row, times), np.repeat(column, times)
