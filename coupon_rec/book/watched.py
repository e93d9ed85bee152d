"""A shop in a simulated market, with a model that promises and a world that can be broken."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from coupon_rec.arguments import Floats
from coupon_rec.monitoring import Maturity, daily, observed_expected
from coupon_rec.monitoring import spread as spread_of
from coupon_rec.simulation import Plant, State, open_market, simulate
from coupon_rec.simulation.nature import Nature

DAYS = 28
OF_USERS = ["trips", "lines", "habit"]
READS = [*OF_USERS, "bought", "popularity", "mailings", "depth", "price", "cut"]
KNOWN = ["campaign_id", "user_id", "coupon_id", "trips", "mailings", "depth", "price", "cut"]
KEPT = 0.6
"""How much of what was counted in a campaign counts in the next one: no feature grows forever."""


@dataclass(frozen=True)
class Shop:
    """A shop between two campaigns.

    Attributes
    ----------
    state : State
        Of its market.
    bought, redeemed, before : numpy.ndarray
        Lines of each user and type, and redemptions of each user, that fade; all lines so far.
    """

    state: State
    bought: Floats
    redeemed: Floats
    before: Floats

    def breaks(self, *plants: Plant) -> "Shop":
        """The same shop in a world that changes."""
        nature = Nature(replace(self.state.settings, plants=plants))
        return replace(self, state=replace(self.state, nature=nature))

    def campaign(self, mailing: Any = 0.25) -> tuple["Shop", pd.DataFrame]:
        """Let a campaign happen.

        Parameters
        ----------
        mailing : float or callable
            Chance of each user to be mailed; or from the trips of users in the last four weeks to
            chances.

        Returns
        -------
        Shop, pandas.DataFrame
            The shop after it, and the offers that were mailed: `campaign_id`, `user_id`,
            `coupon_id`, `READS`, `true` (probability of redemption), `redeemed`, and its `day`.
        """
        state, users = self.state, self.state.settings.users
        total = _bought(state)
        bought = KEPT * self.bought + total - self.before
        offers = state.offers
        trips = offers["trips"]
        chance = mailing(trips) if callable(mailing) else np.full(len(offers), mailing)
        policy = pd.DataFrame({"mailing": np.asarray(chance, float), "coupon": 1.0})
        after = simulate(state, lambda _: policy)
        happened = after.history[-1]
        made = happened["candidates"]
        sent = made["offered"].to_numpy()
        x = offers.loc[sent, KNOWN].reset_index(drop=True)
        who, kind = x["user_id"].to_numpy() - 1, np.tile(state.campaign.kind, users)[sent]
        x["lines"] = bought.sum(axis=1)[who]
        x["bought"], x["popularity"] = bought[who, kind], bought.mean(axis=0)[kind]
        x["habit"] = self.redeemed[who]
        x["true"] = (made["buy_with"].to_numpy() * made["redeem_given_buy"].to_numpy())[sent]
        used = happened["redemptions"].to_pandas()
        first = pd.Timestamp(state.world.campaigns["start"].iloc[state.period])
        used["day"] = (pd.to_datetime(used["date"]) - first).dt.days
        rows = x.merge(
            used[["user_id", "coupon_id", "day"]], on=["user_id", "coupon_id"], how="left"
        )
        rows["redeemed"] = rows["day"].notna().astype(float)
        counts = np.bincount(rows["user_id"] - 1, rows["redeemed"], users)
        return Shop(after, bought, KEPT * self.redeemed + counts, total), rows

    def campaigns(self, count: int, mailing: Any = 0.25) -> tuple["Shop", pd.DataFrame]:
        """Let campaigns happen, as `campaign`."""
        shop, rows = self, []
        for _ in range(count):
            shop, made = shop.campaign(mailing)
            rows.append(made)
        return shop, pd.concat(rows, ignore_index=True)


def _bought(state: State) -> Floats:
    return np.concatenate([np.asarray(crowd.memory.bought, float) for crowd in state.crowds])


def open_shop(users: int = 6000, seed: int = 0, campaigns: int = 32, mechanisms: str = "") -> Shop:
    """Open a shop in a market in which, unless mechanisms say otherwise, nothing ever changes."""
    state = open_market(users, campaigns=campaigns, seed=seed, mechanisms=mechanisms)
    total = _bought(state)
    return Shop(state, np.zeros_like(total), np.zeros(users), np.zeros_like(total))


class Model:
    """Boosted trees that promise a redemption, fitted on offers of past campaigns."""

    def __init__(self, past: pd.DataFrame) -> None:
        trees = HistGradientBoostingClassifier(
            max_iter=60, learning_rate=0.08, max_leaf_nodes=8, min_samples_leaf=200, random_state=0
        )
        self._trees = trees.fit(past[READS], past["redeemed"])

    def __call__(self, offers: pd.DataFrame) -> Floats:
        """Promise: probabilities, shape (n,)."""
        return np.asarray(self._trees.predict_proba(offers[READS])[:, 1])


@dataclass(frozen=True)
class Past:
    """What campaigns without a change say of the next: what is known when, and how chance looks.

    Attributes
    ----------
    known : numpy.ndarray
        Share of redemptions known by the end of each day.
    level : float
        Observed over expected.
    observed : numpy.ndarray
        By user of a campaign and by day.
    campaigns : int
        How many.
    design_effect, spread : float
        Of users, and of whole campaigns beyond that.
    """

    known: Floats
    level: float
    observed: Floats
    campaigns: int
    design_effect: float
    spread: float

    @classmethod
    def of(cls, offers: pd.DataFrame, promise: str = "p") -> "Past":
        """Learn from offers, with their `campaign_id`, `user_id`, `redeemed`, `day` and promise."""
        used = offers[offers["redeemed"] == 1]
        known = Maturity.of(used["day"], used["campaign_id"]).curve(DAYS)
        parts = [part for _, part in offers.groupby("campaign_id")]
        laid = [daily(part["user_id"], part[promise], part["day"], known) for part in parts]
        totals = np.array([[o.sum(), e.sum()] for o, e in laid])
        ratios = [observed_expected(p["redeemed"], p[promise], p["user_id"]) for p in parts]
        effect = float(np.mean([each["design_effect"] for each in ratios]))
        level = float(totals[:, 0].sum() / totals[:, 1].sum())
        wide = spread_of(totals[:, 0], totals[:, 1], effect)
        return cls(known, level, np.vstack([o for o, _ in laid]), len(parts), effect, wide)

    def days(self, offers: pd.DataFrame, promise: str = "p") -> tuple[Floats, Floats]:
        """Redemptions of each day of some campaigns, one after another, and the expected ones."""
        parts: Sequence[pd.DataFrame] = [part for _, part in offers.groupby("campaign_id")]
        laid = [daily(part["user_id"], part[promise], part["day"], self.known) for part in parts]
        observed = np.concatenate([o.sum(axis=0) for o, _ in laid])
        return observed, self.level * np.concatenate([e.sum(axis=0) for _, e in laid])
