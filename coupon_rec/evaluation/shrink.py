"""Rates of which little has been seen, shrunk to what is usual: empirical Bayes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.stats import gamma, nbinom

from coupon_rec.arguments import Floats, numbers, require, require_one_order

WEAKEST, STRONGEST = 1e-3, 1e6
"""Strengths that `Prior.fit` tries, in units of the mean exposure."""


@dataclass(frozen=True)
class Prior:
    """How rates differ from one user, coupon or shop to the next, learned from many of them.

    A count is Poisson with its exposure times a rate, and rates are gamma distributed. Exposure is
    what a count is out of: offers, and the rate is one of redemption; or promised redemptions,
    and the rate is observed over predicted.

    Attributes
    ----------
    mean : float
        The usual rate, above 0.
    strength : float
        How much exposure the usual rate is worth, above 0: with as much of its own, a rate counts
        half. The variance of rates is mean / strength.

    Examples
    --------
    >>> prior = Prior(mean=0.02, strength=100)
    >>> prior.rate([0, 0, 4], [0, 50, 100]).round(3).tolist()
    [0.02, 0.013, 0.03]
    """

    mean: float
    strength: float

    def __post_init__(self) -> None:
        for name in ("mean", "strength"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ValueError(f"{name} must be a number above 0, not {value}")

    @classmethod
    def fit(cls, counts: ArrayLike, exposure: ArrayLike) -> Self:
        """Learn the usual rate and its strength from many counts, by maximum likelihood.

        Parameters
        ----------
        counts : array_like
            Such as redemptions of n coupons, shape (n,), whole numbers from 0 on.
        exposure : array_like
            What they are out of, shape (n,), 0 or more.

        Returns
        -------
        Prior
            The mean is the rate of all together. If the counts differ no more than chance makes
            them, the strength is a million times the mean exposure.

        Raises
        ------
        ValueError
            If fewer than two have an exposure, nothing was counted, or a number is out of range.

        Notes
        -----
        Equation `eq-shrink` of the book; Robbins, *An Empirical Bayes Approach to Statistics*,
        1956.

        Examples
        --------
        >>> Prior.fit([0, 1, 9, 2], [100, 100, 100, 100]).mean
        0.03
        """
        counts, exposure = _checked(counts, exposure)
        counts, exposure = counts[exposure > 0], exposure[exposure > 0]
        if counts.size < 2 or counts.sum() == 0:
            raise ValueError(
                "a prior needs two counts or more with an exposure, and something counted: "
                f"{counts.size} have one, and they count {counts.sum():.0f}"
            )
        mean, unit = counts.sum() / exposure.sum(), exposure.mean()

        def surprise(log_strength: float) -> float:
            strength = unit * np.exp(log_strength)
            chance = strength / (strength + exposure)
            return -float(nbinom.logpmf(counts, strength * mean, chance).sum())

        bounds = (np.log(WEAKEST), np.log(STRONGEST))
        best = minimize_scalar(surprise, bounds=bounds, method="bounded").x
        if surprise(bounds[1]) <= surprise(best):
            best = bounds[1]
        return cls(float(mean), float(unit * np.exp(best)))

    def rate(self, counts: ArrayLike, exposure: ArrayLike) -> Floats:
        """Each rate, shrunk to the usual one: its posterior mean.

        Parameters
        ----------
        counts, exposure : array_like
            As for `fit`, shape (n,). Where nothing has been seen, the rate is the usual one.

        Returns
        -------
        numpy.ndarray
            Shape (n,).

        Notes
        -----
        Equation `eq-shrink` of the book.
        """
        counts, exposure = _checked(counts, exposure)
        return (counts + self.strength * self.mean) / (exposure + self.strength)

    def interval(
        self, counts: ArrayLike, exposure: ArrayLike, confidence: float = 0.95
    ) -> tuple[Floats, Floats]:
        """Between which two values each rate lies with some probability, given what was seen.

        Parameters
        ----------
        counts, exposure : array_like
            As for `rate`.
        confidence : float
            That probability, in (0, 1).

        Returns
        -------
        low, high : numpy.ndarray
            Each of shape (n,).

        Examples
        --------
        >>> low, high = Prior(mean=0.02, strength=100).interval([0, 20], [0, 1000])
        >>> [f"{a:.3f} to {b:.3f}" for a, b in zip(low, high)]
        ['0.002 to 0.056', '0.013 to 0.029']
        """
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must be in (0, 1), such as 0.95, but it is {confidence}")
        counts, exposure = _checked(counts, exposure)
        shape, scale = counts + self.strength * self.mean, 1 / (exposure + self.strength)
        low, high = (gamma.ppf((1 + side * confidence) / 2, shape, scale=scale) for side in (-1, 1))
        return low, high


def _checked(counts: ArrayLike, exposure: ArrayLike) -> tuple[Floats, Floats]:
    require_one_order(counts=counts, exposure=exposure)
    checked = numbers("counts", counts)
    require("counts", checked, (checked >= 0) & (checked == np.round(checked)), "whole, 0 or more")
    size = numbers("exposure", exposure, checked.size)
    require("exposure", size, size >= 0, "0 or more")
    require("counts", checked, (size > 0) | (checked == 0), "0 where the exposure is 0")
    return checked, size
