"""Demand from sales: what was wanted where the shelf was empty, and what each item sells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import nbinom

from coupon_rec.arguments import require, require_one_order
from coupon_rec.decisions.prices import ROUNDS, Panel, shrink

Floats = NDArray[np.float64]
RIDGE = 0.01
"""Weight of a slope of 0 in an item's own estimate, so that it stays finite."""
MAX_ROUNDS, CONVERGED = 300, 1e-5
"""Rounds of `fit_demand`, and the share of the demand that the last one may move."""


def counts(mean: Floats, dispersion: ArrayLike, more: int = 0) -> tuple[Floats, Floats]:
    """What SciPy's negative binomial takes, of a mean and a variance over the mean.

    How many failures, and so many more, and the probability of each.
    """
    spread = np.asarray(dispersion, float)
    require("dispersion", spread, spread >= 1, "1 or more")
    spread = np.maximum(spread, 1 + 1e-6)
    return np.maximum(mean, 1e-12) / (spread - 1) + more, 1 / spread


def whole(units: Floats) -> NDArray[np.bool_]:
    """Whether units can be counted."""
    return np.asarray((units >= 0) & (units == np.floor(units)))


def demand_behind(sold: ArrayLike, mean: ArrayLike, dispersion: ArrayLike = 1.0) -> Floats:
    r"""What was wanted, in expectation, where all that there was has been sold.

    Parameters
    ----------
    sold : array_like
        Units that were sold until the shelf was empty, whole numbers of 0 or more.
    mean : array_like
        Units that were expected, above 0.
    dispersion : array_like
        Variance of the demand over its mean, 1 or more; 1 is Poisson's.

    Returns
    -------
    numpy.ndarray
        Expected units, at least `sold`.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> demand_behind([4, 10, 20], mean=10.0).round(1).tolist()
    [10.1, 12.3, 20.8]

    Notes
    -----
    E(D | D >= sold), equation `eq-censored`, for a negative binomial D of this mean and variance.
    """
    require_one_order(sold=sold, mean=mean, dispersion=dispersion)
    sold, mean = np.asarray(sold, float), np.asarray(mean, float)
    require("sold", sold, whole(sold), "whole numbers of 0 or more")
    require("mean", mean, mean > 0, "above 0")
    return _behind(sold, mean, dispersion)[0]


def _behind(sold: Floats, mean: Floats, dispersion: ArrayLike) -> tuple[Floats, Floats]:
    """E(D | D >= sold) and E((D - mean)^2 | D >= sold), of the tails of three distributions."""
    reached = nbinom.sf(sold - 1, *counts(mean, dispersion))
    there, kept = reached > 1e-250, np.maximum(reached, 1e-250)
    once = mean * nbinom.sf(sold - 2, *counts(mean, dispersion, more=1)) / kept
    twice = mean * (mean + np.asarray(dispersion) - 1)
    twice = twice * nbinom.sf(sold - 3, *counts(mean, dispersion, more=2)) / kept
    first = np.maximum(np.where(there, once, sold), sold)
    square = np.where(there, twice + once - 2 * mean * once + mean**2, (sold - mean) ** 2)
    return first, square


@dataclass(frozen=True)
class Demand:
    """What items sell in a week, and how it answers to their price.

    Attributes
    ----------
    items : pandas.DataFrame
        Indexed by `item_id`: `price` (geometric mean, in currency), `units` (expected at that
        price), `elasticity` and its `error` (drawn together by `shrink`), `alone` and
        `alone_error` (of the item's own weeks; missing where its price never moved).
    mean, spread : float
        Of the elasticities of all items.
    dispersion : float
        Variance of an item's units over their mean, 1 or more.
    """

    items: pd.DataFrame
    mean: float
    spread: float
    dispersion: float

    def expected(self, item: ArrayLike, price: ArrayLike) -> Floats:
        """Expected units a week of each item at each price: equation `eq-demand`.

        Raises
        ------
        ValueError
            If an item is unknown, a price is not above 0, or their indexes differ.
        """
        require_one_order(item=item, price=price)
        price, ids = np.asarray(price, float), np.asarray(item)
        require("item", ids, np.isin(ids, self.items.index), "known")
        require("price", price, price > 0, "above 0")
        rows = self.items.loc[ids.ravel()]
        usual, units, slope = (
            rows[name].to_numpy().reshape(ids.shape) for name in ("price", "units", "elasticity")
        )
        return np.asarray(units * (price / usual) ** slope)


def fit_demand(sales: pd.DataFrame) -> Demand:
    r"""Estimate what items sell, from weeks of which some may have been sold out.

    Parameters
    ----------
    sales : pandas.DataFrame
        One row for each item and week: `item_id`, `units` (0 or more), `price` of a unit (in
        currency, above 0), and, if it is known, `sold_out`: True where the shelf was empty at the
        end, so that more may have been wanted.

    Returns
    -------
    Demand

    Raises
    ------
    ValueError
        If a column is missing or out of its range, units of a sold-out week are no whole number,
        prices move of fewer than two items, or there are hardly more rows than items.

    Examples
    --------
    Two items in four weeks, the second twice as elastic. Of a third the price never moved:

    >>> sales = pd.DataFrame({
    ...     "item_id": ["tea"] * 4 + ["salt"] * 4 + ["rice"] * 4,
    ...     "price": [2.0, 1.0, 2.0, 1.0] * 2 + [3.0] * 4,
    ...     "units": [1000, 2000, 1000, 2000, 500, 2000, 500, 2000, 70, 70, 70, 70],
    ... })
    >>> demand = fit_demand(sales)
    >>> demand.items["elasticity"].round(1).to_dict()
    {'rice': -1.5, 'salt': -2.0, 'tea': -1.0}
    >>> demand.expected(["tea", "tea"], [1.0, 2.0]).round(-2).tolist()
    [2000.0, 1000.0]

    Notes
    -----
    For each item, Poisson regression of units on the log price, equation `eq-demand`; then
    `shrink`. Where weeks were sold out, units give way to `demand_behind` them under the present
    estimate, which is then fitted anew, until nothing moves. That is in the manner of the EM
    algorithm (Dempster, Laird and Rubin 1977), without its promise that each round fits better:
    demand is negative binomial where the shelf was empty, Poisson's likelihood is what fits, and
    slopes are shrunk in between. The dispersion is the mean squared distance from the expected
    units, over these, likewise under what is known of sold-out weeks, and over the rows less one
    for each item and, for its slope, the share of the item's own estimate that shrinkage leaves.

    The errors take what was put behind an empty shelf for something that was seen. An elasticity
    of an item that is often sold out is less sure than they say (Louis 1982): order by the expected
    units, but draw no interval from these errors.
    """
    panel = Panel.of(sales)
    empty = np.zeros(len(panel.units), bool)
    if "sold_out" in sales:
        if not sales["sold_out"].isin([True, False]).all():
            raise ValueError("sales['sold_out'] must be True or False everywhere")
        empty = np.asarray(sales["sold_out"], bool)
        counted = whole(panel.units) | ~empty
        require("sales['units']", panel.units, counted, "whole numbers in sold-out weeks")
    x = panel.within(panel.log_price, np.ones_like(panel.units))
    if (panel.sums(x**2) > 1e-9).sum() < 2:
        raise ValueError("the prices of fewer than two items move: there is nothing to learn from")
    wanted, own, dispersion = panel.units.copy(), np.zeros(len(panel.ids)), 1.0
    for _ in range(MAX_ROUNDS):
        own, error = _own_slopes(panel, x, wanted, own, dispersion)
        drawn = shrink(np.where(np.isfinite(error), own, 0.0), error)
        rate = np.exp(drawn.value[panel.item] * x)
        expected = np.maximum(panel.shared(rate, panel.sums(wanted)), 1e-9)
        now, square = panel.units.copy(), (panel.units - expected) ** 2
        now[empty], square[empty] = _behind(panel.units[empty], expected[empty], dispersion)
        moved = np.abs(now - wanted).sum() / max(wanted.sum(), 1e-9)
        slopes = (drawn.spread**2 / (error**2 + drawn.spread**2)).sum()
        free = len(x) - len(panel.ids) - slopes
        if free < 1:
            raise ValueError(
                f"{len(x)} rows of {len(panel.ids)} items are too few: each takes a level and a "
                "slope, and what is left must show how demand scatters; take more weeks"
            )
        before, dispersion = dispersion, max(1.0, float((square / expected).sum()) / free)
        wanted = now
        if moved + abs(dispersion / before - 1) < CONVERGED:
            break
    weeks = panel.sums(np.ones_like(x))
    has_own = np.isfinite(error)
    items = {
        "price": np.exp(panel.sums(panel.log_price) / weeks),
        "units": panel.sums(wanted) / panel.sums(rate),
        "elasticity": drawn.value,
        "error": drawn.error,
        "alone": np.where(has_own, own, np.nan),
        "alone_error": np.where(has_own, error, np.nan),
    }
    return Demand(pd.DataFrame(items, panel.ids), drawn.mean, drawn.spread, dispersion)


def _own_slopes(
    panel: Panel, x: Floats, units: Floats, start: Floats, dispersion: float
) -> tuple[Floats, Floats]:
    """Each item's own elasticity and its error; infinity where its price never moved."""
    slope, total = start.copy(), panel.sums(units)
    for _ in range(ROUNDS):
        expected = panel.shared(np.exp(np.clip(slope[panel.item] * x, -50, 50)), total)
        inner = panel.within(x, expected)
        information = panel.sums(expected * inner**2)
        step = panel.sums(inner * (units - expected)) - RIDGE * slope
        step = np.clip(step / (information + RIDGE), -1, 1)
        slope += step
        if np.abs(step).max() < 1e-6:
            break
    error = np.full(len(slope), np.inf)
    np.divide(dispersion, information, out=error, where=information > RIDGE)
    return slope, np.sqrt(error)
