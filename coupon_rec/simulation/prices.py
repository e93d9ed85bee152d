"""How prices and costs behave, in a dozen numbers that any retailer's receipts give."""

import numpy as np
import pandas as pd
from ibis import _

from coupon_rec.arguments import require_columns
from coupon_rec.market import Market

DAYS = 120
"""Length of a stretch of time: within it, an item has one usual price."""
ENOUGH = 20
"""Lines that an item needs in a stretch to tell its usual price."""
USUAL = 0.9
"""Quantile of an item's prices that is its usual price. A median would be the sale's where most
lines are bought on sale."""
CUT = 0.05
"""A price this far below the usual one, as a share of it, is a cut."""


def shelf_lines(market: Market) -> pd.DataFrame:
    """Take a market's purchases as `price_marginals` needs them.

    Parameters
    ----------
    market : Market
        On any Ibis engine.

    Returns
    -------
    pandas.DataFrame
        `item_id`, `time`, `units`, `amount` at shelf prices, before coupons of the retailer's own;
        and `cost`, where the market knows unit costs, the same in all stores.
    """
    lines = market.purchases.select(
        "item_id",
        "time",
        units=_.quantity,
        amount=_.amount + _.coupon_match,
        date=_.time.date(),
    )
    if market.prices is not None and "unit_cost" in market.prices.columns:
        costs = market.prices.select("item_id", "date", "unit_cost")
        lines = lines.asof_join(costs, "date", "item_id").mutate(cost=_.units * _.unit_cost)
        return lines.select("item_id", "time", "units", "amount", "cost").to_pandas()
    return lines.drop("date").to_pandas()


def price_marginals(lines: pd.DataFrame) -> pd.Series:
    """Describe how prices and costs behave.

    Parameters
    ----------
    lines : pandas.DataFrame
        One row a line of a receipt: `item_id`, `time`, `units`, `amount` in currency for all units,
        and `cost` likewise, if it is known.

    Returns
    -------
    pandas.Series
        Units a line (mean, share of lines with several) and how far apart the amounts of lines are.
        Of items with 20 lines or more in a stretch of 120 days: the standard deviation of their log
        usual prices, the coefficient of variation of an item's price (median), the share of lines
        5% or more below the usual price and the depth of these cuts (median), and how strongly the
        log of a line's units answers to a cut of the log price (slope within items). With costs:
        the margin as a share of revenue, the share of lines below cost, and of the items' margins
        at their usual prices the mean, the standard deviation, and three quantiles. An item's
        usual price is the 90% quantile of its prices.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    An item is sold 15 times at 2.00 and 10 times at 1.50, each unit at a cost of 1.60:

    >>> lines = pd.DataFrame(
    ...     {
    ...         "item_id": 1,
    ...         "time": pd.Timestamp("2017-01-02"),
    ...         "units": 1,
    ...         "amount": [2.0] * 15 + [1.5] * 10,
    ...         "cost": 1.6,
    ...     }
    ... )
    >>> found = price_marginals(lines)
    >>> found[["lines below the usual price", "depth of a cut", "lines below cost"]].tolist()
    [0.4, 0.25, 0.4]
    >>> round(float(found["margin"]), 3)
    0.111
    """
    require_columns(lines, ["item_id", "time", "units", "amount"], "lines")
    lines = lines[lines["amount"] > 0]
    price = lines["amount"] / lines["units"]
    stretch = (lines["time"] - lines["time"].min()).dt.days // DAYS
    lines = lines.assign(price=price, item=lines.groupby(["item_id", stretch]).ngroup())
    often_sold = lines[lines.groupby("item")["price"].transform("size") >= ENOUGH]
    items = often_sold.groupby("item")
    usual = items["price"].quantile(USUAL)
    cut = 1 - often_sold["price"] / often_sold["item"].map(usual)
    low, high = lines["amount"].quantile([0.1, 0.9])
    depth = pd.DataFrame({"cut": -np.log1p(-cut), "units": np.log(often_sold["units"])})
    depth -= depth.groupby(often_sold["item"]).transform("mean")
    marginals = {
        "units a line": lines["units"].mean(),
        "lines of several units": (lines["units"] > 1).mean(),
        "amounts, 90% over 10%": high / low,
        "spread of log prices": np.log(usual).std(),
        "variation of an item's price": (items["price"].std() / items["price"].mean()).median(),
        "lines below the usual price": (cut >= CUT).mean(),
        "depth of a cut": cut[cut >= CUT].median(),
        "units for a cut": (depth["cut"] * depth["units"]).sum() / (depth["cut"] ** 2).sum(),
    }
    if "cost" in lines:
        uncut = often_sold[cut.abs() < CUT]
        unit_cost = (uncut["cost"] / uncut["units"]).groupby(uncut["item"]).median()
        margins = 1 - unit_cost / usual
        marginals |= {
            "margin": 1 - lines["cost"].sum() / lines["amount"].sum(),
            "lines below cost": (lines["amount"] < lines["cost"]).mean(),
            "usual margin, mean": margins.mean(),
            "usual margin, spread": margins.std(),
            **{f"usual margin, {q:.0%}": margins.quantile(q) for q in (0.1, 0.5, 0.9)},
        }
    return pd.Series(marginals)
