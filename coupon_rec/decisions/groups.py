"""A limit on how much the rate of users who are sent a coupon may differ between groups.

Whatever the other limits cost, the best choice under this one is found exactly. Each group sends
its most valuable offers first, so only their number is open, and that lies between two bounds: the
lowest rate of all groups, and that rate plus the gap. All lowest rates are tried. The worth of the
last offer sent is then the group's fee: what its members pay for a coupon, or are paid.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.decisions.problem import AllocationProblem, Floats, Mask, Prices, Rates

ROUNDING = 1e-9

DEARER = (1.0, 1.001, 1.003, 1.01, 1.03)
"""Multiples of the best prices, at which a little less is over, and less has to be taken back."""


@dataclass(frozen=True)
class GroupLimit:
    """Most that groups may differ in coupons a user: with one coupon each, in who is sent one.

    Attributes
    ----------
    group : array_like
        Label of each user's group, shape (n,), none of them missing: "unknown" is a label.
    gap : float
        Highest rate of a group less the lowest, in coupons a user, 0 or more.

    Notes
    -----
    A coupon that is worth less than nothing is sent where that is the cheapest way to keep the
    limit. Sending nothing to anybody always keeps it. Users are whole: with a gap of 0, or below
    one user's share of a small group, little may be left between nobody and everybody.

    Examples
    --------
    >>> from coupon_rec.decisions import allocate
    >>> value = [[5.0], [4.0], [-1.0], [2.0]]
    >>> found = allocate(value, group_limit=GroupLimit(["a", "a", "b", "b"], gap=0.0))
    >>> found.chosen.ravel().tolist(), found.fees
    ([True, True, True, True], {'a': 0.0, 'b': -1.0})
    """

    group: ArrayLike
    gap: float

    def rates(self, chosen: ArrayLike) -> dict[Any, float]:
        """Coupons a user in each group, for choices of shape (n, K)."""
        number, labels = _numbered(self.group, len(np.asarray(chosen)))
        count = np.bincount(number, np.asarray(chosen).sum(axis=1), len(labels))
        return dict(zip(labels.tolist(), (count / np.bincount(number)).tolist(), strict=True))


class Choice(NamedTuple):
    """The best choice at given prices: pairs of user and coupon, the largest margin first."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    group: NDArray[np.intp]
    sent: Mask
    worth: float
    fees: Floats


def rates_of(limit: GroupLimit, value: Floats) -> Rates:
    """Number the groups, or say what is wrong with them or cannot be met."""
    if not 0 <= limit.gap < np.inf:
        raise ValueError(
            f"the gap is {limit.gap}; it must be a number of coupons a user, 0 or more"
        )
    number, labels = _numbered(limit.group, len(value))
    reached = np.isfinite(value).any(axis=1)
    able = np.bincount(number, reached, len(labels))
    if limit.gap < 1 and not able.all():
        raise ValueError(
            f"no user of group {labels.tolist()[able.argmin()]!r} may get a coupon, so a gap of "
            f"{limit.gap} cannot be met by sending to all groups: give it offers, or leave it out"
        )
    return Rates(number, float(limit.gap), labels.tolist())


def _numbered(group: ArrayLike, users: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    labels = np.asarray(group)
    if labels.shape != (users,):
        raise ValueError(f"group must be one label a user, shape ({users},), not {labels.shape}")
    missing = pd.isna(np.asarray(group, object))
    if missing.any():
        raise ValueError(
            f"group must have a label for every user, but {missing.sum():,} have none, the first "
            f'at position {missing.argmax()}: call them "unknown"'
        )
    names, number = np.unique(labels, return_inverse=True)
    return number, names


def choose(problem: AllocationProblem, rates: Rates, prices: Prices) -> Choice:
    """Find the best choice at given prices that keeps the gap, exactly: equation `eq-rates`."""
    rows, columns, gain = _candidates(problem, prices)
    group = rates.group[rows]
    order = np.lexsort((-gain, group))
    rows, columns, gain, group = rows[order], columns[order], gain[order], group[order]
    ranked = np.split(gain, np.searchsorted(group, np.arange(1, len(rates.users))))  # best first
    counts, worth = _counts(ranked, rates.users, rates.gap)
    fees = np.array([_fee(each, count) for each, count in zip(ranked, counts, strict=True)])
    sent = np.concatenate(
        [np.arange(len(each)) < count for each, count in zip(ranked, counts, strict=True)]
    )
    order = np.argsort(fees[group] - gain, kind="stable")
    return Choice(rows[order], columns[order], group[order], sent[order], worth, fees)


def _counts(ranked: list[Floats], users: NDArray[np.intp], gap: float) -> tuple[list[int], float]:
    """How many of its offers, best first, each group sends at the best lowest rate of all."""
    rates = [np.arange(len(each) + 1) / size for each, size in zip(ranked, users, strict=True)]
    lowest = np.unique(np.concatenate(rates))
    lowest = lowest[lowest <= min(each[-1] for each in rates) + ROUNDING]
    total, counts = np.zeros(len(lowest)), []
    for each, size in zip(ranked, users, strict=True):
        low = np.ceil(lowest * size - ROUNDING).astype(int)
        high = np.floor((lowest + gap) * size + ROUNDING).astype(int)
        count = np.clip((each > 0).sum(), low, np.minimum(high, len(each)))
        sums = np.concatenate([[0.0], np.cumsum(each, dtype=float)])
        total += np.where(low <= high, sums[count], -np.inf)
        counts.append(count)
    best = int(total.argmax())
    return [int(count[best]) for count in counts], float(total[best])


def _candidates(
    problem: AllocationProblem, prices: Prices
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Each user's best coupons at the prices, worth something or not, and their worth."""
    chunks = []
    for part in problem.chunks():
        adjusted = problem.adjusted(part, prices)
        lowest = adjusted.min(where=np.isfinite(adjusted), initial=0.0)
        rows, columns = np.nonzero(problem.best(adjusted - lowest + 1))
        chunks.append((rows + part.start, columns, adjusted[rows, columns]))
    rows, columns, gain = (np.concatenate(each) for each in zip(*chunks, strict=True))
    return rows, columns, gain


def _fee(ranked: Floats, count: int) -> float:
    """Between the worth of the last offer sent and of the first that is not; 0 if that is."""
    last = ranked[count - 1] if count else np.inf
    first = ranked[count] if count < len(ranked) else -np.inf
    if first <= 0 < last:
        return 0.0
    ends = [end for end in (last, first) if np.isfinite(end)]
    return float(np.mean(ends)) if ends else 0.0


def answer(problem: AllocationProblem, rates: Rates, prices: Prices) -> tuple[float, Prices]:
    """What users keep of the best choice at the prices, and what it uses, as `dual.answer`."""
    best = choose(problem, rates, prices)
    return best.worth, problem.used(problem.mask(best.rows[best.sent], best.columns[best.sent]))


def repair(problem: AllocationProblem, rates: Rates, prices: Prices) -> Mask:
    """Choose at the prices, take back what is over a limit, and give away what is left.

    Returns
    -------
    numpy.ndarray
        Shape (n, K). No limit is exceeded, that of the groups included.
    """
    factors = DEARER if len(problem.limits) else DEARER[:1]
    tried = [_kept(problem, rates, factor * prices) for factor in factors]
    return max(tried, key=lambda chosen: problem.value[chosen].sum(dtype=float))


def _kept(problem: AllocationProblem, rates: Rates, prices: Prices) -> Mask:
    """Keep all limits from the choice at the prices, and use what is left."""
    best = choose(problem, rates, prices)
    sent = best.sent.copy()
    if len(problem.limits):
        uses = problem.taken(best.rows, best.columns).T
        _drop(problem, rates, best, uses, sent)
        while _add(problem, rates, best, uses, sent):
            pass
    return problem.mask(best.rows[sent], best.columns[sent])


def _drop(problem: AllocationProblem, rates: Rates, best: Choice, uses: Floats, sent: Mask) -> None:
    """Take coupons back, in place, smallest margin first, until all limits and the gap are kept."""
    for limit, takes in zip(problem.limits, uses.T, strict=True):
        mine = np.flatnonzero(sent & (takes > 0))
        sent[mine[np.cumsum(takes[mine]) > limit]] = False
    while True:
        count = np.bincount(best.group[sent], minlength=len(rates.users))
        lowest = (count / rates.users).min()
        most = np.floor((lowest + rates.gap) * rates.users + ROUNDING).astype(int)
        if (count <= most).all():
            return
        for number in np.flatnonzero(count > most):
            sent[np.flatnonzero(sent & (best.group == number))[most[number] :]] = False


def _add(problem: AllocationProblem, rates: Rates, best: Choice, uses: Floats, sent: Mask) -> bool:
    """Send more, in place, best margin first, as far as all limits allow; say if there was any."""
    left = problem.limits - uses[sent].sum(axis=0)
    count = np.bincount(best.group[sent], minlength=len(rates.users))
    gains = problem.value[best.rows, best.columns] > 0
    added = False
    for pair in np.flatnonzero(~sent & gains & (uses <= left).all(axis=1)):
        after = count.copy()
        after[best.group[pair]] += 1
        if (uses[pair] <= left).all() and np.ptp(after / rates.users) <= rates.gap + ROUNDING:
            sent[pair], added = True, True
            left, count = left - uses[pair], after
    return added
