"""What the mechanisms add to the world of items and coupons, and how it moves with time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from coupon_rec.simulation.mechanisms import MECHANISMS, Plant
from coupon_rec.simulation.model import WEEKS, Floats, Ints
from coupon_rec.simulation.world import World

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


@dataclass(frozen=True)
class Nature:
    """What the mechanisms add to a world of I items, C coupons, T types and P periods.

    Where a mechanism is off, its numbers add nothing.

    Attributes
    ----------
    mechanisms : frozenset of str
        Those that are on.
    strength : float
        Factor of everything that a coupon does to demand; 0 makes a null world.
    plants : tuple of Plant
        Changes to be found.
    sensitivity, quantity : numpy.ndarray
        How strongly a cut of an item's price moves the logit and the units; shape (I,).
    drift : numpy.ndarray
        What season, drift and plants add to the purchase logits; shape (P, I).
    responsiveness, appeal, first : numpy.ndarray
        Of each type: how strongly it answers to discounts, the appeal of its coupons, and the
        campaign in which they appear; shape (T,).
    content : pandas.DataFrame
        Traits of each coupon, as numbers 0 or 1, with its `text` and `image`.
    prices, unit_cost : numpy.ndarray
        List prices and unit costs of each period, in currency; shape (P, I).
    category, kind : numpy.ndarray
        Of each item, numbered from 0; shape (I,).
    kind_of_coupon : numpy.ndarray
        The type of each coupon, as `kind` numbers them; shape (C,).
    sold : numpy.ndarray
        The usual sales of each item, for a neutral user; shape (I,).
    """

    mechanisms: frozenset[str]
    strength: float
    plants: tuple[Plant, ...]
    sensitivity: Floats
    quantity: Floats
    drift: Floats
    responsiveness: Floats
    appeal: Floats
    first: Ints
    content: pd.DataFrame
    prices: Floats
    unit_cost: Floats
    category: Ints
    kind: Ints
    kind_of_coupon: Ints
    sold: Floats

    def planted(self, change: str, period: int) -> float:
        """How far the plants have changed something by this period."""
        sizes = [p.size for p in self.plants if p.change == change and p.campaign <= period]
        return float(sum(sizes))

    def coupon_content(self) -> Floats:
        """What picture and text of each coupon add to the purchase logit; shape (C,)."""
        if "content" not in self.mechanisms:
            return np.zeros(len(self.content))
        return np.asarray(self.content[list(CONTENT)] @ np.array(list(CONTENT.values())))


def make_nature(
    world: World,
    mechanisms: frozenset[str],
    strength: float,
    plants: Sequence[Plant],
    seed: int,
) -> Nature:
    """Draw what the mechanisms add; each has a seed of its own, so that none moves another."""
    rngs = {
        name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, number)))
        for number, name in enumerate(MECHANISMS)
    }
    category, categories = pd.factorize(world.items["category"])
    kind, kinds = pd.factorize(world.items["type"])
    periods, items = world.sales.shape
    rng = rngs["elasticity"]
    elasticity = LEAST_ELASTICITY + (MOST_ELASTICITY - LEAST_ELASTICITY) * rng.beta(2, 4, items)
    elastic = "elasticity" in mechanisms
    drift = np.zeros((periods, items))
    if "season" in mechanisms:
        drift += season(rngs["season"], len(categories), periods)[:, category]
    if "drift" in mechanisms:
        steps = DRIFT * rngs["drift"].standard_normal((periods, len(categories)))
        drift += steps.cumsum(axis=0)[:, category]
    rng = rngs["novelty"]
    appeal = APPEAL * rng.standard_normal(len(kinds))
    first = first_campaigns(rng, len(kinds), periods - 1)
    novel = "novelty" in mechanisms
    spread = RESPONSIVENESS * rngs["response"].standard_normal(len(categories))
    responsiveness = np.exp(spread - RESPONSIVENESS**2 / 2)[
        category[np.unique(kind, return_index=True)[1]]
    ]
    margin = np.clip(rngs["supply"].normal(MARGIN, MARGIN_SPREAD, items), -0.1, 0.6)
    nature = Nature(
        mechanisms=mechanisms,
        strength=strength,
        plants=tuple(plants),
        sensitivity=np.where(elastic, (1 - QUANTITY_SHARE) * elasticity / SENSITIVITY, 1.0),
        quantity=np.where(elastic, QUANTITY_SHARE * elasticity, 0.0),
        drift=drift,
        responsiveness=responsiveness if "response" in mechanisms else np.ones(len(kinds)),
        appeal=appeal if novel else np.zeros(len(kinds)),
        first=first if novel else np.ones(len(kinds), int),
        content=make_content(rngs["content"], world.coupons),
        prices=np.tile(world.prices, (periods, 1)),
        unit_cost=(world.prices * (1 - margin) * (1 - FUNDED * world.sales)).round(2),
        category=category,
        kind=kind,
        sold=np.exp(world.popularity),
        kind_of_coupon=pd.Index(kinds).get_indexer(world.coupons["type"]),
    )
    return planted(nature)


def planted(nature: Nature) -> Nature:
    """Let the plants change prices and season from their campaigns on."""
    prices, drift = nature.prices.copy(), nature.drift.copy()
    for plant in nature.plants:
        if plant.change == "prices":
            prices[plant.campaign :] = (prices[plant.campaign :] * plant.size).round(2)
        if plant.change == "season":
            drift[plant.campaign :] += plant.size
    return replace(nature, prices=prices, drift=drift)


def season(rng: np.random.Generator, categories: int, periods: int) -> Floats:
    """What the time of the year adds to each category's logits, a wave of 52 weeks."""
    amplitude, peak = SEASON * rng.standard_normal(categories), rng.uniform(0, 52, categories)
    week = WEEKS * (np.arange(periods) + 0.5)
    return np.asarray(amplitude * np.cos(2 * np.pi * (week[:, None] - peak) / 52))


def first_campaigns(rng: np.random.Generator, kinds: int, campaigns: int) -> Ints:
    """The campaign in which each type's coupons appear: half at once, the rest over time."""
    later = rng.integers(2, max(campaigns, 2) + 1, kinds)
    return np.where(rng.random(kinds) < AT_FIRST, 1, later)


def make_content(rng: np.random.Generator, coupons: pd.DataFrame) -> pd.DataFrame:
    """Draw picture and text of each coupon."""
    traits = {name: rng.integers(0, 2, len(coupons)) for name in CONTENT}
    texts = [
        f"{depth:.0%} off {kind.title()}" + (", this month only" if deadline else "")
        for depth, kind, deadline in zip(
            coupons["depth"], coupons["type"], traits["deadline"], strict=True
        )
    ]
    images = [f"pictures/coupon-{number}.png" for number in coupons["coupon_id"]]
    return pd.DataFrame({**traits, "text": texts, "image": images})
