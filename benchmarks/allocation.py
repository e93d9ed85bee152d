"""Coupons for many users under budgets: `coupon_rec.decisions.allocate` beside HiGHS and OR-Tools.

Each user may get one of 20 coupons or none; two budgets (face value, letters) and caps on half of
the coupons bind. Each run has a process of its own on two cores and makes its problem before the
clock starts; the clock includes writing the problem down for the solver. `bound` is the optimum of
the linear program, as the solver itself proves it; the gap is what the answer lacks to it. HiGHS
and OR-Tools solve the linear program (LP) or search for the integer optimum (MILP) until the time
limit; at a hundred thousand users HiGHS had no LP optimum after three minutes. Growth goes to ten
million users, in single precision.

Usage: `python benchmarks/allocation.py [USERS ...]` measures all sizes or some and keeps the rest.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from machine import alone, peak_gib, store, stored, use_two_cores
from scipy.optimize import linprog, milp

from coupon_rec.decisions import Budget, allocate
from coupon_rec.decisions.exact import Program, program
from coupon_rec.decisions.problem import allocation_problem

COUPONS = 20
LIMIT_S = 60
Case = tuple[np.ndarray, list[Budget], np.ndarray]


def case(users: int) -> Case:
    """Draw values and costs; the probabilities are skewed, as those of redemptions are."""
    rng = np.random.default_rng(0)
    p = rng.exponential(0.02, size=(users, COUPONS)).clip(0, 1).astype("float32")
    face = rng.uniform(0.5, 5, COUPONS).astype("float32")
    value = rng.random((users, COUPONS), "float32")
    value *= 3 * p
    value -= np.float32(0.005)
    p *= face
    letters = np.ones(COUPONS, "float32")
    budgets = [Budget(0.04 * users, p), Budget(0.5 * users, letters)]
    return value, budgets, np.where(np.arange(COUPONS) % 2, users // 40, np.inf)


def ours(value: np.ndarray, budgets: list[Budget], caps: np.ndarray) -> dict[str, float]:
    found = allocate(value, budgets, caps=caps, method="dual")
    assert all(spent <= budget.amount for spent, budget in zip(found.spent, budgets, strict=True))
    return {"value": found.value, "bound": found.bound}


def highs_lp(small: Program) -> dict[str, float]:
    options = {"time_limit": LIMIT_S}
    found = linprog(-small.worth, small.matrix, small.highest, bounds=(0, 1), options=options)
    return {} if found.fun is None else {"bound": -found.fun}


def highs_milp(small: Program) -> dict[str, float]:
    found = milp(
        -small.worth,
        integrality=np.ones(len(small.worth)),
        bounds=(0, 1),
        constraints=(small.matrix, -np.inf, small.highest),
        options={"time_limit": LIMIT_S},
    )
    return {} if found.fun is None else {"value": -found.fun, "bound": -found.mip_dual_bound}


def or_tools(small: Program, solver: str) -> dict[str, float]:
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    highest, matrix = small.highest.tolist(), small.matrix
    make = model.new_num_var if solver == "glop" else model.new_int_var
    x = np.array([make(0, 1, None) for _ in small.worth], object)
    for row, limit in enumerate(highest):
        entries = slice(*matrix.indptr[row : row + 2])
        terms = x[matrix.indices[entries]].tolist(), matrix.data[entries].tolist()
        model.add(model_builder.LinearExpr.weighted_sum(*terms) <= limit)
    model.maximize(model_builder.LinearExpr.weighted_sum(x.tolist(), small.worth.tolist()))
    run = model_builder.Solver(solver)
    run.set_time_limit_in_seconds(LIMIT_S)
    if run.solve(model).name not in ("OPTIMAL", "FEASIBLE"):
        return {}
    if solver == "glop":
        return {"bound": run.objective_value}
    return {"value": run.objective_value, "bound": run.best_objective_bound}


SOLVERS: dict[str, tuple[Callable[..., dict[str, float]], int]] = {
    "ours": (ours, 10_000_000),
    "HiGHS LP": (highs_lp, 10_000),
    "HiGHS MILP": (highs_milp, 10_000),
    "OR-Tools LP": (partial(or_tools, solver="glop"), 10_000),
    "OR-Tools MILP": (partial(or_tools, solver="scip"), 10_000),
}
"""Each solver, and the largest number of users that it is given."""

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def measured(name: str, users: int) -> dict[str, float]:
    """Solve one problem in this process."""
    problem = case(users)
    start = time.perf_counter()
    solve = SOLVERS[name][0]
    if solve is ours:
        found = ours(*problem)
    else:
        found = solve(program(allocation_problem(*problem, 1, None)))
    seconds = time.perf_counter() - start
    return {"seconds": round(seconds, 2), "GiB": round(peak_gib(), 2), **found}


def main() -> None:
    use_two_cores()
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    before = stored("allocation").get("rows", [])
    rows = [row for row in before if row["users"] not in sizes]
    for users in sizes:
        for name, (_, largest) in SOLVERS.items():
            if users <= largest:
                rows.append({"users": users, "solver": name, **alone(measured, name, users)})
                print(rows[-1], flush=True)
        # Where SCIP's value exceeds the bound, it has used its tolerance on the budgets.
        bound = min(row["bound"] for row in rows if row["users"] == users and "bound" in row)
        for row in rows:
            if row["users"] == users and "value" in row:
                row["gap"] = float(f"{max(0, 1 - row['value'] / bound):.2g}")
    order = list(SOLVERS)
    rows.sort(key=lambda row: (row["users"], order.index(row["solver"])))
    result = {"coupons": COUPONS, "time_limit_s": LIMIT_S, "rows": rows}
    store("allocation", ("numpy", "scipy", "ortools"), result)


if __name__ == "__main__":
    main()
