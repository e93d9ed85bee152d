"""What is likely in one campaign, given what came before it."""

from dataclasses import dataclass, replace

import numpy as np

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.memory import Memory
from coupon_rec.simulation.model import (
    WEEKS,
    Floats,
    Ints,
    chance,
    redeem_rate,
    saving,
    softplus,
)
from coupon_rec.simulation.nature import SWITCHING, Nature
from coupon_rec.simulation.users import Crowd, Traits

WELCOME, AWAY = 0.1, 0.6
"""What mail adds to the purchase logit of who had none, and more of who did not shop lately: the
recency trap of Neslin, Taylor, Grantham and McNeil (2013)."""
WEAR = (0.4, 0.55, 0.7, 0.9, 1.1, 1.3)
"""What each campaign mailed before takes from it, by age group: contacts help up to a point and
then hurt in Godfrey, Seiders and Voss (2011), and by how much differs."""
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
MOST_SWITCHED = 0.9
"""Of the purchases of the rest, the largest share that one coupon takes."""


@dataclass(frozen=True)
class Likely:
    """Logits and probabilities of n users in a campaign of K coupons, S types and R items.

    Attributes
    ----------
    trips, mailed, offered, habit : numpy.ndarray
        Trips a week; the retailer's own probabilities of mailing and of each coupon within it,
        shapes (n,), (n,), (n, K); logit of redeeming at a depth of 25%.
    memory : numpy.ndarray
        What the past takes from the logits of each type, 0 or more; shape (n, T).
    rate, lifted : numpy.ndarray
        Purchases a trip of each item of the campaign, and under each coupon for it; shapes (n, R)
        and (n, cells of the campaign).
    lift : numpy.ndarray
        What each coupon adds to the logits of its items; shape (n, K).
    taken, lost : numpy.ndarray
        Share of the purchases of the rest of its category that each coupon takes, and the margin a
        trip that goes with them; shape (n, K).
    noticed : numpy.ndarray
        Probability that a coupon is looked at, in its place; shape (n, K).
    position : numpy.ndarray
        The place of each type in the user's list, from 1; shape (n, S).
    truth : dict of str to numpy.ndarray
        The probabilities of `truth.candidates`; each of shape (n, K).
    """

    trips: Floats
    mailed: Floats
    offered: Floats
    habit: Floats
    memory: Floats
    rate: Floats
    lifted: Floats
    lift: Floats
    taken: Floats
    lost: Floats
    noticed: Floats
    position: Ints
    truth: dict[str, Floats]


def likely(rng: np.random.Generator, nature: Nature, campaign: Round, crowd: Crowd) -> Likely:
    """All that is likely in a campaign for a block of users."""
    people, traits, memory = crowd.people, crowd.traits, crowd.memory
    period, n, item = campaign.period, len(crowd.base), campaign.item
    past = remembered(nature, traits, memory)
    lift = lifts(nature, campaign, crowd) + patience(nature, traits, memory)[:, campaign.kind]
    position = 1 + rng.permuted(np.tile(np.arange(len(campaign.kinds)), (n, 1)), axis=1)
    noticed = np.ones_like(lift)
    if "platforms" in nature.mechanisms:
        steepness = np.where(traits.phone, EXAMINED["phone"], EXAMINED["desk"])
        noticed = (position ** -steepness[:, None])[:, campaign.slot]
    logits = crowd.shelf_logits(campaign.slope, campaign.drift, item).astype("float64")
    odds = np.exp(logits - past[:, nature.kind[item]])
    eager = sigmoid(4 * np.log(people.trips / 1.1) + nature.planted("mailing", period))
    found = Likely(
        trips=people.trips,
        mailed=0.02 + 0.48 * eager,
        offered=np.ones_like(lift),
        habit=people.habit + COLLECTS * traits.collector + nature.planted("redemption", period),
        memory=past,
        rate=np.log1p(odds),
        lifted=np.log1p(odds[:, campaign.row] * np.exp(lift)[:, campaign.pair]),
        lift=lift,
        taken=np.zeros_like(lift),
        lost=np.zeros_like(lift),
        noticed=noticed,
        position=position,
        truth={},
    )
    truth = probabilities(campaign, traits, found)
    found = replace(found, truth=truth, offered=own_policy(campaign, truth["buy_without"], memory))
    if "substitution" in nature.mechanisms:
        found = switching(nature, campaign, crowd, found)
    return found


def remembered(nature: Nature, traits: Traits, memory: Memory) -> Floats:
    """What pantry and patience take from the logits of each type; shape (n, T)."""
    taken = patience(nature, traits, memory)
    if "stockpiling" in nature.mechanisms:
        taken += PANTRY * memory.pantry
    return taken


def patience(nature: Nature, traits: Traits, memory: Memory) -> Floats:
    """What waiting for coupons takes from the logits of the types that have some; shape (n, T)."""
    taken = np.zeros_like(memory.pantry)
    strength = nature.settings.strength * PATIENCE * traits.strategic * memory.expecting
    taken[:, np.unique(nature.kind_of_coupon)] = strength[:, None]
    return taken


def lifts(nature: Nature, campaign: Round, crowd: Crowd) -> Floats:
    """What each coupon adds to the purchase logits of its items; shape (n, K)."""
    people, traits, memory = crowd.people, crowd.traits, crowd.memory
    depth, worth = campaign.depth, saving(people.price_sensitivity, campaign.depth)
    reaction = people.reaction
    if "response" in nature.mechanisms:
        seen = sigmoid((depth - traits.threshold[:, None]) / SATURATION)
        worth *= RESPONSE * seen * traits.eagerness[:, None] * nature.responsiveness[campaign.kind]
    if "fatigue" in nature.mechanisms:
        wear = np.array(WEAR)[traits.age] * memory.mailed
        reaction = WELCOME + AWAY * (memory.trips == 0) - wear
    extra = nature.appeal[campaign.kind] + nature.content_lift[campaign.coupon]
    return np.asarray(nature.settings.strength * (reaction[:, None] + worth + extra))


def own_policy(campaign: Round, buy_without: Floats, memory: Memory) -> Floats:
    """The retailer's own probability of each coupon within a mailing; shape (n, K).

    Where a type has several depths, who did not shop lately is likelier to get a deep one.
    """
    slope = np.where(memory.trips == 0, 3.0, -3.0)
    weight = np.exp(slope[:, None] * campaign.depth)
    total = np.zeros((len(weight), len(campaign.kinds)))
    for own in campaign.pairs.T:
        total += np.where(own >= 0, weight[:, own], 0)
    share = weight / total[:, campaign.slot]
    if campaign.some:
        share *= 0.2 + 0.6 * sigmoid(3 + np.log(np.maximum(buy_without, 1e-12)))
    return np.asarray(share)


def of_slots(campaign: Round, values: Floats) -> Floats:
    """The sum over the items of each coupon of what does not depend on it; (n, R) to (n, K)."""
    return np.asarray(np.add.reduceat(values, campaign.first_row, axis=1)[:, campaign.slot])


def of_coupons(campaign: Round, values: Floats) -> Floats:
    """The sum over the items of each coupon of what it moves; (n, cells) to (n, K)."""
    return np.asarray(np.add.reduceat(values, campaign.first_cell, axis=1))


def probabilities(campaign: Round, traits: Traits, found: Likely) -> dict[str, Floats]:
    """The probabilities of buying and redeeming, without each coupon and with it."""
    trips, seen = found.trips[:, None], found.noticed
    buy_without = chance(trips, of_slots(campaign, found.rate))
    buy_noticed = chance(trips, of_coupons(campaign, found.lifted))
    buy_with = seen * buy_noticed + (1 - seen) * buy_without
    redeem = seen * buy_noticed
    own = np.flatnonzero(traits.collector)  # what these buy, their person would have bought anyway
    redeem[own] = buy_with[own] = seen[own] * buy_without[traits.person[own]]
    buy_without[own] = 0.0
    redeem *= redeem_rate(found.habit, campaign.depth)
    return {
        "buy_without": buy_without,
        "buy_with": buy_with,
        "redeem_given_buy": redeem / np.maximum(buy_with, 1e-300),
    }


def money(nature: Nature, campaign: Round, traits: Traits, found: Likely) -> dict[str, Floats]:
    """Units, spend, discount and profit of each coupon, without it and with it."""
    row, item, seen = campaign.row, campaign.item, found.noticed
    price, units = campaign.price[item], campaign.units[item]
    weekly = WEEKS * found.trips[:, None]
    worth = {
        "units": units,
        "spend": units * price,
        "margin": units * (price - campaign.cost[item]),
    }
    lines, lifted = -np.expm1(-found.rate), -np.expm1(-found.lifted)
    own = np.flatnonzero(traits.collector)
    person, columns = traits.person[own], {}
    for name, value in worth.items():
        before = weekly * of_slots(campaign, lines * value)
        after = weekly * of_coupons(campaign, lifted * value[row])
        before[own] = after[own] = before[person]
        columns[f"{name}_without"] = before
        columns[f"{name}_with"] = seen * after + (1 - seen) * before
    bought = of_coupons(campaign, found.lifted * price[row])
    paid = bought / of_coupons(campaign, found.lifted)
    paid[own] = columns["spend_without"][own] / np.maximum(columns["units_without"][own], 1e-12)
    redeem = found.truth["buy_with"] * found.truth["redeem_given_buy"]
    lost = weekly * seen * found.lost
    lost[own] = 0.0
    gained = columns["margin_with"] - columns["margin_without"] - lost
    discount = redeem * campaign.depth * paid
    profit = gained - nature.retailers_share * discount
    return {**columns, "discount": discount, "profit": profit}


def switching(nature: Nature, campaign: Round, crowd: Crowd, found: Likely) -> Likely:
    """What each coupon takes from the rest of its category."""
    taken, lost = np.zeros_like(found.lift), np.zeros_like(found.lift)
    gained = of_coupons(campaign, found.lifted) - of_slots(campaign, found.rate)
    worth = campaign.units * (campaign.price - campaign.cost)
    for pairs, kind in zip(campaign.pairs, campaign.kinds, strict=True):
        in_category = nature.category == nature.category_of(kind)
        rest = np.flatnonzero(in_category & (nature.kind != kind))
        logits = crowd.shelf_logits(campaign.slope, campaign.drift, rest)
        rate = softplus(logits - found.memory[:, nature.kind[rest]])
        of_rest, stay = np.maximum(rate.sum(axis=1), 1e-12), np.exp(-rate)
        for pair in pairs[pairs >= 0]:
            share = np.clip(SWITCHING * gained[:, pair] / of_rest, 0, MOST_SWITCHED)
            taken[:, pair] = share
            left = np.exp(-rate * (1 - share).astype(rate.dtype)[:, None])
            lost[:, pair] = ((left - stay) * worth[rest]).sum(axis=1)
    return replace(found, taken=taken, lost=lost)
