"""What a price does to sales: elasticity within items, shrinkage, and the best price."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import t

from coupon_rec.arguments import numbers, require, require_columns, require_one_order

Floats = NDArray[np.float64]
ROUNDS = 50
"""Newton steps at most."""


class Panel(NamedTuple):
    """Sales of n rows as arrays: the item of each, counted from 0, its units, its log price.

    Attributes
    ----------
    ids : pandas.Index
        The items, shape (I,).
    item : numpy.ndarray
        Shape (n,).
    units, log_price : numpy.ndarray
        Shape (n,).
    """

    ids: pd.Index
    item: NDArray[np.intp]
    units: Floats
    log_price: Floats

    @classmethod
    def of(cls, sales: pd.DataFrame, others: Sequence[str] = ()) -> "Panel":
        """Take `item_id`, `units` and `price` of sales, or say what is wrong with them."""
        require_columns(sales, ["item_id", "units", "price", *others], "sales")
        if sales.empty:
            raise ValueError("sales have no row")
        units, price = (numbers(f"sales[{name!r}]", sales[name]) for name in ("units", "price"))
        require("sales['units']", units, units >= 0, "0 or more")
        require("sales['price']", price, price > 0, "above 0")
        item, ids = pd.factorize(sales["item_id"], sort=True)
        require("sales['item_id']", sales["item_id"], item >= 0, "present")
        return cls(pd.Index(ids, name="item_id"), item, units, np.log(price))

    def sums(self, values: Floats) -> Floats:
        """Sum over the rows of each item, shape (I,)."""
        return np.bincount(self.item, values, len(self.ids)).astype(float)

    def within(self, x: Floats, weights: Floats) -> Floats:
        """How far x is from its weighted mean over the rows of its item, shape (n,)."""
        mean = self.sums(weights * x) / np.maximum(self.sums(weights), 1e-300)
        return np.asarray(x - mean[self.item])

    def shared(self, rate: Floats, total: Floats) -> Floats:
        """Split each item's total over its rows in proportion to a rate, shape (n,)."""
        return np.asarray(rate * (total / self.sums(rate))[self.item])


def elasticity(sales: pd.DataFrame, controls: Sequence[str] = ()) -> pd.DataFrame:
    r"""How much sales answer to price within items, the same for all of them.

    Parameters
    ----------
    sales : pandas.DataFrame
        One row for each item and week: `item_id`, `units` (0 or more), `price` of a unit (in
        currency, above 0), and the controls.
    controls : sequence of str
        Columns that move sales beside the price, such as a promotion.

    Returns
    -------
    pandas.DataFrame
        One row for `price`, whose value is the elasticity, and one for each control: `value`,
        `error` (clustered by item), `low` and `high` (a 95% interval).

    Raises
    ------
    ValueError
        If a column is missing or out of its range, if nothing was sold, if no item's price or
        control varies or only one item's does, or if no finite slope fits best, as where an item
        sells at its lower price only.

    Examples
    --------
    At half the price each item sells four times as much, whatever else it is:

    >>> sales = pd.DataFrame({
    ...     "item_id": ["tea", "tea", "tea", "salt", "salt", "rice", "rice"],
    ...     "price": [2.0, 1.0, 2.0, 1.0, 0.5, 4.0, 2.0],
    ...     "units": [2, 8, 2, 10, 40, 1, 4],
    ... })
    >>> round(float(elasticity(sales).loc["price", "value"]), 3)
    -2.0

    Notes
    -----
    Poisson regression of units on the log price with a level for each item, equation
    `eq-demand`: it takes weeks without a sale as they are, and needs of the distribution that
    the mean is right, not that it is Poisson's (Wooldridge 1999). The levels are summed out, so
    the time is that of a few passes over the rows. The errors are the sandwich's, and the interval
    is Student's, for G items of which something varies: the error is raised by G / (G - 1), as a
    variance, and the interval has G - 1 degrees of freedom. With fewer than some twenty items it is
    still too narrow.
    """
    panel = Panel.of(sales, controls)
    names = ["price", *controls]
    x = np.column_stack(
        [panel.log_price, *(numbers(f"sales[{name!r}]", sales[name]) for name in controls)]
    )
    scale = _scales(panel, x)
    x = x / scale
    total = panel.sums(panel.units)
    if not total.any():
        raise ValueError("sales['units'] are 0 everywhere: nothing was sold")
    slope = np.zeros(len(names))
    for _ in range(ROUNDS):
        expected = panel.shared(np.exp(x @ slope), total)
        inner = np.column_stack([panel.within(column, expected) for column in x.T])
        information = inner.T @ (expected[:, None] * inner)
        if np.linalg.cond(information) > 1e12:
            raise ValueError(f"no item's {' or '.join(names)} varies by itself: leave some out")
        step = np.linalg.solve(information, inner.T @ (panel.units - expected))
        slope += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    else:
        at = (slope / scale).round(1).tolist()
        raise ValueError(
            f"no finite slope fits best after {ROUNDS} steps, at {at} for "
            f"{' and '.join(names)}: are there sales on one side of a price or a control only?"
        )
    items = int((panel.sums(expected * (inner**2).sum(axis=1)) > 1e-9).sum())
    if items < 2:
        raise ValueError(
            "only one item varies: an interval needs two or more, and is rough below twenty"
        )
    missed = inner * (panel.units - expected)[:, None]
    by_item = np.column_stack([panel.sums(column) for column in missed.T])
    inverse = np.linalg.inv(information)
    error = np.sqrt(np.diag(inverse @ by_item.T @ by_item @ inverse) * items / (items - 1))
    away = t.ppf(0.975, items - 1) * error
    low, high = slope - away, slope + away
    table = {"value": slope, "error": error, "low": low, "high": high}
    return pd.DataFrame(table, pd.Index(names, name="column")).div(scale, axis=0)


def _scales(panel: Panel, x: Floats) -> Floats:
    """How far each control varies within items, so that its unit does not matter; 1 of the price.

    1 too where it varies by rounding alone.
    """
    within = np.array([panel.within(column, np.ones(len(column))).std() for column in x.T])
    scale = np.where(within > 1e-9 * np.abs(x).max(axis=0), within, 1.0)
    scale[0] = 1.0
    return np.asarray(scale)


class Shrunk(NamedTuple):
    """Estimates that have been drawn together.

    Attributes
    ----------
    value, error : numpy.ndarray
        Each shrunk estimate, and how far it may be off: the standard deviation of the true value
        around it, shape (I,).
    mean, spread : float
        Of the true values, as the estimates show them.
    """

    value: Floats
    error: Floats
    mean: float
    spread: float


def shrink(estimate: ArrayLike, error: ArrayLike) -> Shrunk:
    r"""Draw noisy estimates toward their mean, the noisier the further: empirical Bayes.

    Parameters
    ----------
    estimate : array_like
        Shape (I,).
    error : array_like
        Standard error of each, above 0; infinity where nothing is known. Shape (I,).

    Returns
    -------
    Shrunk
        What nothing is known of gets the mean and the spread of all.

    Raises
    ------
    ValueError
        If the shapes differ, an error is not above 0, or fewer than two of them are finite.

    Examples
    --------
    >>> found = shrink([-1.0, -2.0, -3.0, -8.0], error=[0.3, 0.3, 0.3, 3.0])
    >>> found.value.round(1).tolist()
    [-1.1, -2.0, -2.9, -2.5]

    Notes
    -----
    Each true value is drawn from a normal distribution, and each estimate from one around it:
    equation `eq-shrinkage`. Mean and spread are those that make the estimates likeliest. The error
    of a shrunk estimate allows for that of the mean, by the share to which it was drawn there, but
    not for that of the spread: with a handful of estimates it is somewhat too small.
    """
    require_one_order(estimate=estimate, error=error)
    value, error = numbers("estimate", estimate), np.asarray(error, float)
    if error.shape != value.shape:
        raise ValueError(f"error must have shape {value.shape}, as estimate has, not {error.shape}")
    require("error", error, error > 0, "above 0")
    has_error = np.isfinite(error)
    if has_error.sum() < 2:
        raise ValueError("shrinkage needs two estimates or more whose error is finite")

    def mean_at(spread: float) -> float:
        return float(np.average(value[has_error], weights=1 / (error[has_error] ** 2 + spread**2)))

    def loss(spread: float) -> float:
        variance = error[has_error] ** 2 + spread**2
        away = (value[has_error] - mean_at(spread)) ** 2
        return float((np.log(variance) + away / variance).sum())

    widest = 2 * float(value[has_error].std()) + 1e-9
    spread = float(minimize_scalar(loss, bounds=(0, widest), method="bounded").x)
    mean = mean_at(spread)
    kept = spread**2 / (error**2 + spread**2)
    drawn = mean + np.where(has_error, kept * (value - mean), 0.0)
    around = 1 / (1 / error**2 + 1 / spread**2)
    of_mean = 1 / (1 / (error**2 + spread**2)).sum()
    return Shrunk(drawn, np.sqrt(around + (1 - kept) ** 2 * of_mean), mean, spread)


def best_prices(cost: ArrayLike, elasticity: ArrayLike, low: ArrayLike, high: ArrayLike) -> Floats:
    r"""The price of each item that earns most, at a constant elasticity.

    Parameters
    ----------
    cost : array_like
        Of a unit, in currency, above 0.
    elasticity : array_like
        Of the units in the price, below 0.
    low, high : array_like
        Limits of each price, in currency, above 0: no further than prices have been tried, or
        than customers would bear.

    Returns
    -------
    numpy.ndarray
        Prices in currency, of the shape that the arguments broadcast to. Where the elasticity is
        -1 or above, the highest one.

    Raises
    ------
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> best_prices(cost=1.5, elasticity=[-4.0, -2.0, -0.5], low=1.0, high=2.5).tolist()
    [2.0, 2.5, 2.5]

    Notes
    -----
    cost e / (1 + e), equation `eq-best-price`, which leaves the margin -1 / e. It counts one item
    at a time: what a price takes from the item's neighbors is not in it.
    """
    require_one_order(cost=cost, elasticity=elasticity, low=low, high=high)
    cost, slope, low, high = np.broadcast_arrays(
        *(np.asarray(each, float) for each in (cost, elasticity, low, high))
    )
    require("cost", cost, cost > 0, "above 0")
    require("elasticity", slope, slope < 0, "below 0")
    require("low", low, low > 0, "above 0")
    require("high", high, high >= low, "at least low")
    free = np.where(slope < -1, cost * slope / np.minimum(1 + slope, -1e-12), np.inf)
    return np.clip(free, low, high)


def depth_value(
    units_without: ArrayLike,
    units_with: ArrayLike,
    redeem: ArrayLike,
    depth: ArrayLike,
    price: ArrayLike,
    cost: ArrayLike,
    contact: float = 0.005,
) -> Floats:
    r"""Expected profit of a coupon that takes a share off the price, against sending nothing.

    With one column for each depth, the largest of a row is the depth for that user; with
    `allocate` and the item as `groups`, it is so under budgets and stock.

    Parameters
    ----------
    units_without, units_with : array_like
        Expected units without the coupon and with it, 0 or more.
    redeem : array_like
        Expected units on which the coupon is redeemed, of all that are offered it: 0 or more, at
        most `units_with`. If it is good for one unit, that is the probability of its redemption.
    depth : array_like
        Share of the price that it takes off, in [0, 1].
    price, cost : array_like
        Of a unit, in currency: a price above 0 and a cost of 0 or more.
    contact : float
        Cost of sending one coupon, in currency, 0 or more.

    Returns
    -------
    numpy.ndarray
        In currency, of the shape that the arguments broadcast to.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    Two users and two depths; the second user would redeem anything:

    >>> depth_value(0.2, [[0.22, 0.30], [0.22, 0.30]], [[0.01, 0.02], [0.2, 0.3]], [0.1, 0.5],
    ...     price=4.0, cost=3.0).round(3).tolist()
    [[0.011, 0.055], [-0.065, -0.505]]

    Notes
    -----
    (units_with - units_without) (price - cost) - redeem depth price - contact: equation
    `eq-depth-value`.
    """
    given = {"units_without": units_without, "units_with": units_with, "redeem": redeem}
    given |= {"depth": depth, "price": price, "cost": cost, "contact": contact}
    require_one_order(**given)
    arrays = {name: np.asarray(each, float) for name, each in given.items()}
    for name, values in arrays.items():
        require(name, values, values >= 0, "0 or more")
    without, after, used, depth, price, cost, sending = arrays.values()
    require("depth", depth, depth <= 1, "in [0, 1]")
    require("price", price, price > 0, "above 0")
    used, most = np.broadcast_arrays(used, after)
    require("redeem", used, used <= most + 1e-9, "at most units_with")
    return np.asarray((after - without) * (price - cost) - used * depth * price - sending)
