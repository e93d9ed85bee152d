"""From what a block of users does to rows of tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import schema
from numpy.random import Generator

from coupon_rec.market.schema import types
from coupon_rec.odds import sigmoid
from coupon_rec.simulation.model import WEEKS, Ints
from coupon_rec.simulation.people import describe
from coupon_rec.simulation.shopping import DAY, Block, repeat, simulate_block
from coupon_rec.simulation.world import FIRST_DAY, World, make_prices, make_promotions

MATCH = 0.2
"""What the retailer adds to each unit of currency that a coupon takes off."""
BROWSING = 0.2
"""Views of an item at leisure, for each purchase that its best price would bring."""
LOOKED_UP, REVIEWED = 0.2, 0.02
"""Shares of purchase lines that are viewed on the day before, and reviewed in the week after."""
KEY = {"campaign_id": pa.int64(), "user_id": pa.int64(), "coupon_id": pa.int64()}
PROBABILITIES = ("propensity", "buy_without", "buy_with", "redeem_given_buy")
OUTCOMES = ("offered", "bought_without", "bought_with", "redeemed_with")

CANDIDATES = pa.schema(
    {
        **KEY,
        **dict.fromkeys(PROBABILITIES, pa.float32()),
        **dict.fromkeys(OUTCOMES, pa.bool_()),
    }
)


def market_table(name: str, columns: pd.DataFrame | Mapping[str, np.ndarray]) -> pa.Table:
    """Give a table of the market exactly the columns and types of the schema."""
    if isinstance(columns, pa.Table):
        columns = dict(zip(columns.column_names, columns.columns, strict=True))
    exact = schema(types(name, columns.keys())).to_pyarrow()
    return pa.table(
        {
            column: columns[column]
            if isinstance(columns[column], pa.ChunkedArray)
            else pa.array(columns[column])
            for column in exact.names
        }
    ).cast(exact)


def world_tables(world: World) -> dict[str, pa.Table]:
    """The tables of a market that do not depend on its users."""
    frames = {
        "items": world.items,
        "coupons": world.coupons,
        "coupon_items": world.coupon_items,
        "campaigns": world.campaigns,
        "promotions": make_promotions(world),
        "prices": make_prices(world),
    }
    return {name: market_table(name, frame) for name, frame in frames.items()}


def block_tables(world: World, seed: int, first: int, n: int) -> dict[str, pa.Table]:
    """Simulate the users `first` to `first + n - 1`.

    Parameters
    ----------
    world : World
        As `make_world` draws it.
    seed : int
        Of the market; with `first` it fixes all that is drawn here.
    first : int
        The first `user_id`.
    n : int
        How many users.

    Returns
    -------
    dict of str to pyarrow.Table
        users, offers, purchases, redemptions, views, clicks and reviews of the market, and the
        truth of these users: `drivers`, `candidates`.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, first)))
    block = simulate_block(world, rng, n)
    user_ids = first + np.arange(n)
    used = redeeming_lines(block, world)
    candidates = candidate_columns(block, world, user_ids)
    offered = {
        name: column[candidates["offered"]]
        for name, column in (candidates | propensities(block)).items()
    }
    redeemed = block.outcomes.offered & block.outcomes.redeemed_with
    redemptions = {name: candidates[name][redeemed.ravel()] for name in KEY}
    redemptions["date"] = clock(block.trips.second[block.trip[used]]).astype("datetime64[D]")
    described = describe(rng, block.people).assign(user_id=user_ids)
    drivers = block.people.frame()
    drivers.insert(0, "user_id", user_ids)
    tables = {
        "users": market_table("users", described),
        "offers": market_table("offers", offered),
        "purchases": market_table("purchases", purchase_columns(rng, block, world, first, used)),
        "redemptions": market_table("redemptions", redemptions),
        "drivers": pa.Table.from_pandas(drivers, preserve_index=False),
    }
    for name, rows in event_columns(rng, block, world, first).items():
        tables[name] = market_table(name, rows)
    tables["candidates"] = pa.table(candidates).select(CANDIDATES.names).cast(CANDIDATES)
    return tables


def clock(second: Ints) -> np.ndarray:
    """The wall-clock time so many seconds after the first day began."""
    return np.datetime64(FIRST_DAY, "us") + second.astype("timedelta64[s]")


def redeeming_lines(block: Block, world: World) -> Ints:
    """The lines with which coupons are redeemed: the first of each, by user, campaign, coupon."""
    user = block.trips.user[block.trip]
    pair = world.pair_of[block.trips.period[block.trip], block.item]
    redeemed = block.outcomes.offered & block.outcomes.redeemed_with
    lines = np.flatnonzero((pair >= 0) & redeemed[user, pair])
    _, first = np.unique(user[lines] * len(world.pairs) + pair[lines], return_index=True)
    return lines[first]


def purchase_columns(
    rng: Generator, block: Block, world: World, first: int, used: Ints
) -> dict[str, np.ndarray]:
    """The lines of the receipts, with what was paid for them."""
    trips, trip, item = block.trips, block.trip, block.item
    user, period = trips.user[trip], trips.period[trip]
    quantity = rng.geometric(0.77, len(trip))
    sale = world.sales[period, item]
    price = world.prices[item]
    coupon = np.zeros(len(trip))
    depth = world.pairs["depth"].to_numpy()[world.pair_of[period[used], item[used]]]
    coupon[used] = (depth * price[used] * (1 - sale[used])).round(2)
    match = (MATCH * coupon).round(2)
    off = (price * quantity * sale).round(2)
    return {
        "user_id": first + user,
        "item_id": item + 1,
        "basket_id": (first + user) * 100_000 + trip - trips.first[user, 0] + 1,
        "store_id": trips.store[trip],
        "time": clock(trips.second[trip]),
        "quantity": quantity,
        "amount": (price * quantity - off - match).round(2),
        "retail_discount": off,
        "coupon_discount": coupon,
        "coupon_match": match,
    }


def candidate_columns(block: Block, world: World, user_ids: Ints) -> dict[str, np.ndarray]:
    """The truth of each user, campaign and coupon in it, whether offered or not."""
    chances, outcomes = block.chances, block.outcomes
    pairs = len(world.pairs)
    tables = {
        "propensity": chances.mailed * chances.offered,
        **{name: getattr(chances, name) for name in PROBABILITIES[1:]},
        **{name: getattr(outcomes, name) for name in OUTCOMES},
    }
    return {
        "campaign_id": np.tile(world.pairs["campaign_id"].to_numpy(), len(user_ids)),
        "user_id": np.repeat(user_ids, pairs),
        "coupon_id": np.tile(world.pairs["coupon_id"].to_numpy(), len(user_ids)),
        **{name: table.ravel() for name, table in tables.items()},
    }


def propensities(block: Block) -> dict[str, np.ndarray]:
    """The two probabilities of each candidate's offer, whose product is its propensity."""
    coupon = np.broadcast_to(block.chances.offered, block.chances.buy_with.shape)
    mailing = np.broadcast_to(block.chances.mailed, coupon.shape)
    return {"mailing_propensity": mailing.ravel(), "coupon_propensity": coupon.ravel()}


def event_columns(
    rng: Generator, block: Block, world: World, first: int
) -> dict[str, dict[str, np.ndarray]]:
    """What users look at, what of it they click, and what they write about their purchases."""
    trips, people = block.trips, block.people
    bought_by, bought_at = trips.user[block.trip], trips.second[block.trip]
    count = rng.poisson(BROWSING * trips.counts.sum(axis=1)[:, None] * block.appetite)
    user, item = repeat(count)
    at = rng.integers(0, len(world.sales) * WEEKS * 7 * DAY, len(user))
    looked = rng.random(len(block.item)) < LOOKED_UP
    user = np.concatenate([user, bought_by[looked]])
    item = np.concatenate([item, block.item[looked]])
    at = np.concatenate([at, bought_at[looked] - rng.integers(60, DAY, looked.sum())])
    views = {"user_id": first + user, "item_id": item + 1, "time": clock(at)}
    clicked = rng.random(len(user)) < sigmoid(3 + block.logits[user, item])
    clicks = {name: column[clicked] for name, column in views.items()}
    wrote = rng.random(len(block.item)) < REVIEWED
    user, item = bought_by[wrote], block.item[wrote]
    later = rng.integers(DAY, 7 * DAY, len(user))
    taste = (people.tastes[user] * world.tastes[item]).sum(axis=1)
    stars = (3.3 + 0.6 * taste + 0.8 * rng.standard_normal(len(user))).round().clip(1, 5)
    reviews = {
        "user_id": first + user,
        "item_id": item + 1,
        "time": clock(bought_at[wrote] + later),
        "rating": stars.astype(int),
    }
    return {"views": views, "clicks": clicks, "reviews": reviews}
