"""From what happened, campaign by campaign, to the tables of a market and its truth."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from coupon_rec.market.tables import OFFER
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.receipts import starts_at
from coupon_rec.simulation.tables import clock, market_table
from coupon_rec.simulation.world import World, make_promotions

Tables = dict[str, pa.Table]


def day_of(period: int) -> Any:
    """The first day of a period."""
    return clock(np.array(starts_at(period))).astype("datetime64[D]")


def joined(parts: Iterable[Tables]) -> Tables:
    """Put tables one below the other; a table may be missing from some of the parts."""
    parts = list(parts)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: pa.concat_tables([p[name] for p in parts if name in p]) for name in names}


def world_rows(world: World, nature: Nature, rounds: list[Round]) -> Tables:
    """The tables of a market that do not depend on its users, after these campaigns."""
    periods = len(rounds) + 1
    coupons, promotions = world.coupons, make_promotions(world)
    nothing = pd.DataFrame({"campaign_id": [], "coupon_id": [], "item_id": []}, dtype="int64")
    if "content" in nature.mechanisms:
        coupons = pd.concat([coupons, nature.content[["text", "image"]]], axis=1)
    frames = {
        "items": world.items,
        "coupons": coupons,
        "coupon_items": pd.concat([nothing, *(covered(world, each) for each in rounds)]),
        "campaigns": world.campaigns.head(len(rounds)),
        "promotions": promotions[promotions["week_start"] < day_of(periods)],
        "prices": pd.concat([list_prices(world, nature, period) for period in range(periods)]),
    }
    return {name: market_table(name, frame) for name, frame in frames.items()}


def covered(world: World, campaign: Round) -> pd.DataFrame:
    """Which coupon of a campaign covers which item."""
    pairs = pd.DataFrame(
        {"slot": campaign.slot, "coupon_id": world.coupons["coupon_id"].to_numpy()[campaign.coupon]}
    )
    items = pd.DataFrame({"slot": campaign.slot_of_row, "item_id": campaign.item + 1})
    return pairs.merge(items, on="slot").assign(campaign_id=campaign.period)


def list_prices(world: World, nature: Nature, period: int) -> pd.DataFrame:
    """The list prices that change with a period, and where supply is on the unit costs."""
    columns = {"list_price": nature.prices}
    if "supply" in nature.mechanisms:
        columns["unit_cost"] = nature.unit_cost
    new = np.ones(len(world.items), bool)
    if period:
        new = np.any([c[period] != c[period - 1] for c in columns.values()], axis=0)
    now = {name: column[period] for name, column in columns.items()}
    now["item_id"] = world.items["item_id"].to_numpy()
    return pd.DataFrame(now)[new].assign(date=day_of(period))


def user_rows(crowd: Crowd, nature: Nature, period: int, seed: int) -> Tables:
    """A block of users, what drives them, and the persons behind accounts."""
    users, ids = crowd.users, crowd.user_ids
    if lost := nature.planted("feature", period):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(6, crowd.first)))
        users = users.assign(age=users["age"].where(rng.random(len(ids)) >= lost, "unknown"))
    drivers = pd.concat([crowd.people.frame(), crowd.traits.frame()], axis=1)
    drivers.insert(0, "user_id", ids)
    tables = {
        "users": market_table("users", users),
        "drivers": pa.Table.from_pandas(drivers, preserve_index=False),
    }
    if {"accounts", "collecting"} & nature.mechanisms:
        accounts = {"user_id": ids, "person_id": ids[crowd.traits.person]}
        tables["accounts"] = market_table("accounts", accounts)
    return tables


def market_rows(happened: Tables, nature: Nature, period: int) -> Tables:
    """What a retailer knows of what happened, at the end of a period."""
    names = ("purchases", "views", "clicks", "reviews", "stock")
    tables = {name: market_table(name, happened[name]) for name in names if name in happened}
    redeemed, made = happened["redemptions"], happened["candidates"]
    if "delay" in nature.mechanisms:
        redeemed = redeemed.filter(
            pc.less(redeemed["reported"], pa.scalar(day_of(period + 1).item()))
        )
    columns = [*OFFER, "mailing_propensity", "coupon_propensity"]
    if "platforms" in nature.mechanisms:
        columns += ["position", "channel"]
    return tables | {
        "redemptions": market_table("redemptions", redeemed.drop_columns("reported")),
        "offers": market_table("offers", made.filter(made["offered"]).select(columns)),
        "candidates": made,
    }
