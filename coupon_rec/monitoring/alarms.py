"""How soon a change shows: sums that grow while promises are not kept, and when they ring."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, numbers, require_one_order


@dataclass(frozen=True)
class Cusum:
    r"""A cumulative sum of evidence that redemptions changed to `ratio` times the promise.

    Parameters
    ----------
    ratio : float
        Observed over expected after the change that it is tuned to: 0.5 for half; above 1 for more
        than promised. Other changes in the same direction are found too, later.
    threshold : float
        The evidence at which it rings, above 0.

    Raises
    ------
    ValueError
        If a number is outside its range.

    Notes
    -----
    Equation `eq-cusum`: each day adds the logarithm of how many times likelier the day's count is
    after the change than before it, and the sum never falls below 0. Where days are alike and
    independent, and the change is to `ratio`, no rule with as long a mean time to a false alarm
    has a shorter longest delay (Moustakides 1986).

    Examples
    --------
    >>> Cusum(0.5, threshold=2.0).alarm([4, 4, 0, 1, 0, 1], [4, 4, 4, 4, 4, 4])
    2
    """

    ratio: float = 0.5
    threshold: float = 5.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio < np.inf or self.ratio == 1:
            raise ValueError(f"ratio must be above 0 and not 1, such as 0.5, not {self.ratio}")
        if not self.threshold > 0:
            raise ValueError(f"threshold must be above 0, not {self.threshold}")

    @classmethod
    def tuned(
        cls, observed: ArrayLike, expected: ArrayLike, ratio: float = 0.5, rate: float = 0.05
    ) -> "Cusum":
        """Set the threshold so that a share `rate` of null paths rings at any time.

        Parameters
        ----------
        observed, expected : array_like
            Of `null_paths`, shape (paths, days).
        ratio, rate : float
            As above; and the share, in (0, 1).
        """
        if not 0 < rate < 1:
            raise ValueError(f"rate must be in (0, 1), such as 0.05, not {rate}")
        highest = cls(ratio).path(observed, expected).max(axis=-1)
        return cls(ratio, max(float(np.quantile(highest, 1 - rate)), 1e-9))

    def step(self, observed: Floats, expected: Floats) -> Floats:
        """The evidence of one day, before it is added: the logarithm of a ratio of likelihoods."""
        evidence: Floats = observed * np.log(self.ratio) + expected * (1 - self.ratio)
        return evidence

    def path(self, observed: ArrayLike, expected: ArrayLike) -> Floats:
        """The sum at the end of each day: shape (..., days), of the same shape as the arguments."""
        require_one_order(observed=observed, expected=expected)
        o, e = np.asarray(observed, np.float64), np.asarray(expected, np.float64)
        if o.shape != e.shape or not (np.isfinite(o).all() and np.isfinite(e).all()):
            raise ValueError(
                f"observed and expected must be finite and alike, not {o.shape} and {e.shape}"
            )
        step = self.step(o, e)
        total = np.zeros(o.shape[:-1])
        path: Floats = np.empty(step.shape)
        for day in range(o.shape[-1]):
            total = np.maximum(0.0, total + step[..., day])
            path[..., day] = total
        return path

    def alarm(self, observed: ArrayLike, expected: ArrayLike) -> int | None:
        """The first day, counted from 0, on which it rings; None if it never does."""
        require_one_order(observed=observed, expected=expected)
        rings = self.path(numbers("observed", observed), numbers("expected", expected))
        days = np.flatnonzero(rings >= self.threshold)
        return int(days[0]) if days.size else None


def null_paths(
    observed: ArrayLike,
    past: int,
    *,
    campaigns: int = 12,
    spread: float = 0.0,
    paths: int = 1000,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Draw futures in which nothing changes, from campaigns in which nothing did.

    Parameters
    ----------
    observed : array_like
        Redemptions of each user in each past campaign on each day, from `daily`, one below the
        other; shape (users of all campaigns, days).
    past : int
        How many campaigns these are, 1 or more.
    campaigns : int
        How many a path has, one after another.
    spread : float
        How far the promises of whole campaigns miss, from `outcomes.spread`.
    paths, seed
        How many, and their seed.

    Returns
    -------
    observed, expected : numpy.ndarray
        Redemptions and expected redemptions a day, shape (paths, campaigns * days).

    Raises
    ------
    ValueError
        If there is no redemption, or a number is outside its range.

    Notes
    -----
    Each past user appears in a campaign of a path a Poisson number of times, 1 / `past` on average,
    with all that they redeemed: so a user's redemptions stay together, and the promise is kept on
    average. Each campaign's promise is then multiplied by a log-normal factor of deviation
    `spread`.

    The level of the promises counts as known. If it was learned from these campaigns, a threshold
    that is set for 5% rings in about 6% with eight campaigns of 100 redemptions, in 8% with three.
    """
    o = np.asarray(observed, np.float64)
    if o.ndim != 2 or not np.isfinite(o).all() or (o < 0).any() or not o.any():
        raise ValueError("observed must be counts of shape (users, days), with a redemption at all")
    if past < 1 or campaigns < 1 or paths < 1 or not 0 <= spread < np.inf:
        raise ValueError("past, campaigns and paths must be 1 or more, and spread 0 or more")
    rng = np.random.default_rng(seed)
    redeemers = o[o.any(axis=1)]
    times = rng.poisson(1 / past, (paths * campaigns, len(redeemers))).astype(np.float32)
    drawn = (times @ redeemers.astype(np.float32)).astype(np.float64)
    factor = np.exp(rng.normal(0.0, spread, (paths * campaigns, 1)))
    promised = factor * redeemers.sum(axis=0) / past
    return drawn.reshape(paths, -1), promised.reshape(paths, -1)
