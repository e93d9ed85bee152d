"""The Lagrangian dual: prices for the budgets and caps at which users choose by themselves.

For any prices of 0 or more, the users' own best choices at these prices, plus what the limits
would fetch, are an upper bound on what any allocation can be worth (`eq-dual`). It is convex and
piecewise linear in the prices, and its lowest value is that of the linear program. To find it, each
round collects one tangent plane at the current prices; a small linear program finds the lowest
point of all planes near the best prices so far, and there the next plane is taken.
"""

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from scipy.optimize import linprog

from coupon_rec.decisions import groups
from coupon_rec.decisions.problem import AllocationProblem, Prices, merged

SAMPLE = 20_000
"""Users from whom the first prices are learned, where there are many more."""


def answer(problem: AllocationProblem, prices: Prices) -> tuple[float, Prices]:
    """What users keep of their own best choices at the prices, and what these use of each limit."""
    if problem.rates is not None:
        return groups.answer(problem, problem.rates, prices)
    kept, used = 0.0, np.zeros(len(prices))
    budgets = len(problem.uses)
    for rows in problem.chunks():
        adjusted = problem.adjusted(rows, prices)
        best = problem.best(adjusted)
        kept += float(adjusted[best].sum(dtype=float))
        used[:budgets] += [use.total(rows, best) for use in problem.uses]
        used[budgets:] += best.sum(axis=0)[problem.capped]
    return kept, used


def bound(
    parts: Iterable[AllocationProblem], limits: Prices, prices: Prices
) -> tuple[float, Prices]:
    """The dual function of all parts together (`eq-dual-parts`), and its slope: limits less use."""
    total, slope = float(prices @ limits), np.array(limits, np.float64)
    for part in parts:
        kept, used = answer(part, prices)
        total += kept
        slope -= used
    return total, slope


def solve(
    parts: Iterable[AllocationProblem], limits: Prices, tolerance: float = 1e-6
) -> tuple[float, Prices]:
    """Find prices at which the dual is lowest, up to a share of its value.

    Parameters
    ----------
    parts : iterable of AllocationProblem
        The users in one part or more, which are read one after the other. Their own limits do not
        matter.
    limits : numpy.ndarray
        Of all parts together.
    tolerance : float
        The share.

    Returns
    -------
    bound : float
        The dual's value there, an upper bound on what any allocation is worth.
    prices : numpy.ndarray
        One for each limit, 0 or more.
    """
    users = sum(len(part.value) for part in parts)
    share = min(1.0, SAMPLE / users)
    first = [part.sample(np.arange(round(share * len(part.value)))) for part in parts]
    scale, start = price_scale(merged(first)), np.zeros(len(limits))
    if users <= 2 * SAMPLE:
        return descend(partial(bound, parts, limits), start, scale, 1.0, tolerance, 300)
    sample = [_sampled(part, share, seed) for seed, part in enumerate(parts)]
    on_sample = partial(bound, sample, share * limits)
    _, start = descend(on_sample, start, scale, 1.0, tolerance, 300)
    return descend(partial(bound, parts, limits), start, scale, 0.02, tolerance, 40)


def _sampled(part: AllocationProblem, share: float, seed: int) -> AllocationProblem:
    users = len(part.value)
    rows = np.random.default_rng(seed).choice(users, max(1, round(share * users)), replace=False)
    return part.sample(np.sort(rows))


def descend(
    bound: Callable[[Prices], tuple[float, Prices]],
    start: Prices,
    scale: Prices,
    radius: float,
    tolerance: float,
    rounds: int,
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
    solution = linprog([*np.zeros(size), 1], above, -np.array(heights), bounds=limits)
    return solution.x[-1], np.maximum(solution.x[:-1], 0)


def price_scale(problem: AllocationProblem) -> Prices:
    """The prices at which hardly anybody would still choose."""
    value = problem.value
    scales = []
    for use in problem.uses:
        worth, cost = value[:, use.columns], use.cost
        buys = (worth > 0) & (cost > 0)
        ratios = worth[buys] / cost[buys]
        scales.append(np.quantile(ratios, 0.99) if ratios.size else 1.0)
    tops = value.max(axis=0, initial=0.0)[problem.capped]
    return np.array([*scales, *np.where(tops > 0, tops, 1.0)], float)
