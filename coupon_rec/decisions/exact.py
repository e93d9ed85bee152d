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
from scipy.sparse import coo_array, csr_array, vstack

from coupon_rec.decisions.problem import AllocationProblem, Mask, Prices


class Program(NamedTuple):
    """The allocation as a linear program: one variable for each choice that may be made."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    worth: Prices
    matrix: csr_array
    highest: Prices

    def chosen(self, x: Prices, shape: tuple[int, ...]) -> Mask:
        """A solution in whole coupons as a matrix of users and coupons."""
        chosen = np.zeros(shape, bool)
        chosen[self.rows, self.columns] = x > 0.5
        return chosen


def program(problem: AllocationProblem) -> Program:
    """Write the problem down: the limits, then k a user, then one of each group a user."""
    gives = any((use.cost < 0).any() for use in problem.uses)
    rows, columns = np.nonzero(problem.value > (-np.inf if gives else 0.0))
    uses = [use.of(rows, columns) for use in problem.uses]
    pairs = rows * (problem.groups.max() + 1) + problem.groups[columns]
    once, each = _membership(rows), _membership(pairs)
    each = each[each.sum(axis=1) > 1]
    limits = csr_array(np.reshape(uses, (len(uses), len(rows))).astype(float))
    fixed = np.repeat([problem.k, 1.0], [once.shape[0], each.shape[0]])
    worth = problem.value[rows, columns].astype(float)
    matrix = vstack([limits, once, each], format="csr")
    return Program(rows, columns, worth, matrix, np.concatenate([problem.limits, fixed]))


def whole(small: Program, **options: float) -> Prices | None:
    """Solve the program in whole coupons; None if nothing was found that keeps the limits."""
    with _without_solver_lines():
        found = milp(
            -small.worth,
            integrality=np.ones(len(small.worth)),
            bounds=(0, 1),
            constraints=(small.matrix, -np.inf, small.highest),
            options=options,
        )
    x: Prices | None = found.x
    return x


def solve(problem: AllocationProblem) -> tuple[Mask, float, Prices]:
    """Find the allocation that is worth most.

    Returns
    -------
    chosen : numpy.ndarray
        Shape (n, K).
    bound : float
        What the linear program is worth, in which coupons may be cut into pieces.
    prices : numpy.ndarray
        One for each limit: what one more unit of it would earn.
    """
    chosen, limits = np.zeros(problem.value.shape, bool), problem.limits
    if not (problem.value > 0).any():
        return chosen, 0.0, np.zeros(len(limits))
    small = program(problem)
    relaxed = linprog(-small.worth, small.matrix, small.highest, bounds=(0, 1))
    less = np.zeros(len(limits))
    while True:
        x = whole(small, mip_rel_gap=0)
        if x is None:
            raise RuntimeError("HiGHS found no allocation within the limits")
        chosen = small.chosen(x, chosen.shape)
        over = np.maximum(problem.used(chosen) - limits, 0)
        if not over.any():
            return chosen, -relaxed.fun, -relaxed.ineqlin.marginals[: len(limits)]
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
