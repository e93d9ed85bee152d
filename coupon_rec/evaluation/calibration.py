"""Does 1% mean 1 in 100? Calibration of probabilities, measured and corrected."""

from typing import Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, probabilities, require_one_order
from coupon_rec.evaluation.arrays import Ints, checked_p, divide, sum_by
from coupon_rec.evaluation.bootstrap import Resampling, estimate, named_keys
from coupon_rec.odds import Platt, logit

BINS = 10


def calibration_line(y: ArrayLike, p: ArrayLike, weight: ArrayLike | None = None) -> pd.Series:
    """Intercept and slope of the logistic regression of what happened on the predicted logit.

    Parameters, errors and shapes are those of `log_loss`.

    Returns
    -------
    pandas.Series
        intercept (0 if calibrated, in logits) and slope (1 if calibrated; below 1 if the
        probabilities are too extreme, above 1 if they are too timid). Both are ``nan`` where the
        regression has no finite answer: one class, equal probabilities, or classes that a
        threshold on p separates.

    Notes
    -----
    logit P(y = 1) = intercept + slope logit p, by maximum likelihood without a penalty. p is kept
    within 2.2e-16 of 0 and 1. Equal to scikit-learn's ``LogisticRegression`` on logit p.

    Examples
    --------
    >>> calibration_line([0, 1, 0, 1, 1], [0.1, 0.2, 0.6, 0.7, 0.9]).round(2).to_dict()
    {'intercept': 0.52, 'slope': 0.66}
    """
    y, p, weight = checked_p(y, p, weight)
    return pd.Series(fit_line(y, logit(p), weight), ["intercept", "slope"])


def reliability(
    y: ArrayLike,
    p: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    *,
    bins: int = BINS,
    **options: Unpack[Resampling],
) -> pd.DataFrame:
    """Set what was predicted beside what happened, in bins of about equally many offers.

    Parameters
    ----------
    y, p
        As for `log_loss`, and so are the errors.
    users, coupons
        As for `total`.
    bins
        How many quantile bins, 1 or more; equal p's stay together, so there may be fewer.
    **options
        `confidence`, `replicates` and `seed`, as for `evaluate`.

    Returns
    -------
    pandas.DataFrame
        One row a bin, in ascending order: offers (count), predicted (mean p), observed (share
        redeemed), low and high (interval of observed, from the bootstrap over users).

    Examples
    --------
    >>> table = reliability([0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9], users=[1, 2, 1, 2], bins=2)
    >>> table[["offers", "predicted", "observed"]].round(2)
         offers  predicted  observed
    bin
    1         2       0.15       0.5
    2         2       0.85       0.5
    """
    require_one_order(y=y, p=p, users=users, coupons=coupons)
    y, p, _ = checked_p(y, p)
    place, count = quantile_bins(p, bins)

    def measure(cluster: Ints, weights: Floats) -> Floats:
        size, redeemed = (
            weights @ by_cluster(v, cluster, place, weights, count) for v in (np.ones(y.size), y)
        )
        return divide(redeemed, size).T

    offers = np.bincount(place, minlength=count)
    observed = estimate(named_keys(users, coupons), y.size, measure, **options)
    table = pd.DataFrame({"offers": offers, "predicted": sum_by(place, p, count) / offers})
    table = table.join(observed.rename(columns={"value": "observed"}))
    return table.set_index(pd.RangeIndex(1, count + 1, name="bin"))


def ece(y: ArrayLike, p: ArrayLike, *, bins: int = BINS) -> float:
    """Expected calibration error: mean distance between predicted and observed, over bins.

    Parameters, errors and bins are those of `reliability`.

    Returns
    -------
    float
        In [0, 1], lower is better; ``nan`` if there are no offers. Above 0 by chance alone even if
        p is right: compare it with `ece_floor`.

    Notes
    -----
    Sum over bins of (offers in the bin / n) `|mean p - share redeemed|`: Guo et al. (2017), here
    with bins of equally many offers.

    Examples
    --------
    >>> round(ece([0, 1, 0, 1], [0.1, 0.2, 0.8, 0.9], bins=2), 2)
    0.35
    """
    y, p, _ = checked_p(y, p)
    place, count = quantile_bins(p, bins)
    return float(np.abs(sum_by(place, p - y, count)).sum() / y.size) if y.size else float("nan")


def ece_floor(p: ArrayLike, *, bins: int = BINS, replicates: int = 500, seed: int = 0) -> pd.Series:
    """Expected calibration error that p would show if it were exactly right.

    Parameters
    ----------
    p
        Probabilities, shape (n,), in [0, 1].
    bins
        As for `ece`.
    replicates, seed
        How many times labels are drawn from p, and the seed of the draws.

    Returns
    -------
    pandas.Series
        value (mean over the draws), low and high (2.5th and 97.5th percentile). An error below
        high is no sign of miscalibration; one far above value is.

    Notes
    -----
    The labels are drawn independently. A user's redemptions come together, which lifts the true
    floor somewhat.

    Examples
    --------
    >>> floor = ece_floor([0.1] * 100 + [0.2] * 100)
    >>> bool(0 < floor["low"] < floor["value"] < floor["high"])
    True
    """
    p = probabilities("p", p)
    place, count = quantile_bins(p, bins)
    predicted, random = sum_by(place, p, count), np.random.default_rng(seed)
    gaps = [
        np.bincount(place[random.random(p.size) < p], minlength=count) - predicted
        for _ in range(replicates)
    ]
    errors = np.abs(gaps).sum(axis=1) / p.size if p.size else np.full(1, np.nan)
    low, high = np.percentile(errors, [2.5, 97.5])
    return pd.Series({"value": errors.mean(), "low": low, "high": high})


def platt(y: ArrayLike, p: ArrayLike) -> Platt:
    """Learn to recalibrate from validation offers: sigma(intercept + slope logit p).

    Parameters
    ----------
    y, p
        As for `log_loss`; offers that the model was not trained on.

    Returns
    -------
    Platt
        To be called on new probabilities.

    Raises
    ------
    ValueError
        Also if the line has no finite answer (see `calibration_line`) or does not rise.

    Notes
    -----
    Platt scaling (Niculescu-Mizil and Caruana, 2005), on the logit and without smoothed labels.

    Examples
    --------
    >>> y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.6, 0.2, 0.4, 0.8, 0.9]
    >>> recalibrated = platt(y, p)(p)
    >>> calibration_line(y, recalibrated).round(3).to_dict()
    {'intercept': 0.0, 'slope': 1.0}
    """
    intercept, slope = calibration_line(y, p)
    if not slope > 0:
        raise ValueError(
            f"p must rise with y to be recalibrated, but the slope on logit p is {slope:.3g} "
            "(nan: one class, equal p's, or classes that a threshold separates)"
        )
    return Platt(float(intercept), float(slope))


def correct_sampling(p: ArrayLike, kept: float) -> Floats:
    """Undo the effect of training on only some of the offers that were not redeemed.

    Parameters
    ----------
    p
        Probabilities of a model trained on the sample, shape (n,), in [0, 1].
    kept
        Share of the offers without redemption that the sample kept, in (0, 1]; all others stayed.

    Returns
    -------
    numpy.ndarray
        Probabilities for all offers, shape (n,), in the same order as p.

    Raises
    ------
    ValueError
        If p is not in [0, 1] or kept not in (0, 1].

    Notes
    -----
    q = p / (p + (1 - p) / kept), which adds ln kept to the logit: He et al. (2014).

    Examples
    --------
    >>> correct_sampling([0.5, 0.1], kept=0.1).round(3).tolist()
    [0.091, 0.011]
    """
    if not 0 < kept <= 1:
        raise ValueError(f"kept must be in (0, 1], but it is {kept}")
    p = probabilities("p", p)
    return np.asarray(p / (p + (1 - p) / kept))


def quantile_bins(p: Floats, bins: int) -> tuple[Ints, int]:
    """Place each p in a bin, equal ones in the same, and count the bins; none is empty."""
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, but it is {bins}")
    if not p.size:
        return np.empty(0, dtype=np.int64), 0
    edges = np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf")
    used, place = np.unique(np.searchsorted(np.unique(edges), p), return_inverse=True)
    return np.asarray(place), used.size


def by_cluster(values: Floats, cluster: Ints, place: Ints, weights: Floats, bins: int) -> Floats:
    """Sum values by cluster and bin, shape (clusters, bins), for clusters that have weights."""
    clusters = weights.shape[1]
    return sum_by(cluster * bins + place, values, clusters * bins).reshape(clusters, bins)


def resampled_ece(y: Floats, p: Floats, cluster: Ints, weights: Floats) -> Floats:
    """Calibration error under each row of weights, in the bins of all offers."""
    place, count = quantile_bins(p, BINS)
    gap = np.abs(weights @ by_cluster(p - y, cluster, place, weights, count)).sum(axis=1)
    size = weights @ sum_by(cluster, np.ones(y.size), weights.shape[1])
    return divide(gap, size)


def resampled_lines(y: Floats, p: Floats, cluster: Ints, weights: Floats) -> Floats:
    """Intercept and slope under each row of weights, shape (rows, 2)."""
    z = logit(p)
    start = np.nan_to_num(fit_line(y, z, np.ones(y.size)))
    return np.array([fit_line(y, z, weight[cluster], start) for weight in weights])


def fit_line(y: Floats, z: Floats, weight: Floats, start: ArrayLike = (0, 0)) -> Floats:
    """Intercept and slope of the logistic regression of y on z, by Newton's method."""
    counts = weight > 0
    y, z, weight = y[counts], z[counts], weight[counts]
    if _separable(y, z):
        return np.full(2, np.nan)
    middle, scale = z.mean(), z.std()
    columns = np.stack([np.ones(z.size), (z - middle) / scale])
    line = np.array([[1, middle], [0, scale]]) @ start
    step, before = np.zeros(2), np.inf
    for _ in range(100):
        eta = line @ columns
        small = np.exp(-np.abs(eta))
        loss = weight @ (np.log1p(small) + np.maximum(eta, 0) - y * eta)
        if loss > before * (1 + 1e-12):  # too far: go back half of the step
            step /= 2
            line = line - step
            continue
        q, before = np.where(eta < 0, small, 1) / (1 + small), loss
        hessian = (columns * (weight * q * (1 - q))) @ columns.T
        step = np.linalg.solve(hessian, columns @ (weight * (y - q)))
        line = line + step
        if np.abs(step).max() < 1e-7:
            break
    return np.asarray(np.array([[1, -middle / scale], [0, 1 / scale]]) @ line)


def _separable(y: Floats, z: Floats) -> bool:
    """Whether a threshold on z separates the classes, equal z's at the threshold allowed."""
    positive, negative = z[y == 1], z[y == 0]
    if not positive.size or not negative.size:
        return True
    return bool(positive.min() >= negative.max() or positive.max() <= negative.min())
