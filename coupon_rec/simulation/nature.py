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
IMPULSE = 0.2
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
"""Share of a sale that the maker pays, by a lower cost for as long as it lasts. Not fitted: at 0.65
as many lines would be below cost as in Ta Feng, but coupons on sale items would earn so little that
the data of a few thousand users could not tell good ones from bad."""


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
    impulse, appeal, first : numpy.ndarray
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
    impulse: Floats
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
    spread = IMPULSE * rngs["response"].standard_normal(len(categories))
    impulse = np.exp(spread - IMPULSE**2 / 2)[category[np.unique(kind, return_index=True)[1]]]
    margin = np.clip(rngs["supply"].normal(MARGIN, MARGIN_SPREAD, items), -0.1, 0.6)
    nature = Nature(
        mechanisms=mechanisms,
        strength=strength,
        plants=tuple(plants),
        sensitivity=np.where(elastic, (1 - QUANTITY_SHARE) * elasticity / SENSITIVITY, 1.0),
        quantity=np.where(elastic, QUANTITY_SHARE * elasticity, 0.0),
        drift=drift,
        impulse=impulse if "response" in mechanisms else np.ones(len(kinds)),
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


@dataclass(frozen=True)
class Round:
    """One campaign: which coupons it holds, and the items of each.

    Attributes
    ----------
    period : int
        The number of the campaign, from 1.
    some : bool
        Whether who is mailed gets some of the coupons, or all of them.
    coupon, slot, kind, depth : numpy.ndarray
        Of each of K coupons: its row in `world.coupons`, its type's place among the campaign's S
        types, its type, and the share it takes off; shape (K,), ordered by coupon.
    kinds : numpy.ndarray
        The type of each slot; shape (S,).
    item, slot_of_row : numpy.ndarray
        The items of the slots, ordered by slot, and the slot of each; shape (R,).
    slot_of_item : numpy.ndarray
        The slot that covers each item, or -1; shape (I,).
    """

    period: int
    some: bool
    coupon: Ints
    slot: Ints
    kind: Ints
    depth: Floats
    kinds: Ints
    item: Ints
    slot_of_row: Ints
    slot_of_item: Ints


def draw_round(world: World, nature: Nature, period: int, seed: int) -> Round:
    """Put half of the types whose coupons exist into a campaign."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4, period)))
    kinds = rng.permutation(np.unique(nature.kind_of_coupon))
    there = kinds[nature.first[kinds] <= period]
    if not len(there):
        there = kinds[nature.first[kinds] == nature.first[kinds].min()]
    if "substitution" in nature.mechanisms:
        category = nature.category[np.searchsorted(nature.kind, there)]
        there = there[np.sort(np.unique(category, return_index=True)[1])]
    chosen = np.sort(there[: -(-len(kinds) // 2)])
    coupons = np.flatnonzero(np.isin(nature.kind_of_coupon, chosen))
    if "depths" not in nature.mechanisms:
        mixed = rng.permutation(coupons)
        coupons = np.sort(mixed[np.unique(nature.kind_of_coupon[mixed], return_index=True)[1]])
    item = np.flatnonzero(np.isin(nature.kind, chosen))
    item = item[np.lexsort((item, nature.kind[item]))]
    slot_of_item = np.full(len(nature.kind), -1)
    slot_of_item[item] = np.searchsorted(chosen, nature.kind[item])
    return Round(
        period=period,
        some=period > 0 and world.campaigns["campaign_type"][period - 1] == "A",
        coupon=coupons,
        slot=np.searchsorted(chosen, nature.kind_of_coupon[coupons]),
        kind=nature.kind_of_coupon[coupons],
        depth=world.coupons["depth"].to_numpy()[coupons],
        kinds=chosen,
        item=item,
        slot_of_row=slot_of_item[item],
        slot_of_item=slot_of_item,
    )
