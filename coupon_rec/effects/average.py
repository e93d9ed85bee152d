"""The average effect of a treatment, weighted for who was likely to get it."""

import numpy as np
import pandas as pd

from coupon_rec.arguments import Floats
from coupon_rec.effects.log import EffectLog


def average_effect(log: EffectLog, *, confidence: float = 0.95) -> pd.DataFrame:
    """Average effect of each treatment against none, with its interval.

    Parameters
    ----------
    log : EffectLog
        An experiment, or a log with propensities.
    confidence : float
        Chance, in (0, 1), that an interval holds the truth.

    Returns
    -------
    pandas.DataFrame
        One row for each treatment: `value` in the unit of the outcome, `low` and `high` (its
        interval), `error` (its standard error), the mean outcomes `without` and `with_it`, `rows`
        that got it, and `effective`, for how many equally weighted rows these count.

    Raises
    ------
    ValueError
        If `confidence` is out of its range.

    Examples
    --------
    Regulars (the first four) buy anyway, and got most of the coupons:

    >>> bought, sent = [1, 1, 1, 1, 0, 0, 1, 0], [1, 1, 1, 0, 0, 0, 1, 0]
    >>> average_effect(EffectLog(bought, sent))["value"].round(2).tolist()
    [0.75]
    >>> chance = [0.75] * 4 + [0.25] * 4
    >>> average_effect(EffectLog(bought, sent, propensity=chance))["value"].round(2).tolist()
    [0.5]

    Notes
    -----
    Difference of two means, each weighted by one over the probability of what the row got: equation
    `eq-weighted`, after Hajek (1971). Without propensities it is the plain difference of means. The
    error is that of its influence function, summed by user.
    """
    rows = {}
    for treatment in range(1, log.treatments + 1):
        value, influence, means = difference(log, treatment, np.ones(len(log)))
        got = log.treatment == treatment
        weight = 1 / log.propensity[got, treatment]
        rows[treatment] = {
            **log.interval(value, influence, confidence),
            "without": means[0],
            "with_it": means[1],
            "rows": int(got.sum()),
            "effective": weight.sum() ** 2 / (weight**2).sum(),
        }
    return pd.DataFrame(rows).T.rename_axis("treatment").astype({"rows": int})


def difference(
    log: EffectLog, treatment: int, counted: Floats
) -> tuple[float, Floats, tuple[float, float]]:
    """The weighted difference of means among rows that count so much, and its influence function.

    Returns
    -------
    value : float
    influence : numpy.ndarray
        Its mean is 0, and its mean over n rows has the error of the value; shape (n,).
    means : tuple of float
        Without the treatment, and with it.
    """
    means, parts = [], []
    for arm in (0, treatment):
        weight = counted * (log.treatment == arm) / log.propensity[:, arm]
        if not weight.sum() > 0:
            raise ValueError(f"no row among those that count got treatment {arm}: take more rows")
        mean = float(weight @ log.outcome / weight.sum())
        means.append(mean)
        parts.append(weight * (log.outcome - mean) / weight.mean())
    return means[1] - means[0], parts[1] - parts[0], (means[0], means[1])
