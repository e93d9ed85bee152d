"""The exact optimum, for problems small enough: branch and bound, by HiGHS."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, milp
from scipy.sparse import coo_array, csr_array, vstack

from coupon_rec.decisions.problem import Mask, Prices, Problem


class Program(NamedTuple):
    """The allocation as a linear program: one variable for each choice that is worth making."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    worth: Prices
    matrix: csr_array
    highest: Prices

    def chosen(self, x: Prices, shape: tuple[int, ...]) -> Mask:
        """The choices that a solution takes whole."""
        chosen = np.zeros(shape, bool)
        whole = x > 1 - 1e-6
        chosen[self.rows[whole], self.columns[whole]] = True
        return chosen


def program(problem: Problem) -> Program:
    """Write the problem down: limits first, then k a user, then one of each group a user."""
    rows, columns = np.nonzero(problem.value > 0)
    uses = [
        *(cost[rows, columns] for cost in problem.costs),
        *(columns == coupon for coupon in problem.capped),
    ]
    pairs = rows * (problem.groups.max() + 1) + problem.groups[columns]
    once, each = _membership(rows), _membership(pairs)
    each = each[each.sum(axis=1) > 1]
    limits = csr_array(np.reshape(uses, (len(uses), len(rows))).astype(float))
    fixed = np.repeat([problem.k, 1.0], [once.shape[0], each.shape[0]])
    return Program(
        rows,
        columns,
        problem.value[rows, columns].astype(float),
        vstack([limits, once, each], format="csr"),
        np.concatenate([problem.limits, fixed]),
    )


def relax(problem: Problem) -> tuple[Mask, float, Prices]:
    """Solve the linear program, in which coupons may be cut into pieces.

    Returns
    -------
    chosen : numpy.ndarray
        Shape (n, K), True where a user gets a whole coupon. No more users than there are limits
        get pieces.
    bound : float
        What the solution is worth with its pieces.
    prices : numpy.ndarray
        One for each limit: what one more unit of it would earn.
    """
    if not (problem.value > 0).any():
        return np.zeros(problem.value.shape, bool), 0.0, np.zeros(len(problem.limits))
    small = program(problem)
    found = linprog(-small.worth, small.matrix, small.highest, bounds=(0, 1))
    prices = -found.ineqlin.marginals[: len(problem.limits)]
    return small.chosen(found.x, problem.value.shape), -found.fun, prices


def solve(problem: Problem) -> tuple[Mask, float, Prices]:
    """Find the allocation that is worth most; bound and prices are those of `relax`."""
    chosen, bound, prices = relax(problem)
    if bound <= 0:
        return chosen, bound, prices
    small = program(problem)
    while True:
        found = milp(
            -small.worth,
            integrality=np.ones(len(small.worth)),
            bounds=(0, 1),
            constraints=(small.matrix, -np.inf, small.highest),
            options={"mip_rel_gap": 0},
        )
        if found.x is None:
            raise RuntimeError(f"HiGHS found no allocation: {found.message}")
        chosen = small.chosen(found.x.round(), problem.value.shape)
        over = np.maximum(problem.used(chosen) - problem.limits, 0)
        if not over.any():
            return chosen, bound, prices
        small.highest[: len(over)] -= 2 * over  # HiGHS allows a millionth; we allow nothing


def _membership(labels: NDArray[np.intp]) -> csr_array:
    """One row for each distinct label, with a 1 in the columns that carry it."""
    index = np.unique(labels, return_inverse=True)[1]
    return csr_array(coo_array((np.ones(len(index)), (index, np.arange(len(index))))))
