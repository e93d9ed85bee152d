"""Next week's sales: from what an item sold lately, and from how it will be promoted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import PoissonRegressor

from coupon_rec.arguments import numbers, require, require_columns

Floats = NDArray[np.float64]
RECENT, USUAL = 4, 13
"""Weeks that the two means look back."""
HALF = 0.5
"""Units that are added to a mean before its logarithm is taken."""


def sales_rows(sales: pd.DataFrame, promotions: Sequence[str] = ()) -> pd.DataFrame:
    r"""What is known of each item on the eve of each week.

    Parameters
    ----------
    sales : pandas.DataFrame
        One row for each item and week: `item_id`, `week` (whole numbers, one after the other),
        `units` (0 or more; missing in the weeks to come, of all items), and the promotions.
    promotions : sequence of str
        Columns that are planned ahead, such as the share of the stores that display the item.
        Where a row is missing, nothing was sold and nothing promoted.

    Returns
    -------
    pandas.DataFrame
        One row for each item and week with 13 weeks behind it, ordered by week and item:
        `item_id`, `week`, `units`, `recent` and `usual` (log of half a unit more than the mean of
        the last 4 and 13 weeks), and each promotion less its mean of the last 4 weeks.

    Raises
    ------
    ValueError
        If a column is missing, a week is there twice or no whole number, units are below 0 or
        missing in a week in which other items have some, or there are too few weeks.

    Notes
    -----
    `recent` and `usual` use weeks strictly before the row's; the promotions are those of its own
    week, which a retailer plans.
    """
    columns = ["units", *promotions]
    require_columns(sales, ["item_id", "week", *columns], "sales")
    if (twice := sales.duplicated(["item_id", "week"])).any():
        raise ValueError(f"{twice.sum()} rows of sales repeat an item's week; add them up first")
    week, units = numbers("sales['week']", sales["week"]), sales["units"].to_numpy(float)
    require("sales['week']", week, week == week.round(), "whole numbers")
    require("sales['units']", units, np.isnan(units) | (units >= 0), "0 or more")
    sales = sales.assign(week=week.astype(int))
    weeks = range(sales["week"].min(), sales["week"].max() + 1)
    if len(weeks) <= USUAL:
        raise ValueError(f"sales have {len(weeks)} weeks; a forecast looks back {USUAL}")
    is_past = sales.groupby("week")["units"].count().reindex(weeks, fill_value=0) > 0
    past = sales["week"].map(is_past).to_numpy(bool)
    require("sales['units']", units, ~(past & np.isnan(units)), "present in the weeks of the past")
    tables = {
        name: sales.pivot(index="item_id", columns="week", values=name)
        .reindex(columns=weeks)
        .fillna(0.0)
        for name in columns
    }
    sold = tables["units"]
    sold.loc[:, ~is_past] = np.nan
    before = sold.T.shift()
    by_column = {
        "units": sold.T,
        "recent": np.log(before.rolling(RECENT).mean() + HALF),
        "usual": np.log(before.rolling(USUAL).mean() + HALF),
    }
    for name in promotions:
        of_week = tables[name].T
        by_column[name] = of_week - of_week.shift().rolling(RECENT).mean()
    rows = pd.concat(
        {name: table.stack(future_stack=True) for name, table in by_column.items()}, axis=1
    )
    rows = rows.reset_index()[["item_id", "week", *by_column]]
    return rows.dropna(subset=["usual"]).reset_index(drop=True)


@dataclass(frozen=True)
class Forecast:
    """Expected units of the rows of `sales_rows`.

    Attributes
    ----------
    weights : pandas.Series
        What each column adds to the log of the expected units, and the `intercept`.
    dispersion : float
        Variance of the units over their mean, 1 or more, for `newsvendor`.
    """

    weights: pd.Series
    dispersion: float

    @property
    def lift(self) -> pd.Series:
        """How many times as much a promotion sells, going from no store to all of them."""
        usual = self.weights.index.isin(["intercept", "recent", "usual"])
        return np.exp(self.weights[~usual])

    def expected(self, rows: pd.DataFrame) -> Floats:
        """Expected units of each row: equation `eq-forecast`."""
        names = self.weights.index.drop("intercept")
        require_columns(rows, names, "rows")
        log = rows[names].to_numpy(float) @ self.weights[names].to_numpy(float)
        return np.asarray(np.exp(self.weights["intercept"] + log))


def fit_forecast(rows: pd.DataFrame) -> Forecast:
    r"""Learn from past weeks how sales follow from what was known on their eve.

    Parameters
    ----------
    rows : pandas.DataFrame
        From `sales_rows`; weeks without units are left out. Units of weeks that were sold out are
        sales and not demand: put `demand_behind` them first.

    Returns
    -------
    Forecast

    Raises
    ------
    ValueError
        If there is no column of units, or no row has any.

    Examples
    --------
    Tea sells four a week, and three times as much when it is on display:

    >>> shown = [0, 1] * 10
    >>> sales = pd.DataFrame({"item_id": "tea", "week": range(20), "shown": shown})
    >>> rows = sales_rows(sales.assign(units=4 * 3.0 ** sales["shown"]), ["shown"])
    >>> fitted = fit_forecast(rows)
    >>> fitted.lift.round(1).to_dict()
    {'shown': 3.0}
    >>> fitted.expected(rows.tail(2)).round(1).tolist()
    [4.0, 12.0]

    Notes
    -----
    Poisson regression, equation `eq-forecast`, by scikit-learn.
    """
    require_columns(rows, ["units"], "rows")
    rows = rows.dropna(subset=["units"])
    if rows.empty:
        raise ValueError("no row has units to learn from")
    names = [name for name in rows if name not in ("item_id", "week", "units")]
    model = PoissonRegressor(alpha=1e-6, solver="newton-cholesky", max_iter=200)
    model.fit(rows[names].to_numpy(), rows["units"].to_numpy())
    weights = pd.Series([model.intercept_, *model.coef_], ["intercept", *names])
    expected = Forecast(weights, 1.0).expected(rows)
    spread = float(((rows["units"] - expected) ** 2 / expected).mean())
    return Forecast(weights, max(1.0, spread))
