"""Rates of which little has been seen, shrunk to what is usual: empirical Bayes."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.stats import beta, betabinom, gamma, nbinom

from coupon_rec.arguments import Floats, numbers, require, require_one_order

WEAKEST, STRONGEST = 1e-3, 1e6
"""Strengths that `Prior.fit` tries: in units of the smallest exposure, and of the mean."""


@dataclass(frozen=True)
class Prior:
    """How rates differ from one user, coupon or shop to the next, learned from many of them.

    Exposure is what a count is out of. Of trials, such as redemptions of purchases, a count is
    binomial and rates have a beta distribution. A count that may exceed its exposure, such as
    redemptions observed of those promised, is Poisson and rates have a gamma distribution. The
    shrunk rate is the same in both.

    Attributes
    ----------
    mean : float
        The usual rate, above 0; of trials, below 1.
    strength : float
        How much exposure the usual rate is worth, above 0: with as much of its own, a rate counts
        half. The variance of rates is mean / strength; of trials, it is
        mean (1 - mean) / (strength + 1).
    trials : bool
        Whether a count is out of trials, and so never more than its exposure.

    Examples
    --------
    >>> prior = Prior(mean=0.02, strength=100)
    >>> prior.rate([0, 0, 4], [0, 50, 100]).round(3).tolist()
    [0.02, 0.013, 0.03]
    """

    mean: float
    strength: float
    trials: bool = False

    def __post_init__(self) -> None:
        for name in ("mean", "strength"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ValueError(f"{name} must be a number above 0, not {value}")
        if self.trials and self.mean >= 1:
            raise ValueError(f"the mean rate of trials must be below 1, not {self.mean}")

    @classmethod
    def fit(cls, counts: ArrayLike, exposure: ArrayLike, *, trials: bool = False) -> Self:
        """Learn the usual rate and its strength from many counts.

        Parameters
        ----------
        counts : array_like
            Such as redemptions of n coupons, shape (n,), whole numbers from 0 on.
        exposure : array_like
            What they are out of, shape (n,), 0 or more; of trials, whole numbers.
        trials : bool
            Whether they are out of trials: then none is more than its exposure.

        Returns
        -------
        Prior
            The mean is the rate of all together, and the strength the likeliest with that mean.
            If the counts differ no more than chance makes them, the strength is a million times
            the mean exposure.

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
        counts, exposure = _checked(counts, exposure, trials)
        counts, exposure = counts[exposure > 0], exposure[exposure > 0]
        if counts.size < 2 or counts.sum() == 0:
            raise ValueError(
                "a prior needs two counts or more with an exposure, and something counted: "
                f"{counts.size} have one, and they count {counts.sum():.0f}"
            )
        mean, unit = counts.sum() / exposure.sum(), exposure.mean()

        def surprise(log_strength: float) -> float:
            strength = unit * np.exp(log_strength)
            if trials:
                a, b = strength * mean, strength * (1 - mean)
                return -float(betabinom.logpmf(counts, exposure, a, b).sum())
            chance = strength / (strength + exposure)
            return -float(nbinom.logpmf(counts, strength * mean, chance).sum())

        bounds = (np.log(WEAKEST * exposure.min() / unit), np.log(STRONGEST))
        best = minimize_scalar(surprise, bounds=bounds, method="bounded").x
        if surprise(bounds[1]) <= surprise(best):
            best = bounds[1]
        return cls(float(mean), float(unit * np.exp(best)), trials)

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
        counts, exposure = _checked(counts, exposure, self.trials)
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
        counts, exposure = _checked(counts, exposure, self.trials)
        shape, size = counts + self.strength * self.mean, exposure + self.strength
        rates = beta(shape, size - shape) if self.trials else gamma(shape, scale=1 / size)
        return rates.ppf((1 - confidence) / 2), rates.ppf((1 + confidence) / 2)


def _checked(counts: ArrayLike, exposure: ArrayLike, trials: bool) -> tuple[Floats, Floats]:
    require_one_order(counts=counts, exposure=exposure)
    checked = numbers("counts", counts)
    require("counts", checked, (checked >= 0) & (checked == np.round(checked)), "whole, 0 or more")
    size = numbers("exposure", exposure, checked.size)
    require("exposure", size, size >= 0, "0 or more")
    require("counts", checked, (size > 0) | (checked == 0), "0 where the exposure is 0")
    if trials:
        require("exposure", size, size == np.round(size), "whole numbers of trials")
        require("counts", checked, checked <= size, "at most the exposure, as they are of trials")
    return checked, size
