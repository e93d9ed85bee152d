"""What is likely in one campaign of a market that answers back, given what came before it."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.model import (
    COUPON_WORTH,
    WEEKS,
    Floats,
    Ints,
    chance,
    redeem_rate,
    softplus,
)
from coupon_rec.simulation.nature import Nature, Round
from coupon_rec.simulation.people import People
from coupon_rec.simulation.traits import Traits
from coupon_rec.simulation.world import World

WELCOME, AWAY = 0.1, 0.6
"""What mail adds to the purchase logit of who had none, and more of who did not shop lately: the
recency trap of Neslin, Taylor, Grantham and McNeil (2013)."""
WEAR = (0.9, 1.2, 1.6, 2.1, 2.5, 3.0)
"""What each campaign mailed before takes from it, by age group: contacts help up to a point and
then hurt in Godfrey, Seiders and Voss (2011), and by how much differs."""
FORGETTING = 0.5
"""Share of mailings, and of what is in the pantry, that still counts one campaign later."""
RESPONSE = 1.0
"""Worth of a discount far above a user's threshold, times that of the same cut of the price."""
SATURATION = 0.06
"""Width of the threshold of depth, as a share of the price."""
PANTRY = 0.8
"""Fall of the purchase logit for each unit of log price that the last purchase had saved."""
SWITCHING = 0.5
"""What the logits of the rest of a category lose where those of a type gain, times its share of the
sales: coupons for half the price then take a third of the units that they bring from the rest, as
promotions do in van Heerde, Gupta and Wittink (2003)."""
PATIENCE = 0.6
"""Fall of a waiting user's logits where mail is certain to come."""
EXAMINED = {"desk": 0.15, "phone": 0.5}
"""A place in a list is looked at with probability place^-x, x by platform."""
COLLECTS = 2.5
"""What a collecting account adds to the habit of redeeming."""
USUAL_UNITS = 1.3
"""Units on a trip with a purchase, at list price."""


@dataclass(frozen=True)
class Memory:
    """What n users and their store keep of the past; T types, I items.

    Attributes
    ----------
    mailed : numpy.ndarray
        Campaigns that reached the person, each half of the one after it; shape (n,).
    trips : numpy.ndarray
        Trips in the period before, shape (n,).
    expecting : numpy.ndarray
        How sure a user is of the next mail, shape (n,), in [0, 1].
    pantry : numpy.ndarray
        What purchases of each type had saved on the log price; shape (n, T).
    bought : numpy.ndarray
        Purchase lines of each type so far; shape (n, T).
    on_sale : numpy.ndarray
        Purchase lines on sale so far; shape (n,).
    on_hand, on_order, weekly : numpy.ndarray
        Units in the store, units to come in a week, and units sold in a usual week; shape (I,).
    """

    mailed: Floats
    trips: Floats
    expecting: Floats
    pantry: Floats
    bought: Floats
    on_sale: Floats
    on_hand: Floats
    on_order: Floats
    weekly: Floats

    def arrays(self) -> dict[str, np.ndarray]:
        """The same by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


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
    lift : numpy.ndarray
        What each coupon adds to the logits of its items; shape (n, K).
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
    lift: Floats
    noticed: Floats
    position: Ints
    truth: dict[str, Floats]


def pairs_of_slots(campaign: Round) -> Ints:
    """The coupons of each slot, shape (S, most coupons of a slot); -1 where there is none."""
    place = pd.Series(campaign.slot).groupby(campaign.slot).cumcount().to_numpy()
    table = np.full((len(campaign.kinds), place.max() + 1), -1)
    table[campaign.slot, place] = np.arange(len(campaign.slot))
    return table


def likely(
    rng: np.random.Generator,
    world: World,
    nature: Nature,
    campaign: Round,
    people: People,
    traits: Traits,
    memory: Memory,
    base: Floats,
) -> Likely:
    """All that is likely in a campaign; `base` are purchase logits at list price, (n, I)."""
    on, k, n = nature.mechanisms, campaign.period, len(people.trips)
    g = people.price_sensitivity
    cut = cuts(world, nature, k)
    logits = base + nature.drift[k] + np.outer(g, nature.sensitivity * cut).astype(base.dtype)
    if "substitution" in on:
        logits -= SWITCHING * np.outer(g, others_cut(nature, cut)).astype(base.dtype)
    past = remembered(nature, campaign, traits, memory)
    lift = lifts(nature, campaign, people, traits, memory)
    waiting = patience(nature, campaign, traits, memory)[:, campaign.kind]
    position = 1 + rng.permuted(np.tile(np.arange(len(campaign.kinds)), (n, 1)), axis=1)
    noticed = examined(position, traits)[:, campaign.slot]
    if "platforms" not in on:
        noticed = np.ones_like(noticed)
    habit = people.habit + COLLECTS * traits.collector + nature.planted("redemption", k)
    found = Likely(
        trips=people.trips,
        mailed=sigmoid(4 * np.log(people.trips[:, None] / 1.1) + nature.planted("mailing", k))
        * 0.48
        + 0.02,
        offered=np.ones_like(lift),
        habit=habit,
        logits=logits,
        memory=past,
        lift=lift + waiting,
        noticed=noticed,
        position=position,
        truth={},
    )
    truth = truths(world, nature, campaign, people, traits, found, cut)
    within = own_policy(campaign, truth["buy_without"], memory)
    return replace(found, truth=truth, offered=within)


def cuts(world: World, nature: Nature, period: int) -> Floats:
    """How far the shelf prices of a period lie below the first list prices, as logs; shape (I,)."""
    return np.asarray(world.cuts[period] - np.log(nature.prices[period] / world.prices))


def others_cut(nature: Nature, cut: Floats) -> Floats:
    """The cuts of the other types of each item's category, by their share of its sales; (I,)."""
    own = pd.DataFrame(
        {
            "category": nature.category,
            "kind": nature.kind,
            "sold": nature.sold,
            "cut": nature.sold * cut,
        }
    )
    of_kind, of_all = (own.groupby(name)["cut"].transform("sum") for name in ("kind", "category"))
    return np.asarray((of_all - of_kind) / own.groupby("category")["sold"].transform("sum"))


def pulled(nature: Nature, campaign: Round, found: "Likely") -> Floats:
    """What each coupon takes from the logits of the rest of its category; shape (n, K)."""
    of_kind = np.bincount(nature.kind, nature.sold)
    of_all = np.bincount(nature.category, nature.sold)
    category = nature.category[np.searchsorted(nature.kind, campaign.kind)]
    own = of_kind[campaign.kind]
    share = own / np.maximum(of_all[category] - own, own)
    return np.asarray(SWITCHING * share * np.maximum(found.lift, 0))


def remembered(nature: Nature, campaign: Round, traits: Traits, memory: Memory) -> Floats:
    """What pantry and patience take from the logits of each type; shape (n, T)."""
    taken = np.zeros_like(memory.pantry)
    if "stockpiling" in nature.mechanisms:
        taken += PANTRY * memory.pantry
    return np.asarray(taken + patience(nature, campaign, traits, memory))


def patience(nature: Nature, campaign: Round, traits: Traits, memory: Memory) -> Floats:
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
        worth *= RESPONSE * seen * traits.eagerness[:, None] * nature.impulse[campaign.kind]
    extra = nature.appeal[campaign.kind] + nature.coupon_content()[campaign.coupon]
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
    if pairs_of_slots(campaign).shape[1] > 1:
        slope = np.where(memory.trips == 0, 3.0, -3.0)
        weight = np.exp(slope[:, None] * campaign.depth)
        total = np.zeros((len(weight), len(campaign.kinds)))
        np.add.at(total.T, campaign.slot, weight.T)
        share = weight / total[:, campaign.slot]
    return np.asarray((some if campaign.some else 1.0) * share)


def truths(
    world: World,
    nature: Nature,
    campaign: Round,
    people: People,
    traits: Traits,
    found: Likely,
    cut: Floats,
) -> dict[str, Floats]:
    """The probabilities, units and money of each coupon, without it and with it."""
    item, weekly = campaign.item, WEEKS * people.trips[:, None]
    starts = np.searchsorted(campaign.slot_of_row, np.arange(len(campaign.kinds)))
    z = found.logits[:, item].astype("float64") - found.memory[:, nature.kind[item]]
    units = 1.0 * units_a_line(nature, cut)[item]
    price = (nature.prices[campaign.period] * (1 - world.sales[campaign.period]))[item]
    margin = price - nature.unit_cost[campaign.period, item]
    rate, lines = softplus(z), sigmoid(z)

    def summed(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, starts, axis=1))

    none = summed(rate)[:, campaign.slot]
    before = {
        "units": summed(lines * units)[:, campaign.slot],
        "spend": summed(lines * units * price)[:, campaign.slot],
        "margin": summed(lines * units * margin)[:, campaign.slot],
    }
    after = {
        name: np.empty_like(found.lift) for name in ("rate", "units", "spend", "margin", "price")
    }
    for place in pairs_of_slots(campaign).T:
        slots = np.flatnonzero(place >= 0)
        rows = np.isin(campaign.slot_of_row, slots)
        pair = place[campaign.slot_of_row[rows]]
        lifted = z[:, rows] + found.lift[:, pair]
        rates, bought = softplus(lifted), sigmoid(lifted)
        first = np.searchsorted(campaign.slot_of_row[rows], slots)
        sums = {
            "rate": rates,
            "units": bought * units[rows],
            "spend": bought * units[rows] * price[rows],
            "margin": bought * units[rows] * margin[rows],
            "price": rates * price[rows],
        }
        for name, values in sums.items():
            after[name][:, place[slots]] = np.add.reduceat(values, first, axis=1)
    seen, unseen = found.noticed, 1 - found.noticed
    buy_without, lifted_chance = (
        chance(people.trips[:, None], none),
        chance(people.trips[:, None], after["rate"]),
    )
    buy_with = seen * lifted_chance + unseen * buy_without
    redeem = seen * lifted_chance * redeem_rate(found.habit, campaign.depth)
    discount = redeem * campaign.depth * after["price"] / after["rate"]
    money = {f"{name}_without": weekly * before[name] for name in ("units", "spend", "margin")} | {
        f"{name}_with": weekly * (seen * after[name] + unseen * before[name])
        for name in ("units", "spend", "margin")
    }
    lost = weekly * seen * switched(world, nature, campaign, found, cut)
    collector = traits.collector[:, None]
    if collector.any():
        buy_with = np.where(collector, seen * buy_without, buy_with)
        redeem = np.where(collector, buy_with * redeem_rate(found.habit, campaign.depth), redeem)
        discount = np.where(
            collector,
            redeem
            * campaign.depth
            * money["spend_without"]
            / np.maximum(money["units_without"], 1e-12),
            discount,
        )
        lost = np.where(collector, 0.0, lost)
        for name in ("units", "spend", "margin"):
            money[f"{name}_with"] = np.where(
                collector, money[f"{name}_without"], money[f"{name}_with"]
            )
        buy_without = np.where(collector, 0.0, buy_without)
    return {
        "buy_without": buy_without,
        "buy_with": buy_with,
        "redeem_given_buy": redeem / np.maximum(buy_with, 1e-300),
        **money,
        "discount": discount,
        "profit": money["margin_with"] - money["margin_without"] - lost - discount,
    }


def units_a_line(nature: Nature, cut: Floats) -> Floats:
    """Units that a purchase brings at the shelf prices, 1 or more; shape (I,)."""
    return np.maximum(USUAL_UNITS * np.exp(nature.quantity * cut), 1.0)


def switched(world: World, nature: Nature, campaign: Round, found: Likely, cut: Floats) -> Floats:
    """Margin a trip that each coupon takes from the rest of its category; shape (n, K)."""
    lost = np.zeros_like(found.lift)
    if "substitution" not in nature.mechanisms:
        return lost
    price = nature.prices[campaign.period] * (1 - world.sales[campaign.period])
    pull = pulled(nature, campaign, found)
    worth = units_a_line(nature, cut) * (price - nature.unit_cost[campaign.period])
    for slot, kind in enumerate(campaign.kinds):
        rest = others(nature, kind)
        pairs = np.flatnonzero(campaign.slot == slot)
        z = found.logits[:, rest].astype("float64") - found.memory[:, nature.kind[rest]]
        for pair in pairs:
            less = z - pull[:, [pair]]
            lost[:, pair] = (sigmoid(z) - sigmoid(less)) @ worth[rest]
    return lost


def others(nature: Nature, kind: int) -> Ints:
    """The items of a type's category that are not of the type."""
    category = nature.category[np.searchsorted(nature.kind, kind)]
    return np.flatnonzero((nature.category == category) & (nature.kind != kind))
