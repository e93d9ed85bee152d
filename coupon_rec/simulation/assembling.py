"""A market and its truth from what has happened, campaign by campaign."""

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _

from coupon_rec.market import Market, validate
from coupon_rec.market.loading import connect
from coupon_rec.market.tables import TABLES
from coupon_rec.simulation.market import Simulation
from coupon_rec.simulation.nature import Nature, Round, draw_round
from coupon_rec.simulation.receipts import starts_at
from coupon_rec.simulation.tables import clock, market_table
from coupon_rec.simulation.truth import Truth
from coupon_rec.simulation.world import World, make_promotions

if TYPE_CHECKING:
    from coupon_rec.simulation.loop import State

OFFER = ["campaign_id", "user_id", "coupon_id"]


def assemble(state: "State", to_come: bool = False) -> Simulation:
    """Make the market that a retailer sees after the campaigns so far, and the truth about it.

    With `to_come`, the offers that could be made in the next campaign are in the market as if they
    had been made.
    """
    world, nature, seed = state.world, state.nature, state.settings.seed
    periods = range(1, state.period + 1 + to_come)
    rounds = [draw_round(world, nature, period, seed) for period in periods]
    happened = {
        name: pa.concat_tables([tables[name] for tables in state.history if name in tables])
        for name in state.history[-1]
    }
    if "candidates" not in happened:
        happened["candidates"] = pa.table({name: [] for name in OFFER})
    tables = {
        **world_side(world, nature, rounds),
        **users_side(state),
        **{
            name: market_table(name, happened[name])
            for name in ("purchases", "views", "clicks", "reviews")
        },
        "redemptions": market_table("redemptions", reported(happened["redemptions"], state)),
        "offers": offers(state, happened["candidates"], to_come),
    }
    if "stock" in happened:
        tables["stock"] = market_table("stock", happened["stock"].to_pandas())
    connection = connect()
    market = Market(
        **{
            name: connection.create_table(name, ibis.memtable(tables[name]))
            for name in TABLES
            if name in tables
        }
    )
    drivers = pd.concat(
        [
            pd.concat([crowd.people.frame(), crowd.traits.frame()], axis=1).assign(
                user_id=crowd.user_ids
            )
            for crowd in state.crowds
        ]
    )
    users = connection.create_table(
        "drivers", ibis.memtable(pa.Table.from_pandas(drivers, preserve_index=False))
    )
    candidates = connection.create_table("candidates", ibis.memtable(happened["candidates"]))
    if len(happened["candidates"]):
        candidates = candidates.mutate(
            propensity=_.mailing_propensity * _.coupon_propensity,
            effect=_.buy_with - _.buy_without,
            redeem=_.buy_with * _.redeem_given_buy,
            bought=ibis.ifelse(_.offered, _.bought_with, _.bought_without),
            redeemed=_.offered & _.redeemed_with,
        )
    return Simulation(validate(market), Truth(users, candidates, world, nature.mechanisms))


def world_side(world: World, nature: Nature, rounds: list[Round]) -> dict[str, pa.Table]:
    """The tables that do not depend on users."""
    periods = len(rounds) + 1
    content = nature.content if "content" in nature.mechanisms else nature.content[[]]
    coupon_ids = world.coupons["coupon_id"].to_numpy()
    covered = [
        pd.DataFrame({"campaign_id": r.period, "coupon_id": coupon_ids[r.coupon], "slot": r.slot})
        .merge(pd.DataFrame({"slot": r.slot_of_row, "item_id": r.item + 1}), on="slot")
        .drop(columns="slot")
        for r in rounds
    ]
    promotions = make_promotions(world)
    last = np.datetime64(clock(np.array([starts_at(periods)]))[0], "D")
    frames = {
        "items": world.items,
        "coupons": pd.concat(
            [world.coupons, content[[c for c in ("text", "image") if c in content]]], axis=1
        ),
        "coupon_items": pd.concat(covered)
        if covered
        else pd.DataFrame({"campaign_id": [], "coupon_id": [], "item_id": []}),
        "campaigns": world.campaigns.head(len(rounds)),
        "promotions": promotions[promotions["week_start"] < last],
        "prices": list_prices(world, nature, periods),
    }
    return {name: market_table(name, frame) for name, frame in frames.items()}


def list_prices(world: World, nature: Nature, periods: int) -> pd.DataFrame:
    """The list prices, a row where one changes, and unit costs where supply is on."""
    parts = []
    for period in range(periods):
        prices = nature.prices[period]
        changed = np.ones(len(prices), bool) if not period else prices != nature.prices[period - 1]
        part = pd.DataFrame(
            {
                "item_id": world.items["item_id"][changed],
                "date": clock(np.array([starts_at(period)])).astype("datetime64[D]")[0],
                "list_price": prices[changed],
            }
        )
        if "supply" in nature.mechanisms:
            part["unit_cost"] = nature.unit_cost[changed]
        parts.append(part)
    return pd.concat(parts)


def users_side(state: "State") -> dict[str, pa.Table]:
    """The users, and the persons behind accounts."""
    users = pd.concat([crowd.users for crowd in state.crowds])
    lost = state.nature.planted("feature", state.period)
    if lost:
        rng = np.random.default_rng(state.settings.seed)
        users["age"] = users["age"].where(rng.random(len(users)) >= lost, "unknown")
    tables = {"users": market_table("users", users)}
    if {"accounts", "collecting"} & state.nature.mechanisms:
        persons = np.concatenate([crowd.user_ids[crowd.traits.person] for crowd in state.crowds])
        tables["accounts"] = market_table(
            "accounts", pd.DataFrame({"user_id": users["user_id"], "person_id": persons})
        )
    return tables


def reported(redemptions: pa.Table, state: "State") -> pd.DataFrame:
    """The redemptions that the retailer has heard of by the end of the last period."""
    frame = redemptions.to_pandas()
    today = clock(np.array([starts_at(state.period + 1)]))[0]
    heard = (pd.to_datetime(frame["reported"]) < today) | ("delay" not in state.nature.mechanisms)
    return frame[heard].drop(columns="reported")


def offers(state: "State", candidates: pa.Table, to_come: bool) -> pa.Table:
    """What was offered, or with `to_come` could be."""
    names = [*OFFER, "mailing_propensity", "coupon_propensity"]
    if "platforms" in state.nature.mechanisms:
        names += ["position", "channel"]
    frame = candidates.to_pandas()
    frame = (
        frame[frame["offered"]][names] if len(frame) else pd.DataFrame({name: [] for name in names})
    )
    if to_come:
        frame = pd.concat([frame, state.offers[OFFER]])
    return market_table("offers", frame)
