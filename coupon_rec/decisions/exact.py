"""The exact optimum, for problems small enough: branch and bound, by HiGHS."""

import ctypes
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog, milp
from scipy.sparse import block_array, coo_array, csr_array, vstack

from coupon_rec.decisions.problem import AllocationProblem, Mask, Prices


class Program(NamedTuple):
    """The allocation as a linear program: one variable for each choice that is worth making."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    worth: Prices
    matrix: csr_array
    highest: Prices
    most: Prices
    """Of each variable: 1 of a choice, and k of the lowest rate, where rates are limited."""

    def chosen(self, problem: AllocationProblem, x: Prices) -> Mask:
        """The choices that a solution takes whole."""
        whole = x[: len(self.rows)] > 1 - 1e-6
        return problem.mask(self.rows[whole], self.columns[whole])


def program(problem: AllocationProblem) -> Program:
    """Write the problem down: limits, k a user, one of each group a user, then rates of users."""
    least = 0.0 if problem.rates is None else -np.inf
    rows, columns = np.nonzero(problem.value > least)
    pairs = rows * (problem.groups.max() + 1) + problem.groups[columns]
    once, each = _membership(rows), _membership(pairs)
    each = each[each.sum(axis=1) > 1]
    uses = problem.taken(rows, columns).reshape(len(problem.limits), len(rows))
    fixed = np.repeat([problem.k, 1.0], [once.shape[0], each.shape[0]])
    worth = problem.value[rows, columns].astype(float)
    matrix = vstack([csr_array(uses), once, each], format="csr")
    highest = np.concatenate([problem.limits, fixed])
    most = np.ones(len(rows))
    if (rates := problem.rates) is not None:
        group, size = rates.group[rows], rates.users
        places = (group, np.arange(len(rows)))
        share = csr_array(coo_array((1 / size[group], places), (len(size), len(rows))))
        lowest = np.ones((len(size), 1))
        nothing = csr_array((len(highest), 1))
        matrix = block_array([[matrix, nothing], [share, -lowest], [-share, lowest]], format="csr")
        highest = np.concatenate([highest, np.repeat([rates.gap, 0.0], len(size))])
        worth, most = np.append(worth, 0.0), np.append(most, problem.k)
    return Program(rows, columns, worth, matrix, highest, most)


def relax(problem: AllocationProblem) -> tuple[Mask, float, Prices]:
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
    solution = linprog(
        -small.worth,
        small.matrix,
        small.highest,
        bounds=np.column_stack([0 * small.most, small.most]),
    )
    prices = -solution.ineqlin.marginals[: len(problem.limits)]
    return small.chosen(problem, solution.x), -solution.fun, prices


def solve(problem: AllocationProblem) -> tuple[Mask, float, Prices]:
    """Find the allocation that is worth most; bound and prices are those of `relax`."""
    chosen, bound, prices = relax(problem)
    if bound <= 0:
        return chosen, bound, prices
    small = program(problem)
    less = np.zeros(len(problem.limits))
    while True:
        with _without_solver_lines():
            solution = milp(
                -small.worth,
                integrality=np.arange(len(small.worth)) < len(small.rows),
                bounds=(0, small.most),
                constraints=(small.matrix, -np.inf, small.highest),
                options={"mip_rel_gap": 0},
            )
        if solution.x is None:
            raise RuntimeError(f"HiGHS found no allocation: {solution.message}")
        chosen = small.chosen(problem, solution.x.round())
        over = np.maximum(problem.used(chosen) - problem.limits, 0)
        if not over.any():
            return chosen, bound, prices
        # HiGHS lets a limit be exceeded by a millionth: one rounding less would change nothing
        less = np.where(over > 0, 2 * np.maximum(less, over), 0)
        small.highest[: len(over)] -= less


def _membership(labels: NDArray[np.intp]) -> csr_array:
    """One row for each distinct label, with a 1 in the columns that carry it."""
    index = np.unique(labels, return_inverse=True)[1]
    return csr_array(coo_array((np.ones(len(index)), (index, np.arange(len(index))))))


_one_at_a_time = Lock()


@contextmanager
def _without_solver_lines() -> Iterator[None]:
    """Keep what HiGHS prints by itself, whatever its options say, from standard output.

    Standard output goes to a file meanwhile; what others have written there, in another thread
    say, is then passed on.
    """
    flush = ctypes.CDLL(None).fflush
    with _one_at_a_time, tempfile.TemporaryFile() as kept:
        flush(None)
        stdout = os.dup(1)
        os.dup2(kept.fileno(), 1)
        try:
            yield
        finally:
            flush(None)
            os.dup2(stdout, 1)
            os.close(stdout)
            kept.seek(0)
            lines = [line for line in kept if not line.startswith(b"HighsMipSolverData::")]
            if lines:
                with open(1, "wb", closefd=False) as out:
                    out.write(b"".join(lines))
