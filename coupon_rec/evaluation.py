"""How good are the scores? Metrics of offers, with intervals from a bootstrap over users.

One user's offers resemble each other, so a resample draws users, not offers.
A metric that is not defined (one class only, no offers) is ``nan``, without a warning; each
function says when. Values that cannot be right raise a ValueError that shows the first of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["auc", "average_precision", "compare", "evaluate", "log_loss", "ndcg"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

SMALLEST = float(np.finfo(np.float64).eps)


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
        If shapes differ, a label is not 0 or 1, a score is not finite or a weight is negative.

    Notes
    -----
    P(s+ > s-) + P(s+ = s-) / 2 for a redeemed offer's score s+ and another's s-: a tie counts half.
    Equal to ``sklearn.metrics.roc_auc_score``.
    """
    return _auc(*_weight_at_thresholds(*_checked(y, score, weight)))


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
    """
    return _average_precision(*_weight_at_thresholds(*_checked(y, score, weight)))


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
    """
    y, p, weight = _checked(y, p, weight, "p")
    _require("p", p, (p >= 0) & (p <= 1), "in [0, 1]")
    return float(weight @ _surprise(y, p) / weight.sum()) if weight.any() else float("nan")


def ndcg(y: ArrayLike, score: ArrayLike, group: ArrayLike, k: int = 10) -> float:
    """How near the top of each group's list a score puts what was redeemed, averaged over groups.

    Parameters
    ----------
    y, score
        As for `auc`.
    group
        The list that each offer stands in, shape (n,): here, a user in a campaign.
    k
        How many places of a list count, 1 or more.

    Returns
    -------
    float
        In [0, 1]; 1 puts all that was redeemed on top. A group without a redemption is left out,
        for no order of it is better than another; ``nan`` if no group has one.

    Raises
    ------
    ValueError
        As `auc`, and if a group is missing or k is below 1.

    Notes
    -----
    DCG@k / (DCG@k of the best order), where DCG@k sums y / log2(1 + rank) over ranks 1 to k. Tied
    offers share the mean discount of their ranks, the expected value over every order of the tie.
    Equal to ``sklearn.metrics.ndcg_score``, averaged; a group of one, refused there, counts 1.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, but it is {k}")
    y, score, _ = _checked(y, score)
    codes, _ = pd.factorize(np.asarray(group))
    if codes.shape != y.shape:
        raise ValueError(f"group must have shape {y.shape}, not {codes.shape}")
    _require("group", group, codes >= 0, "present")
    _, values = _ndcg_by_group(y, score, codes, k)
    return float(values.mean()) if values.size else float("nan")


def evaluate(
    offers: pd.DataFrame,
    p: ArrayLike,
    *,
    probability: bool = True,
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
    replicates, seed
        Number of resamples behind each interval, and their seed.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice ("all", "B and C") and metric ("AUC", "average precision", "log loss", and
        "NDCG@10" within user and campaign), with columns value, low and high (95% interval),
        offers and redeemed (counts). All metrics of an empty slice are ``nan``.

    Raises
    ------
    ValueError
        If ``offers`` lacks a column or a value, or ``p`` does not fit it, is not finite or, unless
        ``probability`` is False, not in [0, 1].

    Notes
    -----
    A replicate draws, with replacement, as many users of the slice as there are, each with all of
    their offers: ``numpy.random.default_rng(seed).multinomial``, over users in ascending order.
    The interval runs from the 2.5th to the 97.5th percentile. A replicate without a redeemed offer
    leaves some metrics undefined and is left out of theirs: with fewer than ten or so redeeming
    users, take the interval as a rough guide.
    """
    rows = {
        (name, metric): [values[0], *_interval(values[1:]), len(part), int(part["redeemed"].sum())]
        for name, part, (metrics,) in _slices(offers, {"p": p}, probability, replicates, seed)
        for metric, values in metrics.items()
    }
    return _table(rows, "value", "low", "high", "offers", "redeemed")


def compare(
    offers: pd.DataFrame,
    p_a: ArrayLike,
    p_b: ArrayLike,
    *,
    probability: bool = True,
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
    offers, probability, replicates, seed
        As for `evaluate`, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        Indexed by slice and metric, with columns a, b, difference (a - b), low and high (95%
        interval of the difference). Above 0, a is better; for log loss, below 0.
    """
    scores = {"p_a": p_a, "p_b": p_b}
    rows = {
        (name, metric): [a[metric][0], b[metric][0], gap[0], *_interval(gap[1:])]
        for name, _, (a, b) in _slices(offers, scores, probability, replicates, seed)
        for metric, gap in ((metric, a[metric] - b[metric]) for metric in a)
    }
    return _table(rows, "a", "b", "difference", "low", "high")


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
    _, user = np.unique(np.asarray(users), return_inverse=True)
    by_user = _sum_by(user, _numbers("values", values, user.size))
    weights = _user_weights(by_user.size, replicates, seed)
    low, high = _interval((weights @ by_user)[1:])
    return pd.Series({"value": by_user.sum(), "low": low, "high": high})


def _slices(
    offers: pd.DataFrame,
    scores: dict[str, ArrayLike],
    probability: bool,
    replicates: int,
    seed: int,
) -> Iterator[tuple[str, pd.DataFrame, list[dict[str, Floats]]]]:
    """Yield each slice's name, its offers and, per scorer, the metrics in every resample."""
    columns = ["user_id", "campaign_id", "campaign_type", "redeemed"]
    if absent := [column for column in columns if column not in offers.columns]:
        raise ValueError(f"offers must have columns {columns}, but it lacks {absent}")
    for column in columns:
        present = offers[column].notna().to_numpy()
        _require(f"offers[{column!r}]", offers[column], present, "present")
    checked = {}
    for name, score in scores.items():
        if isinstance(score, pd.Series) and not score.index.equals(offers.index):
            raise ValueError(
                f"{name} and offers have different indexes: put {name} in the order of offers and "
                f"pass {name}.to_numpy()"
            )
        _, p, _ = _checked(offers["redeemed"], score, None, name, "offers['redeemed']")
        if probability:
            advice = "in [0, 1] (pass probability=False for a score that only ranks)"
            _require(name, p, (p >= 0) & (p <= 1), advice)
        checked[name] = p
    b_and_c = offers["campaign_type"].isin(["B", "C"]).to_numpy()
    for name, rows in {"all": np.full(len(offers), True), "B and C": b_and_c}.items():
        part = offers.loc[rows, columns]
        weights = _user_weights(max(part["user_id"].nunique(), 1), replicates, seed)
        yield name, part, [_metrics(part, p[rows], probability, weights) for p in checked.values()]


def _user_weights(users: int, replicates: int, seed: int) -> Floats:
    """How often each user counts, shape (1 + replicates, users): once each, then resampled."""
    drawn = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), replicates)
    return np.vstack([np.ones(users), drawn])


def _metrics(
    offers: pd.DataFrame, score: Floats, probability: bool, weights: Floats
) -> dict[str, Floats]:
    """Each metric under each row of user weights."""
    y = offers["redeemed"].to_numpy(np.float64)
    user, _ = pd.factorize(offers["user_id"], sort=True)
    group = offers.groupby(["user_id", "campaign_id"]).ngroup().to_numpy()
    place, places = _thresholds(y, score)
    classes = [(place[y == label], user[y == label]) for label in (1, 0)]
    aucs, precisions = np.empty((2, len(weights)))
    for row, weight in enumerate(weights):
        positive, negative = [_sum_by(at, weight[who], places) for at, who in classes]
        aucs[row] = _auc(positive, negative)
        precisions[row] = _average_precision(positive, negative)
    metrics = {"AUC": aucs, "average precision": precisions}
    if probability:
        metrics["log loss"] = _weighted_mean(_surprise(y, score), user, weights)
    first, values = _ndcg_by_group(y, score, group, 10)
    metrics["NDCG@10"] = _weighted_mean(values, user[first], weights)
    return metrics


def _thresholds(y: Floats, score: Floats) -> tuple[Ints, int]:
    """Place every score among the distinct scores of redeemed offers, and count the places.

    Odd places are those scores themselves, even places the gaps between them: how the offers in
    one gap are ordered moves neither AUC nor average precision.
    """
    cuts = np.unique(score[y == 1])
    place = np.searchsorted(cuts, score, "left") + np.searchsorted(cuts, score, "right")
    return place, 2 * cuts.size + 1


def _weight_at_thresholds(y: Floats, score: Floats, weight: Floats) -> tuple[Floats, Floats]:
    place, places = _thresholds(y, score)
    return _sum_by(place, weight * y, places), _sum_by(place, weight * (1 - y), places)


def _auc(positive: Floats, negative: Floats) -> float:
    """AUC from the weight of either class at each threshold, in ascending order."""
    pairs = positive.sum() * negative.sum()
    below = negative.cumsum() - negative / 2
    return float((positive * below).sum() / pairs) if pairs > 0 else float("nan")


def _average_precision(positive: Floats, negative: Floats) -> float:
    """Average precision from the weight of either class at each threshold, in ascending order."""
    gained = positive[::-1]
    found, missed = gained.cumsum(), negative[::-1].cumsum()
    hit = gained > 0
    precision = found[hit] / (found[hit] + missed[hit])
    return float((gained[hit] * precision).sum() / found[-1]) if hit.any() else float("nan")


def _surprise(y: Floats, p: Floats) -> Floats:
    happened: Floats = np.maximum(np.where(y == 1, p, 1 - p), SMALLEST)
    return -np.log(happened)


def _ndcg_by_group(y: Floats, score: Floats, group: Ints, k: int) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and the group's NDCG@k."""
    rows = np.flatnonzero(_sum_by(group, y)[group] > 0)
    rows = rows[np.lexsort((-score[rows], group[rows]))]
    y, score, group = y[rows], score[rows], group[rows]
    starts_group, starts_tie = np.full((2, rows.size), True)
    starts_group[1:] = group[1:] != group[:-1]
    starts_tie[1:] = starts_group[1:] | (score[1:] != score[:-1])
    group, tie = starts_group.cumsum() - 1, starts_tie.cumsum() - 1
    rank = np.arange(rows.size) - np.flatnonzero(starts_group)[group]
    discount = np.where(rank < k, 1 / np.log2(rank + 2), 0)
    shared = _sum_by(tie, discount) / np.bincount(tie)
    best = (1 / np.log2(np.arange(k) + 2)).cumsum()
    ideal = best[np.minimum(np.bincount(group[y == 1]), k) - 1]
    return rows[starts_group], _sum_by(group, y * shared[tie]) / ideal


def _sum_by(label: Ints, values: Floats, labels: int = 0) -> Floats:
    return np.asarray(np.bincount(label, values, labels), dtype=np.float64)


def _weighted_mean(values: Floats, user: Ints, weights: Floats) -> Floats:
    """Mean of the values under each row of user weights."""
    users = weights.shape[1]
    total = weights @ _sum_by(user, values, users)
    size = weights @ np.bincount(user, minlength=users)
    mean = np.full(len(weights), np.nan)
    np.divide(total, size, out=mean, where=size > 0)
    return mean


def _interval(samples: Floats) -> list[float]:
    defined = samples[~np.isnan(samples)]
    return list(np.percentile(defined, [2.5, 97.5])) if defined.size else [np.nan, np.nan]


def _table(rows: dict[tuple[str, str], list[float]], *columns: str) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "metric"])
    return pd.DataFrame(list(rows.values()), index, columns)


def _checked(
    y: ArrayLike,
    score: ArrayLike,
    weight: ArrayLike | None = None,
    score_name: str = "score",
    y_name: str = "y",
) -> tuple[Floats, Floats, Floats]:
    labels = _numbers(y_name, y)
    _require(y_name, labels, (labels == 0) | (labels == 1), "0 or 1")
    scores = _numbers(score_name, score, labels.size)
    weights = np.ones(labels.size) if weight is None else _numbers("weight", weight, labels.size)
    _require("weight", weights, weights >= 0, "0 or more")
    return labels, scores, weights


def _numbers(name: str, values: ArrayLike, size: int | None = None) -> Floats:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from None
    if numbers.ndim != 1 or size not in (None, numbers.size):
        wanted = "(n,)" if size is None else f"({size},)"
        raise ValueError(f"{name} must have shape {wanted}, not {numbers.shape}")
    _require(name, numbers, np.isfinite(numbers), "finite")
    return numbers


def _require(name: str, values: ArrayLike, good: NDArray[np.bool_], wanted: str) -> None:
    bad = np.flatnonzero(~good)
    if bad.size:
        shown = ", ".join(f"{np.asarray(values)[row]} at position {row}" for row in bad[:5])
        count = f"{bad.size:,} of {good.size:,}"
        raise ValueError(f"{name} must be {wanted}, but {count} values are not: {shown}")
