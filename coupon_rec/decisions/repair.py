"""From prices to an allocation that keeps every limit.

At the best prices the users' own choices use up the limits almost exactly, a little over or under.
What is over is taken from those who lose least by it. What is left is given away, best moves
first. Finally the users near the edge, who are nearly indifferent at these prices, are allocated
again among themselves by the linear program, which cuts hardly any coupon into pieces.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import groups
from coupon_rec.decisions.exact import relax
from coupon_rec.decisions.problem import AllocationProblem, Floats, Mask, Prices, shared

EDGE = 2_000
"""Users who are allocated anew."""

TIES = 1 - 1e-6
"""At prices this much lower, those who are indifferent want the coupon."""

MOVES = 10_000
"""Moves tried at first, the most promising ones."""


def repair(problem: AllocationProblem, prices: Prices) -> Mask:
    """Choose at the prices, drop what is over the limits, and use what is left.

    Returns
    -------
    numpy.ndarray
        Shape (n, K), True where a user gets a coupon. No limit is exceeded.
    """
    if problem.rates is not None:
        return groups.repair(problem, problem.rates, prices)
    chosen, loss, doubt = choose_at(problem, TIES * prices)
    _drop(problem, chosen, loss)
    improve(problem, prices, chosen)
    if len(prices):
        _settle(problem, chosen, np.argsort(doubt, kind="stable")[:EDGE])
        improve(problem, prices, chosen)
    return chosen


def choose_at(problem: AllocationProblem, prices: Prices) -> tuple[Mask, Floats, Floats]:
    """The users' choices at the prices, and what they lose by another choice.

    Returns
    -------
    chosen : numpy.ndarray
        Shape (n, K).
    loss : numpy.ndarray
        What each chosen coupon is worth more than doing without, in the order of `chosen`.
    doubt : numpy.ndarray
        Shape (n,). What each user loses by the next best choice: 0 if two are equally good.
    """
    chosen = np.zeros(problem.value.shape, bool)
    losses, doubts = [], []
    for rows in problem.chunks():
        adjusted = problem.adjusted(rows, prices)
        best = chosen[rows] = problem.best(adjusted)
        instead = np.where(best, -np.inf, adjusted).max(axis=1)
        least = np.where(best, adjusted, np.inf).min(axis=1)
        free = best.sum(axis=1) < problem.k
        losses.append((adjusted - np.maximum(instead, 0)[:, None])[best])
        doubts.append(np.where(free, np.minimum(least, -instead), least - np.maximum(instead, 0)))
    return chosen, np.concatenate(losses), np.concatenate(doubts)


def _settle(problem: AllocationProblem, chosen: Mask, rows: NDArray[np.intp]) -> None:
    """Allocate some users anew, in place, if they gain by it; the others keep what they have."""
    before = chosen[rows]
    edge = problem.sample(rows)
    others = problem.used(chosen) - edge.used(before)
    after = relax(replace(edge, limits=np.maximum(problem.limits - others, 0)))[0]
    if edge.value[after].sum() > edge.value[before].sum():
        chosen[rows] = after


def _drop(problem: AllocationProblem, chosen: Mask, loss: Floats) -> None:
    """Take coupons back, in place, smallest loss first, until every limit is kept."""
    rows, columns = np.nonzero(chosen)
    order = np.argsort(-loss, kind="stable")
    rows, columns = rows[order], columns[order]
    for cap, coupon in zip(problem.limits[len(problem.uses) :], problem.capped, strict=True):
        having = rows[columns == coupon]
        chosen[having[int(cap) :], coupon] = False
    for amount, use in zip(problem.limits, problem.uses, strict=False):
        kept = chosen[rows, columns]
        rows, columns = rows[kept], columns[kept]
        takes = use.of(rows, columns)
        over = (np.cumsum(takes, dtype=float) > amount) & (takes > 0)
        chosen[rows[over], columns[over]] = False


def improve(problem: AllocationProblem, prices: Prices, chosen: Mask) -> None:
    """Give users more valuable coupons, in place, as far as the limits allow."""
    tried = MOVES
    while _move(problem, prices, chosen, tried):
        tried *= 4
    while (over := problem.used(chosen) > problem.limits).any():  # by rounding only
        rows, columns = np.nonzero(chosen)
        pairs = zip(rows.tolist(), columns.tolist(), strict=True)  # one by one, to save memory
        uses = [problem.taken(*pair)[over].any() for pair in pairs]
        worth = np.where(uses, problem.value[rows, columns], np.inf)
        chosen[rows[worth.argmin()], columns[worth.argmin()]] = False


def _move(problem: AllocationProblem, prices: Prices, chosen: Mask, tried: int) -> bool:
    """Make the best moves, in place, at most one a user; say whether there was any."""
    used = problem.used(chosen)
    moves = _moves(problem, prices, chosen, problem.limits - used)[:tried]
    touched: set[int] = set()
    for row, new, old in moves:
        if row in touched:
            continue
        after = used + problem.taken(row, new)
        if old >= 0:
            after -= problem.taken(row, old)
        if (after <= problem.limits).all():
            chosen[row, new] = True
            if old >= 0:
                chosen[row, old] = False
            used = after
            touched.add(row)
    return bool(touched)


def _moves(
    problem: AllocationProblem, prices: Prices, chosen: Mask, left: Floats
) -> NDArray[np.intp]:
    """List moves that gain value and fit by themselves, the best at the prices first.

    Returns
    -------
    numpy.ndarray
        Shape (moves, 3): the user, the coupon to get, and the one it replaces, or -1.
    """
    by_chunk, scores = [], []
    for rows in problem.chunks():
        old = _replaced(problem, prices, rows, chosen[rows])
        user = np.arange(len(old))[:, None]
        value, adjusted = problem.value[rows], problem.adjusted(rows, prices)
        gains = ~chosen[rows] & (value > np.where(old < 0, 0, value[user, old]))
        for rest, use in zip(left, problem.uses, strict=False):
            given_up = np.where(old < 0, 0, use.of(user + rows.start, old))[:, use.columns]
            gains[:, use.columns] &= use.cost[rows] - given_up <= rest
        full = problem.capped[left[len(problem.uses) :] < 1]
        gains[:, full] = False
        row, new = np.nonzero(gains)
        before = old[row, new]
        by_chunk.append(np.column_stack([row + rows.start, new, before]))
        scores.append(adjusted[row, new] - np.where(before < 0, 0, adjusted[row, before]))
    moves, score = np.concatenate(by_chunk), np.concatenate(scores)
    return moves[np.argsort(-score, kind="stable")]


def _replaced(
    problem: AllocationProblem, prices: Prices, rows: slice, chosen: Mask
) -> NDArray[np.intp]:
    """Which coupon each user would give up for each other one: shape (users, K), -1 for none."""
    least = np.where(chosen, problem.adjusted(rows, prices), np.inf).argmin(axis=1)
    full = chosen.sum(axis=1) >= problem.k
    old = np.broadcast_to(np.where(full, least, -1)[:, None], chosen.shape).copy()
    for columns in shared(problem.groups):
        part = chosen[:, columns]
        same = columns[part.argmax(axis=1)]
        old[:, columns] = np.where(part.any(axis=1), same, old[:, columns[0]])[:, None]
    return old
