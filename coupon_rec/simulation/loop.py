"""A market that answers back, campaign by campaign, under any policy."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from coupon_rec.arguments import require, require_one_order
from coupon_rec.simulation import receipts
from coupon_rec.simulation.assembling import joined
from coupon_rec.simulation.campaign import Round, draw_round
from coupon_rec.simulation.crowd import Crowd
from coupon_rec.simulation.drawing import Chance
from coupon_rec.simulation.happening import happen, remember
from coupon_rec.simulation.likely import likely
from coupon_rec.simulation.mechanisms import Plant
from coupon_rec.simulation.model import Floats
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.state import State, settings_of
from coupon_rec.simulation.supply import sell
from coupon_rec.simulation.world import World

Policy = Callable[[pd.DataFrame], object]
"""From `State.offers` to the probability of each offer: an array of its length, or a frame with
the columns `mailing` and `coupon`, whose product is that probability."""


def open_market(
    users: int = 1000,
    items: int = 1000,
    coupons: int = 96,
    campaigns: int = 12,
    seed: int = 0,
    mechanisms: Iterable[str] | str = "all",
    strength: float = 1.0,
    plants: Sequence[Plant] = (),
) -> State:
    """Open a market that answers back, after four weeks without a campaign.

    Parameters
    ----------
    users, items, coupons, campaigns, seed
        As for `simulate_market`; `campaigns` is how many there can be.
    mechanisms : iterable of str or str
        Which are on, from `MECHANISMS`; "all" for each of them, "" for none.
    strength : float
        Factor of everything that mail and coupons do to demand, 0 or more. With 0 nothing that is
        sent changes what is bought: a null world.
    plants : sequence of Plant
        Changes from `plant`.

    Returns
    -------
    State
        With no campaign yet.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> from coupon_rec.simulation import open_market, simulate
    >>> state = open_market(users=20, items=30, coupons=6, campaigns=2)
    >>> state = simulate(state, lambda offers: offers["depth"] == 0.25)
    >>> state.period
    1
    """
    settings = settings_of((users, items, coupons, campaigns, seed), mechanisms, strength, plants)
    state = State(settings, -1, (), ())
    return _advance(replace(state, crowds=tuple(map(state.newcomers, state.blocks))), None, None)


def simulate(
    state: State,
    policy: Policy | None = None,
    campaigns: int = 1,
    orders: Callable[[State], Floats] | None = None,
) -> State:
    """Let campaigns happen under a policy.

    Parameters
    ----------
    state : State
        From `open_market` or from here; it stays as it is.
    policy : callable, optional
        From the offers that could be made, `State.offers`, to their probabilities: one number a
        row in [0, 1], or a frame with the columns `mailing` (one number a user) and `coupon`
        (given the mailing). Of the coupons of one type a user gets at most one, so theirs may add
        up to 1. If left out, the retailer's own: equation (5) of `coupon_rec.simulation`.
    campaigns : int
        How many, 1 or more.
    orders : callable, optional
        From a state to the units of each item that each store orders a week, shape (stores,
        items), where supply is on. If left out, stores fill up to two weeks of usual sales.

    Returns
    -------
    State
        After the campaigns. The same state and policy give the same; two policies meet the same
        chances.

    Raises
    ------
    ValueError
        If `campaigns` is below 1, the policy gives no probabilities, or a Series or a frame in
        another order than the offers, or all campaigns have been.
    """
    if campaigns < 1:
        raise ValueError(f"campaigns must be 1 or more, not {campaigns}")
    for _ in range(campaigns):
        state = _advance(state, policy, orders)
    return state


def _advance(
    state: State, policy: Policy | None, orders: Callable[[State], Floats] | None
) -> State:
    """Let one period pass; the first has no campaign."""
    period, s = state.period + 1, state.settings
    campaign = draw_round(state.world, state.nature, 0, s.seed) if period == 0 else state.campaign
    sending = None if policy is None else _probabilities(policy, state)
    ordered = None if orders is None else np.asarray(orders(state), "float64")

    def one(number: int) -> tuple[Crowd, dict[str, pa.Table]]:
        crowd = state.crowds[number]
        rows = crowd.user_ids - 1
        own = None if sending is None else (sending[0][rows], sending[1][rows])
        return pass_period(
            state.world,
            state.nature,
            campaign,
            s.seed,
            crowd,
            own,
            None if ordered is None else ordered[number],
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = list(pool.map(one, range(len(state.crowds))))
    tables = joined(tables for _, tables in passed)
    crowds = tuple(crowd for crowd, _ in passed)
    return replace(state, period=period, crowds=crowds, history=(*state.history, tables))


def _probabilities(policy: Policy, state: State) -> tuple[Floats, Floats]:
    """What a policy says, checked: of each user, and of each user and coupon given the mailing."""
    offers, campaign = state.offers, state.campaign
    said = policy(offers)
    require_one_order(offers=offers, policy=said)
    n, shape = state.settings.users, (state.settings.users, len(campaign.coupon))
    if isinstance(said, pd.DataFrame):
        columns = [np.asarray(said[name], "float64") for name in ("mailing", "coupon")]
    else:
        columns = [np.ones(len(offers)), np.asarray(said, "float64")]
    for name, column in zip(("mailing", "coupon"), columns, strict=True):
        if column.shape != (len(offers),):
            raise ValueError(
                f"the policy gives {column.shape} numbers for {len(offers):,} offers ({name})"
            )
        require(f"the policy's {name}", column, (column >= 0) & (column <= 1), "in [0, 1]")
    mailing, coupon = (column.reshape(shape) for column in columns)
    if (mailing != mailing[:, :1]).any():
        raise ValueError("the policy's mailing must be one number for all offers of a user")
    of_type = np.add.reduceat(
        coupon[:, np.argsort(campaign.slot, kind="stable")],
        np.searchsorted(np.sort(campaign.slot), np.arange(len(campaign.kinds))),
        axis=1,
    )
    if (of_type > 1 + 1e-9).any():
        raise ValueError(
            f"the policy's probabilities of one user's coupons of one type add up to "
            f"{of_type.max():.3f}: at most one of them is sent, so at most 1"
        )
    return mailing[:, 0].reshape(n), coupon


def pass_period(
    world: World,
    nature: Nature,
    campaign: Round,
    seed: int,
    crowd: Crowd,
    sending: tuple[Floats, Floats] | None,
    orders: Floats | None,
) -> tuple[Crowd, dict[str, pa.Table]]:
    """Let a period pass for one block: the block after it, and what happened as tables."""
    chance = Chance.of(seed, campaign.period, crowd.first)
    traits, memory = crowd.traits, crowd.memory
    found = likely(chance.place, nature, campaign, crowd)
    mailing, within = sending or (found.mailed[:, 0], found.offered)
    if not campaign.period:
        mailing = np.zeros_like(mailing)
    happened = happen(chance, nature, campaign, crowd, found, mailing, within)
    stock = None
    if "supply" in nature.mechanisms:
        happened, memory, stock = sell(happened, memory, orders)
    used = receipts.redeeming(happened.lines, campaign, happened)
    ids = crowd.user_ids
    columns = {
        "purchases": receipts.purchases(campaign, happened, used, ids),
        "redemptions": receipts.redemptions(campaign, happened, used, ids),
        "candidates": receipts.candidates(campaign, crowd, found, happened, mailing, within),
        **receipts.looks(chance.place, world, campaign, crowd, found, happened),
    }
    if stock is not None:
        columns["stock"] = receipts.stock(campaign, stock, int(crowd.usual_store[0]))
    memory = remember(nature, campaign, traits, memory, happened)
    tables = {name: pa.table(table) for name, table in columns.items()}
    if not campaign.period:
        tables["candidates"] = tables["candidates"].slice(0, 0)
    return replace(crowd, memory=memory), tables
