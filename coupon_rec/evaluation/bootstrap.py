"""Intervals from a bootstrap over clusters of rows: one user's offers resemble each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict, Unpack

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, numbers, require_one_order
from coupon_rec.evaluation.arrays import Ints, divide, numbered, sum_by
from coupon_rec.evaluation.metrics import thresholds

BLOCK = 2**24
"""Most weights held in memory at a time."""


class Resampling(TypedDict, total=False):
    """How intervals are drawn, as for `evaluate`: by default 0.95, 500 and 0."""

    confidence: float
    replicates: int
    seed: int


def total(
    values: ArrayLike,
    users: ArrayLike,
    coupons: ArrayLike | None = None,
    **options: Unpack[Resampling],
) -> pd.Series:
    """Sum of one value per row, with its interval from the bootstrap over users.

    Parameters
    ----------
    values
        Such as profits in currency, shape (n,).
    users
        Whose value it is, shape (n,).
    coupons
        A second cluster of each value, such as its coupon, shape (n,): the interval then allows
        for both, as that of `evaluate` does.
    **options
        `confidence`, `replicates` and `seed`, as for `evaluate`.

    Returns
    -------
    pandas.Series
        value, low and high.

    Raises
    ------
    ValueError
        If the arguments differ in shape or in their index, or a value is missing.

    Examples
    --------
    >>> total([1.0, 2.0, 4.0, 5.0], users=["a", "a", "b", "c"]).to_dict()
    {'value': 12.0, 'low': 9.0, 'high': 15.0}
    """
    require_one_order(values=values, users=users, coupons=coupons)
    values = numbers("values", values)
    return (
        estimate(
            named_keys(users, coupons),
            values.size,
            lambda cluster, weights: [weights @ sum_by(cluster, values)],
            **options,
        )
        .iloc[0]
        .rename(None)
    )


def from_sums(
    values: pd.DataFrame,
    users: ArrayLike,
    formula: Callable[[pd.DataFrame], pd.Series],
    coupons: ArrayLike | None = None,
    **options: Unpack[Resampling],
) -> pd.Series:
    """Compute a number from sums over the rows, such as a ratio, with its interval.

    Parameters
    ----------
    values
        One column for each sum, n rows.
    users
        Whose row it is, shape (n,).
    formula
        Takes a table of sums, with the columns of ``values`` and one row a resample, and gives
        one number for each of its rows.
    coupons, **options
        As for `total`, and so are the errors.

    Returns
    -------
    pandas.Series
        value, low and high. Resamples where the formula gives no finite number are left out.

    Examples
    --------
    How many times more redemptions were promised than kept:

    >>> offers = pd.DataFrame({"p": [0.5, 0.3, 0.8, 0.4], "redeemed": [0, 0, 1, 1]})
    >>> users = ["a", "a", "b", "c"]
    >>> from_sums(offers, users, lambda sums: sums["p"] / sums["redeemed"]).round(2).to_dict()
    {'value': 1.0, 'low': 0.4, 'high': 2.4}
    """
    require_one_order(values=values, users=users, coupons=coupons)
    columns = {name: numbers(f"values[{name!r}]", values[name]) for name in values}

    def measure(cluster: Ints, weights: Floats) -> Floats:
        sums = {name: weights @ sum_by(cluster, column) for name, column in columns.items()}
        results = np.asarray([formula(pd.DataFrame(sums))], dtype=np.float64)
        return np.where(np.isfinite(results), results, np.nan)

    return (
        estimate(named_keys(users, coupons), len(values), measure, **options).iloc[0].rename(None)
    )


def estimate(
    keys: Mapping[str, ArrayLike],
    size: int,
    measure: Callable[[Ints, Floats], ArrayLike],
    *,
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure m numbers, as `resample` takes them: a row each, with value, low and high."""
    samples = resample(clusterings(keys, size, seed), replicates, measure)
    rows = [[each[0, 0], *interval(each, confidence)] for each in np.moveaxis(samples, 1, 0)]
    return pd.DataFrame(rows, columns=["value", "low", "high"], dtype=float)


class Clusters(NamedTuple):
    """One way to cluster the rows: the cluster of each, counted from 0, and a seed to draw them."""

    of_row: Ints
    seed: Sequence[int] | int

    def weights(self, replicates: int) -> Iterator[Floats]:
        """How often each cluster counts: once each, then as drawn; a block of resamples each."""
        size = int(self.of_row.max(initial=0)) + 1
        random, chance = np.random.default_rng(self.seed), np.full(size, 1 / size)
        step = max(1, BLOCK // size)
        for start in range(0, 1 + replicates, step):
            plain = int(start == 0)
            drawn = random.multinomial(size, chance, min(step, 1 + replicates - start) - plain)
            yield np.vstack([np.ones((plain, size)), drawn])


def named_keys(users: ArrayLike, coupons: ArrayLike | None) -> dict[str, ArrayLike]:
    """Name the keys that rows are clustered by."""
    return {"users": users} if coupons is None else {"users": users, "coupons": coupons}


def clusterings(keys: Mapping[str, ArrayLike], size: int, seed: int) -> list[Clusters]:
    """Cluster rows by one key or, for `interval` to put together, by each of two and by both."""
    numbers = [numbered(name, key, size) for name, key in keys.items()]
    if len(numbers) == 1:
        return [Clusters(numbers[0], seed)]
    first, second = numbers
    pairs = first * (second.max(initial=0) + 1) + second
    both = np.unique(pairs, return_inverse=True)[1]
    return [Clusters(first, seed), Clusters(second, [seed, 1]), Clusters(both, [seed, 2])]


def resample(
    clusters: Sequence[Clusters], replicates: int, measure: Callable[[Ints, Floats], ArrayLike]
) -> Floats:
    """Measure something in all rows and in each resample.

    Parameters
    ----------
    clusters
        From `clusterings`.
    measure
        From the cluster of each row and weights of clusters, shape (w, clusters), to an array of
        shape (..., w).

    Returns
    -------
    numpy.ndarray
        Shape (clusterings, ..., 1 + replicates), where the first of the last axis is all rows.
    """
    return np.stack(
        [
            np.concatenate(
                [np.asarray(measure(each.of_row, some)) for some in each.weights(replicates)], -1
            )
            for each in clusters
        ]
    )


def interval(samples: Floats, confidence: float) -> list[float]:
    """Ends of the interval that leaves out equally many samples on either side.

    Parameters
    ----------
    samples
        From `resample`, shape (clusterings, 1 + replicates); ``nan`` is left out.
    confidence
        In (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), such as 0.95, but it is {confidence}")
    drawn = samples[0, 1:] if len(samples) == 1 else _two_way(samples)
    defined = drawn[~np.isnan(drawn)]
    high = 50 * (1 + confidence)
    return list(np.percentile(defined, [100 - high, high])) if defined.size else [np.nan, np.nan]


def _two_way(samples: Floats) -> Floats:
    """Samples that spread as two-way clusters do, from those of each clustering and of both."""
    away = samples[:, 1:] - samples[:, :1]
    away = away[:, ~np.isnan(away).any(axis=0)]
    if not away.size:
        return np.empty(0)
    first, second, both = away.var(axis=1)
    wanted, added = max(first + second - both, first, second), first + second
    scale = np.sqrt(wanted / added) if added > 0 else 1.0
    return np.asarray(samples[0, 0] + scale * (away[0] + away[1]))


def weighted_ratio(top: ArrayLike, bottom: ArrayLike, cluster: Ints, weights: Floats) -> Floats:
    """Sum of one value of the rows over the sum of another, under each row of weights."""
    clusters = weights.shape[1]
    return divide(*(weights @ sum_by(cluster, each, clusters) for each in (top, bottom)))


def at_thresholds(
    y: Floats,
    score: Floats,
    cluster: Ints,
    weights: Floats,
    measure: Callable[[Floats, Floats], ArrayLike],
) -> Floats:
    """Measure the weight of either class at each threshold, under each row of weights.

    The result has the shape of a measure, then one axis for the rows of weights.
    """
    place, places = thresholds(y, score)
    classes = [(place[y == label], cluster[y == label]) for label in (1, 0)]
    return np.array(
        [measure(*(sum_by(at, weight[who], places) for at, who in classes)) for weight in weights]
    ).T
