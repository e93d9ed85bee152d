"""What the shelves of a simulated market sell: expected, week by week, and where stock ends."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.decisions import fit_demand
from coupon_rec.odds import sigmoid
from coupon_rec.simulation import State, simulate
from coupon_rec.simulation.likely import remembered
from coupon_rec.simulation.model import WEEKS
from coupon_rec.simulation.world import FIRST_DAY

Floats = NDArray[np.float64]


def expected_units(state: State, prices: ArrayLike | None = None) -> Floats:
    """Expected units of each item in the campaign to come, if nobody is mailed.

    Parameters
    ----------
    state : State
        Between two campaigns.
    prices : array_like, optional
        Of each item, in currency, shape (I,); the campaign's own shelf prices if left out.

    Returns
    -------
    numpy.ndarray
        Shape (I,), for the four weeks, from full shelves: equations (1) and (9) of
        `coupon_rec.simulation`, summed over users.
    """
    nature, campaign = state.nature, state.campaign
    cut = campaign.cut if prices is None else np.log(state.world.prices / np.asarray(prices))
    total = np.zeros(len(cut))
    for crowd in state.crowds:
        taken = remembered(nature, crowd)[:, nature.kind]
        logits = crowd.shelf_logits(nature.slope(cut), campaign.drift) - taken
        trips = WEEKS * crowd.people.trips * ~crowd.traits.collector
        total += trips @ sigmoid(logits.astype("float64"))
    return np.asarray(total * nature.units(cut))


def weekly_sales(state: State, campaigns: int) -> tuple[State, pd.DataFrame]:
    """Let campaigns pass in which nobody is mailed, and count what each item sells.

    Parameters
    ----------
    state : State
        Of a market without `supply`: its shelves are full.
    campaigns : int
        How many, 1 or more.

    Returns
    -------
    state : State
        After them.
    sales : pandas.DataFrame
        One row for each week and item, in this order: `item_id`, `week` (from 0), `units`,
        `price` and `cost` of a unit in currency, and `expected`, the truth behind the units.
    """
    items, parts = len(state.world.items), []
    for _ in range(campaigns):
        campaign, expected = state.campaign, expected_units(state) / WEEKS
        state = simulate(state, lambda offers: np.zeros(len(offers)))
        lines = state.history[-1]["purchases"].to_pandas()
        since = lines["time"] - pd.Timestamp(FIRST_DAY)
        week = (since.dt.days // 7).to_numpy() - WEEKS * campaign.period
        units = np.zeros((WEEKS, items))
        np.add.at(units, (week, lines["item_id"].to_numpy() - 1), lines["quantity"].to_numpy())
        columns = {
            "item_id": np.tile(np.arange(1, items + 1), WEEKS),
            "week": np.repeat(WEEKS * campaign.period + np.arange(WEEKS), items),
            "units": units.ravel(),
            "price": np.tile(campaign.price, WEEKS),
            "cost": np.tile(campaign.cost, WEEKS),
            "expected": np.tile(expected, WEEKS),
        }
        parts.append(pd.DataFrame(columns))
    sales = pd.concat(parts, ignore_index=True)
    return state, sales.assign(week=sales["week"] - sales["week"].min())


def store_demand(state: State, stores: int) -> Floats:
    """Estimate from receipts what each store will sell in the campaign to come without coupons.

    Parameters
    ----------
    state : State
        With receipts of two periods or more; the users of a store follow each other.
    stores : int
        How many, of users alike in number.

    Returns
    -------
    numpy.ndarray
        Units of each type of the campaign in each store, shape (stores, S). `fit_demand` learns
        from all periods what an item sells at a price, and is asked for the prices to come; a
        store has the share that it had of its type so far. Coupons of the past are not taken out.
    """
    campaign = state.campaign
    parts = [each["purchases"].to_pandas() for each in state.history]
    lines = pd.concat([each.assign(period=k) for k, each in enumerate(parts)])
    shelf = campaign.slot_of_item[lines["item_id"].to_numpy() - 1]
    lines = lines.assign(shelf=shelf)[shelf >= 0]
    sums = lines.groupby(["item_id", "period"])[["quantity", "amount"]].sum()
    price = (sums["amount"] / sums["quantity"]).unstack()
    sales = pd.DataFrame(
        {
            "units": sums["quantity"].unstack(fill_value=0).stack(),
            "price": price.T.fillna(price.mean(axis=1)).T.stack(),
        }
    )
    demand = fit_demand(sales.reset_index())
    item = demand.items.index.to_numpy()
    units = demand.expected(item, campaign.price[item - 1])
    total = np.bincount(campaign.slot_of_item[item - 1], units, len(campaign.kinds))
    store = (lines["user_id"].to_numpy() - 1) * stores // state.settings.users
    sold = np.zeros((stores, len(total)))
    np.add.at(sold, (store, lines["shelf"].to_numpy()), lines["quantity"].to_numpy())
    return np.asarray(total * sold / np.maximum(sold.sum(axis=0), 1))


def earned(state: State, sent: NDArray[np.bool_], stock: Floats, contact: float = 0.005) -> Floats:
    """What coupons and full prices really earn in each store, where some shelves run empty.

    Parameters
    ----------
    state : State
        Of a market without `supply`; the users of a store follow each other.
    sent : numpy.ndarray
        Whether each user is sent each coupon of the campaign to come, shape (n, K).
    stock : numpy.ndarray
        Units of each type of the campaign in each store, shape (stores, S); infinity for enough.
    contact : float
        Cost of sending one coupon, in currency.

    Returns
    -------
    numpy.ndarray
        Profit in currency, shape (stores,). Purchases come in the order of their time; a line for
        which too little is left is lost, and so are those after it.
    """
    campaign, stores = state.campaign, len(stock)
    after = simulate(state, lambda offers: sent.ravel().astype(float))
    lines = after.history[-1]["purchases"].to_pandas().sort_values("time", kind="stable")
    item = lines["item_id"].to_numpy() - 1
    shelf = campaign.slot_of_item[item]
    store = (lines["user_id"].to_numpy() - 1) * stores // len(sent)
    needed = lines.groupby([store, shelf])["quantity"].cumsum().to_numpy()
    there = (shelf < 0) | (needed <= stock[store, shelf])
    profit = lines["amount"].to_numpy() - campaign.cost[item] * lines["quantity"].to_numpy()
    mail = sent.sum(axis=1).reshape(stores, -1).sum(axis=1)
    return np.asarray(np.bincount(store, profit * there, stores) - contact * mail)
