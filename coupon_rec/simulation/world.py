"""What does not depend on users: items, prices, coupons, campaigns."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from coupon_rec.simulation.model import TASTES, WEEKS, Floats, Ints

FIRST_DAY = date(2017, 1, 2)
"""A Monday. The first period has no campaign; then one campaign follows the other."""
TYPE_SIZES = (1, 2, 3, 4, 5)
"""Items of each type; five types make a category."""
BEST_SELLERS = 0.45
"""Share of the types, those that sell most, that need no coupons and have none."""
DEPARTMENTS = ("GROCERY", "GROCERY", "GROCERY", "DRUG GM", "GROCERY", "PRODUCE", "MEAT", "DELI")
"""Categories go to departments in turn."""
DEPTHS = (0.1, 0.25, 0.5)
"""Share of the price that the three coupons of a type of items take off."""
CAMPAIGN_TYPES = ("B", "A", "C")
"""In turn. Who is mailed an A gets some of its coupons; who is mailed another, all of them."""
STORES = 10
USUAL_PRICE = 3.4
"""Currency; the price at which price sensitivity moves nothing."""
LEVEL, SKEW, HEAD = -9.0, 1.6, 0.01
"""Popularity of an item by its place p in (0, 1) among all: LEVEL - SKEW log(p + HEAD)."""
SALES = {0.0: 0.65, 0.2: 0.12, 0.3: 0.12, 0.4: 0.11}
"""Share of list price that the retailer takes off in a period, and how often."""


@dataclass(frozen=True)
class World:
    """The side of the market that is the same for all users.

    Attributes
    ----------
    items, campaigns : pandas.DataFrame
        As in a market.
    coupons : pandas.DataFrame
        `coupon_id`, the `type` of items that it covers, and `depth`, the share of the price that
        it takes off.
    prices : numpy.ndarray
        List prices in currency, shape (items,).
    popularity : numpy.ndarray
        Purchase logit of each item at the usual price for a neutral user, shape (items,).
    tastes : numpy.ndarray
        What each item offers to each taste, shape (items, TASTES).
    sales : numpy.ndarray
        Share of list price taken off in each period, shape (campaigns + 1, items), in [0, 1).
    """

    items: pd.DataFrame
    campaigns: pd.DataFrame
    coupons: pd.DataFrame
    prices: Floats
    popularity: Floats
    tastes: Floats
    sales: Floats

    @property
    def cuts(self) -> Floats:
        """How far sales lower the log price, 0 or more; shape (campaigns + 1, items)."""
        return np.asarray(-np.log1p(-self.sales))


def coupons_for(items: int) -> int:
    """How many coupons there can be for so many items, 3 or more."""
    types = len(np.unique(_types(items)[1]))
    return len(DEPTHS) * max(1, round(types * (1 - BEST_SELLERS)))


def _types(items: int) -> tuple[Ints, Ints]:
    """The category and the type of each item, both numbered from 0."""
    category, place = np.divmod(np.arange(items), sum(TYPE_SIZES))
    kind = np.searchsorted(np.cumsum(TYPE_SIZES), place, side="right")
    return category, category * len(TYPE_SIZES) + kind


def make_world(items: int, coupons: int, campaigns: int, seed: int) -> World:
    """Draw the items, coupons and campaigns; the arguments are those of `simulate_market`."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    catalog, prices, popularity, tastes = make_items(rng, items)
    coupon_table = make_coupons(rng, catalog["type"], popularity, coupons)
    for _ in range(campaigns):  # drawn by version 1: so the sales of a seed are still its own
        rng.choice(coupons, coupons, replace=False)
    return World(
        items=catalog,
        campaigns=make_campaigns(campaigns),
        coupons=coupon_table,
        prices=prices,
        popularity=popularity,
        tastes=tastes,
        sales=rng.choice(np.array(list(SALES)), (campaigns + 1, items), p=list(SALES.values())),
    )


def make_coupons(
    rng: np.random.Generator, kinds: pd.Series, popularity: Floats, coupons: int
) -> pd.DataFrame:
    """Three coupons for each of some types of items, one for each depth."""
    sold = pd.Series(np.exp(popularity)).groupby(kinds).sum().sort_values()
    slow = rng.permutation(sold.index[: coupons_for(len(kinds)) // len(DEPTHS)])
    number = np.arange(coupons)
    return pd.DataFrame(
        {
            "coupon_id": number + 1,
            "type": slow[number // len(DEPTHS)],
            "depth": np.array(DEPTHS)[number % len(DEPTHS)],
        }
    )


def make_items(rng: np.random.Generator, items: int) -> tuple[pd.DataFrame, Floats, Floats, Floats]:
    """Draw the items: the market's table, list prices, popularity and tastes."""
    category, kind = _types(items)
    categories = category.max() + 1
    private = rng.random(items) < 0.15
    price = np.log(USUAL_PRICE) + 0.4 * rng.standard_normal(categories)[category]
    price += 0.4 * rng.standard_normal(items) - 0.2 * private
    tastes = 0.35 * rng.standard_normal((categories, TASTES))[category]
    tastes += 0.25 * rng.standard_normal((items, TASTES))
    place = (rng.permutation(items) + 0.5) / items
    popularity = LEVEL - SKEW * np.log(place + HEAD) - np.log(max(items, 1000) / 1000)
    table = pd.DataFrame(
        {
            "item_id": np.arange(items) + 1,
            "manufacturer_id": np.where(private, 1, 2 + (category * 3 + kind) % 50),
            "department": np.array(DEPARTMENTS)[category % len(DEPARTMENTS)],
            "brand": np.where(private, "Private", "National"),
            "category": [f"CATEGORY {number + 1:03}" for number in category],
            "type": [f"TYPE {number + 1:04}" for number in kind],
            "package_size": rng.choice(["unknown", "6 OZ", "12 OZ", "32 OZ"], items),
        }
    )
    return table, np.exp(price).round(2), popularity, tastes


def make_campaigns(campaigns: int) -> pd.DataFrame:
    """One campaign a period, from the second period on."""
    starts = [FIRST_DAY + timedelta(weeks=WEEKS * number) for number in range(1, campaigns + 1)]
    return pd.DataFrame(
        {
            "campaign_id": range(1, campaigns + 1),
            "campaign_type": np.resize(CAMPAIGN_TYPES, campaigns),
            "start": starts,
            "end": [start + timedelta(weeks=WEEKS, days=-1) for start in starts],
        }
    )


def make_promotions(world: World, periods: int) -> pd.DataFrame:
    """The stores' mailers: what is on sale, in each store and week of the first periods."""
    period, item = np.nonzero(world.sales[:periods])
    rows = np.arange(len(item) * WEEKS * STORES)
    row, week, store = rows // (WEEKS * STORES), rows // STORES % WEEKS, rows % STORES
    days = 7 * (WEEKS * period[row] + week)
    return pd.DataFrame(
        {
            "item_id": item[row] + 1,
            "store_id": store + 1,
            "week_start": np.datetime64(FIRST_DAY) + days.astype("timedelta64[D]"),
            "display": "0",
            "mailer": "A",
        }
    )
