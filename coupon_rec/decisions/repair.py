"""From prices to an allocation that keeps every limit.

At the best prices the users' own choices use up the limits almost exactly, a little over or under.
The users near the edge, who are nearly indifferent at these prices, are allocated again among
themselves by HiGHS, which looks at no more than the root of its tree. What is still over is taken
from those who lose least by it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions.exact import program, whole
from coupon_rec.decisions.problem import AllocationProblem, Floats, Mask, Prices, merged

EDGE = 500
"""Users who are allocated anew."""

OTHERS = 4
"""Coupons beside the best k that each of them may get."""

TIES = 1 - 1e-6
"""At prices this much lower, those who are indifferent want the coupon."""


class Near(NamedTuple):
    """The users of a part who are nearest to another choice, what they and the others choose."""

    rows: NDArray[np.intp]
    problem: AllocationProblem
    chosen: Mask
    others: Prices


def repair(parts: Sequence[AllocationProblem], prices: Prices) -> Iterator[Mask]:
    """Choose at the prices, part by part, and never above the limits of all together.

    Yields
    ------
    numpy.ndarray
        Shape (users of the part, K), True where a user gets a coupon.
    """
    prices, left = TIES * prices, parts[0].limits
    near = [_near(part, prices, EDGE // len(parts) + 1) for part in parts]
    edge, later = merged([each.problem for each in near]), sum(each.others for each in near)
    settled = np.concatenate([each.chosen for each in near])
    if len(left):
        settled = _settled(edge, prices, left - later, settled)
    later = later + edge.used(settled)
    ends = np.cumsum([len(each.rows) for each in near])
    for part, each, choice in zip(parts, near, np.split(settled, ends[:-1]), strict=True):
        chosen, _ = choose_at(part, prices)
        chosen[each.rows] = choice
        later = later - part.used(chosen)
        _drop(part, prices, chosen, np.maximum(left - later, 0))
        left = left - part.used(chosen)
        yield chosen


def choose_at(problem: AllocationProblem, prices: Prices) -> tuple[Mask, Floats]:
    """The users' choices at the prices, and what each user loses by the next best, shape (n,)."""
    chosen = np.zeros(problem.value.shape, bool)
    doubts = []
    for rows in problem.chunks():
        adjusted = problem.adjusted(rows, prices)
        best = chosen[rows] = problem.best(adjusted)
        instead = np.where(best, -np.inf, adjusted).max(axis=1)
        least = np.where(best, adjusted, np.inf).min(axis=1)
        free = best.sum(axis=1) < problem.k
        doubts.append(np.where(free, np.minimum(least, -instead), least - np.maximum(instead, 0)))
    return chosen, np.concatenate(doubts)


def _near(problem: AllocationProblem, prices: Prices, most: int) -> Near:
    chosen, doubt = choose_at(problem, prices)
    rows = np.sort(np.argsort(doubt, kind="stable")[:most])
    own = chosen[rows]
    chosen[rows] = False
    return Near(rows, problem.sample(rows), own, problem.used(chosen))


def _settled(edge: AllocationProblem, prices: Prices, limits: Prices, chosen: Mask) -> Mask:
    """Allocate the users near the edge anew, if what the others leave suffices."""
    adjusted = edge.adjusted(slice(None), prices)
    few = min(edge.k + OTHERS, adjusted.shape[1])
    least = np.partition(adjusted, -few, axis=1)[:, -few, None]
    value = np.where(chosen | (adjusted >= least), edge.value, -np.inf)
    if not (value > 0).any():
        return chosen
    uses = [replace(use, amount=left) for use, left in zip(edge.uses, limits, strict=True)]
    small = program(replace(edge, value=value, uses=uses))
    found = whole(small, node_limit=1, mip_rel_gap=1e-5)
    return chosen if found is None else small.chosen(found, chosen.shape)


def _drop(problem: AllocationProblem, prices: Prices, chosen: Mask, limits: Prices) -> None:
    """Take coupons back, in place, the least worth first, until every limit is kept."""
    worth = [problem.adjusted(rows, prices)[chosen[rows]] for rows in problem.chunks()]
    order = np.argsort(np.concatenate(worth), kind="stable")
    rows, columns = (place[order] for place in np.nonzero(chosen))
    while (over := problem.used(chosen) > limits).any():
        for number in np.flatnonzero(over):
            takes = problem.uses[number].of(rows, columns) * chosen[rows, columns]
            mine = np.flatnonzero(takes > 0)
            freed = np.cumsum(takes[mine], dtype=float)
            end = np.searchsorted(freed, takes.sum(dtype=float) - limits[number]) + 1
            chosen[rows[mine[:end]], columns[mine[:end]]] = False
