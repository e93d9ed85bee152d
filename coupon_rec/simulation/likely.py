"""What is likely in one campaign of a market that answers back, given what came before it."""

from dataclasses import dataclass, replace

import numpy as np

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import MOST_SWITCHED, SWITCHING, Round
from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.memory import Memory
from coupon_rec.simulation.model import (
    COUPON_WORTH,
    WEEKS,
    Floats,
    Ints,
    chance,
    redeem_rate,
    softplus,
)
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.people import People
from coupon_rec.simulation.traits import Traits

WELCOME, AWAY = 0.1, 0.6
"""What mail adds to the purchase logit of who had none, and more of who did not shop lately: the
recency trap of Neslin, Taylor, Grantham and McNeil (2013)."""
WEAR = (0.4, 0.55, 0.7, 0.9, 1.1, 1.3)
"""What each campaign mailed before takes from it, by age group: contacts help up to a point and
then hurt in Godfrey, Seiders and Voss (2011), and by how much differs."""
FORGETTING = 0.5
"""Share of mailings, and of what is in the pantry, that still counts one campaign later."""
RESPONSE = 1.0
"""Worth of a discount far above a user's threshold, times that of the same cut of the price."""
SATURATION = 0.06
"""Width of the threshold of depth, as a share of the price."""
PANTRY = 2.5
"""Fall of the purchase logit for each unit of log price that the last purchase had saved."""
PATIENCE = 0.6
"""Fall of a waiting user's logits where mail is certain to come."""
EXAMINED = {"desk": 0.15, "phone": 0.5}
"""A place in a list is looked at with probability place^-x, x by platform."""
COLLECTS = 2.5
"""What a collecting account adds to the habit of redeeming."""


@dataclass(frozen=True)
class Likely:
    """Logits and probabilities of n users in a campaign of K coupons, S types and R items.

    Attributes
    ----------
    trips, mailed, offered, habit : numpy.ndarray
        Trips a week; the retailer's own probabilities of mailing and of each coupon within it,
        shapes (n,), (n, 1), (n, K); logit of redeeming at a depth of 25%.
    logits : numpy.ndarray
        Purchase logits at the shelf prices, without what users remember; shape (n, I).
    memory : numpy.ndarray
        What the past takes from the logits of each type, 0 or more; shape (n, T).
    rate, lifted : numpy.ndarray
        Purchases a trip of each item of the campaign, and under each coupon for it; shapes (n, R)
        and (n, cells of the campaign).
    lift : numpy.ndarray
        What each coupon adds to the logits of its items; shape (n, K).
    taken : numpy.ndarray
        Share of the purchases of the rest of its category that each coupon takes; shape (n, K).
    noticed : numpy.ndarray
        Probability that a coupon is looked at, in its place; shape (n, K).
    position : numpy.ndarray
        The place of each type in the user's list, from 1; shape (n, S).
    truth : dict of str to numpy.ndarray
        Columns of `truth.candidates`; each of shape (n, K).
    """

    trips: Floats
    mailed: Floats
    offered: Floats
    habit: Floats
    logits: Floats
    memory: Floats
    rate: Floats
    lifted: Floats
    lift: Floats
    taken: Floats
    noticed: Floats
    position: Ints
    truth: dict[str, Floats]


def likely(rng: np.random.Generator, nature: Nature, campaign: Round, crowd: Crowd) -> Likely:
    """All that is likely in a campaign for a block of users."""
    on, k, n = nature.mechanisms, campaign.period, len(crowd.base)
    people, traits, memory = crowd.people, crowd.traits, crowd.memory
    exact = crowd.base.dtype
    slope, drift = campaign.slope.astype(exact), nature.drift[k].astype(exact)
    logits = crowd.base + people.price_sensitivity.astype(exact)[:, None] * slope + drift
    past = remembered(nature, traits, memory)
    lift = lifts(nature, campaign, people, traits, memory)
    position = 1 + rng.permuted(np.tile(np.arange(len(campaign.kinds)), (n, 1)), axis=1)
    noticed = np.ones_like(lift)
    if "platforms" in on:
        noticed = examined(position, traits)[:, campaign.slot]
    item = campaign.item
    odds = np.exp(logits[:, item].astype("float64") - past[:, nature.kind[item]])
    lift += patience(nature, traits, memory)[:, campaign.kind]
    eager = sigmoid(4 * np.log(people.trips[:, None] / 1.1) + nature.planted("mailing", k))
    found = Likely(
        trips=people.trips,
        mailed=0.02 + 0.48 * eager,
        offered=np.ones_like(lift),
        habit=people.habit + COLLECTS * traits.collector + nature.planted("redemption", k),
        logits=logits,
        memory=past,
        rate=np.log1p(odds),
        lifted=np.log1p(odds[:, campaign.row] * np.exp(lift)[:, campaign.pair]),
        lift=lift,
        taken=np.zeros_like(lift),
        noticed=noticed,
        position=position,
        truth={},
    )
    taken, lost = switching(nature, campaign, found)
    truth = truths(campaign, traits, found, lost)
    within = own_policy(campaign, truth["buy_without"], memory)
    return replace(found, truth=truth, offered=within, taken=taken)


def remembered(nature: Nature, traits: Traits, memory: Memory) -> Floats:
    """What pantry and patience take from the logits of each type; shape (n, T)."""
    taken = patience(nature, traits, memory)
    if "stockpiling" in nature.mechanisms:
        taken += PANTRY * memory.pantry
    return taken


def patience(nature: Nature, traits: Traits, memory: Memory) -> Floats:
    """What waiting for coupons takes from the logits of the types that have some; shape (n, T)."""
    taken = np.zeros_like(memory.pantry)
    strength = nature.strength * PATIENCE * traits.strategic * memory.expecting
    kinds = np.unique(nature.kind_of_coupon)
    taken[:, kinds] = strength[:, None]
    return taken


def reactions(nature: Nature, people: People, traits: Traits, memory: Memory) -> Floats:
    """What being sent a coupon adds to the purchase logit; shape (n,)."""
    if "fatigue" not in nature.mechanisms:
        return people.reaction
    wear = np.array(WEAR)[traits.age] * memory.mailed
    return np.asarray(WELCOME + AWAY * (memory.trips == 0) - wear)


def lifts(
    nature: Nature, campaign: Round, people: People, traits: Traits, memory: Memory
) -> Floats:
    """What each coupon adds to the purchase logits of its items; shape (n, K)."""
    depth = campaign.depth
    worth = COUPON_WORTH * np.outer(people.price_sensitivity, -np.log1p(-depth))
    if "response" in nature.mechanisms:
        seen = sigmoid((depth - traits.threshold[:, None]) / SATURATION)
        worth *= RESPONSE * seen * traits.eagerness[:, None] * nature.responsiveness[campaign.kind]
    extra = nature.appeal[campaign.kind] + campaign.content
    reaction = reactions(nature, people, traits, memory)
    return np.asarray(nature.strength * (reaction[:, None] + worth + extra))


def examined(position: Ints, traits: Traits) -> Floats:
    """Probability that each place of a user's list is looked at; the shape of `position`."""
    steepness = np.where(traits.phone, EXAMINED["phone"], EXAMINED["desk"])
    return np.asarray(position ** -steepness[:, None])


def own_policy(campaign: Round, buy_without: Floats, memory: Memory) -> Floats:
    """The retailer's own probability of each coupon within a mailing; shape (n, K).

    Where a type has several depths, who did not shop lately is likelier to get a deep one.
    """
    some = 0.2 + 0.6 * sigmoid(3 + np.log(np.maximum(buy_without, 1e-12)))
    share = np.ones_like(buy_without)
    if campaign.pairs.shape[1] > 1:
        slope = np.where(memory.trips == 0, 3.0, -3.0)
        weight = np.exp(slope[:, None] * campaign.depth)
        total = np.zeros((len(weight), len(campaign.kinds)))
        for own in campaign.pairs.T:
            total += np.where(own >= 0, weight[:, own], 0)
        share = weight / total[:, campaign.slot]
    return np.asarray((some if campaign.some else 1.0) * share)


def truths(campaign: Round, traits: Traits, found: Likely, switched: Floats) -> dict[str, Floats]:
    """The probabilities, units and money of each coupon, without it and with it."""
    row, slot, item = campaign.row, campaign.slot, campaign.item
    trips, weekly = found.trips[:, None], WEEKS * found.trips[:, None]
    price, units = campaign.price[item], campaign.units[item]
    worth = {
        "units": units,
        "spend": units * price,
        "margin": units * (price - campaign.cost[item]),
    }

    def of_slot(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, campaign.first_row, axis=1)[:, slot])

    def of_pair(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, campaign.first_cell, axis=1))

    lines, lifted = -np.expm1(-found.rate), -np.expm1(-found.lifted)
    before = {name: of_slot(lines * value) for name, value in worth.items()}
    after = {name: of_pair(lifted * value[row]) for name, value in worth.items()}
    rate = of_pair(found.lifted)
    paid = of_pair(found.lifted * price[row]) / rate
    seen, unseen = found.noticed, 1 - found.noticed
    buy_without, lifted_chance = chance(trips, of_slot(found.rate)), chance(trips, rate)
    buy_with = seen * lifted_chance + unseen * buy_without
    redeem = seen * lifted_chance * redeem_rate(found.habit, campaign.depth)
    discount = redeem * campaign.depth * paid
    money = {f"{name}_without": weekly * before[name] for name in worth} | {
        f"{name}_with": weekly * (seen * after[name] + unseen * before[name]) for name in worth
    }
    lost = weekly * seen * switched
    collectors = np.flatnonzero(traits.collector)
    of_person = traits.person[collectors]
    buy_with[collectors] = seen[collectors] * buy_without[of_person]
    buy_without[collectors] = lost[collectors] = 0.0
    redeem[collectors] = buy_with[collectors] * redeem_rate(found.habit[collectors], campaign.depth)
    for name in worth:
        money[f"{name}_without"][collectors] = money[f"{name}_without"][of_person]
        money[f"{name}_with"][collectors] = money[f"{name}_without"][of_person]
    spend, bought = (money[f"{name}_without"][collectors] for name in ("spend", "units"))
    discount[collectors] = redeem[collectors] * campaign.depth * spend / np.maximum(bought, 1e-12)
    return {
        "buy_without": buy_without,
        "buy_with": buy_with,
        "redeem_given_buy": redeem / np.maximum(buy_with, 1e-300),
        **money,
        "discount": discount,
        "profit": money["margin_with"] - money["margin_without"] - lost - discount,
    }


def switching(nature: Nature, campaign: Round, found: Likely) -> tuple[Floats, Floats]:
    """The share of purchases of the rest of its category that each coupon takes, and their worth.

    Both of shape (n, K); the worth is margin a trip.
    """
    taken, lost = np.zeros_like(found.lift), np.zeros_like(found.lift)
    if "substitution" not in nature.mechanisms:
        return taken, lost
    before = np.add.reduceat(found.rate, campaign.first_row, axis=1)[:, campaign.slot]
    gained = np.add.reduceat(found.lifted, campaign.first_cell, axis=1) - before
    worth = campaign.units * (campaign.price - campaign.cost)
    for pairs, kind in zip(campaign.pairs, campaign.kinds, strict=True):
        rest = others(nature, kind)
        rate = softplus(found.logits[:, rest] - found.memory[:, nature.kind[rest]])
        of_rest, stay = np.maximum(rate.sum(axis=1), 1e-12), np.exp(-rate)
        own = pairs[pairs >= 0]
        share = np.clip(SWITCHING * gained[:, own] / of_rest[:, None], 0, MOST_SWITCHED)
        taken[:, own] = share
        for pair, kept in zip(own, (1 - share).astype(rate.dtype).T, strict=True):
            left = np.exp(-rate * kept[:, None])
            lost[:, pair] = ((left - stay) * worth[rest]).sum(axis=1)
    return taken, lost


def others(nature: Nature, kind: int) -> Ints:
    """The items of a type's category that are not of the type."""
    category = nature.category[np.searchsorted(nature.kind, kind)]
    return np.flatnonzero((nature.category == category) & (nature.kind != kind))
