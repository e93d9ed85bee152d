"""Metrics of all offers together: of their order, of a threshold, of the probabilities."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import Floats
from coupon_rec.evaluation.arrays import Ints, checked, checked_p, divide, sum_by
from coupon_rec.odds import SMALLEST

RATIOS: dict[str, Callable[[Floats, Floats, float], tuple[NDArray[Any], NDArray[Any]]]] = {
    "log loss": lambda y, p, _: (surprise(y, p), np.ones(y.size)),
    "Brier": lambda y, p, _: ((p - y) ** 2, np.ones(y.size)),
    "accuracy at #": lambda y, score, t: (y == (score >= t), np.ones(y.size)),
    "precision at #": lambda y, score, t: (y * (score >= t), score >= t),
    "recall at #": lambda y, score, t: (y * (score >= t), y),
    "F1 at #": lambda y, score, t: (2 * y * (score >= t), y + (score >= t)),
}
"""Metrics that are one sum over the offers by another, from labels, scores and the number #."""

CURVES: dict[str, Callable[[Floats, Floats, float], float]] = {
    "AUC": lambda positive, negative, _: auc_at_thresholds(positive, negative),
    "average precision": lambda positive, negative, _: average_precision_at_thresholds(
        positive, negative
    ),
    "lift at #%": lambda positive, negative, percent: lift_at_thresholds(
        positive, negative, percent / 100
    ),
}
"""Metrics of the weight of either class at each threshold, and of the number #."""


def auc(y: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Chance that a redeemed offer scores higher than one that was not redeemed.

    Parameters
    ----------
    y
        Labels, shape (n,): 1 where the offer was redeemed, 0 where not.
    score
        Finite numbers, shape (n,); higher means likelier. Only their order matters.
    weight
        How often each offer counts, shape (n,), 0 or more; once each if left out.

    Returns
    -------
    float
        In [0, 1], 0.5 for a score that knows nothing; ``nan`` unless both classes carry weight.

    Raises
    ------
    ValueError
        If shapes or the indexes of Series differ, a label is not 0 or 1, a score is not finite or
        a weight is negative.

    Notes
    -----
    P(s+ > s-) + P(s+ = s-) / 2 for a redeemed offer's score s+ and another's s-: a tie counts half.
    Equal to ``sklearn.metrics.roc_auc_score``.

    Examples
    --------
    >>> auc([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4])
    0.75
    """
    return auc_at_thresholds(*_weight_at_thresholds(*checked(y, score, weight)))


def average_precision(y: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Share of redeemed offers among those scored at least as high as a redeemed one, on average.

    Parameters, errors and shapes are those of `auc`.

    Returns
    -------
    float
        In [0, 1], about the share of redeemed offers for a score that knows nothing; ``nan`` if no
        redeemed offer carries weight.

    Notes
    -----
    The sum over thresholds of (recall gained) x (precision), equal scores being one threshold.
    Equal to ``sklearn.metrics.average_precision_score``.

    Examples
    --------
    >>> round(average_precision([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4]), 3)
    0.833
    """
    return average_precision_at_thresholds(*_weight_at_thresholds(*checked(y, score, weight)))


def lift(
    y: ArrayLike, score: ArrayLike, share: float = 0.1, weight: ArrayLike | None = None
) -> float:
    """How many times more redemptions the best-scored share of offers holds than a random share.

    Parameters
    ----------
    y, score, weight
        As for `auc`, and so are the errors.
    share
        Which part of the offers is sent, best first, in (0, 1].

    Returns
    -------
    float
        In [0, 1 / share]; 1 for a score that knows nothing; ``nan`` if no redeemed offer carries
        weight.

    Raises
    ------
    ValueError
        Also if the share is not in (0, 1].

    Notes
    -----
    (share of redemptions found) / share. Where the cut falls among tied offers, they are found in
    proportion: the expected value over every order of the tie.

    Examples
    --------
    >>> lift([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], share=0.25)
    2.0
    """
    check_share(share)
    return lift_at_thresholds(*_weight_at_thresholds(*checked(y, score, weight)), share)


def threshold_metrics(
    y: ArrayLike, score: ArrayLike, threshold: float, weight: ArrayLike | None = None
) -> pd.Series:
    """Accuracy, precision, recall and F1, when offers that reach a threshold are sent.

    Parameters
    ----------
    y, score, weight
        As for `auc`, and so are the errors.
    threshold
        An offer is predicted to be redeemed if its score is at least this.

    Returns
    -------
    pandas.Series
        Each in [0, 1]: accuracy (predicted right; ``nan`` if no offer carries weight), precision
        (redeemed among the sent; ``nan`` if none is sent), recall (sent among the redeemed; ``nan``
        if none is redeemed) and F1 (``nan`` if none is sent and none redeemed).

    Notes
    -----
    F1 = 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall. Equal to the metrics of
    scikit-learn with ``zero_division=nan``.

    Examples
    --------
    >>> threshold_metrics([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], threshold=0.3).to_dict()
    {'accuracy': 0.5, 'precision': 0.5, 'recall': 0.5, 'F1': 0.5}
    """
    y, score, weight = checked(y, score, weight)
    kinds = ("accuracy", "precision", "recall", "F1")
    return pd.Series({k: _ratio(f"{k} at #", y, score, weight, threshold) for k in kinds})


def log_loss(y: ArrayLike, p: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Mean surprise at what happened, in nats: the negative log-likelihood of one offer.

    Parameters, errors and shapes are those of `auc`; ``p`` is a probability, in [0, 1].

    Returns
    -------
    float
        0 or more, lower is better, one class is enough; ``nan`` if no offer carries weight.

    Notes
    -----
    -mean(y log p + (1 - y) log(1 - p)). What happened is given a probability of at least 2.2e-16
    (the machine epsilon of float64), so one certain and wrong prediction costs 36.04.
    Equal to ``sklearn.metrics.log_loss`` on float64.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 3)
    0.693
    """
    return _ratio("log loss", *checked_p(y, p, weight))


def thresholds(y: Floats, score: Floats) -> tuple[Ints, int]:
    """Place every score among the distinct scores of redeemed offers, and count the places.

    Odd places are those scores themselves, even places the gaps between them: how the offers in
    one gap are ordered moves none of the metrics at thresholds.
    """
    cuts = np.unique(score[y == 1])
    place = np.searchsorted(cuts, score, "left") + np.searchsorted(cuts, score, "right")
    return place, 2 * cuts.size + 1


def auc_at_thresholds(positive: Floats, negative: Floats) -> float:
    """AUC from the weight of either class at each threshold, in ascending order."""
    below = negative.cumsum() - negative / 2
    return float(divide((positive * below).sum(), positive.sum() * negative.sum()))


def average_precision_at_thresholds(positive: Floats, negative: Floats) -> float:
    """Average precision from the weight of either class at each threshold, in ascending order."""
    gained = positive[::-1]
    reached, missed = gained.cumsum(), negative[::-1].cumsum()
    hit = gained > 0
    precision = reached[hit] / (reached[hit] + missed[hit])
    return float((gained[hit] * precision).sum() / reached[-1]) if hit.any() else float("nan")


def found_at_thresholds(positive: Floats, negative: Floats, share: ArrayLike) -> Floats:
    """Share of the positive weight found in the best-scored shares of all weight."""
    if not positive.any():
        return np.full(np.shape(share), np.nan)
    sent = np.append(0, (positive + negative)[::-1].cumsum())
    reached = np.append(0, positive[::-1].cumsum())
    return np.asarray(np.interp(np.multiply(share, sent[-1]), sent, reached) / reached[-1])


def lift_at_thresholds(positive: Floats, negative: Floats, share: float) -> float:
    """Share of the positive weight found in the best-scored share of all weight, over that."""
    return float(found_at_thresholds(positive, negative, share) / share)


def surprise(y: Floats, p: Floats) -> Floats:
    """Log loss of each offer."""
    happened: Floats = np.maximum(np.where(y == 1, p, 1 - p), SMALLEST)
    return -np.log(happened)


def check_share(share: float) -> None:
    """Raise a ValueError unless it is a share of the offers."""
    if not 0 < share <= 1:
        raise ValueError(f"a share of the offers must be in (0, 1], but it is {share}")


def _ratio(kind: str, y: Floats, score: Floats, weight: Floats, number: float = 0.0) -> float:
    top, bottom = RATIOS[kind](y, score, number)
    return float(divide(weight @ top, weight @ bottom))


def _weight_at_thresholds(y: Floats, score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    place, places = thresholds(y, score)
    return sum_by(place, weight * y, places), sum_by(place, weight * (1 - y), places)
