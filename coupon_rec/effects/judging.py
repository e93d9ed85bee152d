"""Are promised effects kept? Judged on a log, without knowing the truth."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats
from coupon_rec.effects.log import EffectLog


def best_linear_predictor(
    log: EffectLog, effect: ArrayLike, treatment: ArrayLike = 1, *, confidence: float = 0.95
) -> pd.DataFrame:
    """How far predicted effects explain those that the log shows: a line, with intervals.

    Parameters
    ----------
    log : EffectLog
        n rows whose outcomes did not help to predict the effects.
    effect : array_like
        Predicted effects, in the unit of the outcome; shape (n,).
    treatment : int or array_like
        Of which treatment, or of which one for each row; rows of treatment 0 are left out.
    confidence : float
        As for `average_effect`.

    Returns
    -------
    pandas.DataFrame
        `average`, the average effect, and `slope`, by how much the effect grows where the predicted
        one grows by 1; each with value, low, high and error. A slope of 1 is calibrated; an
        interval of the slope that holds 0 means that the differences may be noise.

    Raises
    ------
    ValueError
        If the effects do not fit the log, are in another order, or do not differ.

    Examples
    --------
    >>> log = EffectLog([1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> line = best_linear_predictor(log, effect=[2, 2, 1, 1, 2, 2, 1, 1])
    >>> line["value"].to_dict()
    {'average': 0.5, 'slope': 1.0}

    Notes
    -----
    Least squares of `EffectLog.signal` on the effect less its mean, equation `eq-blp`: the second
    strategy of Chernozhukov, Demirer, Duflo and Fernandez-Val (2018).
    """
    effect = log.of_rows("effect", effect)
    choice = log.choice("treatment", treatment)
    used = choice > 0
    if not used.any() or np.ptp(effect[used]) == 0:
        raise ValueError("effect must differ between rows: equal effects have no slope")
    signal = log.signal(choice)
    away = np.where(used, effect - effect[used].mean(), 0.0)
    average, slope = signal[used].mean(), away @ signal / (away @ away)
    left = np.where(used, signal - average - slope * away, 0.0)
    intervals = {
        "average": log.interval(average, left / used.mean(), confidence),
        "slope": log.interval(slope, away * left / (away @ away) * len(log), confidence),
    }
    return pd.DataFrame(intervals).T


def policy_value(
    log: EffectLog,
    choice: ArrayLike,
    cost: ArrayLike = 0.0,
    *,
    against: ArrayLike = 0,
    confidence: float = 0.95,
) -> pd.Series:
    """What a policy adds per row, by the log, with its interval.

    Parameters
    ----------
    log : EffectLog
        n rows whose outcomes did not help to make the policy.
    choice : array_like
        The treatment that the policy gives each row, 0 for none; shape (n,).
    cost : array_like
        Cost of giving a treatment, in the unit of the outcome: one number, or one for each
        treatment, shape (K,).
    against : array_like
        Another policy, as `choice`: the value is then the difference of the two. By default,
        nobody gets anything.
    confidence : float
        As for `average_effect`.

    Returns
    -------
    pandas.Series
        value, low, high and error, per row of the log.

    Raises
    ------
    ValueError
        If a choice or the cost does not fit the log, or a choice is in another order.

    Examples
    --------
    >>> log = EffectLog([1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> float(policy_value(log, [1, 1, 0, 0, 1, 1, 0, 0], cost=0.2)["value"].round(2))
    0.4

    Notes
    -----
    The mean of `EffectLog.signal` of the choice, less its cost: equation `eq-policy-value`.
    """
    price = np.asarray(cost, np.float64)
    if price.shape not in ((), (log.treatments,)) or not np.isfinite(price).all():
        raise ValueError(f"cost must be a finite number, or {log.treatments}, not {cost!r}")
    costs = np.concatenate([[0.0], np.broadcast_to(price, log.treatments)])

    def worth(name: str, policy: ArrayLike) -> Floats:
        sent = log.choice(name, policy)
        return np.asarray(log.signal(sent) - costs[sent])

    gained = worth("choice", choice) - worth("against", against)
    value = float(gained.mean())
    return log.interval(value, gained - value, confidence)


def recalibrate(
    log: EffectLog, promised: ArrayLike, choice: ArrayLike, *, confidence: float = 0.95
) -> pd.Series:
    """By what to multiply promised effects so that the chosen rows keep them: kept over promised.

    Parameters
    ----------
    log : EffectLog
        n rows whose outcomes did not help to promise.
    promised : array_like
        Promised effect of the choice of each row, in the unit of the outcome; shape (n,).
    choice : array_like
        The treatment that is chosen for each row, 0 for none; shape (n,).
    confidence : float
        As for `average_effect`.

    Returns
    -------
    pandas.Series
        value, low, high and error. Where low is below 0, the log does not show that anything is
        kept.

    Raises
    ------
    ValueError
        If the arguments do not fit the log or are in another order, or the choice promises nothing.

    Examples
    --------
    >>> log = EffectLog([1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> sent = [1, 1, 0, 0, 1, 1, 0, 0]
    >>> float(recalibrate(log, [2, 2, 0, 0, 2, 2, 0, 0], sent)["value"])
    0.5

    Notes
    -----
    A ratio of two means over the chosen rows, `EffectLog.signal` over promised. Its error is that
    of its linear approximation.
    """
    sent = log.choice("choice", choice)
    promised = np.where(sent > 0, log.of_rows("promised", promised), 0.0)
    if not promised.sum() > 0:
        raise ValueError("promised must add up to more than 0 over the rows that are chosen")
    signal = log.signal(sent)
    factor = float(signal.sum() / promised.sum())
    return log.interval(factor, (signal - factor * promised) / promised.mean(), confidence)
