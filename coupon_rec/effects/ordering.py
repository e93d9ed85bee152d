"""Does a score put those first whom a treatment moves? Qini, and uplift among the best-scored."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.sparse import coo_array

from coupon_rec.arguments import Floats
from coupon_rec.effects.average import difference
from coupon_rec.effects.log import EffectLog
from coupon_rec.evaluation.arrays import Ints
from coupon_rec.evaluation.bootstrap import Clusters, interval

STEPS = 200
"""Into so many groups of about equal size a curve cuts the rows; equal scores stay together."""


@dataclass(frozen=True)
class Qini:
    """What treating the best-scored first brings.

    Attributes
    ----------
    curve : pandas.DataFrame
        Indexed by the share of rows that is treated, from 0 to 1: `gain` in outcome per row of the
        log, treated or not, `low` and `high`.
    coefficient, low, high : float
        Area between the curve and the straight line to its end, which a random order follows, in
        outcome per row; and its interval.
    normalized : float
        The same as a share of the largest area that any order of these rows could have: at most 1.
        It depends on the score and the log alone, and serves to compare scores on one log.
    """

    curve: pd.DataFrame
    coefficient: float
    low: float
    high: float
    normalized: float


def qini(
    log: EffectLog,
    score: ArrayLike,
    treatment: int = 1,
    *,
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> Qini:
    """Draw up the Qini curve of a score: what is gained by treating the best-scored first.

    Parameters
    ----------
    log : EffectLog
        n rows whose outcomes did not help to make the score.
    score : array_like
        Finite numbers, shape (n,); higher is treated first, and equal scores together.
    treatment : int
        Which treatment, 1 to K, against none.
    confidence, replicates, seed
        As for `coupon_rec.evaluation.evaluate`; whole users are resampled.

    Returns
    -------
    Qini

    Raises
    ------
    ValueError
        If the score does not fit the log or is in another order, or there is no such treatment.

    Examples
    --------
    Treatment moves the first two rows of each kind and not the others:

    >>> log = EffectLog([1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> found = qini(log, score=[2, 2, 1, 1, 2, 2, 1, 1])
    >>> found.curve["gain"].loc[[0.0, 0.5, 1.0]].tolist()
    [0.0, 0.5, 0.5]
    >>> found.coefficient
    0.125

    Notes
    -----
    gain(q) is the sum of `EffectLog.signal` over the best-scored share q, divided by n: equation
    `eq-qini`. Radcliffe's (2007) curve, with propensities in place of group sizes.
    """
    score = log.of_rows("score", score)
    signal = log.signal(_numbered(log, treatment))
    order = _groups(-score)
    shape = (int(log.cluster.max()) + 1, int(order.max()) + 1)
    sums = [coo_array((v, (log.cluster, order)), shape).tocsr() for v in (signal, signal * 0 + 1)]
    shares = np.linspace(0, 1, 101)
    gains, areas = [], []
    for weights in Clusters(log.cluster, seed).weights(replicates):
        gain, count = (np.cumsum(weights @ each, axis=1) for each in sums)
        for y, x in zip(gain, count, strict=True):
            x, y = np.insert(x, 0, 0) / x[-1], np.insert(y, 0, 0) / x[-1]
            gains.append(np.interp(shares, x, y))
            areas.append(_area(x, y))
    ends = np.array([interval(each[None], confidence) for each in np.array(gains).T])
    curve = pd.DataFrame({"gain": gains[0], "low": ends[:, 0], "high": ends[:, 1]})
    low, high = interval(np.array(areas)[None], confidence)
    best = np.insert(np.cumsum(np.sort(signal)[::-1]), 0, 0) / len(log)
    most = _area(np.linspace(0, 1, len(best)), best)
    share = areas[0] / most if most > 0 else 0.0
    return Qini(
        curve.set_index(pd.Index(shares.round(2), name="share")), areas[0], low, high, share
    )


def uplift_at(
    log: EffectLog,
    score: ArrayLike,
    share: float,
    treatment: int = 1,
    *,
    confidence: float = 0.95,
) -> pd.Series:
    """Average effect among the best-scored share of the rows, with its interval.

    Parameters
    ----------
    log, score, treatment
        As for `qini`, and so are the errors; among the rows that count, two users or more must
        have got the treatment, and two none.
    share : float
        Of the rows, in (0, 1]. Rows that tie across the cut count in part.
    confidence : float
        As for `average_effect`.

    Returns
    -------
    pandas.Series
        value, low, high and error.

    Examples
    --------
    >>> log = EffectLog([1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0])
    >>> float(uplift_at(log, [2, 2, 1, 1, 2, 2, 1, 1], share=0.5)["value"])
    1.0
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be in (0, 1], such as 0.1, but it is {share}")
    score = log.of_rows("score", score)
    cut = -np.sort(-score)[int(np.ceil(share * len(log))) - 1]
    above, tied = score > cut, score == cut
    counted = above + tied * (share * len(log) - above.sum()) / tied.sum()
    return difference(log, _numbered(log, treatment), counted, confidence)[0]


def _numbered(log: EffectLog, treatment: int) -> int:
    if treatment not in range(1, log.treatments + 1):
        raise ValueError(f"treatment must be 1 to {log.treatments}, not {treatment}")
    return treatment


def _groups(values: Floats) -> Ints:
    """Number about equally large groups of rows from the lowest value on; ties stay together."""
    edges = np.unique(values)
    if len(edges) > STEPS:
        edges = np.unique(np.quantile(values, np.arange(1, STEPS + 1) / STEPS, method="higher"))
    return np.unique(np.searchsorted(edges, values), return_inverse=True)[1]


def _area(x: Floats, y: Floats) -> float:
    """Area between a curve from (0, 0) and the straight line to its end at x = 1."""
    return float(np.trapezoid(y, x) - y[-1] / 2)
