"""The allocation problem as arrays: what users may get, what it is worth, and what it uses up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]
Prices = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHUNK = 2**18
"""Numbers worked on at a time: so few that they stay in the processor's cache."""


@dataclass(frozen=True)
class Budget:
    """An amount, and what each choice takes from it.

    Attributes
    ----------
    amount : float
        In currency, 0 or more.
    cost : array_like
        Expected cost of each coupon for each user, 0 or more; shape (n, K), or one that
        broadcasts to it, such as (K,) for a cost that is the same for all users.

    Examples
    --------
    >>> letters = Budget(100, cost=[1.0, 1.0])
    """

    amount: float
    cost: ArrayLike


@dataclass(frozen=True)
class AllocationProblem:
    """Users in rows, coupons in columns.

    Attributes
    ----------
    value : numpy.ndarray
        Shape (n, K), in currency; minus infinity where the user may not get the coupon.
    costs : list of numpy.ndarray
        One for each budget, shape (n, K).
    limits : numpy.ndarray
        The amounts of the budgets, then the caps of the capped coupons.
    capped : numpy.ndarray
        The columns that have a cap.
    k : int
        Most coupons for a user.
    groups : numpy.ndarray
        Shape (K,). A user gets at most one coupon of a group.
    """

    value: Floats
    costs: list[Floats]
    limits: Prices
    capped: NDArray[np.intp]
    k: int
    groups: NDArray[np.intp]

    def chunks(self) -> Iterator[slice]:
        """Cut the users into slices that fit the cache."""
        users, coupons = self.value.shape
        step = max(1, CHUNK // max(1, coupons))
        return (slice(start, start + step) for start in range(0, users, step))

    def sample(self, rows: NDArray[np.intp]) -> "AllocationProblem":
        """The same problem for some of the users, with their share of each limit."""
        share = len(rows) / len(self.value)
        costs = [cost[rows] for cost in self.costs]
        return AllocationProblem(
            self.value[rows], costs, share * self.limits, self.capped, self.k, self.groups
        )

    def adjusted(self, rows: slice, prices: Prices) -> Floats:
        """Value less what a choice uses at the given prices: equation `eq-adjusted`."""
        result = self.value[rows].copy()
        for price, cost in zip(prices, self.costs, strict=False):
            if price > 0:
                result -= cost[rows] * result.dtype.type(price)
        result[:, self.capped] -= prices[len(self.costs) :].astype(result.dtype)
        return result

    def used(self, chosen: Mask) -> Prices:
        """What a choice takes from each limit."""
        spent = np.zeros(len(self.costs))
        for rows in self.chunks():
            spent += [cost[rows][chosen[rows]].sum(dtype=float) for cost in self.costs]
        return np.concatenate([spent, chosen.sum(axis=0)[self.capped]])

    def of_pair(self, row: int, column: int) -> Prices:
        """What one user's one coupon takes from each limit."""
        return np.array([*(cost[row, column] for cost in self.costs), *(self.capped == column)])

    def best(self, adjusted: Floats) -> Mask:
        """Each user's best coupons: at most k, at most one of a group, each above zero."""
        best = adjusted > 0
        for columns in shared(self.groups):
            first = adjusted[:, columns].argmax(axis=1)
            best[:, columns] &= first[:, None] == np.arange(len(columns))
        if self.k < best.shape[1]:
            top = _top(np.where(best, adjusted, -np.inf), self.k)
            kept = np.zeros_like(best)
            np.put_along_axis(kept, top, True, axis=1)
            best &= kept
        return best


def shared(groups: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The columns of each group that has more than one."""
    labels, sizes = np.unique(groups, return_counts=True)
    return [np.flatnonzero(groups == label) for label in labels[sizes > 1]]


def _top(scores: Floats, k: int) -> NDArray[np.intp]:
    if k == 1:
        return np.asarray(scores.argmax(axis=1)[:, None])
    return np.argpartition(-scores, k - 1, axis=1)[:, :k]


def allocation_problem(
    value: ArrayLike,
    budgets: Sequence[Budget],
    caps: ArrayLike | None,
    k: int,
    groups: ArrayLike | None,
) -> AllocationProblem:
    """Build the problem from the arguments of `allocate`, or say what is wrong with them."""
    value = np.asarray(value)
    if value.ndim != 2 or value.dtype.kind not in "fiu":
        raise ValueError(f"value must be numbers of shape (n, K), not {value.dtype} {value.shape}")
    if value.dtype.kind != "f":
        value = value.astype(float)
    if np.isnan(value).any() or np.isposinf(value).any():
        raise ValueError(
            "value must be finite, or minus infinity where a user may not get a coupon"
        )
    if k < 1:
        raise ValueError(f"k is {k}; it must be 1 or more")
    costs = [_cost(number, budget, value.shape) for number, budget in enumerate(budgets)]
    coupons = value.shape[1]
    limits = np.full(coupons, np.inf) if caps is None else np.asarray(caps, float)
    if limits.shape != (coupons,) or not (limits >= 0).all():
        raise ValueError(f"caps must be {coupons} numbers of 0 or more, infinity for none")
    labels = np.arange(coupons) if groups is None else np.asarray(groups)
    if labels.shape != (coupons,):
        raise ValueError(f"groups must have shape ({coupons},), not {labels.shape}")
    capped = np.flatnonzero(limits < len(value))
    amounts = [budget.amount for budget in budgets]
    return AllocationProblem(
        value,
        costs,
        np.array([*amounts, *np.floor(limits[capped])], float),
        capped,
        k,
        np.unique(labels, return_inverse=True)[1],
    )


def _cost(number: int, budget: Budget, shape: tuple[int, ...]) -> Floats:
    if not 0 <= budget.amount < np.inf:
        raise ValueError(f"budget {number} has the amount {budget.amount}; it must be 0 or more")
    cost = np.asarray(budget.cost)
    if not (cost >= 0).all() or np.isposinf(cost).any():
        raise ValueError(f"budget {number} has costs that are not finite numbers of 0 or more")
    try:
        return np.broadcast_to(cost, shape)
    except ValueError:
        raise ValueError(
            f"budget {number} has costs of shape {cost.shape}, which do not fit {shape}"
        ) from None
