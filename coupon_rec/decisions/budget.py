"""Coupons for many users under budgets and caps: one call, two solvers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import require_one_order
from coupon_rec.decisions.problem import (
    AllocationProblem,
    Budget,
    Mask,
    allocation_problem,
)

if TYPE_CHECKING:
    from coupon_rec.decisions.groups import GroupLimit

EXACT_UP_TO = 2_000
"""Choices worth making up to which "auto" looks for the exact optimum."""


@dataclass(frozen=True)
class Allocation:
    """Who gets what, what it is worth, and how far it can be from the best.

    Attributes
    ----------
    chosen : numpy.ndarray
        Shape (n, K), True where a user gets a coupon; a row of False is "no coupon".
    value : float
        Sum of the chosen values, in currency.
    bound : float
        Upper bound on what any allocation within the limits is worth: the optimum of the linear
        program, approached from above by "dual".
    spent : numpy.ndarray
        What the choice takes from each budget, at most its amount.
    prices : numpy.ndarray
        What one more unit of each budget would earn.
    cap_prices : numpy.ndarray
        Shape (K,). What one more copy of each coupon would earn; 0 where there is no cap.
    method : str
        "exact" or "dual".
    fees : mapping
        By group, where rates are limited: what a coupon has to be worth to be sent to its users,
        at the prices; above 0 for a group that is held back, below 0 for one that is sent more.

    Examples
    --------
    >>> found = allocate([[5.0, 1.0], [4.0, 1.0]], caps=[1, 2])
    >>> found.chosen.tolist(), found.value, found.gap
    ([[True, False], [False, True]], 6.0, 0.0)
    """

    chosen: Mask
    value: float
    bound: float
    spent: NDArray[np.float64]
    prices: NDArray[np.float64]
    cap_prices: NDArray[np.float64]
    method: str
    fees: Mapping[Any, float] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """What the value can be below the optimum at most, as a share of the bound."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


def allocate(
    value: ArrayLike,
    budgets: Budget | Sequence[Budget] = (),
    *,
    caps: ArrayLike | None = None,
    k: int = 1,
    groups: ArrayLike | None = None,
    method: Literal["auto", "exact", "dual"] = "auto",
    group_limit: "GroupLimit | None" = None,
) -> Allocation:
    """Choose coupons for all users together, so that their value is largest within the limits.

    Parameters
    ----------
    value : array_like
        Value of each coupon for each user, shape (n, K), in currency; minus infinity where the
        user may not get it. A coupon that is worth nothing is never sent.
    budgets : Budget or sequence of Budget
        None of them is exceeded.
    caps : array_like, optional
        Most users who get each coupon, shape (K,); infinity for no cap.
    k : int
        Most coupons for a user; their values are taken to add up.
    groups : array_like, optional
        Label of each coupon, shape (K,); a user gets at most one coupon of a label.
    method : {"auto", "exact", "dual"}
        "exact" for the best allocation there is, in a time that can grow exponentially; "dual" for
        one close to it, in a time that grows with n K. "auto" is exact for small problems.
    group_limit : GroupLimit, optional
        How much the rates of groups of users may differ. Without budgets and caps the answer is
        the best there is. Coupons of finite value below 0 may then be sent.

    Returns
    -------
    Allocation
        With the gap to the bound.

    Raises
    ------
    ValueError
        If an argument does not fit the others or, if `value` has labels, has them in another order;
        the method is not known, or the limit on groups cannot be met by sending to all of them.

    Examples
    --------
    $1.50 for three users, each of whom may get one of two coupons:

    >>> value = [[5.0, 1.0], [4.0, 1.0], [3.0, 2.0]]
    >>> found = allocate(value, Budget(1.5, cost=[1.0, 0.5]))
    >>> found.chosen.astype(int).tolist()
    [[1, 0], [0, 0], [0, 1]]

    Notes
    -----
    max sum(v x) subject to sum(c x) <= B: equation `eq-knapsack`. The dual of many budgets in
    parallel is the method of Zhang et al., WWW 2020; the planes are ours.
    """
    from coupon_rec.decisions import dual, exact  # a service decides without SciPy
    from coupon_rec.decisions import groups as between
    from coupon_rec.decisions.repair import repair

    limits = [budgets] if isinstance(budgets, Budget) else list(budgets)
    problem = allocation_problem(value, limits, caps, k, groups)
    if group_limit is not None:
        require_one_order(value=value, group=group_limit.group)
        problem = replace(problem, rates=between.rates_of(group_limit, problem.value))
    if method == "auto":
        method = "exact" if _is_small(problem) else "dual"
    if method == "exact":
        chosen, bound, prices = exact.solve(problem)
    elif method == "dual":
        bound, prices = dual.solve([problem], problem.limits)
        chosen = repair(problem, prices)
    else:
        raise ValueError(f'method is {method!r}; it must be "auto", "exact" or "dual"')
    fees: dict[Any, float] = {}
    if (rates := problem.rates) is not None:
        of_group = between.choose(problem, rates, prices).fees.tolist()
        fees = dict(zip(rates.labels, of_group, strict=True))
    cap_prices = np.zeros(problem.value.shape[1])
    cap_prices[problem.capped] = prices[len(limits) :]
    return Allocation(
        chosen=chosen,
        value=float(problem.value[chosen].sum(dtype=float)),
        bound=bound,
        spent=problem.used(chosen)[: len(limits)],
        prices=prices[: len(limits)],
        cap_prices=cap_prices,
        method=method,
        fees=fees,
    )


def _is_small(problem: AllocationProblem) -> bool:
    """Whether the exact optimum is found soon; a limit on groups makes that harder."""
    if problem.rates is None:
        return bool(np.count_nonzero(problem.value > 0) <= EXACT_UP_TO)
    return bool(problem.limits.size and 5 * np.isfinite(problem.value).sum() <= EXACT_UP_TO)
