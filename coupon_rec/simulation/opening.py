"""A market and its truth, of their tables."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from ibis import Table, _

from coupon_rec.market import Market
from coupon_rec.market.loading import connect_in_2_gb
from coupon_rec.market.tables import TABLES
from coupon_rec.simulation.truth import Truth
from coupon_rec.simulation.world import World, coupons_for


@dataclass(frozen=True)
class Simulation:
    """A market whose truth is known.

    Attributes
    ----------
    market : Market
        What a retailer sees, with the views, clicks and reviews of its users, its list prices,
        the depth of each coupon, and the two probabilities of each offer.
    truth : Truth
        What nobody sees.
    """

    market: Market
    truth: Truth


def check_sizes(users: int, items: int, coupons: int, campaigns: int, seed: int) -> None:
    """Refuse sizes of a market that are out of their ranges."""
    least = {"users": 1, "items": 3, "coupons": 1, "campaigns": 1, "seed": 0}
    given = {"users": users, "items": items, "coupons": coupons, "campaigns": campaigns}
    for name, number in {**given, "seed": seed}.items():
        if not isinstance(number, int | np.integer) or number < least[name]:
            raise ValueError(f"{name} must be a whole number, {least[name]} or more, not {number}")
    if coupons > coupons_for(items):
        raise ValueError(f"coupons must be {coupons_for(items)} or less for {items} items")


def in_duckdb(tables: Mapping[str, pa.Table]) -> dict[str, Table]:
    """Copy tables into a DuckDB of their own."""
    connection = connect_in_2_gb()
    return {
        name: connection.create_table(name, ibis.memtable(table)) for name, table in tables.items()
    }


def opened(
    tables: Mapping[str, Table], world: World, mechanisms: frozenset[str] = frozenset()
) -> Simulation:
    """The market and its truth, of their tables."""
    market = Market(**{name: tables[name] for name in TABLES if name in tables})
    columns = tables["candidates"].schema().items()
    p = {name: _[name].cast("float64") for name, kind in columns if kind.is_floating()}
    if "propensity" not in p:
        p["propensity"] = p["mailing_propensity"] * p["coupon_propensity"]
    candidates = (
        tables["candidates"]
        .mutate(**p)
        .mutate(
            effect=_.buy_with - _.buy_without,
            redeem=_.buy_with * _.redeem_given_buy,
            bought=ibis.ifelse(_.offered, _.bought_with, _.bought_without),
            redeemed=_.offered & _.redeemed_with,
        )
    )
    return Simulation(market, Truth(tables["drivers"], candidates, world, mechanisms))
