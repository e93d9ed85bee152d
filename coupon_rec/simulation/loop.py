"""A market campaign by campaign, under any policy."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from coupon_rec.arguments import require, require_one_order
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.mechanisms import Plant, settings_of
from coupon_rec.simulation.model import Floats
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.period import pass_period
from coupon_rec.simulation.state import State
from coupon_rec.simulation.tables import Tables, joined
from coupon_rec.simulation.users import Crowd, draw_crowd

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
    sizes = dict(users=users, items=items, coupons=coupons, campaigns=campaigns, seed=seed)
    nature = Nature(settings_of(mechanisms, strength, plants, **sizes))
    crowds = tuple(draw_crowd(nature, first) for first in nature.settings.blocks)
    return _advance(State(nature, -1, crowds, ()), Round(nature, 0), None, None)


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
        state = _advance(state, state.campaign, policy, orders)
    return state


def _advance(
    state: State, campaign: Round, policy: Policy | None, orders: Callable[[State], Floats] | None
) -> State:
    """Let one period pass."""
    sending = None if policy is None else _probabilities(policy, state)
    ordered = None if orders is None else np.asarray(orders(state), "float64")

    def one(number: int) -> tuple[Crowd, Tables]:
        crowd = state.crowds[number]
        rows = crowd.user_ids - 1
        own = None if sending is None else (sending[0][rows], sending[1][rows])
        return pass_period(
            state.nature, campaign, crowd, own, None if ordered is None else ordered[number]
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        crowds, tables = zip(*pool.map(one, range(len(state.crowds))), strict=True)
    return State(state.nature, campaign.period, crowds, (*state.history, joined(tables)))


def _probabilities(policy: Policy, state: State) -> tuple[Floats, Floats]:
    """What a policy says, checked: of each user, and of each user and coupon given the mailing."""
    offers, campaign = state.offers, state.campaign
    said = policy(offers)
    require_one_order(offers=offers, policy=said)
    shape = state.settings.users, len(campaign.coupon)
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
    of_type = coupon @ campaign.of_one_type
    if (of_type > 1 + 1e-9).any():
        raise ValueError(
            f"the policy's probabilities of one user's coupons of one type add up to "
            f"{of_type.max():.3f}: at most one of them is sent, so at most 1"
        )
    return mailing[:, 0], coupon
