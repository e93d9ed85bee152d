"""What the mechanisms add to the world of items and coupons, and how it moves with time."""

import numpy as np
import pandas as pd

from coupon_rec.simulation.mechanisms import MECHANISMS, Settings
from coupon_rec.simulation.model import WEEKS, Floats, Ints
from coupon_rec.simulation.world import make_world

LEAST_ELASTICITY, MOST_ELASTICITY = 1.0, 6.0
"""Of the units of an item, in absolute value: Bijmolt, van Heerde and Pieters (2005) find a mean of
2.62 over 1,851 estimates, most of them between 0 and 6."""
QUANTITY_SHARE = 0.15
"""Share of an item's elasticity that is units on a trip with a purchase, not trips with one. Units
then answer to a cut less than in Ta Feng and more than in Complete Journey. Buying sooner and
buying more are together a quarter in Bell, Chiang and Padmanabhan (1999)."""
SENSITIVITY = 1.5
"""Of the median user; the price sensitivity that makes an item's elasticity what it is."""
SEASON = 0.2
"""Standard deviation of the amplitude of a category's season, on the logit's scale."""
DRIFT = 0.1
"""Standard deviation of a category's step from one period to the next, on the logit's scale."""
RESPONSIVENESS = 0.2
"""Standard deviation of the log of how strongly a category answers to discounts, which differs
between categories in Narasimhan, Neslin and Sen (1996)."""
APPEAL = 0.25
"""Standard deviation of the hidden appeal of a type's coupons, on the logit's scale."""
AT_FIRST = 0.5
"""Share of the types whose coupons exist from the first campaign on."""
CONTENT = {"photo": 0.25, "deadline": 0.15, "border": 0.0}
"""What each trait of a coupon's picture or text adds to the purchase logit."""
MARGIN, MARGIN_SPREAD = 0.23, 0.07
"""Of list price: mean and standard deviation of the share that is not the unit's cost, those of the
items of Ta Feng at their usual prices."""
FUNDED = 0.85
"""Share of a sale by which a unit costs less for as long as it lasts. Not fitted: at 0.65
as many lines would be below cost as in Ta Feng, but a coupon on an item that is on sale would then
earn next to nothing, and there would be little for a method to find."""
RETAILERS_SHARE = 0.2
"""What the retailer pays of each unit of currency that a coupon takes off, without mechanisms, as
the makers' coupons of Complete Journey. With any, coupons are its own, and it pays all."""
SWITCHING = 1 / 3
"""Share of what a coupon gains that is taken from the rest of its category: a third, as of the
units that promotions gain in van Heerde, Gupta and Wittink (2003)."""
USUAL_UNITS = 1.3
"""Units on a trip with a purchase, at list price."""


class Nature:
    """What the mechanisms add to a world of I items, C coupons, T types and P periods.

    Where a mechanism is off, its numbers add nothing.

    Attributes
    ----------
    settings : Settings
        The arguments of `open_market`.
    world : World
        The items, coupons and campaigns.
    mechanisms : frozenset of str
        Those that are on.
    sensitivity, quantity : numpy.ndarray
        How strongly a cut of an item's price moves the logit and the units; shape (I,).
    drift : numpy.ndarray
        What season, drift and plants add to the purchase logits; shape (P, I).
    responsiveness, appeal, first : numpy.ndarray
        Of each type: how strongly it answers to discounts, the appeal of its coupons, and the
        campaign in which they appear; shape (T,).
    content : pandas.DataFrame
        Traits of each coupon, as numbers 0 or 1, with its `text` and `image`.
    content_lift : numpy.ndarray
        What these add to the purchase logit; shape (C,).
    prices, cuts, unit_cost : numpy.ndarray
        Of each period: list prices, how far the shelf prices lie below the first list prices, as
        logs, and unit costs; shape (P, I).
    category, kind : numpy.ndarray
        Of each item, numbered from 0; shape (I,).
    kind_of_coupon : numpy.ndarray
        The type of each coupon, as `kind` numbers them; shape (C,).
    sold : numpy.ndarray
        The usual sales of each item, for a neutral user; shape (I,).
    """

    def __init__(self, settings: Settings) -> None:
        """Draw world and mechanisms; each has a seed of its own, so that none moves another."""
        self.settings, self.mechanisms = settings, frozenset(settings.mechanisms)
        seed, on = settings.seed, self.mechanisms
        world = make_world(settings.items, settings.coupons, settings.campaigns, seed)
        rngs = {
            name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, number)))
            for number, name in enumerate(MECHANISMS)
        }
        self.world, self.sold = world, np.exp(world.popularity)
        self.category, categories = pd.factorize(world.items["category"])
        self.kind, kinds = pd.factorize(world.items["type"])
        self.kind_of_coupon = pd.Index(kinds).get_indexer(world.coupons["type"])
        periods, items = world.sales.shape
        self.drift, self.prices = np.zeros((periods, items)), np.tile(world.prices, (periods, 1))
        self.sensitivity, self.quantity = np.ones(items), np.zeros(items)
        self.responsiveness, self.appeal = np.ones(len(kinds)), np.zeros(len(kinds))
        self.first = np.ones(len(kinds), int)
        if "elasticity" in on:
            between = np.asarray(rngs["elasticity"].beta(2, 4, items))
            elasticity = LEAST_ELASTICITY + (MOST_ELASTICITY - LEAST_ELASTICITY) * between
            self.sensitivity = (1 - QUANTITY_SHARE) * elasticity / SENSITIVITY
            self.quantity = QUANTITY_SHARE * elasticity
        if "season" in on:
            amplitude = SEASON * rngs["season"].standard_normal(len(categories))
            peak = rngs["season"].uniform(0, 52, len(categories))
            week = WEEKS * (np.arange(periods) + 0.5)
            wave = amplitude * np.cos(2 * np.pi * (week[:, None] - peak) / 52)
            self.drift += wave[:, self.category]
        if "drift" in on:
            steps = DRIFT * rngs["drift"].standard_normal((periods, len(categories)))
            self.drift += steps.cumsum(axis=0)[:, self.category]
        if "novelty" in on:
            self.appeal = APPEAL * rngs["novelty"].standard_normal(len(kinds))
            later = rngs["novelty"].integers(2, max(periods - 1, 2) + 1, len(kinds))
            self.first = np.where(rngs["novelty"].random(len(kinds)) < AT_FIRST, 1, later)
        if "response" in on:
            spread = RESPONSIVENESS * rngs["response"].standard_normal(len(categories))
            of_kind = self.category[np.unique(self.kind, return_index=True)[1]]
            self.responsiveness = np.exp(spread - RESPONSIVENESS**2 / 2)[of_kind]
        for plant in settings.plants:
            later_prices = self.prices[plant.campaign :]
            if plant.change == "prices":
                later_prices[:] = (later_prices * plant.size).round(2)
            if plant.change == "season":
                self.drift[plant.campaign :] += plant.size
        self.cuts = world.cuts - np.log(self.prices / world.prices)
        margin = np.clip(rngs["supply"].normal(MARGIN, MARGIN_SPREAD, items), -0.1, 0.6)
        self.unit_cost = (world.prices * (1 - margin) * (1 - FUNDED * world.sales)).round(2)
        self.content = make_content(rngs["content"], world.coupons)
        lift = self.content[list(CONTENT)].to_numpy(float) @ list(CONTENT.values())
        self.content_lift = lift * ("content" in on)

    @property
    def retailers_share(self) -> float:
        """What the retailer pays of each unit of currency that a coupon takes off."""
        return 1.0 if self.mechanisms else RETAILERS_SHARE

    def planted(self, change: str, period: int) -> float:
        """How far the plants have changed something by this period."""
        plants = self.settings.plants
        sizes = [p.size for p in plants if p.change == change and p.campaign <= period]
        return float(sum(sizes))

    def category_of(self, kinds: Ints) -> Ints:
        """The category of each type."""
        return np.asarray(self.category[np.searchsorted(self.kind, kinds)])

    def slope(self, cut: Floats) -> Floats:
        """What cuts of all log prices add to the logits of a user of price sensitivity 1; (I,)."""
        slope = self.sensitivity * cut
        if "substitution" in self.mechanisms:
            saved, category = self.sold * cut, self.category
            of_others = (
                np.bincount(category, saved)[category] - np.bincount(self.kind, saved)[self.kind]
            )
            slope = slope - SWITCHING * of_others / np.bincount(category, self.sold)[category]
        return slope

    def units(self, cut: Floats) -> Floats:
        """Mean units of a purchase at such cuts, 1 or more; shape (I,)."""
        return np.asarray(np.maximum(USUAL_UNITS * np.exp(self.quantity * cut), 1.0))


def make_content(rng: np.random.Generator, coupons: pd.DataFrame) -> pd.DataFrame:
    """Draw picture and text of each coupon."""
    content = pd.DataFrame({name: rng.integers(0, 2, len(coupons)) for name in CONTENT})
    offer = coupons["depth"].map("{:.0%} off ".format) + coupons["type"].str.title()
    until = content["deadline"].map({0: "", 1: ", this month only"})
    images = [f"pictures/coupon-{number}.png" for number in coupons["coupon_id"]]
    return content.assign(text=offer + until, image=images)
