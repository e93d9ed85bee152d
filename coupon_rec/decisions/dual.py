"""The Lagrangian dual: prices for the budgets and caps at which users choose by themselves.

For any prices of 0 or more, the users' own best choices at these prices, plus what the limits
would fetch, are an upper bound on what any allocation can be worth (`eq-dual`). It is convex and
piecewise linear in the prices, and its lowest value is that of the linear program. To find it, each
round collects one tangent plane at the current prices; a small linear program finds the lowest
point of all planes near the best prices so far, and there the next plane is taken.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
from scipy.optimize import linprog

from coupon_rec.decisions.problem import AllocationProblem, Prices, merged

SAMPLE = 20_000
"""Users from whom the first prices are learned, where there are many more."""


def answer(problem: AllocationProblem, prices: Prices) -> tuple[float, Prices]:
    """What users keep of their own best choices at the prices, and what these use of each limit."""
    kept, used = 0.0, np.zeros(len(prices))
    for part in problem.chunks():
        adjusted = problem.adjusted(part, prices)
        rows, columns = np.nonzero(problem.best(adjusted))
        kept += float(adjusted[rows, columns].sum(dtype=float))
        used += problem.taken(rows + part.start, columns)
    return kept, used


def bound(
    parts: Iterable[AllocationProblem], limits: Prices, prices: Prices
) -> tuple[float, Prices]:
    """The dual function of all parts together (`eq-dual-parts`), and its slope: limits less use."""
    kept, used = zip(*(answer(part, prices) for part in parts), strict=True)
    return float(prices @ limits) + sum(kept), limits - sum(used)


def solve(parts: Sequence[AllocationProblem], tolerance: float = 1e-6) -> tuple[float, Prices]:
    """Find prices at which the dual is lowest, up to a share of its value.

    Parameters
    ----------
    parts : sequence of AllocationProblem
        The users in one part or more, which are read one after the other; the limits are of all
        together.
    tolerance : float
        The share.

    Returns
    -------
    bound : float
        The dual's value there, an upper bound on what any allocation is worth.
    prices : numpy.ndarray
        One for each limit, 0 or more.
    """
    limits = parts[0].limits
    share = min(1.0, SAMPLE / sum(len(part.value) for part in parts))
    sample = merged([_sampled(part, share, seed) for seed, part in enumerate(parts)])
    scale, start = price_scale(sample), np.zeros(len(limits))
    whole = partial(bound, parts, limits)
    if share >= 0.5:
        return descend(whole, start, scale, 1.0, tolerance, 300)
    _, start = descend(partial(bound, [sample], share * limits), start, scale, 1.0, tolerance, 300)
    return descend(whole, start, scale, 0.02, tolerance, 40)


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
    found = linprog([*np.zeros(size), 1], above, -np.array(heights), bounds=limits)
    return found.x[-1], np.maximum(found.x[:-1], 0)


def price_scale(problem: AllocationProblem) -> Prices:
    """The prices at which hardly anybody would still choose."""
    scales = []
    for use in problem.uses:
        worth = problem.value[:, use.columns]
        cost = np.broadcast_to(use.cost, worth.shape)
        buys = (worth > 0) & (cost > 0)
        scales.append(np.quantile(worth[buys] / cost[buys], 0.99) if buys.any() else 1.0)
    return np.array(scales, float)
