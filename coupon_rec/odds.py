"""The arithmetic that several rooms need: log odds, their calibration, the best of each list."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import Floats, require

SMALLEST = float(np.finfo(np.float64).eps)
"""The least probability that is taken seriously, and 1 minus it the greatest."""


def logit(p: ArrayLike) -> Floats:
    """Log odds, log(p / (1 - p)), of probabilities kept within 2.2e-16 of 0 and 1.

    Parameters
    ----------
    p : array_like
        Probabilities, of any shape, in [0, 1].

    Returns
    -------
    numpy.ndarray
        float64 of the same shape, within [-36.04, 36.04].

    Examples
    --------
    >>> logit([0.5, 0.9]).round(3).tolist()
    [0.0, 2.197]
    """
    inside = np.clip(np.asarray(p, "float64"), SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def sigmoid(z: ArrayLike) -> Floats:
    """Probability of log odds, 1 / (1 + exp(-z)), for numbers of any size.

    Examples
    --------
    >>> sigmoid([0.0, -1000.0]).round(3).tolist()
    [0.5, 0.0]
    """
    return np.asarray(1 / (1 + np.exp(-np.clip(np.asarray(z, "float64"), -700, 700))))


@dataclass(frozen=True)
class Platt:
    """Recalibration by a line through the log odds; call it on probabilities.

    Attributes
    ----------
    intercept, slope : float
        Of the line; a positive slope leaves the order of offers as it is.

    Examples
    --------
    >>> half_the_odds = Platt(intercept=-0.6931, slope=1.0)
    >>> half_the_odds([0.5, 0.2]).round(3).tolist()
    [0.333, 0.111]

    Notes
    -----
    sigma(intercept + slope logit p), equation `eq-served` of the book: Platt (1999), on the log
    odds.
    """

    intercept: float = 0.0
    slope: float = 1.0

    def __call__(self, p: ArrayLike) -> Floats:
        """Recalibrated probabilities, of the shape of p."""
        p = np.asarray(p, "float64")
        require("p", p.ravel(), ((p >= 0) & (p <= 1)).ravel(), "in [0, 1]")
        if (self.intercept, self.slope) == (0.0, 1.0):
            return p
        return sigmoid(self.intercept + self.slope * logit(p))


def best_of_each(
    lists: NDArray[Any], value: NDArray[np.floating], *ties: NDArray[Any]
) -> NDArray[np.intp]:
    """Find the row with the highest value in each list.

    Parameters
    ----------
    lists : numpy.ndarray
        The list that each row belongs to, shape (n,).
    value : numpy.ndarray
        Shape (n,).
    *ties : numpy.ndarray
        Each of shape (n,): among equal values, the row with the smallest of these wins.

    Returns
    -------
    numpy.ndarray
        One row number a list, in the order of the lists.

    Examples
    --------
    >>> best_of_each(np.array([0, 0, 1]), np.array([0.1, 0.3, 0.2])).tolist()
    [1, 2]
    """
    order = np.lexsort((*reversed(ties), -np.asarray(value), lists))
    return order[np.unique(np.asarray(lists)[order], return_index=True)[1]]
