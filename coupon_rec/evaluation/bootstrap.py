"""Intervals from a bootstrap over users: one user's offers resemble each other."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.evaluation.arrays import Floats, Ints, codes, numbers, sum_by
from coupon_rec.evaluation.metrics import thresholds


def total(
    values: ArrayLike, users: ArrayLike, *, replicates: int = 500, seed: int = 0
) -> pd.Series:
    """Sum of one value per row, with its 95% interval from the bootstrap over users.

    Parameters
    ----------
    values
        Such as profits in currency, shape (n,).
    users
        Whose value it is, shape (n,).
    replicates, seed
        As for `evaluate`.

    Returns
    -------
    pandas.Series
        value, low and high.
    """
    values = numbers("values", values)
    by_user = sum_by(codes("users", users, values.size), values)
    weights = user_weights(by_user.size, replicates, seed)
    low, high = interval((weights @ by_user)[1:])
    return pd.Series({"value": by_user.sum(), "low": low, "high": high})


def user_weights(users: int, replicates: int, seed: int) -> Floats:
    """How often each user counts, shape (1 + replicates, users): once each, then resampled."""
    drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), replicates)
    return np.vstack([np.ones(users), drawn])


def weighted_ratio(top: ArrayLike, bottom: ArrayLike, user: Ints, weights: Floats) -> Floats:
    """Sum of one value of the rows over the sum of another, under each row of user weights."""
    users = weights.shape[1]
    size = weights @ sum_by(user, bottom, users)
    ratio = np.full(len(weights), np.nan)
    np.divide(weights @ sum_by(user, top, users), size, out=ratio, where=size > 0)
    return ratio


def at_thresholds(
    y: Floats,
    score: Floats,
    user: Ints,
    weights: Floats,
    measure: Callable[[Floats, Floats], ArrayLike],
) -> Floats:
    """Measure the weight of either class at each threshold, under each row of user weights."""
    place, places = thresholds(y, score)
    classes = [(place[y == label], user[y == label]) for label in (1, 0)]
    return np.array(
        [measure(*(sum_by(at, weight[who], places) for at, who in classes)) for weight in weights]
    )


def interval(samples: Floats) -> list[float]:
    """From the 2.5th to the 97.5th percentile of the samples that are defined."""
    defined = samples[~np.isnan(samples)]
    return list(np.percentile(defined, [2.5, 97.5])) if defined.size else [np.nan, np.nan]
