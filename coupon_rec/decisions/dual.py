"""The Lagrangian dual: prices for the budgets and caps at which users choose by themselves.

For any prices of 0 or more, the users' own best choices at these prices, plus what the limits
would fetch, are an upper bound on what any allocation can be worth (`eq-dual`). It is convex and
piecewise linear in the prices, and its lowest value is that of the linear program. To find it, each
round collects one tangent plane at the current prices; a small linear program finds the lowest
point of all planes near the best prices so far, and there the next plane is taken.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.optimize import linprog

from coupon_rec.decisions import groups
from coupon_rec.decisions.problem import AllocationProblem, Prices

SAMPLE = 20_000
"""Users from whom the first prices are learned, where there are many more."""


def bound(problem: AllocationProblem, prices: Prices) -> tuple[float, Prices]:
    """The dual function at the given prices, and its slope: limits less use."""
    if problem.rates is not None:
        return groups.bound(problem, prices)
    total = float(prices @ problem.limits)
    slope = problem.limits.copy()
    budgets = len(problem.uses)
    for rows in problem.chunks():
        adjusted = problem.adjusted(rows, prices)
        best = problem.best(adjusted)
        total += float(adjusted[best].sum(dtype=float))
        slope[:budgets] -= [use.total(rows, best) for use in problem.uses]
        slope[budgets:] -= best.sum(axis=0)[problem.capped]
    return total, slope


def solve(problem: AllocationProblem, tolerance: float = 1e-6) -> tuple[float, Prices]:
    """Find prices at which the dual is lowest, up to a share of its value.

    Returns
    -------
    bound : float
        The dual's value there, an upper bound on what any allocation is worth.
    prices : numpy.ndarray
        One for each limit, 0 or more.
    """
    users = len(problem.value)
    scale = price_scale(problem)
    start, radius = np.zeros(len(problem.limits)), 1.0
    if users > 2 * SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(users, SAMPLE, replace=False))
        _, start = descend(partial(bound, problem.sample(rows)), start, scale, radius, tolerance)
        radius = 0.02
    rounds = 300 if users <= 2 * SAMPLE else 40
    return descend(partial(bound, problem), start, scale, radius, tolerance, rounds)


def descend(
    bound: Callable[[Prices], tuple[float, Prices]],
    start: Prices,
    scale: Prices,
    radius: float,
    tolerance: float,
    rounds: int = 300,
) -> tuple[float, Prices]:
    """Find where a dual is lowest, from what it and its slope are at single prices.

    Parameters
    ----------
    bound : callable
        The dual, and its slope, at given prices.
    start, scale : numpy.ndarray
        Where to begin, and steps of what size to take: one number for each limit.
    radius, tolerance : float
        How far the first step may go, in steps; and which share of the dual may be missed.
    rounds : int
        At most so many calls.

    Returns
    -------
    float, numpy.ndarray
        As `solve` gives them.
    """
    center = start
    lowest, slope = bound(center)
    planes, heights = [slope], [lowest - float(slope @ center)]
    for _ in range(rounds):
        reach = radius * scale
        expected, prices = _lowest_point(planes, heights, center - reach, center + reach)
        if lowest - expected <= tolerance * abs(lowest):
            if radius >= 1:
                break
            radius *= 4
            continue
        height, slope = bound(prices)
        planes.append(slope)
        heights.append(height - float(slope @ prices))
        if height < lowest:
            radius *= 2 if lowest - height > (lowest - expected) / 2 else 1
            lowest, center = height, prices
        else:
            radius /= 2
    return lowest, center


def _lowest_point(
    planes: list[Prices], heights: list[float], low: Prices, high: Prices
) -> tuple[float, Prices]:
    """Where the highest of the planes is lowest, within a box of prices."""
    size = len(low)
    above = np.column_stack([planes, -np.ones(len(planes))])
    limits = [*zip(np.maximum(low, 0), high, strict=True), (None, None)]
    found = linprog([*np.zeros(size), 1], above, -np.array(heights), bounds=limits)
    return found.x[-1], np.maximum(found.x[:-1], 0)


def price_scale(problem: AllocationProblem) -> Prices:
    """The prices at which hardly anybody would still choose, from the first users."""
    rows = slice(0, SAMPLE)
    value = problem.value[rows]
    scales = []
    for use in problem.uses:
        worth, cost = value[:, use.columns], use.cost[rows]
        buys = (worth > 0) & (cost > 0)
        ratios = worth[buys] / cost[buys]
        scales.append(np.quantile(ratios, 0.99) if ratios.size else 1.0)
    tops = value.max(axis=0, initial=0.0)[problem.capped]
    return np.array([*scales, *np.where(tops > 0, tops, 1.0)], float)
