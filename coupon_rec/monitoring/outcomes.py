"""Promised and kept: observed over expected redemptions, while the labels are still young."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import Floats, numbers, probabilities, require, require_one_order


@dataclass(frozen=True)
class Maturity:
    r"""Which share of a campaign's redemptions is known after a part of its time.

    Parameters
    ----------
    ages : tuple of numpy.ndarray
        For each campaign that is over, the ages of its redemptions: days since its start, or the
        share of its days that had passed, in (0, 1]. Use the same for all.

    Raises
    ------
    ValueError
        If there is no redemption, or an age is not finite.

    Notes
    -----
    Equation `eq-maturity`.

    Examples
    --------
    >>> known = Maturity.of([0.1, 0.2, 0.4, 0.5, 1.0], campaigns=[1, 1, 1, 2, 2])
    >>> known(0.4)
    0.6
    """

    ages: tuple[Floats, ...]

    @classmethod
    def of(cls, ages: ArrayLike, campaigns: ArrayLike) -> "Maturity":
        """Learn from redemptions, each with its age and its campaign; shapes (n,)."""
        require_one_order(ages=ages, campaigns=campaigns)
        age = numbers("ages", ages)
        if not age.size:
            raise ValueError("there are no redemptions: take those of campaigns that are over")
        code = np.unique(np.asarray(campaigns), return_inverse=True)[1]
        return cls(tuple(age[code == k] for k in range(code.max() + 1)))

    def __call__(self, age: float) -> float:
        """The share known by an age, in [0, 1]."""
        return float((np.concatenate(self.ages) <= age).mean())

    def spread(self, age: float) -> float:
        """How far single campaigns were from that share: a standard deviation, relative to it.

        Chance within each past campaign is part of it, so with few redemptions a campaign it is
        larger than need be. Infinite where nothing was known by then.
        """
        share = self(age)
        own = np.array([(ages <= age).mean() for ages in self.ages])
        weights = [len(ages) for ages in self.ages]
        if share == 0:
            return np.inf
        return float(np.sqrt(np.average((own / share - 1) ** 2, weights=weights)))

    def curve(self, days: int) -> Floats:
        """The share known by the end of each day, for ages in days from 0 on; shape (days,)."""
        return np.array([self(day) for day in range(days)])


def observed_expected(
    redeemed: ArrayLike,
    p: ArrayLike,
    users: ArrayLike,
    *,
    known: float = 1.0,
    known_spread: float = 0.0,
    design_effect: float = 1.0,
    confidence: float = 0.95,
) -> pd.Series:
    r"""Compare the redemptions that came with those that were promised.

    Parameters
    ----------
    redeemed, p, users : array_like
        Of each offer that was made: whether it is redeemed so far, 0 or 1; the promised
        probability; whose offer it is. Shapes (n,).
    known : float
        Share of the redemptions that should be known by now, in (0, 1]: `Maturity` gives it.
    known_spread : float
        How uncertain that share is, relative to it, 0 or more, up to infinity: `Maturity.spread`.
    design_effect : float
        What it is at least, 1 or more: that of the past, where few users redeem.
    confidence : float
        Of the interval, in (0, 1).

    Returns
    -------
    pandas.Series
        `observed`; `expected` by now; their `ratio` with `low` and `high`; and `design_effect`,
        how many times larger the variance is than that of independent offers, because users
        differ: as these offers have it (1 with one user, who cannot tell).

    Raises
    ------
    ValueError
        If the arguments differ in shape or in their index, a label is not 0 or 1, `p` is no
        probability, nothing is expected, or a number is outside its range.

    Notes
    -----
    Equations `eq-oe`, `eq-design-effect` (times G / (G - 1) for G users) and `eq-oe-interval`. The
    interval is symmetric on the logarithm of the ratio, and the design effect in it is the larger
    of the one measured and the one given. Fewer than about ten users who redeem cannot say how
    much users clump: give the past's, or the interval is too short. Where nothing was redeemed, it
    runs from 0 to what would give nothing in one case of forty (for 95%), if redemptions come in
    clumps as large as the design effect given.

    Examples
    --------
    >>> found = observed_expected([1, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], users=[1, 2, 3, 4], known=0.5)
    >>> found[["observed", "expected", "ratio"]].to_dict()
    {'observed': 2.0, 'expected': 1.0, 'ratio': 2.0}
    """
    require_one_order(redeemed=redeemed, p=p, users=users)
    y = numbers("redeemed", redeemed)
    require("redeemed", y, (y == 0) | (y == 1), "0 or 1")
    promised = probabilities("p", p, y.size)
    if not 0 < known <= 1:
        raise ValueError(f"known must be in (0, 1], not {known}: nothing can be known yet")
    if known_spread < 0:
        raise ValueError(f"known_spread must be 0 or more, not {known_spread}")
    if not 1 <= design_effect < np.inf:
        raise ValueError(f"design_effect must be 1 or more, not {design_effect}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), such as 0.95, not {confidence}")
    code = np.unique(np.asarray(users), return_inverse=True)[1]
    if code.shape != y.shape:
        raise ValueError(f"users must have shape ({y.size},), not {code.shape}")
    expected = known * promised
    if not expected.sum() > 0:
        raise ValueError("nothing is expected: every p is 0, or there are no offers")
    observed, ratio = y.sum(), y.sum() / expected.sum()
    effect = _design_effect(y, expected, code, ratio)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    if observed:
        away = z * np.sqrt(max(effect, design_effect) / observed + known_spread**2)
        low, high = ratio * np.exp(-away), ratio * np.exp(away)
    else:
        most = -np.log((1 - confidence) / 2) * design_effect / expected.sum()
        low, high = 0.0, most * np.exp(z * known_spread)
    return pd.Series(
        {
            "observed": observed,
            "expected": expected.sum(),
            "ratio": ratio,
            "low": low,
            "high": high,
            "design_effect": effect,
        }
    )


def _design_effect(y: Floats, expected: Floats, code: NDArray[np.intp], ratio: float) -> float:
    """Variance by user over that of independent offers; 1 where there is nothing to measure it."""
    fitted = np.minimum(ratio * expected, 1.0)
    independent = (fitted * (1 - fitted)).sum()
    by_user = np.bincount(code, y - fitted)
    users = np.count_nonzero(np.bincount(code, expected))
    if users < 2 or not independent > 0:
        return 1.0
    return float((by_user**2).sum() / independent * users / (users - 1))


def daily(
    users: ArrayLike, p: ArrayLike, day: ArrayLike, known: ArrayLike
) -> tuple[Floats, Floats]:
    """Lay a campaign out by user and day: what came, and what should have.

    Parameters
    ----------
    users, p, day : array_like
        Of each offer made: whose it is, its promised probability, and the day of the campaign, from
        0 on, on which it was redeemed, or NaN. Shapes (n,).
    known : array_like
        Share of the redemptions known by the end of each day: `Maturity.curve`; shape (days,).

    Returns
    -------
    observed, expected : numpy.ndarray
        Redemptions of each user on each day, and the expected number; shape (users, days).

    Raises
    ------
    ValueError
        If the arguments differ in shape or in their index, or a redemption is on a day that the
        campaign has not.
    """
    require_one_order(users=users, p=p, day=day)
    promised = probabilities("p", p)
    when = np.asarray(day, np.float64)
    share = numbers("known", known)
    code = np.unique(np.asarray(users), return_inverse=True)[1]
    if not when.shape == code.shape == promised.shape:
        raise ValueError(f"users, p and day have {code.shape}, {promised.shape} and {when.shape}")
    used = ~np.isnan(when)
    require("day", when[used], (when[used] >= 0) & (when[used] < share.size), "a day of `known`")
    observed = np.zeros((code.max(initial=-1) + 1, share.size))
    np.add.at(observed, (code[used], when[used].astype(int)), 1)
    expected = np.bincount(code, promised)[:, None] * np.diff(share, prepend=0.0)
    return observed, expected


def spread(observed: ArrayLike, expected: ArrayLike, design_effect: float = 1.0) -> float:
    """Measure how far the promises of whole campaigns miss, beyond what chance explains.

    Parameters
    ----------
    observed, expected : array_like
        Of each past campaign, two or more, above 0.
    design_effect : float
        As `observed_expected` gives it.

    Returns
    -------
    float
        Standard deviation of the logarithm of observed over expected, less that of chance; 0 or
        more.

    Raises
    ------
    ValueError
        If there are fewer than two campaigns, or a number is not above 0.

    Examples
    --------
    >>> print(f"{spread([100, 140, 70], [100, 100, 100]):.2f}")
    0.33
    """
    require_one_order(observed=observed, expected=expected)
    o, e = numbers("observed", observed), numbers("expected", expected)
    if o.size < 2 or o.shape != e.shape:
        raise ValueError(f"there are {o.size} and {e.size} campaigns: two or more, as many of each")
    require("observed", o, o > 0, "above 0")
    require("expected", e, e > 0, "above 0")
    return float(np.sqrt(max(0.0, np.log(o / e).var(ddof=1) - (design_effect / o).mean())))
