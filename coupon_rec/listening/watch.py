"""What an hour of the week usually has, and an alarm that rings when more is negative."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, Mask, require_one_order, require_present
from coupon_rec.listening.labels import Errors
from coupon_rec.monitoring import Cusum

QUIET_WEEKS = 4
MAX_COOLDOWN = 24 * 366


def usual_week(counts: pd.Series) -> pd.Series:
    """Average counts over the weeks, for each hour of the week.

    Parameters
    ----------
    counts : pandas.Series
        One number an hour, indexed by its beginning; a week or more.

    Returns
    -------
    pandas.Series
        Shape (168,), indexed by the hour of the week, from 0 (Monday, 0:00) to 167.

    Raises
    ------
    ValueError
        If an hour of the week never occurs.

    Examples
    --------
    >>> hours = pd.date_range("2026-11-02", periods=2 * 168, freq="h")
    >>> float(usual_week(pd.Series(range(336), hours)).loc[0])
    84.0
    """
    hours = pd.DatetimeIndex(counts.index)
    usual = counts.groupby(hours.day_of_week * 24 + hours.hour).mean()
    if len(usual) < 168:
        raise ValueError(f"the counts cover {len(usual)} of 168 hours of a week: take a whole one")
    return usual


@dataclass(frozen=True)
class Watch:
    """Rings when the share of opinions that are called negative has risen.

    It is the sum of chapter 17, `monitoring.Cusum`; what to expect of an hour is the usual share
    of the opinions that came in it, so more talk alone does not ring.

    Parameters
    ----------
    share : float
        The usual share of opinions called negative, in (0, 1).
    ratio : float
        How many times larger it is after the change that the watch is tuned to; above 1.
    threshold : float
        The evidence at which it rings.
    cooldown : int
        Hours of silence after an alarm; then the sum starts at 0 again.

    Notes
    -----
    Equation `eq-share-step`.

    Examples
    --------
    >>> watch = Watch(share=0.2, ratio=2.0, threshold=3.0)
    >>> watch.alarms([2, 2, 9, 9], [10, 10, 20, 20]).tolist()
    [False, False, False, True]
    """

    share: float
    ratio: float
    threshold: float
    cooldown: int = 24

    def __post_init__(self) -> None:
        if not 0 < self.share < 1 or not self.ratio > 1 or self.cooldown < 0:
            raise ValueError(
                "a watch needs a share in (0, 1), a ratio above 1 and a cooldown of 0 or more "
                f"hours, not {self.share}, {self.ratio} and {self.cooldown}"
            )

    @classmethod
    def tuned(
        cls,
        past: pd.DataFrame,
        *,
        errors: Errors | None = None,
        growth: float = 2.0,
        rate: float = 1.0,
        topics: int = 1,
        cooldown: int = 24,
        paths: int = 300,
        seed: int = 0,
    ) -> "Watch":
        """Set the threshold so that quiet weeks ring at a stated rate.

        Parameters
        ----------
        past : pandas.DataFrame
            `opinions` and `negatives`, a row for each hour, indexed by its beginning: weeks in
            which nothing was wrong, two or more.
        errors : Errors, optional
            Of the labels; none if left out.
        growth : float
            The change it is tuned to: how many times as many negative opinions, above 1.
        rate : float
            False alarms in four weeks, above 0; at most 2.
        topics : int
            How many watches share the rate, each with a part of it; 1 or more.
        cooldown, paths, seed
            Hours of silence after an alarm; quiet four weeks that are drawn, and their seed.

        Raises
        ------
        ValueError
            If a number is outside its range, or the past holds no or only negative opinions.

        Notes
        -----
        Quiet weeks are past days in another order: for each weekday, one of those before it, with
        all of its hours, so that the bursts of a day stay together. The usual share is drawn anew
        for each, since the past could have been other, too.

        Past days in another order hold no day worse than the worst of the past, so they cannot say
        where a small part of the rate would be. It is reached along the tail instead: false alarms
        become rarer by e for each 1 of threshold, or more slowly where opinions come in bursts,
        which rates of 1 and 1/4 tell.
        """
        check_settings(growth, rate, cooldown, seed, paths)
        if topics < 1:
            raise ValueError(f"topics must be 1 or more, not {topics}")
        negatives, opinions, known = quiet_weeks(past, paths, seed)
        count, every = past["negatives"].sum(), past["opinions"].sum()
        errors = errors or Errors()
        before = float(errors.corrected(count, every))
        if not 0 < before < 1:
            raise ValueError(
                f"of {every} past opinions {count} are called negative: a watch needs both kinds, "
                f"and more than the errors {errors} explain, as on sentences like the stream's"
            )
        after = growth * before / (1 + (growth - 1) * before)
        ratio = errors.labeled(after) / errors.labeled(before)
        step = Cusum(ratio).step(negatives, known[:, None] * opinions)
        threshold = threshold_of(step, rate, cooldown)
        if topics > 1:
            once, seldom = (threshold_of(step, each, cooldown) for each in (1.0, 0.25))
            threshold += max(1.0, (seldom - once) / np.log(4)) * np.log(topics)
        return cls(count / every, ratio, threshold, cooldown)

    @property
    def cusum(self) -> Cusum:
        """The sum that grows while the share is higher than usual."""
        return Cusum(self.ratio, self.threshold)

    def sums(self, negatives: ArrayLike, opinions: ArrayLike) -> Floats:
        """The sum after each hour, as if it never rang: shape (..., hours), as the arguments."""
        require_one_order(negatives=negatives, opinions=opinions)
        return self.cusum.path(negatives, self.share * np.asarray(opinions, np.float64))

    def alarms(self, negatives: ArrayLike, opinions: ArrayLike) -> Mask:
        """Whether it rings at the end of each hour: shape (..., hours), as the arguments.

        After an alarm the sum is kept at 0 for `cooldown` hours.
        """
        require_one_order(negatives=negatives, opinions=opinions)
        k, n = np.asarray(negatives, np.float64), np.asarray(opinions, np.float64)
        if k.shape != n.shape or not np.isfinite(k + n).all():
            raise ValueError(f"counts must be finite and alike, not {k.shape} and {n.shape}")
        return ringing(self.cusum.step(k, self.share * n), self.threshold, self.cooldown)


def check_settings(growth: float, rate: float, cooldown: int, seed: int, paths: int = 1) -> None:
    """Refuse what no watch can be tuned with."""
    fit = 1 < growth < np.inf and 0 < rate <= 2 and 0 <= cooldown <= MAX_COOLDOWN
    if not fit or paths < 1 or seed < 0:
        raise ValueError(
            "growth must be above 1, rate in (0, 2] false alarms in four weeks, cooldown 0 to "
            f"{MAX_COOLDOWN} hours, paths 1 or more and seed 0 or more, not {growth}, {rate}, "
            f"{cooldown}, {paths} and {seed}"
        )


def ringing(step: Floats, threshold: float, cooldown: int) -> Mask:
    """Where a sum of these steps, never below 0, reaches the threshold, starting anew after it."""
    total, silent = np.zeros(step.shape[:-1]), np.zeros(step.shape[:-1], np.int64)
    rings: Mask = np.zeros(step.shape, np.bool_)
    for hour in range(step.shape[-1]):
        total = np.where(silent > 0, 0.0, np.maximum(0.0, total + step[..., hour]))
        rings[..., hour] = now = (total >= threshold) & (silent == 0)
        silent = np.where(now, cooldown, np.maximum(silent - 1, 0))
        total = np.where(now, 0.0, total)
    return rings


def threshold_of(step: Floats, rate: float, cooldown: int) -> float:
    """Find where four weeks of these steps, one path a row, ring at a rate."""
    low, high = 0.0, 100.0
    while ringing(step, high, cooldown).sum() / len(step) > rate:
        low, high = high, 2 * high
    for _ in range(20):
        middle = (low + high) / 2
        rings = ringing(step, middle, cooldown).sum() / len(step)
        low, high = (middle, high) if rings > rate else (low, middle)
    return high


def quiet_weeks(past: pd.DataFrame, paths: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Draw four weeks many times from past days, Mondays for Mondays, and what is known of them.

    Returns negatives and opinions, each of shape (paths, 672), and for each path the usual share as
    another past of the same length would have it, shape (paths,).
    """
    require_present(past, ["opinions", "negatives"], "past weeks")
    hours = pd.DatetimeIndex(past.index)
    days = (
        past[["negatives", "opinions"]].groupby(hours.floor("D")).filter(lambda day: len(day) == 24)
    )
    cube = days.to_numpy(np.float64).reshape(-1, 24, 2)
    weekday = pd.DatetimeIndex(days.index[::24]).day_of_week.to_numpy()
    if len(np.unique(weekday)) < 7 or len(weekday) < 14:
        raise ValueError(
            f"the past covers {len(weekday)} whole days: a watch needs two weeks or more"
        )
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(np.flatnonzero(weekday == day), (paths, QUIET_WEEKS)) for day in range(7)]
    order = np.stack(drawn, axis=2).reshape(paths, 7 * QUIET_WEEKS)
    weeks = cube[order].reshape(paths, 7 * QUIET_WEEKS * 24, 2)
    known = cube.sum(axis=1)[rng.choice(len(cube), (paths, len(cube)))].sum(axis=1)
    return weeks[..., 0], weeks[..., 1], known[:, 0] / np.maximum(known[:, 1], 1)
