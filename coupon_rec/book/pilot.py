"""A pilot in a market that answers back: the tables of chapter 12, its tests and its benchmark.

The retailer's own mailings, then campaigns in which a coin and a die decide who is sent what, a
campaign without mail while results come in, and the campaign that is to be planned. Every row is
a user and a type of items, with three coupons for it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from coupon_rec.simulation import MECHANISMS, State, open_market, simulate
from coupon_rec.simulation.loop import Policy
from coupon_rec.simulation.model import Floats, Ints

DEPTHS = np.array([0.1, 0.25, 0.5])
"""What the coupons of a type take off, as shares of the price."""
CONTACT = 0.005
"""Cost of sending one coupon, in dollars."""
LEFT_OUT = ("substitution", "collecting")
"""Mechanisms by which a coupon reaches beyond its own items and its own account: the outcome of a
row would not hold all that the coupon causes."""
OWN, PILOT = 3, 3
"""Campaigns under the retailer's own policy, and campaigns of the pilot."""
MAILED = 0.3
"""Share of the users whom each campaign of the pilot reaches."""
KNOWN = [
    *("popular", "liked", "shops", "seldom", "trips", "away", "thrift", "thrift_seldom"),
    *("price", "cut", "mailings", "tired", "phone"),
]
"""What a retailer knows of a row before it sends: the inputs of a model of the effect. They follow
the equations of `coupon_rec.simulation`, such as `mailings` (6) and `seldom` (7), so models find
the effect more easily here than a retailer's will."""
SUMMED = ["quantity", "coupon_discount", "profit"]
AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")


@dataclass(frozen=True)
class Pilot:
    """The tables of a pilot; `treatment` is 0 for none, else a place in `DEPTHS`, counted from 1.

    Attributes
    ----------
    own : pandas.DataFrame
        The last campaign under the retailer's own policy: `user_id`, the columns `KNOWN`,
        `shelf_price` and `unit_margin` (means over the items, in dollars), `treatment`, `p_0` to
        `p_3` (its probabilities), and what came of it: `bought` and `redeemed` (0 or 1), `units`,
        `discount` (taken by coupons) and `profit` (margin less discount), both in dollars. What
        nobody knows: `effect_1` to `effect_3` on the units, `gain_1` to `gain_3` in expected
        profit.
    log : pandas.DataFrame
        The same of the campaigns of the pilot, below one another.
    coming : pandas.DataFrame
        The same of the campaign to be planned, without what has not happened.
    state : State
        The market before that campaign; its `offers` are three a row of `coming`.
    """

    own: pd.DataFrame
    log: pd.DataFrame
    coming: pd.DataFrame
    state: State


def run_pilot(
    users: int = 5000,
    seed: int = 0,
    strength: float = 1.0,
    left_out: tuple[str, ...] = LEFT_OUT,
    full_shelves: bool = True,
) -> Pilot:
    """Open a market, run the retailer's own campaigns and then the pilot.

    Parameters
    ----------
    users, seed, strength
        As for `open_market`.
    left_out : tuple of str
        Mechanisms that are off.
    full_shelves : bool
        Whether stores order so much that nothing runs out.
    """
    on = [name for name in MECHANISMS if name not in left_out]
    state = open_market(users=users, seed=seed, strength=strength, mechanisms=on)

    def pilot(offers: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"mailing": MAILED, "coupon": 1 / 3}, offers.index)

    def go(state: State, policy: Policy | None = None) -> tuple[State, pd.DataFrame]:
        after = simulate(state, policy, orders=plenty if full_shelves else None)
        return after, pd.concat([before(state), outcomes(after)], axis=1)

    for _ in range(OWN):
        state, own = go(state)
    logs = []
    for _ in range(PILOT):
        state, log = go(state, pilot)
        logs.append(log)
    state, _ = go(state, lambda offers: np.zeros(len(offers)))
    return Pilot(own, pd.concat(logs, ignore_index=True), before(state), state)


def plenty(state: State) -> Floats:
    """Orders of each store and item that leave no shelf empty."""
    return np.full((len(state.crowds), state.settings.items), 1000.0)


def sending(rows: pd.DataFrame, choice: Ints) -> Policy:
    """A policy that sends each row of `before` its choice, for certain."""
    coupon = (choice[:, None] == np.arange(1, len(DEPTHS) + 1)).astype(float)
    mailed = pd.Series(choice > 0).groupby(rows["user_id"].to_numpy()).transform("max")
    mailing = np.repeat(mailed.to_numpy(float), len(DEPTHS))

    def policy(offers: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"mailing": mailing, "coupon": coupon.ravel()}, offers.index)

    return policy


def before(state: State) -> pd.DataFrame:
    """What is known of each user and type before a campaign, and what is true."""
    offers, count = state.offers, len(DEPTHS)
    rows = offers.iloc[::count].reset_index(drop=True)
    lines = rows["lines"]
    of_type = rows.groupby("type")["bought"].transform("mean")
    popular = of_type / lines.groupby(rows["type"]).transform("mean")
    shops = (lines + 5) / (state.period + 1)
    age = rows["age"].map({group: number for number, group in enumerate(AGES)})
    thrift = (rows["on_sale"] + 5) / (lines + 20)
    facts = {
        "popular": np.log(popular + 1e-6),
        "liked": np.log((rows["bought"] + 0.5) / (lines * popular + 0.5)),
        "shops": np.log(shops),
        "seldom": 1 / (shops + 5),
        "trips": np.log1p(rows["trips"]),
        "away": (rows["trips"] == 0) * 1.0,
        "thrift": thrift,
        "thrift_seldom": (thrift - 0.5) / (shops + 5),
        "price": np.log(rows["price"]),
        "cut": rows["cut"],
        "mailings": rows["mailings"],
        "tired": rows["mailings"] * (age - 2).fillna(0),
        "phone": (rows["channel"] == "phone") * 1.0,
        "shelf_price": rows["price"],
        "unit_margin": rows["price"] - rows["cost"],
    }
    truth = state.truth
    names = {"effect": truth["units_with"] - truth["units_without"], "gain": truth["profit"]}
    true = {
        f"{name}_{k}": values.to_numpy()[k - 1 :: count]
        for name, values in names.items()
        for k in range(1, count + 1)
    }
    return rows[["campaign_id", "user_id", "type"]].assign(**facts, **true)


def outcomes(state: State) -> pd.DataFrame:
    """Who was sent what in the last campaign, with which probability, and what came of it."""
    happened, count = state.history[-1], len(DEPTHS)
    made = happened["candidates"].to_pandas()
    offered = made["offered"].to_numpy().reshape(-1, count)
    chance = (made["mailing_propensity"] * made["coupon_propensity"]).to_numpy()
    chance = chance.reshape(-1, count).astype(float)
    redeemed = made["redeemed_with"].to_numpy().reshape(-1, count)
    types = state.world.items["type"].to_numpy()
    lines = happened["purchases"].to_pandas()
    item = lines["item_id"].to_numpy() - 1
    cost = state.nature.unit_cost[state.period][item]
    lines["profit"] = lines["amount"] - lines["quantity"] * cost
    sums = lines.assign(type=types[item]).groupby(["user_id", "type"])[SUMMED].sum()
    coupons = made["coupon_id"].to_numpy()[::count]
    of_coupon = state.world.coupons.set_index("coupon_id")["type"]
    keys = [made["user_id"].to_numpy()[::count], of_coupon.loc[coupons].to_numpy()]
    sums = sums.reindex(pd.MultiIndex.from_arrays(keys)).fillna(0)
    probabilities = {f"p_{k}": p for k, p in enumerate(chance.T, 1)}
    return pd.DataFrame(
        {
            "treatment": np.where(offered.any(axis=1), offered.argmax(axis=1) + 1, 0),
            "p_0": 1 - chance.sum(axis=1),
            **probabilities,
            "bought": (sums["quantity"] > 0).to_numpy(int),
            "units": sums["quantity"].to_numpy(),
            "discount": sums["coupon_discount"].to_numpy(),
            "redeemed": (offered & redeemed).any(axis=1).astype(int),
            "profit": sums["profit"].to_numpy(),
        }
    )


def best_choice(value: Floats) -> Ints:
    """The treatment that is worth most to each row, 0 where none is worth anything.

    Parameters
    ----------
    value : numpy.ndarray
        What each treatment is worth, in currency, shape (n, K).
    """
    return np.where(value.max(axis=1) > 0, value.argmax(axis=1) + 1, 0)


def kept(rows: pd.DataFrame, choice: Ints) -> Floats:
    """What a choice truly adds to the expected profit of each row, less the cost of sending."""
    gains = _gains(rows)
    return np.where(choice > 0, gains[np.arange(len(rows)), choice - 1], 0.0)


def of_oracle(rows: pd.DataFrame, choice: Ints) -> float:
    """The share that a choice keeps of the profit of the best one, which knows the truth.

    It is ``nan`` in a null world, where the best choice sends nothing.
    """
    best = kept(rows, best_choice(_gains(rows))).sum()
    return float(kept(rows, choice).sum() / best) if best > 0 else float("nan")


def _gains(rows: pd.DataFrame) -> Floats:
    names = [f"gain_{k}" for k in range(1, len(DEPTHS) + 1)]
    return np.asarray(rows[names].to_numpy() - CONTACT)
