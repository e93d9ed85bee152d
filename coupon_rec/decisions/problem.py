"""The allocation problem as arrays: what users may get, what it is worth, and what it uses up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import require, require_one_order

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
    coupons : sequence of int, optional
        Columns of the coupons that draw on it, if not all do; `cost` then has one column for each
        of them, in their order.

    Notes
    -----
    The amount may be in another unit than currency: `stock_budgets` makes them of units in stock.

    Examples
    --------
    >>> letters = Budget(100, cost=[1.0, 1.0])
    >>> copies_of_the_second = Budget(40, cost=1.0, coupons=[1])
    """

    amount: float
    cost: ArrayLike
    coupons: Sequence[int] | None = None


@dataclass(frozen=True)
class Use:
    """What choices take from one budget.

    Attributes
    ----------
    cost : numpy.ndarray
        Of the coupons that draw on it, shape (n, their number).
    columns : slice or numpy.ndarray
        Which these are.
    place : numpy.ndarray
        Shape (K,). The column of `cost` that each coupon has, or -1.
    """

    cost: Floats
    columns: slice | NDArray[np.intp]
    place: NDArray[np.intp]

    def of(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        """What users' coupons take, one of each; the shape is that of `rows` and `columns`."""
        place = self.place[columns]
        return np.where(place < 0, 0, self.cost[rows, place])

    def total(self, rows: slice, chosen: Mask) -> float:
        """What the choices of some users take together."""
        return float(self.cost[rows][chosen[:, self.columns]].sum(dtype=float))


@dataclass(frozen=True)
class Rates:
    """The users' groups, and by how much their coupons a user may differ.

    Attributes
    ----------
    group : numpy.ndarray
        Shape (n,), from 0.
    gap : float
        Highest rate of a group less the lowest, at most.
    labels : list
        Of the groups.
    """

    group: NDArray[np.intp]
    gap: float
    labels: list[Any]

    @cached_property
    def users(self) -> NDArray[np.intp]:
        """How many users each group has."""
        return np.bincount(self.group)


@dataclass(frozen=True)
class AllocationProblem:
    """Users in rows, coupons in columns.

    Attributes
    ----------
    value : numpy.ndarray
        Shape (n, K), in currency; minus infinity where the user may not get the coupon.
    uses : list of Use
        One for each budget.
    limits : numpy.ndarray
        The amounts of the budgets, then the caps of the capped coupons.
    capped : numpy.ndarray
        The columns that have a cap.
    k : int
        Most coupons for a user.
    groups : numpy.ndarray
        Shape (K,). A user gets at most one coupon of a group.
    rates : Rates, optional
        Groups of users whose rates may not differ by more.
    """

    value: Floats
    uses: list[Use]
    limits: Prices
    capped: NDArray[np.intp]
    k: int
    groups: NDArray[np.intp]
    rates: Rates | None = None

    def chunks(self) -> Iterator[slice]:
        """Cut the users into slices that fit the cache."""
        users, coupons = self.value.shape
        step = max(1, CHUNK // max(1, coupons))
        return (slice(start, start + step) for start in range(0, users, step))

    def sample(self, rows: NDArray[np.intp]) -> "AllocationProblem":
        """The same problem for some of the users, with their share of each limit."""
        share = len(rows) / len(self.value)
        uses = [replace(use, cost=use.cost[rows]) for use in self.uses]
        rates = self.rates
        if rates is not None:
            group = np.unique(rates.group[rows], return_inverse=True)[1]
            rates = replace(rates, group=group)
        return AllocationProblem(
            self.value[rows], uses, share * self.limits, self.capped, self.k, self.groups, rates
        )

    def adjusted(self, rows: slice, prices: Prices) -> Floats:
        """Value less what a choice uses at the given prices: equation `eq-adjusted`."""
        result = self.value[rows].copy()
        for price, use in zip(prices, self.uses, strict=False):
            if price > 0:
                result[:, use.columns] -= use.cost[rows] * result.dtype.type(price)
        result[:, self.capped] -= prices[len(self.uses) :].astype(result.dtype)
        return result

    def used(self, chosen: Mask) -> Prices:
        """What a choice takes from each limit."""
        spent = np.zeros(len(self.uses))
        for rows in self.chunks():
            spent += [use.total(rows, chosen[rows]) for use in self.uses]
        return np.concatenate([spent, chosen.sum(axis=0)[self.capped]])

    def taken(self, rows: ArrayLike, columns: ArrayLike) -> Prices:
        """What users' coupons take from each limit; one limit a row."""
        pairs = np.asarray(rows), np.asarray(columns)
        of_caps = (pairs[1] == coupon for coupon in self.capped)
        return np.array([*(use.of(*pairs) for use in self.uses), *of_caps], float)

    def mask(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Mask:
        """Users' coupons as a matrix."""
        chosen = np.zeros(self.value.shape, bool)
        chosen[rows, columns] = True
        return chosen

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


def merged(problems: Sequence[AllocationProblem]) -> AllocationProblem:
    """The users of several problems in one, with the limits of the first."""
    uses = [
        replace(use, cost=np.concatenate([problem.uses[number].cost for problem in problems]))
        for number, use in enumerate(problems[0].uses)
    ]
    value = np.concatenate([problem.value for problem in problems])
    return replace(problems[0], value=value, uses=uses)


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
    _require_labels(value, budgets, caps, groups)
    value = np.asarray(value)
    if value.ndim != 2 or value.dtype.kind not in "fiu":
        raise ValueError(f"value must be numbers of shape (n, K), not {value.dtype} {value.shape}")
    if value.dtype.kind != "f":
        value = value.astype(float)
    allowed = "finite, or minus infinity where a user may not get a coupon"
    require("value", value, value < np.inf, allowed)
    if k < 1:
        raise ValueError(f"k is {k}; it must be 1 or more")
    uses = [_use(number, budget, value.shape) for number, budget in enumerate(budgets)]
    coupons = value.shape[1]
    limits = np.full(coupons, np.inf) if caps is None else np.asarray(caps, float)
    if limits.shape != (coupons,) or not (limits >= 0).all():
        raise ValueError(f"caps must be {coupons} numbers of 0 or more, infinity for none")
    labels = np.arange(coupons) if groups is None else np.asarray(groups)
    if labels.shape != (coupons,):
        raise ValueError(f"groups must have shape ({coupons},), not {labels.shape}")
    if groups is not None and (missing := int(pd.isna(np.asarray(groups, object)).sum())):
        raise ValueError(f"groups lack {missing} labels: give a coupon without a group its own")
    capped = np.flatnonzero(np.isfinite(limits))
    amounts = [budget.amount for budget in budgets]
    return AllocationProblem(
        value,
        uses,
        np.array([*amounts, *np.floor(limits[capped])], float),
        capped,
        k,
        np.unique(labels, return_inverse=True)[1],
    )


def _require_labels(
    value: ArrayLike, budgets: Sequence[Budget], caps: ArrayLike | None, groups: ArrayLike | None
) -> None:
    """Raise a ValueError if a pandas argument has other labels than value, or in another order."""
    require_one_order(value=_by_coupon(value), caps=caps, groups=groups)
    if not isinstance(value, pd.DataFrame):
        return
    for budget in budgets:
        shape = np.shape(budget.cost)
        if shape == value.shape:
            require_one_order(value=value, cost=budget.cost)
        if shape[-1:] == value.shape[1:] and budget.coupons is None:
            require_one_order(value=_by_coupon(value), cost=_by_coupon(budget.cost))


def _by_coupon(table: ArrayLike) -> ArrayLike | pd.DataFrame:
    """The labels of its columns as an index, of a DataFrame; else the table itself."""
    return pd.DataFrame(index=table.columns) if isinstance(table, pd.DataFrame) else table


def _use(number: int, budget: Budget, shape: tuple[int, int]) -> Use:
    if not 0 <= budget.amount < np.inf:
        raise ValueError(f"budget {number} has the amount {budget.amount}; it must be 0 or more")
    cost = np.asarray(budget.cost)
    if not (cost >= 0).all() or np.isposinf(cost).any():
        raise ValueError(f"budget {number} has costs that are not finite numbers of 0 or more")
    if budget.coupons is None:
        return Use(_fitted(number, cost, shape), slice(None), np.arange(shape[1]))
    columns, place = np.asarray(budget.coupons, np.intp), np.full(shape[1], -1)
    if len(np.unique(columns)) < len(columns) or not np.isin(columns, range(shape[1])).all():
        raise ValueError(
            f"budget {number} has the coupons {columns.tolist()}; they must be different columns "
            f"of value, from 0 to {shape[1] - 1}"
        )
    place[columns] = np.arange(len(columns))
    return Use(_fitted(number, cost, (shape[0], len(columns))), columns, place)


def _fitted(number: int, cost: Floats, shape: tuple[int, int]) -> Floats:
    try:
        return np.broadcast_to(cost, shape)
    except ValueError:
        raise ValueError(
            f"budget {number} has costs of shape {cost.shape}, which do not fit {shape}"
        ) from None
