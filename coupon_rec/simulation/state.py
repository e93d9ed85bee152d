"""A market between two campaigns: what the retailer could do, and what is true."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from coupon_rec.market.tables import OFFER
from coupon_rec.odds import best_of_each
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.likely import Likely, money
from coupon_rec.simulation.mechanisms import Settings
from coupon_rec.simulation.model import Floats
from coupon_rec.simulation.nature import CONTENT, Nature
from coupon_rec.simulation.shopping import generators
from coupon_rec.simulation.tables import (
    Tables,
    joined,
    known_tables,
    market_table,
    user_tables,
    world_tables,
)
from coupon_rec.simulation.truth import Simulation, in_duckdb, opened
from coupon_rec.simulation.users import Crowd
from coupon_rec.simulation.world import World


@dataclass(frozen=True)
class State:
    """A market between two campaigns. It does not change: go on from it as often as you like.

    Attributes
    ----------
    nature : Nature
        The items, coupons and campaigns, and what the mechanisms add to them.
    period : int
        How many campaigns have been.
    crowds : tuple of Crowd
        The users, in blocks.
    history : tuple of dict of str to pyarrow.Table
        What happened in each period.
    """

    nature: Nature
    period: int
    crowds: tuple[Crowd, ...]
    history: tuple[Tables, ...]

    @property
    def settings(self) -> Settings:
        """The arguments of `open_market`."""
        return self.nature.settings

    @property
    def world(self) -> World:
        """The items, coupons and campaigns."""
        return self.nature.world

    @cached_property
    def campaign(self) -> Round:
        """The campaign to come."""
        if self.period == self.settings.campaigns:
            raise ValueError(
                f"all {self.period} campaigns have been: open the market with more campaigns"
            )
        return Round(self.nature, self.period + 1)

    @cached_property
    def offers(self) -> pd.DataFrame:
        """The offers that the retailer could make in the campaign to come, and what it knows.

        One row for each user and coupon, in this order: `campaign_id`, `user_id`, `coupon_id`,
        `type`, `depth`, `age` ("unknown" for most), `channel`, `mailings` (campaigns that
        reached the person, each half of the one after it), `trips` in the last four weeks,
        `lines` and `on_sale` (purchase lines so far, and of these on sale), `bought` (those of
        the type), `price` and `cut` (mean of its items: currency at the
        shelf, share below list price), `cost` (mean unit cost, where supply is on), `photo`,
        `deadline` and `border` (of the coupon, where content is on), `age_of_type`
        (campaigns since its first coupon).
        """
        c, nature, n = self.campaign, self.nature, self.settings.users
        shelf = pd.DataFrame({"price": c.price, "cut": c.sale, "cost": c.cost}).iloc[c.item]
        mean = shelf.groupby(c.slot_of_row).mean().iloc[c.slot]
        of_coupons = {
            "coupon_id": c.coupon + 1,
            "type": self.world.coupons["type"].to_numpy()[c.coupon],
            "depth": c.depth,
            "price": mean["price"],
            "cut": mean["cut"],
            "age_of_type": c.period - nature.first[c.kind],
        }
        if "content" in nature.mechanisms:
            of_coupons |= nature.content.iloc[c.coupon][list(CONTENT)].to_dict("series")
        if "supply" in nature.mechanisms:
            of_coupons["cost"] = mean["cost"]
        parts = []
        for crowd in self.crowds:
            memory = crowd.memory
            of_users = {
                "user_id": crowd.user_ids,
                "age": crowd.users["age"],
                "channel": crowd.channel,
                "mailings": memory.mailed,
                "trips": memory.trips,
                "lines": memory.bought.sum(axis=1),
                "on_sale": memory.on_sale,
            }
            rows = pd.DataFrame(of_users).loc[np.repeat(np.arange(len(memory.trips)), len(c.kind))]
            parts.append(rows.assign(bought=memory.bought[:, c.kind].ravel()))
        offers = pd.concat(parts, ignore_index=True)
        offers.insert(0, "campaign_id", c.period)
        return offers.assign(**{name: np.tile(column, n) for name, column in of_coupons.items()})

    @cached_property
    def truth(self) -> pd.DataFrame:
        """What is true of `offers`, row by row: the columns of `truth.candidates`."""
        nature, campaign, parts = self.nature, self.campaign, []
        for crowd in self.crowds:
            place = generators(nature, campaign.period, crowd.first)["place"]
            likely = Likely(place, nature, campaign, crowd)
            columns = likely.truth | money(nature, campaign, crowd, likely)
            parts.append(pd.DataFrame({name: p.ravel() for name, p in columns.items()}))
        return pd.concat(parts, ignore_index=True)

    def oracle(self, contact: float = 0.005) -> Floats:
        """The policy that knows the truth: 1 for the best coupon of each type that pays.

        Parameters
        ----------
        contact : float
            Cost of sending one coupon, in currency.

        Returns
        -------
        numpy.ndarray
            0 or 1 for each row of `offers`. It looks no further than the campaign to come.
        """
        profit = self.truth["profit"].to_numpy() - contact
        c, n = self.campaign, self.settings.users
        of_type = np.arange(n)[:, None] * len(c.kinds) + c.slot
        best = best_of_each(of_type.ravel(), profit, np.tile(c.coupon, n))
        sent = np.zeros(len(profit))
        sent[best[profit[best] > 0]] = 1
        return sent

    def simulation(self, to_come: bool = False) -> Simulation:
        """The market that the retailer sees now, and the truth about it.

        Parameters
        ----------
        to_come : bool
            Put `offers`, which nobody has been sent yet, among the market's offers, so that
            `coupon_rec.features.offers_frame` gives their features.
        """
        nature, last = self.nature, self.period
        rounds = [Round(nature, period) for period in range(1, last + 1 + to_come)]
        tables = {
            **world_tables(nature, rounds),
            **joined(user_tables(crowd, nature, last) for crowd in self.crowds),
            **known_tables(joined(self.history), nature, last),
        }
        if to_come:
            asked = market_table("offers", self.offers[[*OFFER]])
            tables["offers"] = pa.concat_tables(
                [tables["offers"], asked], promote_options="default"
            )
        return opened(in_duckdb(tables), nature)
