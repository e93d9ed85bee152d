"""What is likely in one campaign, given what came before it."""

import numpy as np

from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.model import (
    WEEKS,
    Floats,
    chance,
    redeem_rate,
    saving,
    softplus,
)
from coupon_rec.simulation.nature import SWITCHING, Nature
from coupon_rec.simulation.users import Crowd

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


class Likely:
    """Logits and probabilities of n users in a campaign of K coupons, S types and R items.

    Attributes
    ----------
    mailed, offered : numpy.ndarray
        The retailer's own probabilities of mailing and of each coupon within it; shapes (n,) and
        (n, K).
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
    told : numpy.ndarray
        Probability that a purchase under a coupon that was looked at redeems it; shape (n, K).
    truth : dict of str to numpy.ndarray
        The probabilities of `truth.candidates`; each of shape (n, K).
    """

    def __init__(
        self, rng: np.random.Generator, nature: Nature, campaign: Round, crowd: Crowd
    ) -> None:
        """Work out all that is likely in a campaign for a block of users."""
        people, traits, period = crowd.people, crowd.traits, campaign.period
        self.lift = lifts(nature, campaign, crowd) + patience(nature, crowd)[:, campaign.kind]
        places = np.arange(1, 1 + len(campaign.kinds))
        self.position = rng.permuted(np.tile(places, (len(self.lift), 1)), axis=1)
        self.noticed = np.ones_like(self.lift)
        if "platforms" in nature.mechanisms:
            steepness = np.where(traits.phone, EXAMINED["phone"], EXAMINED["desk"])
            self.noticed = (self.position ** -steepness[:, None])[:, campaign.slot]
        self.memory = remembered(nature, crowd)
        logits = crowd.shelf_logits(campaign.slope, campaign.drift, campaign.item)
        odds = np.exp(logits.astype("float64") - self.memory[:, nature.kind[campaign.item]])
        self.rate = np.log1p(odds)
        self.lifted = np.log1p(odds[:, campaign.row] * np.exp(self.lift)[:, campaign.pair])
        habit = people.habit + COLLECTS * traits.collector + nature.planted("redemption", period)
        self.told = redeem_rate(habit, campaign.depth)
        without = chance(people.trips[:, None], campaign.of_slots(self.rate))
        redeem = self.noticed * chance(people.trips[:, None], campaign.of_coupons(self.lifted))
        buy_with = redeem + (1 - self.noticed) * without
        own = np.flatnonzero(traits.collector)  # they buy what their person would have bought
        redeem[own] = buy_with[own] = self.noticed[own] * without[traits.person[own]]
        without[own] = 0.0
        self.truth = {
            "buy_without": without,
            "buy_with": buy_with,
            "redeem_given_buy": redeem * self.told / np.maximum(buy_with, 1e-300),
        }
        eager = sigmoid(4 * np.log(people.trips / 1.1) + nature.planted("mailing", period))
        self.mailed = 0.02 + 0.48 * eager
        self.offered = own_policy(campaign, without, crowd)
        self._switch(nature, campaign, crowd)

    def _switch(self, nature: Nature, campaign: Round, crowd: Crowd) -> None:
        """Work out what each coupon takes from the rest of its category."""
        gained = campaign.of_coupons(self.lifted) - campaign.of_slots(self.rate)
        self.taken, self.lost = np.zeros_like(gained), np.zeros_like(gained)
        worth = campaign.units * (campaign.price - campaign.cost)
        for kind in campaign.kinds if "substitution" in nature.mechanisms else ():
            in_category = nature.category == nature.category_of(kind)
            rest = np.flatnonzero(in_category & (nature.kind != kind))
            logits = crowd.shelf_logits(campaign.slope, campaign.drift, rest)
            rate = softplus(logits - self.memory[:, nature.kind[rest]])
            of_rest, stay = np.maximum(rate.sum(axis=1), 1e-12), np.exp(-rate)
            for pair in np.flatnonzero(campaign.kind == kind):
                share = np.clip(SWITCHING * gained[:, pair] / of_rest, 0, MOST_SWITCHED)
                left = np.exp(-rate * (1 - share).astype(rate.dtype)[:, None])
                self.taken[:, pair] = share
                self.lost[:, pair] = ((left - stay) * worth[rest]).sum(axis=1)


def remembered(nature: Nature, crowd: Crowd) -> Floats:
    """What pantry and patience take from the logits of each type; shape (n, T)."""
    taken = patience(nature, crowd)
    if "stockpiling" in nature.mechanisms:
        taken += PANTRY * crowd.memory.pantry
    return taken


def patience(nature: Nature, crowd: Crowd) -> Floats:
    """What waiting for coupons takes from the logits of the types that have some; shape (n, T)."""
    taken = np.zeros_like(crowd.memory.pantry)
    waiting = PATIENCE * crowd.traits.strategic * crowd.memory.expecting
    taken[:, np.unique(nature.kind_of_coupon)] = nature.settings.strength * waiting[:, None]
    return taken


def lifts(nature: Nature, campaign: Round, crowd: Crowd) -> Floats:
    """What each coupon adds to the purchase logits of its items; shape (n, K)."""
    people, traits, memory = crowd.people, crowd.traits, crowd.memory
    worth, reaction = saving(people.price_sensitivity, campaign.depth), people.reaction
    if "response" in nature.mechanisms:
        seen = sigmoid((campaign.depth - traits.threshold[:, None]) / SATURATION)
        worth *= RESPONSE * seen * traits.eagerness[:, None] * nature.responsiveness[campaign.kind]
    if "fatigue" in nature.mechanisms:
        wear = np.array(WEAR)[traits.age] * memory.mailed
        reaction = WELCOME + AWAY * (memory.trips == 0) - wear
    extra = nature.appeal[campaign.kind] + nature.content_lift[campaign.coupon]
    return np.asarray(nature.settings.strength * (reaction[:, None] + worth + extra))


def own_policy(campaign: Round, buy_without: Floats, crowd: Crowd) -> Floats:
    """The retailer's own probability of each coupon within a mailing; shape (n, K).

    Where a type has several depths, who did not shop lately is likelier to get a deep one.
    """
    slope = np.where(crowd.memory.trips == 0, 3.0, -3.0)
    weight = np.exp(slope[:, None] * campaign.depth)
    share = weight / (weight @ campaign.of_one_type)
    if campaign.some:
        share *= 0.2 + 0.6 * sigmoid(3 + np.log(np.maximum(buy_without, 1e-12)))
    return np.asarray(share)


def money(nature: Nature, campaign: Round, crowd: Crowd, likely: Likely) -> dict[str, Floats]:
    """Units, spend, discount and profit of each coupon, without it and with it."""
    seen, weekly = likely.noticed, WEEKS * crowd.people.trips[:, None]
    price, units = campaign.price[campaign.item], campaign.units[campaign.item]
    margin = units * (price - campaign.cost[campaign.item])
    lines, lifted = -np.expm1(-likely.rate), -np.expm1(-likely.lifted)
    own = np.flatnonzero(crowd.traits.collector)
    columns = {}
    for name, worth in {"units": units, "spend": units * price, "margin": margin}.items():
        before = weekly * campaign.of_slots(lines * worth)
        after = weekly * campaign.of_coupons(lifted * worth[campaign.row])
        before[own] = after[own] = before[crowd.traits.person[own]]
        columns[f"{name}_without"] = before
        columns[f"{name}_with"] = seen * after + (1 - seen) * before
    paid = campaign.of_coupons(likely.lifted * price[campaign.row])
    paid /= campaign.of_coupons(likely.lifted)
    paid[own] = columns["spend_without"][own] / np.maximum(columns["units_without"][own], 1e-12)
    lost = weekly * seen * likely.lost
    lost[own] = 0.0
    redeem = likely.truth["buy_with"] * likely.truth["redeem_given_buy"]
    discount = redeem * campaign.depth * paid
    gained = columns.pop("margin_with") - columns.pop("margin_without") - lost
    profit = gained - nature.retailers_share * discount
    return {**columns, "discount": discount, "profit": profit}
