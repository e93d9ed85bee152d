"""Stock: how much to order, what it will sell, and coupons that respect what there is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import nbinom

from coupon_rec.arguments import require, require_one_order
from coupon_rec.decisions.demand import counts, whole
from coupon_rec.decisions.problem import Budget

Floats = NDArray[np.float64]


def newsvendor(
    mean: ArrayLike, under: ArrayLike, over: ArrayLike, dispersion: ArrayLike = 1.0
) -> Floats:
    r"""The order that costs least in expectation, where demand is uncertain.

    Parameters
    ----------
    mean : array_like
        Expected demand, in units, above 0.
    under : array_like
        What a unit costs that was wanted and not there, such as its margin; in currency, above 0.
    over : array_like
        What a unit costs that was there and not wanted; in currency, above 0.
    dispersion : array_like
        Variance of the demand over its mean, 1 or more; 1 is Poisson's.

    Returns
    -------
    numpy.ndarray
        Whole units, of the shape that the arguments broadcast to.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> newsvendor(20.0, under=[1.0, 1.0, 3.0], over=[3.0, 1.0, 1.0], dispersion=2.0).tolist()
    [16.0, 19.0, 24.0]

    Notes
    -----
    The smallest order that suffices with probability under / (under + over), equation
    `eq-newsvendor`: Arrow, Harris and Marschak (1951). Demand is negative binomial.
    """
    require_one_order(mean=mean, under=under, over=over, dispersion=dispersion)
    mean, under, over = (np.asarray(each, float) for each in (mean, under, over))
    for name, values in (("mean", mean), ("under", under), ("over", over)):
        require(name, values, values > 0, "above 0")
    return np.asarray(nbinom.ppf(under / (under + over), *counts(mean, dispersion)))


def expected_sales(stock: ArrayLike, mean: ArrayLike, dispersion: ArrayLike = 1.0) -> Floats:
    r"""What a stock sells in expectation: the smaller of stock and demand.

    Parameters
    ----------
    stock : array_like
        Whole units, 0 or more; infinity for no limit.
    mean, dispersion : array_like
        As for `newsvendor`.

    Returns
    -------
    numpy.ndarray
        Units; what is left of the stock is left over, what is left of the mean is lost.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> expected_sales([0, 10, 40], mean=10.0).round(2).tolist()
    [0.0, 8.75, 10.0]

    Notes
    -----
    E(min(stock, D)), with the negative binomial D of `newsvendor`.
    """
    require_one_order(stock=stock, mean=mean, dispersion=dispersion)
    stock, mean = np.asarray(stock, float), np.asarray(mean, float)
    require("stock", stock, whole(stock), "whole numbers of 0 or more")
    require("mean", mean, mean > 0, "above 0")
    unlimited = np.isinf(stock)
    stock = np.where(unlimited, 0, stock)
    below = mean * nbinom.cdf(stock - 2, *counts(mean, dispersion, more=1))
    sold = below + stock * nbinom.sf(stock - 1, *counts(mean, dispersion))
    return np.asarray(np.where(unlimited, mean, sold))


def stock_budgets(left: ArrayLike, units: ArrayLike, shelf: Sequence[int]) -> list[Budget]:
    """Write what is left on the shelves as limits for `allocate`, beside budgets and caps.

    Parameters
    ----------
    left : array_like
        Units of each shelf that coupons may use: stock less what sells without them. Negative
        numbers count as 0; infinity sets no limit. Shape (S,).
    units : array_like
        Units that each coupon is expected to add for each user; negative numbers count as 0.
        Shape (n, K).
    shelf : sequence of int
        The shelf that each coupon draws on, from 0 to S - 1; shape (K,).

    Returns
    -------
    list of Budget
        One for each shelf that has a limit and a coupon, in the order of the shelves. The price
        that `allocate` finds for it is what one more unit on the shelf would earn.

    Raises
    ------
    ValueError
        If the shapes do not fit, a number is missing, or a shelf is not one of S.

    Examples
    --------
    Three units are left of the first coupon's shelf, and each user would use two:

    >>> from coupon_rec.decisions import allocate
    >>> limits = stock_budgets([3.0, np.inf], [[2.0, 1.0]] * 3, shelf=[0, 1])
    >>> found = allocate([[5.0, 1.0], [4.0, 1.0], [3.0, 1.0]], limits)
    >>> found.chosen.astype(int).tolist()
    [[1, 0], [0, 1], [0, 1]]
    """
    rest, used, of = np.asarray(left, float), np.asarray(units), np.asarray(shelf)
    if used.ndim != 2 or of.shape != used.shape[1:] or rest.ndim != 1:
        raise ValueError(
            f"left, units and shelf must have shapes (S,), (n, K) and (K,), not {rest.shape}, "
            f"{used.shape} and {of.shape}"
        )
    require("shelf", of, np.isin(of, range(len(rest))), f"from 0 to {len(rest) - 1}")
    require("left", rest, ~np.isnan(rest), "numbers")
    require("units", used, np.isfinite(used), "finite")
    limits = []
    for number in np.flatnonzero(np.isfinite(rest)):
        columns = np.flatnonzero(of == number)
        if columns.size:
            cost = np.maximum(used[:, columns], 0)
            limits.append(Budget(max(0.0, float(rest[number])), cost, columns.tolist()))
    return limits
