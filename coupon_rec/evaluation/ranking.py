"""Metrics of each list by itself: how near its top a score puts what was redeemed.

A list is what one decision chooses from: here, a user's offers in a campaign. A list without a
redemption is left out of every average, because no order of it is better than another.
Tied offers get the expected value over every order of the tie.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, require_one_order
from coupon_rec.evaluation.arrays import Ints, checked, numbered, sum_by


def ndcg(y: ArrayLike, score: ArrayLike, group: ArrayLike, k: int = 10) -> float:
    """How near the top of each group's list a score puts what was redeemed, averaged over groups.

    Parameters
    ----------
    y, score
        As for `auc`.
    group
        The list that each offer is in, shape (n,): here, a user in a campaign.
    k
        How many places of a list count, 1 or more.

    Returns
    -------
    float
        In [0, 1]; 1 puts all that was redeemed on top. A group without a redemption is left out,
        because no order of it is better than another; ``nan`` if no group has one.

    Raises
    ------
    ValueError
        As `auc`, and if a group is missing or in another order, or k is below 1.

    Notes
    -----
    DCG@k / (DCG@k of the best order), where DCG@k sums y / log2(1 + rank) over ranks 1 to k. Tied
    offers share the mean discount of their ranks, the expected value over every order of the tie.
    Equal to ``sklearn.metrics.ndcg_score``, averaged; a group of one, refused there, counts 1.

    Examples
    --------
    >>> round(ndcg([0, 1, 0, 1], [4, 3, 2, 1], ["first", "first", "second", "second"]), 3)
    0.631
    """
    check_k(k)
    require_one_order(y=y, score=score, group=group)
    y, score, _ = checked(y, score)
    values = OF_LISTS["NDCG@#"](y, score, numbered("group", group, y.size), k)[1]
    return float(values.mean()) if values.size else float("nan")


def ndcg_by_group(y: Floats, score: Floats, group: Ints, k: int) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and the group's NDCG@k."""
    rows, y, lists = _with_redemption(y, score, group)
    discount = np.where(lists.rank < k, 1 / np.log2(lists.rank + 2), 0)
    best = (1 / np.log2(np.arange(k) + 2)).cumsum()
    ideal = best[np.minimum(np.bincount(lists.group[y == 1]), k) - 1]
    return rows, sum_by(lists.group, y * lists.expected(discount)) / ideal


def recall_by_group(y: Floats, score: Floats, group: Ints, k: int) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and the group's recall at k.

    A redeemed offer that is tied across the cut counts by its chance to be above it.
    """
    rows, y, lists = _with_redemption(y, score, group)
    hits = sum_by(lists.group, y * lists.expected(lists.rank < k))
    return rows, hits / sum_by(lists.group, y)


def hit_by_group(y: Floats, score: Floats, group: Ints, k: int) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and the chance of a hit in its top k.

    A tie across the cut counts by the chance that one of its redeemed offers is above it.
    """
    return _first_redemption(y, score, group, lambda rank: rank < k)


def reciprocal_rank_by_group(
    y: Floats, score: Floats, group: Ints, _: int = 0
) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and 1 / (rank of the first).

    Ranks start at 1. In a tie, it is the mean of 1 / rank over every order, not 1 / (mean rank).
    """
    return _first_redemption(y, score, group, lambda rank: 1 / (rank + 1))


def top_k(score: Floats, group: Ints, k: int) -> Floats:
    """Chance of each row to be among the k best-scored of its group, ties in random order."""
    lists = Lists.of(score, group)
    chance = np.empty(score.size)
    chance[lists.rows] = lists.expected(lists.rank < k)
    return chance


def check_k(k: int) -> None:
    """Raise a ValueError unless it is a length of a list."""
    if k < 1:
        raise ValueError(f"k must be 1 or more, but it is {k}")


class Lists(NamedTuple):
    """Rows by group, the best score of each group first; groups, ties and ranks count from 0."""

    rows: Ints
    group: Ints
    tie: Ints
    rank: Ints

    @classmethod
    def of(cls, score: Floats, group: Ints) -> "Lists":
        """Sort the rows of scores into lists."""
        rows = np.lexsort((-score, group))
        score, group = score[rows], group[rows]
        starts_group, starts_tie = np.full((2, rows.size), True)
        starts_group[1:] = group[1:] != group[:-1]
        starts_tie[1:] = starts_group[1:] | (score[1:] != score[:-1])
        group, tie = starts_group.cumsum() - 1, starts_tie.cumsum() - 1
        rank = np.arange(rows.size) - np.flatnonzero(starts_group)[group]
        return cls(rows, group, tie, rank)

    def expected(self, worth: ArrayLike) -> Floats:
        """Worth of each row if tied rows are in random order, from the worth of each rank."""
        return np.asarray((sum_by(self.tie, worth) / np.bincount(self.tie))[self.tie])


def _with_redemption(y: Floats, score: Floats, group: Ints) -> tuple[Ints, Floats, Lists]:
    """One row of each group that has a redemption, and these groups' labels and lists."""
    rows = np.flatnonzero(sum_by(group, y)[group] > 0)
    lists = Lists.of(score[rows], group[rows])
    rows = rows[lists.rows]
    return rows[lists.rank == 0], y[rows], lists


def _first_redemption(
    y: Floats, score: Floats, group: Ints, worth: Callable[[Ints], ArrayLike]
) -> tuple[Ints, Floats]:
    """Find one row of each group that has a redemption, and what the rank of its first is worth."""
    rows, y, lists = _with_redemption(y, score, group)
    _, first = np.unique(lists.group[y == 1], return_index=True)
    tie = lists.tie[y == 1][first]
    above = lists.rank[np.flatnonzero(np.diff(lists.tie, prepend=-1))][tie]
    tied, redeemed = np.bincount(lists.tie)[tie], sum_by(lists.tie, y)[tie]
    values = [
        _chance_to_be_first(size, positives) @ np.asarray(worth(rank + np.arange(size)))
        for rank, size, positives in zip(above, tied, redeemed, strict=True)
    ]
    return rows, np.array(values, dtype=np.float64)


def _chance_to_be_first(tied: int, positives: float) -> Floats:
    """Chance that the first positive of a tie is in each of its places."""
    before = np.arange(tied)
    none_yet = np.cumprod(np.maximum(tied - positives - before, 0) / (tied - before))
    return np.asarray(-np.diff(none_yet, prepend=1))


OF_LISTS: dict[str, Callable[[Floats, Floats, Ints, int], tuple[Ints, Floats]]] = {
    "NDCG@#": ndcg_by_group,
    "recall@#": recall_by_group,
    "hit rate@#": hit_by_group,
    "MRR": reciprocal_rank_by_group,
}
"""Metrics that are a mean over lists: one row of each list that has a redemption, and its value."""
