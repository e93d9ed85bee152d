"""What is true of a simulated market and what no retailer sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import Table, _

from coupon_rec.market import Market
from coupon_rec.market.loading import connect_in_2_gb
from coupon_rec.market.tables import TABLES
from coupon_rec.simulation.model import Bools, Floats, chance, redeem_rate, saving, softplus
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.users import People, by_name, list_logits
from coupon_rec.simulation.world import World

CELLS = 50_000_000
"""Largest matrix that is brought into memory, in cells; 400 MB."""


@dataclass(frozen=True)
class Truth:
    """The truth about a simulated market; the equations are those of `coupon_rec.simulation`.

    The tables `users` and `candidates` are Ibis tables, of any size. The properties are frames in
    memory: `offers`, and one matrix for each probability of a period of four weeks at list price,
    with rows `user_id` and columns `item_id` or `coupon_id`. Of a large market, ask for some
    users: ``truth.of_users(range(1, 1001)).purchase``.

    Attributes
    ----------
    users : ibis.Table
        What drives each user: `user_id` and the columns of `People`.
    candidates : ibis.Table
        One row for each user, campaign and coupon of it, offered or not, at the prices of the
        campaign. Key `campaign_id`, `user_id`, `coupon_id`. The logging policy: `propensity`,
        the probability of the offer, which is the product of the two in `market.offers`.
        Probabilities: `buy_without`, `buy_with` (of buying an item of the coupon in the
        campaign), `effect` = `buy_with` - `buy_without`, `redeem_given_buy`, `redeem` =
        `buy_with` * `redeem_given_buy`. Potential outcomes: `bought_without`, `bought_with`,
        `redeemed_with`. What happened: `offered`, `bought`, `redeemed`.
    world : World
        The items, coupons, campaigns and prices.
    mechanisms : frozenset of str
        What is on in a market of `open_market`. Its candidates also have `units_without`,
        `units_with`, `spend_without` and `spend_with` of the coupon's items, at the shelf prices;
        the expected `discount`; and `profit`, what sending it adds: margin on these items, less
        what it takes from the rest of the category, less the discount. Outcomes are those of
        full shelves, also where supply is on. The matrices below know nothing of what moves with
        time, and are refused.
    """

    users: Table
    candidates: Table
    world: World
    mechanisms: frozenset[str] = frozenset()

    def of_users(self, user_ids: Iterable[int]) -> "Truth":
        """The truth about some users.

        Raises
        ------
        ValueError
            If a user is not in the market.
        """
        chosen = sorted(set(user_ids))
        users = self.users.filter(_.user_id.isin(chosen))
        if users.count().execute() < len(chosen):
            raise ValueError("user_ids must be users of the market, from 1 on")
        return replace(self, users=users, candidates=self.candidates.filter(_.user_id.isin(chosen)))

    @cached_property
    def offers(self) -> pd.DataFrame:
        """The candidates that were offered, in the order of `coupon_rec.features.build_offers`."""
        key = ["campaign_id", "user_id", "coupon_id"]
        return self.candidates.filter(_.offered).order_by(key).to_pandas()

    @property
    def items(self) -> pd.DataFrame:
        """What drives each item: `item_id`, list `price`, `popularity` and one column a taste."""
        world = self.world
        drivers = {"price": world.prices, "popularity": world.popularity, **by_name(world.tastes)}
        return world.items[["item_id"]].assign(**drivers)

    @property
    def coupons(self) -> pd.DataFrame:
        """Each coupon's `coupon_id`, the `type` of its items, and `depth`, its share of the price.

        A retailer knows these too: `market.coupons` has the depth, `market.items` the types.
        """
        return self.world.coupons

    @cached_property
    def purchase(self) -> pd.DataFrame:
        """p(u, i): probability that a user buys an item, without coupons; users x items."""
        return self._frame(softplus(self._logits), self.world.items["item_id"])

    def purchase_with(self, coupon_id: int) -> pd.DataFrame:
        """p(u, i, c): the same if the user is offered a coupon; only its own items move.

        Raises
        ------
        ValueError
            If there is no such coupon.
        """
        row = np.flatnonzero(self.coupons["coupon_id"] == coupon_id)
        if not row.size:
            raise ValueError(f"coupon_id must be a coupon of the market, not {coupon_id}")
        moved = self._shifts[:, row] * self._covered[row]
        return self._frame(softplus(self._logits + moved), self.world.items["item_id"])

    @cached_property
    def buy_without(self) -> pd.DataFrame:
        """Probability that a user buys an item of a coupon, without it; users x coupons."""
        return self._by_coupon(np.zeros_like(self._shifts))

    @cached_property
    def buy_with(self) -> pd.DataFrame:
        """The same if the user is offered the coupon."""
        return self._by_coupon(self._shifts)

    @property
    def effect(self) -> pd.DataFrame:
        """How much an offer changes that probability; users x coupons, in [-1, 1]."""
        return self.buy_with - self.buy_without

    @property
    def redeem(self) -> pd.DataFrame:
        """Probability that a user redeems a coupon that is offered; users x coupons."""
        return self.buy_with * redeem_rate(self._people.habit, self._depth)

    @property
    def _depth(self) -> Floats:
        return np.asarray(self.coupons["depth"], "float64")

    @cached_property
    def _drivers(self) -> pd.DataFrame:
        if self.mechanisms:
            raise ValueError(
                "purchases depend on what came before in this market: take truth.candidates"
            )
        users, items = self.users.count().execute(), len(self.world.items)
        if users * items > CELLS:
            raise ValueError(
                f"{users:,} users x {items:,} items are over {CELLS:,} cells; "
                "choose some users: truth.of_users(user_ids)"
            )
        return self.users.order_by("user_id").to_pandas()

    @cached_property
    def _people(self) -> People:
        return People.of(self._drivers)

    @cached_property
    def _logits(self) -> Floats:
        return list_logits(self._people, self.world)

    @property
    def _shifts(self) -> Floats:
        people = self._people
        return people.reaction[:, None] + saving(people.price_sensitivity, self._depth)

    @property
    def _covered(self) -> Bools:
        kinds = self.coupons["type"].to_numpy(), self.world.items["type"].to_numpy()
        return np.asarray(np.equal.outer(*kinds))

    def _by_coupon(self, shifts: Floats) -> pd.DataFrame:
        rates = [
            softplus(self._logits[:, own] + shift[:, None]).sum(axis=1)
            for own, shift in zip(self._covered, shifts.T, strict=True)
        ]
        return self._frame(np.stack(rates, axis=1), self.coupons["coupon_id"])

    def _frame(self, rates: Floats, columns: pd.Series) -> pd.DataFrame:
        p = chance(self._people.trips[:, None], rates)
        return pd.DataFrame(p, index=self._drivers["user_id"], columns=columns)


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


def in_duckdb(tables: Mapping[str, pa.Table]) -> dict[str, Table]:
    """Copy tables into a DuckDB of their own."""
    connection = connect_in_2_gb()
    return {
        name: connection.create_table(name, ibis.memtable(table)) for name, table in tables.items()
    }


def opened(tables: Mapping[str, Table], nature: Nature) -> Simulation:
    """The market and its truth, of their tables."""
    market = Market(**{name: tables[name] for name in TABLES if name in tables})
    columns = tables["candidates"].schema().items()
    p = {name: _[name].cast("float64") for name, kind in columns if kind.is_floating()}
    candidates = (
        tables["candidates"]
        .mutate(**p)
        .mutate(
            propensity=_.mailing_propensity * _.coupon_propensity,
            effect=_.buy_with - _.buy_without,
            redeem=_.buy_with * _.redeem_given_buy,
            bought=ibis.ifelse(_.offered, _.bought_with, _.bought_without),
            redeemed=_.offered & _.redeemed_with,
        )
    )
    truth = Truth(tables["drivers"], candidates, nature.world, nature.mechanisms)
    return Simulation(market, truth)
