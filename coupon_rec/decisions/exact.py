"""The exact optimum, for problems small enough: branch and bound, by HiGHS."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, milp
from scipy.sparse import coo_array, csr_array, vstack

from coupon_rec.decisions.problem import Mask, Prices, Problem


def solve(problem: Problem) -> tuple[Mask, float, Prices]:
    """Find the allocation that is worth most.

    Returns
    -------
    chosen : numpy.ndarray
        Shape (n, K), True where a user gets a coupon. No limit is exceeded.
    bound : float
        The optimum of the linear program, in which coupons may be cut into pieces.
    prices : numpy.ndarray
        One for each limit: what one more unit of it would earn there.
    """
    rows, columns = np.nonzero(problem.value > 0)
    chosen = np.zeros(problem.value.shape, bool)
    if not len(rows):
        return chosen, 0.0, np.zeros(len(problem.limits))
    worth = problem.value[rows, columns].astype(float)
    uses = np.vstack(
        [
            *(cost[rows, columns] for cost in problem.costs),
            *(columns == coupon for coupon in problem.capped),
            np.empty((0, len(rows))),
        ]
    ).astype(float)
    pairs = rows * (problem.groups.max() + 1) + problem.groups[columns]
    once, each = _membership(rows), _membership(pairs)
    matrix = vstack([csr_array(uses), once, each], format="csr")
    fixed = [np.full(once.shape[0], problem.k), np.ones(each.shape[0])]
    relaxed = linprog(-worth, matrix, np.concatenate([problem.limits, *fixed]), bounds=(0, 1))
    limits = problem.limits.copy()
    while True:
        highest = np.concatenate([limits, *fixed])
        found = milp(
            -worth,
            integrality=np.ones(len(worth)),
            bounds=(0, 1),
            constraints=(matrix, -np.inf, highest),
            options={"mip_rel_gap": 0},
        )
        if found.x is None:
            raise RuntimeError(f"HiGHS found no allocation: {found.message}")
        taken = found.x > 0.5
        chosen[:] = False
        chosen[rows[taken], columns[taken]] = True
        over = problem.used(chosen) - problem.limits
        if (over <= 0).all():
            return chosen, -relaxed.fun, -relaxed.ineqlin.marginals[: len(limits)]
        limits -= 2 * np.maximum(over, 0)  # HiGHS allows a millionth; we allow nothing


def _membership(labels: NDArray[np.intp]) -> csr_array:
    """One row for each distinct label, with a 1 in the columns that carry it."""
    index = np.unique(labels, return_inverse=True)[1]
    return csr_array(coo_array((np.ones(len(index)), (index, np.arange(len(index))))))
