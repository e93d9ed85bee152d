"""The average effect of a treatment, weighted for who was likely to get it."""

import numpy as np
import pandas as pd

from coupon_rec.arguments import Floats
from coupon_rec.effects.log import EffectLog, interval
from coupon_rec.evaluation.arrays import sum_by

TINY = float(np.finfo(np.float64).tiny)


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
        If `confidence` is out of its range, or the rows with a treatment, or with none, are those
        of a single user.

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
    error is that of its influence function, summed by user. Each mean has its own correction for
    few users, and Student's degrees of freedom are those of Welch and Satterthwaite, at most one
    less than users.
    """
    rows = {}
    for treatment in range(1, log.treatments + 1):
        estimate, means = difference(log, treatment, np.ones(len(log)), confidence)
        got = log.treatment == treatment
        weight = 1 / log.propensity[got, treatment]
        rows[treatment] = {
            **estimate,
            "without": means[0],
            "with_it": means[1],
            "rows": int(got.sum()),
            "effective": weight.sum() ** 2 / (weight**2).sum(),
        }
    return pd.DataFrame(rows).T.rename_axis("treatment").astype({"rows": int})


def difference(
    log: EffectLog, treatment: int, counted: Floats, confidence: float
) -> tuple[pd.Series, tuple[float, float]]:
    """The weighted difference of means among rows that count so much.

    Returns
    -------
    found : pandas.Series
        Its value, low, high and error.
    means : tuple of float
        Without the treatment, and with it.
    """
    means, parts, sizes = [], [], []
    for arm in (0, treatment):
        weight = counted * (log.treatment == arm) / log.propensity[:, arm]
        sizes.append(len(np.unique(log.cluster[weight > 0])))
        if sizes[-1] < 2:
            raise ValueError(
                f"of {sizes[-1]} users a row counts that got treatment {arm}, and an interval "
                "needs two: take more rows, or leave the treatment out"
            )
        means.append(float(weight @ log.outcome / weight.sum()))
        parts.append(sum_by(log.cluster, weight * (log.outcome - means[-1])) / weight.sum())
    users, alone = np.array(sizes), (np.array(parts) ** 2).sum(axis=1)
    raised = alone * users / (users - 1)
    together = ((parts[1] - parts[0]) ** 2).sum() * raised.sum() / max(alone.sum(), TINY)
    free = raised.sum() ** 2 / max((raised**2 / (users - 1)).sum(), TINY)
    free = np.clip(free, 1, log.cluster.max())
    estimate = interval(means[1] - means[0], float(np.sqrt(together)), free, confidence)
    return estimate, (means[0], means[1])
