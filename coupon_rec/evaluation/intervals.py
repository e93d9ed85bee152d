"""Metrics of offers by slice, with intervals from a bootstrap over users."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.evaluation.arrays import Floats, Ints, checked, codes, require
from coupon_rec.evaluation.bootstrap import at_thresholds, interval, user_weights, weighted_ratio
from coupon_rec.evaluation.calibration import resampled_ece, resampled_lines
from coupon_rec.evaluation.metrics import (
    auc_at_thresholds,
    average_precision_at_thresholds,
    check_share,
    found_at_thresholds,
    surprise,
)
from coupon_rec.evaluation.ranking import (
    hit_by_group,
    ndcg_by_group,
    recall_by_group,
    reciprocal_rank_by_group,
)
from coupon_rec.evaluation.slices import cut, same_index

DEFAULT = ("AUC", "average precision", "log loss", "NDCG@10")


class Sample(NamedTuple):
    """A slice as a metric sees it: its n offers, and how often each user counts, row by row."""

    y: Floats
    score: Floats
    user: Ints
    group: Ints
    weights: Floats

    def ratio(self, top: ArrayLike, bottom: ArrayLike) -> Floats:
        """Sum of one value of the offers over the sum of another, under each row of weights."""
        return weighted_ratio(top, bottom, self.user, self.weights)

    def mean(self, values: ArrayLike) -> Floats:
        """Mean of one value of the offers."""
        return self.ratio(values, np.ones(self.y.size))

    def list_mean(self, lists: tuple[Ints, Floats]) -> Floats:
        """Mean of one value of the lists, each known by one of its rows."""
        rows, values = lists
        return weighted_ratio(values, np.ones(rows.size), self.user[rows], self.weights)


CURVES: dict[str, Callable[[Floats, Floats, float], float]] = {
    "AUC": lambda positive, negative, _: auc_at_thresholds(positive, negative),
    "average precision": lambda positive, negative, _: average_precision_at_thresholds(
        positive, negative
    ),
    "lift at #%": lambda positive, negative, percent: (
        float(found_at_thresholds(positive, negative, percent / 100)) * 100 / percent
    ),
}
"""Metrics of the weight of either class at each threshold, and the number in their name."""

LINES = ("calibration intercept", "calibration slope")

METRICS: dict[str, Callable[[Sample, float], Floats]] = {
    "log loss": lambda s, _: s.mean(surprise(s.y, s.score)),
    "Brier": lambda s, _: s.mean((s.score - s.y) ** 2),
    "ECE": lambda s, _: resampled_ece(s.y, s.score, s.user, s.weights),
    "accuracy at #": lambda s, t: s.mean(s.y == (s.score >= t)),
    "precision at #": lambda s, t: s.ratio(s.y * (s.score >= t), s.score >= t),
    "recall at #": lambda s, t: s.ratio(s.y * (s.score >= t), s.y),
    "F1 at #": lambda s, t: s.ratio(2 * s.y * (s.score >= t), s.y + (s.score >= t)),
    "NDCG@#": lambda s, k: s.list_mean(ndcg_by_group(s.y, s.score, s.group, int(k))),
    "recall@#": lambda s, k: s.list_mean(recall_by_group(s.y, s.score, s.group, int(k))),
    "hit rate@#": lambda s, k: s.list_mean(hit_by_group(s.y, s.score, s.group, int(k))),
    "MRR": lambda s, _: s.list_mean(reciprocal_rank_by_group(s.y, s.score, s.group)),
}

OF_PROBABILITIES = {"log loss", "Brier", "ECE", *LINES}


def evaluate(
    offers: pd.DataFrame,
    p: ArrayLike,
    *,
    probability: bool = True,
    metrics: Sequence[str] | None = None,
    slices: Mapping[str, ArrayLike] | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Score a model on all offers, and on those of campaign types B and C alone.

    Type A is set apart because the data does not say which of its coupons a user was sent.

    Parameters
    ----------
    offers
        One row per offer, with columns user_id, campaign_id, campaign_type ("A", "B" or "C") and
        redeemed (0 or 1).
    p
        Probability of redemption of each row, shape (n,), in the order of ``offers``.
    probability
        False if ``p`` is a score that only ranks, such as a count; log loss is then left out.
    metrics
        Names of metrics, in the order of the table; "AUC", "average precision", "log loss" and
        "NDCG@10" if left out. Also "Brier"; "ECE" (10 bins), "calibration intercept" and
        "calibration slope"; with a threshold on ``p``, such as 0.02, "accuracy at 0.02",
        "precision at 0.02", "recall at 0.02" and "F1 at 0.02"; of the best-scored tenth,
        "lift at 10%"; within user and campaign, "NDCG@5", "recall@5", "hit rate@5" and "MRR".
    slices
        By name, True for the offers of the slice, shape (n,), such as those of `usual_slices`;
        "all" and "B and C" if left out.
    replicates, seed
        Number of resamples behind each interval, and their seed.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and metric, with columns value, low and high (95% interval), offers and
        redeemed (counts). All metrics of an empty slice are ``nan``.

    Raises
    ------
    ValueError
        If ``offers`` lacks a column or a value, ``p`` does not fit it, is not finite or, unless
        ``probability`` is False, not in [0, 1], a metric is unknown or needs a probability that
        ``p`` is not, or a slice does not fit ``offers``.

    Notes
    -----
    A replicate draws, with replacement, as many users of the slice as there are, each with all of
    their offers: ``numpy.random.default_rng(seed).multinomial``, over users in ascending order.
    The interval runs from the 2.5th to the 97.5th percentile. A replicate without a redeemed offer
    leaves some metrics undefined and is left out of theirs: with fewer than ten or so redeeming
    users, take the interval as a rough guide. So too for ECE, which every resample inflates: see
    `ece_floor`. A slice is a world of its own: its lists hold only its own offers. The calibration
    line is fitted anew to each resample, which takes seconds where all else takes a fraction.
    """
    chosen = _chosen(metrics, probability)
    rows = {
        (name, metric): [values[0], *interval(values[1:]), len(part), int(part["redeemed"].sum())]
        for name, part, (found,) in _measured(
            offers, {"p": p}, probability, chosen, slices, replicates, seed
        )
        for metric, values in found.items()
    }
    return table(rows, "metric", "value", "low", "high", "offers", "redeemed")


def compare(
    offers: pd.DataFrame,
    p_a: ArrayLike,
    p_b: ArrayLike,
    *,
    probability: bool = True,
    metrics: Sequence[str] | None = None,
    slices: Mapping[str, ArrayLike] | None = None,
    replicates: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure by how much scorer a differs from scorer b on the same offers.

    The interval is paired: both meet the same resamples, so what makes a user hard for both
    cancels. Two intervals of `evaluate` that overlap do not say that there is no difference.

    Parameters
    ----------
    p_a, p_b
        Probability of redemption of each row by either scorer, shape (n,).
    offers, probability, metrics, slices, replicates, seed
        As for `evaluate`, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and metric, with columns a, b, difference (a - b), low and high (95%
        interval of the difference). Above 0, a is better; for log loss, Brier and ECE, below 0.
        The calibration line has no better direction: its goal is intercept 0 and slope 1.
    """
    chosen = _chosen(metrics, probability)
    scores = {"p_a": p_a, "p_b": p_b}
    rows = {
        (name, metric): [a[metric][0], b[metric][0], gap[0], *interval(gap[1:])]
        for name, _, (a, b) in _measured(
            offers, scores, probability, chosen, slices, replicates, seed
        )
        for metric, gap in ((metric, a[metric] - b[metric]) for metric in a)
    }
    return table(rows, "metric", "a", "b", "difference", "low", "high")


def table(rows: Mapping[tuple[str, str], Sequence[float]], row: str, *columns: str) -> pd.DataFrame:
    """Frame of the rows, indexed by slice and what a row is."""
    index = pd.MultiIndex.from_tuples(rows, names=["slice", row])
    return pd.DataFrame(list(rows.values()), index, columns)


def _chosen(metrics: Sequence[str] | None, probability: bool) -> dict[str, tuple[str, float]]:
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
    known = [*CURVES, *METRICS, *LINES]
    if "#" in name or kind not in known:
        raise ValueError(f"no metric is named {name!r}; with a number for #, these are: {known}")
    value = float(number[0]) if number else float("nan")
    if kind == "lift at #%":
        check_share(value / 100)
    return kind, value


def _measured(
    offers: pd.DataFrame,
    scores: Mapping[str, ArrayLike],
    probability: bool,
    chosen: Mapping[str, tuple[str, float]],
    slices: Mapping[str, ArrayLike] | None,
    replicates: int,
    seed: int,
) -> Iterator[tuple[str, pd.DataFrame, list[dict[str, Floats]]]]:
    """Yield each slice's name, its offers and, per scorer, the metrics in every resample."""
    columns = ["user_id", "campaign_id", "campaign_type", "redeemed"]
    parts = list(cut(offers, columns, slices))
    checked_scores = []
    for name, score in scores.items():
        same_index(name, score, offers)
        _, p, _ = checked(offers["redeemed"], score, None, name, "offers['redeemed']")
        if probability:
            advice = "in [0, 1] (pass probability=False for a score that only ranks)"
            require(name, p, (p >= 0) & (p <= 1), advice)
        checked_scores.append(p)
    for name, rows, part in parts:
        y = part["redeemed"].to_numpy(np.float64)
        user = codes("user_id", part["user_id"], len(part))
        group = part.groupby(["user_id", "campaign_id"]).ngroup().to_numpy()
        weights = user_weights(user.max(initial=0) + 1, replicates, seed)
        samples = [Sample(y, p[rows], user, group, weights) for p in checked_scores]
        yield name, part, [_measure(sample, chosen) for sample in samples]


def _measure(sample: Sample, chosen: Mapping[str, tuple[str, float]]) -> dict[str, Floats]:
    """Each metric under each row of user weights."""
    found = {
        name: METRICS[kind](sample, number)
        for name, (kind, number) in chosen.items()
        if kind in METRICS
    }
    curves = {name: (CURVES[kind], x) for name, (kind, x) in chosen.items() if kind in CURVES}
    if curves:
        measured = at_thresholds(
            sample.y,
            sample.score,
            sample.user,
            sample.weights,
            lambda hit, miss: [curve(hit, miss, x) for curve, x in curves.values()],
        )
        found |= zip(curves, measured.T, strict=True)
    if set(LINES) & set(chosen):
        lines = resampled_lines(sample.y, sample.score, sample.user, sample.weights)
        found |= zip(LINES, lines.T, strict=True)
    return {name: found[name] for name in chosen}
