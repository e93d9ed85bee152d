"""Metrics of offers by slice, with intervals from a bootstrap over users, or users and coupons."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, require, require_one_order
from coupon_rec.evaluation.arrays import Ints, checked
from coupon_rec.evaluation.bootstrap import (
    at_thresholds,
    clusterings,
    interval,
    resample,
    weighted_ratio,
)
from coupon_rec.evaluation.calibration import resampled_ece, resampled_lines
from coupon_rec.evaluation.metrics import CURVES, RATIOS, check_share
from coupon_rec.evaluation.ranking import OF_LISTS
from coupon_rec.evaluation.slices import cut

DEFAULT = ("AUC", "average precision", "log loss", "NDCG@10")
LINES = ("calibration intercept", "calibration slope")
OF_PROBABILITIES = {"log loss", "Brier", "ECE", *LINES}

Chosen = Mapping[str, tuple[str, float]]


def evaluate(
    offers: pd.DataFrame,
    p: ArrayLike,
    *,
    label: str = "redeemed",
    probability: bool = True,
    metrics: Sequence[str] | None = None,
    slices: Mapping[str, ArrayLike] | None = None,
    clusters: Sequence[str] = ("user_id",),
    confidence: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Score a model on all offers, and on those of campaign types B and C alone.

    Type A is set apart because the data does not say which of its coupons a user was sent.

    Parameters
    ----------
    offers
        One row per offer, with columns user_id, campaign_id, the label and the clusters, and
        campaign_type unless ``slices`` are given.
    p
        Probability that the label is 1, of each row, shape (n,), in the order of ``offers``; or
        one column for each seed of a model, shape (n, seeds): the metric is then the mean over
        the seeds, and each resample draws seeds too, so that the interval knows of their chance.
    label
        Column of what is predicted, 0 or 1: "redeemed", or for example "bought".
    probability
        False if ``p`` is a score that only ranks, such as a count; log loss is then left out.
    metrics
        Names of metrics, in the order of the table; "AUC", "average precision", "log loss" and
        "NDCG@10" if left out. Also "Brier" (mean squared distance of ``p`` from the label);
        "ECE" (10 bins), "calibration intercept" and "calibration slope"; with a threshold on
        ``p``, such as 0.02, "accuracy at 0.02", "precision at 0.02", "recall at 0.02" and
        "F1 at 0.02"; of the best-scored tenth, "lift at 10%"; within user and campaign, "NDCG@5",
        "recall@5", "hit rate@5" (share of lists with a redemption in their first 5) and "MRR"
        (mean of 1 / rank of a list's first redemption).
    slices
        By name, True for the offers of the slice, shape (n,), such as those of `usual_slices`. If
        left out, "all" and, unless no campaign is of these types, "B and C".
    clusters
        One column or two whose values mark offers that resemble each other. By default offers of
        one user do; with ("user_id", "coupon_id"), those of one coupon do too, and the intervals
        say how sure the metric is for other users *and* other coupons.
    confidence
        Chance, in (0, 1), that an interval holds the truth.
    replicates, seed
        Number of resamples behind each interval, and their seed.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and metric, with columns value, low and high (the interval), offers, and
        the label (counts). All metrics of an empty slice are ``nan``.

    Raises
    ------
    ValueError
        If there are no offers, ``offers`` lacks a column or a value, ``p`` does not fit it, is not
        finite or, unless ``probability`` is False, not in [0, 1], a metric is unknown or needs a
        probability that ``p`` is not, or a slice does not fit ``offers``.

    Notes
    -----
    A replicate draws, with replacement, as many users of the slice as there are, each with all of
    their offers: ``numpy.random.default_rng(seed).multinomial``, over users in ascending order.
    The interval runs from the 2.5th to the 97.5th percentile. A replicate without a redeemed offer
    leaves some metrics undefined and is left out of theirs: with fewer than ten or so redeeming
    users, take the interval as a rough guide. The same holds for ECE, which every resample
    inflates: see `ece_floor`. Each slice is judged by itself: its lists hold only its own offers.
    The calibration line is fitted anew to each resample, which takes seconds where all else takes a
    fraction.

    With two clusters, users and coupons say, the offers are drawn by user, by coupon, and by pairs
    of both, and the variance is V(user) + V(coupon) - V(pair): Cameron, Gelbach and Miller (2011),
    with bootstrap variances in place of their formula, and never less than V(user) or V(coupon).
    The interval holds the percentiles of the value plus what a draw of users and a draw of coupons
    change, shrunk together to that variance. A draw of users *times* a draw of coupons, the
    pigeonhole bootstrap of Owen (2007), would be simpler but counts the noise of single offers
    three times: with rare redemptions its intervals are up to 1.7 times too wide. A list, as of
    NDCG, counts as often as its redeemed offers do. With fewer than some forty coupons, an interval
    is somewhat too narrow, as with few users.

    Examples
    --------
    >>> offers = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 2, 2, 3, 3],
    ...         "coupon_id": [7, 8, 7, 8, 7, 8],
    ...         "campaign_id": 1,
    ...         "campaign_type": "B",
    ...         "redeemed": [0, 1, 0, 0, 0, 1],
    ...     }
    ... )
    >>> p = [0.1, 0.6, 0.2, 0.3, 0.2, 0.5]
    >>> both = ("user_id", "coupon_id")
    >>> table = evaluate(offers, p, metrics=["log loss", "MRR"], clusters=both)
    >>> table.loc["all"].round(2)
              value   low  high  offers  redeemed
    metric
    log loss   0.35  0.14  0.56       6         2
    MRR        1.00  1.00  1.00       6         2
    """
    scores = {"p": p}
    rows = {}
    for place, part, samples in _measured(
        offers, scores, label, probability, metrics, slices, clusters, replicates, seed
    ):
        counts = len(part), int(part[label].sum())
        rows[place] = [samples[0, 0, 0], *interval(samples[:, 0], confidence), *counts]
    return _table(rows, "value", "low", "high", "offers", label)


def compare(
    offers: pd.DataFrame,
    p_a: ArrayLike,
    p_b: ArrayLike,
    *,
    confidence: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Measure by how much scorer a differs from scorer b on the same offers.

    The interval is paired: both meet the same resamples, so what makes a user hard for both
    cancels. Two intervals of `evaluate` that overlap do not say that there is no difference.

    Parameters
    ----------
    p_a, p_b
        Probability of redemption of each row by either scorer, shape (n,) or (n, seeds).
    offers, confidence, **options
        As for `evaluate`, with all its keywords, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and metric, with columns a, b, difference (a - b), low and high (interval
        of the difference). Above 0, a is better; for log loss, Brier and ECE, below 0.
        The calibration line has no better direction: its goal is intercept 0 and slope 1.

    Examples
    --------
    >>> offers = pd.DataFrame({"user_id": [1, 1, 2, 2, 3, 3], "campaign_id": 1})
    >>> offers = offers.assign(campaign_type="B", redeemed=[0, 1, 0, 0, 0, 1])
    >>> better, worse = [0.1, 0.6, 0.2, 0.3, 0.2, 0.5], [0.3] * 6
    >>> table = compare(offers, better, worse, metrics=["log loss"])
    >>> table.loc["all"].round(2)
                 a     b  difference   low  high
    metric
    log loss  0.35  0.64       -0.29 -0.47 -0.07
    """
    rows = {}
    for place, _, samples in _measured(offers, {"p_a": p_a, "p_b": p_b}, **options):
        gap = samples[:, 0] - samples[:, 1]
        rows[place] = [*samples[0, :, 0], gap[0, 0], *interval(gap, confidence)]
    return _table(rows, "a", "b", "difference", "low", "high")


def _table(rows: Mapping[tuple[str, str], Sequence[float]], *columns: str) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "metric"])
    return pd.DataFrame(list(rows.values()), index, columns)


def _measured(
    offers: pd.DataFrame,
    scores: Mapping[str, ArrayLike],
    label: str = "redeemed",
    probability: bool = True,
    metrics: Sequence[str] | None = None,
    slices: Mapping[str, ArrayLike] | None = None,
    clusters: Sequence[str] = ("user_id",),
    replicates: int = 500,
    seed: int = 0,
) -> Iterator[tuple[tuple[str, str], pd.DataFrame, Floats]]:
    """Yield each slice and metric, the offers of the slice, and the metric of each scorer.

    Its shape is (clusterings, scorers, 1 + replicates).
    """
    if offers.empty:
        raise ValueError("there are no offers to judge: look at what left them out")
    chosen = _chosen(metrics, probability)
    columns = ["user_id", "campaign_id", label, *check_clusters(clusters)]
    parts = list(cut(offers, list(dict.fromkeys(columns)), slices))
    by_seed = {
        name: _checked_seeds(offers, label, name, score, probability)
        for name, score in scores.items()
    }
    for name, rows, part in parts:
        y = part[label].to_numpy(np.float64)
        group = part.groupby(["user_id", "campaign_id"]).ngroup().to_numpy()
        every = [p[rows] for seeds in by_seed.values() for p in seeds]
        ways = clusterings({column: part[column] for column in clusters}, len(part), seed)
        samples = resample(ways, replicates, partial(_measure, chosen, y, group, every))
        counts = [len(seeds) for seeds in by_seed.values()]
        samples = _mean_over_seeds(samples, counts, np.random.default_rng([seed, 3]))
        for place, metric in enumerate(chosen):
            yield (name, metric), part, samples[:, :, place]


def _chosen(metrics: Sequence[str] | None, probability: bool) -> Chosen:
    """Split the name of each metric, "NDCG@10", into its kind, "NDCG@#", and its number, 10."""
    if metrics is None:
        metrics = [name for name in DEFAULT if probability or name not in OF_PROBABILITIES]
    chosen = {name: _parsed(name) for name in metrics}
    if not probability and (barred := [name for name in metrics if name in OF_PROBABILITIES]):
        raise ValueError(f"{barred} need a probability, but probability is False")
    return chosen


def _parsed(name: str) -> tuple[str, float]:
    number = re.search(r"(?<=@)[1-9]\d*|(?<= at )-?\d*\.?\d+", name)
    kind = name[: number.start()] + "#" + name[number.end() :] if number else name
    kinds = [*CURVES, *RATIOS, "ECE", *OF_LISTS, *LINES]
    if "#" in name or kind not in kinds:
        raise ValueError(f"no metric is named {name!r}; with a number for #, these are: {kinds}")
    value = float(number[0]) if number else 0.0
    if kind == "lift at #%":
        check_share(value / 100)
    return kind, value


def check_clusters(clusters: Sequence[str]) -> Sequence[str]:
    """Raise a ValueError unless they are one or two names of columns; else give them back."""
    if (
        isinstance(clusters, str)
        or len({*clusters}) != len(clusters)
        or len(clusters) not in (1, 2)
    ):
        raise ValueError(
            'clusters must be a tuple of one column or two, such as ("user_id",) or '
            f'("user_id", "coupon_id"), but it is {clusters!r}'
        )
    return clusters


def _checked_seeds(
    offers: pd.DataFrame, label: str, name: str, score: ArrayLike, probability: bool
) -> list[Floats]:
    """The scores of each seed of a model."""
    require_one_order(**{"offers": offers, name: score})
    seeds = [
        checked(offers[label], one, None, name, f"offers[{label!r}]")[1]
        for one in np.atleast_2d(np.asarray(score).T)
    ]
    advice = "in [0, 1] (pass probability=False for a score that only ranks)"
    for p in seeds if probability else []:
        require(name, p, (p >= 0) & (p <= 1), advice)
    return seeds


def _mean_over_seeds(samples: Floats, seeds: Sequence[int], random: np.random.Generator) -> Floats:
    """Average each scorer's seeds; after the first place, draw them with replacement."""
    means = []
    for of_scorer in np.split(samples, np.cumsum(seeds)[:-1], axis=1):
        ways, count, _, places = of_scorer.shape
        times = random.multinomial(count, np.full(count, 1 / count), (ways, places)) / count
        times[:, 0] = 1 / count
        means.append(np.einsum("wsmp,wps->wmp", of_scorer, times))
    return np.stack(means, axis=1)


def _measure(
    chosen: Chosen,
    y: Floats,
    group: Ints,
    scores: Sequence[Floats],
    cluster: Ints,
    weights: Floats,
) -> Floats:
    """Each metric of each score under each row of weights: shape (scores, metrics, w)."""
    return np.array([_metrics(chosen, y, group, score, cluster, weights) for score in scores])


def _metrics(
    chosen: Chosen, y: Floats, group: Ints, score: Floats, cluster: Ints, weights: Floats
) -> list[Floats]:
    measured: dict[str, Floats] = {}
    for name, (kind, number) in chosen.items():
        if kind in RATIOS:
            measured[name] = weighted_ratio(*RATIOS[kind](y, score, number), cluster, weights)
        elif kind in OF_LISTS:
            lists = OF_LISTS[kind](y, score, group, int(number))
            measured[name] = _mean_of_lists(*lists, y, group, cluster, weights)
        elif kind == "ECE":
            measured[name] = resampled_ece(y, score, cluster, weights)
    curves = {name: (CURVES[kind], x) for name, (kind, x) in chosen.items() if kind in CURVES}

    def of_classes(hit: Floats, miss: Floats) -> list[float]:
        return [curve(hit, miss, x) for curve, x in curves.values()]

    if curves:
        measured |= zip(curves, at_thresholds(y, score, cluster, weights, of_classes), strict=True)
    if set(LINES) & set(chosen):
        measured |= zip(LINES, resampled_lines(y, score, cluster, weights).T, strict=True)
    return [measured[name] for name in chosen]


def _mean_of_lists(
    rows: Ints, values: Floats, y: Floats, group: Ints, cluster: Ints, weights: Floats
) -> Floats:
    """Mean of one value of the lists, each known by one of its rows.

    Where a list lies in several clusters, such as coupons, it counts as often as its redeemed
    offers do on average.
    """
    groups = group.max(initial=-1) + 1
    whole, value = np.empty(groups, np.int64), np.empty(groups)
    whole[group] = cluster
    if (whole[group] == cluster).all():
        return weighted_ratio(values, np.ones(rows.size), cluster[rows], weights)
    value[group[rows]] = values
    redeemed = np.flatnonzero(y == 1)
    of_redeemed = group[redeemed]
    share = 1 / np.bincount(of_redeemed)[of_redeemed]
    return weighted_ratio(share * value[of_redeemed], share, cluster[redeemed], weights)
