"""Coupons under budgets and caps: never too much, and as good as can be."""

import ctypes
from itertools import combinations, product
from math import fsum
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from coupon_rec.decisions import Allocation, Budget, GroupLimit, allocate

Floats = NDArray[np.float64]
settings.register_profile("allocation", max_examples=60, deadline=None)
settings.load_profile("allocation")


@st.composite
def problems(draw: st.DrawFn, users: int = 12, coupons: int = 4) -> dict[str, Any]:
    """A small problem, in quarters of a dollar so that sums are exact, and users in groups."""
    n, size = draw(st.integers(1, users)), draw(st.integers(1, coupons))

    def table(*shape: int, low: int, high: int) -> Floats:
        cells = int(np.prod(shape))
        numbers = draw(st.lists(st.integers(low, high), min_size=cells, max_size=cells))
        return np.array(numbers, float).reshape(shape) / 4

    value = table(n, size, low=-3, high=20)
    value[value == 0] = -np.inf
    budgets = [
        Budget(draw(st.integers(0, 10 * n)) / 4, table(n, size, low=0, high=12)),
        Budget(draw(st.integers(0, 4 * n)) / 4, table(size, low=0, high=4)),
    ]
    limit = None
    if np.isfinite(value).any(axis=1).all() and draw(st.booleans()):
        users_of = draw(st.lists(st.sampled_from("xyz"), min_size=n, max_size=n))
        limit = GroupLimit(users_of, draw(st.sampled_from([0.0, 0.3, 0.5])))
    return {
        "group_limit": limit,
        "value": value,
        "budgets": budgets[: draw(st.integers(0, 2))],
        "caps": draw(st.lists(st.sampled_from([0, 1, 2, np.inf]), min_size=size, max_size=size)),
        "k": draw(st.integers(1, 3)),
        "groups": draw(st.lists(st.sampled_from("ab"), min_size=size, max_size=size)),
    }


def widest(problem: dict[str, Any], chosen: NDArray[np.bool_]) -> float:
    """By how much the rates of the users' groups differ too much."""
    limit = problem["group_limit"]
    rates = limit.rates(chosen).values() if limit else [0.0]
    return float(max(rates) - min(rates) - (limit.gap if limit else 0))


def check_limits(problem: dict[str, Any], found: Allocation) -> None:
    """Assert that nothing is exceeded, and that the answer says the truth about itself."""
    chosen, value = found.chosen, problem["value"]
    for budget, spent in zip(problem["budgets"], found.spent, strict=True):
        assert np.broadcast_to(budget.cost, value.shape)[chosen].sum() == spent <= budget.amount
    assert (chosen.sum(axis=0) <= problem["caps"]).all()
    assert chosen.sum(axis=1).max() <= problem["k"]
    for group in set(problem["groups"]):
        assert chosen[:, np.array(problem["groups"]) == group].sum(axis=1).max() <= 1
    assert (value[chosen] > 0).all() or problem["group_limit"]
    assert widest(problem, chosen) <= 1e-9
    assert found.value == value[chosen].sum()
    assert found.value <= found.bound * (1 + 1e-9)
    assert found.gap == pytest.approx(1 - found.value / found.bound if found.bound else 0, abs=1e-9)


def brute_force(problem: dict[str, Any]) -> float:
    """Try every allocation of a tiny problem."""
    value, best = problem["value"], 0.0
    n, size = value.shape
    columns = [c for k in range(problem["k"] + 1) for c in combinations(range(size), k)]
    rows = np.array([[column in c for column in range(size)] for c in columns])
    for picks in product(range(len(columns)), repeat=n):
        chosen = rows[list(picks)]
        groups = [np.array(problem["groups"]) == group for group in "ab"]
        fits = all(
            np.broadcast_to(b.cost, value.shape)[chosen].sum() <= b.amount
            for b in problem["budgets"]
        )
        fits &= bool((chosen.sum(axis=0) <= problem["caps"]).all())
        fits &= widest(problem, chosen) <= 1e-9
        if fits and all(chosen[:, group].sum(axis=1).max() <= 1 for group in groups):
            best = max(best, value[chosen].sum())
    return best


@given(problems())
def test_the_dual_exceeds_no_limit_and_its_bound_is_the_linear_programs(
    problem: dict[str, Any],
) -> None:
    dual, exact = (allocate(**problem, method=method) for method in ("dual", "exact"))
    for found in (dual, exact):
        check_limits(problem, found)
    assert dual.value <= exact.value
    if problem["group_limit"]:
        assert exact.value <= dual.bound * (1 + 1e-9)
    else:
        assert dual.bound == pytest.approx(exact.bound, rel=1e-6)


@settings(max_examples=40)
@given(problems(users=3, coupons=3))
def test_the_exact_answer_is_the_best_of_all(problem: dict[str, Any]) -> None:
    assert allocate(**problem, method="exact").value == pytest.approx(brute_force(problem))


def large(n: int, seed: int = 0) -> tuple[Floats, list[Budget], Floats]:
    """Many users with 20 coupons, two budgets and half of the coupons capped."""
    rng = np.random.default_rng(seed)
    p = 0.3 * rng.beta(0.5, 8, size=(n, 20))
    value = p * rng.uniform(0, 3, size=(n, 20)) - 0.005
    budgets = [Budget(0.02 * n, p * rng.uniform(0.5, 5, 20)), Budget(0.4 * n, np.ones(20))]
    return value, budgets, np.where(np.arange(20) % 2, n // 40, np.inf)


@given(
    method=st.sampled_from(["exact", "dual"]),
    size=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_costs_that_are_no_round_numbers_exceed_no_budget(
    method: Literal["exact", "dual"], size: int, seed: int, dtype: str
) -> None:
    users = size if method == "exact" else 30 * size
    rng = np.random.default_rng(seed)
    value = rng.normal(1, 1, (users, 5)).astype(dtype)
    costs = [rng.gamma(0.5, 1.3, (users, 5)).astype(dtype), np.full(5, 0.1)]
    amounts = [float(rng.uniform(0, 1) * costs[0].sum()), 0.1 * int(rng.integers(0, users + 1))]
    budgets = [Budget(amount, cost) for amount, cost in zip(amounts, costs, strict=True)]
    chosen = allocate(value, budgets, caps=np.full(5, 40.0), k=2, method=method).chosen
    for budget in budgets:
        spent = fsum(np.broadcast_to(budget.cost, value.shape)[chosen].astype(float))
        assert spent <= budget.amount * (1 + 1e-12)


def test_costs_that_add_up_to_one_rounding_above_the_budget_are_over_it_and_end() -> None:
    for costs, amount, sent in (([[0.1], [0.2]], 0.3, 1), ([[0.1]] * 10, 0.3, 2)):
        for method in ("exact", "dual"):
            found = allocate([[1.0]] * len(costs), Budget(amount, costs), method=method)
            assert found.chosen.sum() == sent
            assert found.spent[0] <= amount


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 3])
def test_many_users_come_within_a_ten_thousandth_of_the_bound(k: int) -> None:
    value, budgets, caps = large(50_000)
    found = allocate(value, budgets, caps=caps, k=k)
    assert found.method == "dual"
    assert found.gap < 1e-4
    assert (found.spent <= [budget.amount for budget in budgets]).all()
    assert (found.chosen.sum(axis=0) <= caps).all()


def test_users_who_are_all_alike_share_the_budget() -> None:
    found = allocate(np.full((50_000, 2), 3.0), Budget(20_000, [2.0, 1.0]), method="dual")
    assert found.chosen.sum(axis=0).tolist() == [0, 20_000]
    assert found.gap < 1e-9


def test_a_second_call_gives_the_same_answer() -> None:
    value, budgets, caps = large(45_000)
    first, second = (allocate(value, budgets, caps=caps) for _ in range(2))
    assert (first.chosen == second.chosen).all() and first.bound == second.bound


def test_the_price_of_a_dollar_is_what_one_more_dollar_earns() -> None:
    value, (budget, _), _ = large(3_000)
    found = allocate(value, budget, method="dual")
    more = allocate(value, Budget(budget.amount + 1, budget.cost), method="dual")
    assert more.bound - found.bound == pytest.approx(found.prices[0], rel=0.05)


def test_a_capped_coupon_has_a_price_and_the_others_have_none() -> None:
    value = np.array([[5.0, 1.0], [4.0, 1.0], [3.0, 1.0]])
    found = allocate(value, caps=[2, np.inf], method="exact")
    assert found.chosen.tolist() == [[True, False], [True, False], [False, True]]
    assert 2 <= found.cap_prices[0] <= 3 and found.cap_prices[1] == 0


def test_auto_is_exact_for_few_choices_and_dual_for_many() -> None:
    value, budgets, _ = large(500)
    assert allocate(value[:50], Budget(1.0, np.ones(20))).method == "exact"
    assert allocate(value, budgets[1]).method == "dual"


def test_the_exact_solver_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for seed in (6, 29, 30, 31):  # on these, HiGHS 1.x prints lines that no option turns off
        rng = np.random.default_rng(seed)
        p = rng.exponential(0.02, (100, 20)).clip(0, 1)
        value = p * rng.uniform(0, 3, (100, 20)) - 0.005
        allocate(value, Budget(1.0, p * rng.uniform(0.5, 5, 20)), method="exact")
    ctypes.CDLL(None).fflush(None)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": [1.0]}, r"value must be numbers of shape \(n, K\)"),
        ({"value": [[np.nan, 1.0]]}, "value must be finite, or minus infinity"),
        ({"budgets": Budget(-1, [1.0])}, "budget 0 has the amount -1"),
        ({"budgets": Budget(1, [-1.0, 1.0])}, "budget 0 has costs that are not finite"),
        ({"budgets": [Budget(1, 1.0), Budget(1, np.ones(3))]}, r"budget 1 .* shape \(3,\)"),
        *(
            ({"budgets": Budget(1, 1.0, coupons)}, "different columns of value, from 0 to 1")
            for coupons in ([0, 0], [2], [-1])
        ),
        ({"caps": [1]}, "caps must be 2 numbers"),
        ({"caps": [1, -1]}, "caps must be 2 numbers"),
        ({"groups": ["a"]}, r"groups must have shape \(2,\)"),
        ({"groups": ["a", np.nan]}, "groups lack 1 labels"),
        ({"k": 0}, "k is 0"),
        ({"method": "fast"}, "method is 'fast'"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        allocate(**{"value": [[1.0, 2.0]], **change})


def test_limits_with_labels_are_in_the_order_of_a_value_with_labels() -> None:
    value = pd.DataFrame([[5.0, 1.0], [4.0, 1.0]], index=[7, 8], columns=[10, 11])
    caps = pd.Series([5, 0], index=[10, 11])
    whole, each = pd.DataFrame(value > 0, dtype=float), pd.Series(1.0, index=value.columns)
    for cost in (1.0, [1.0, 2.0], whole, each, each.to_numpy()):
        assert allocate(value, Budget(9, cost), caps=caps).chosen.sum() == 2
    for change in (
        {"caps": caps[::-1]},
        {"groups": caps[::-1]},
        {"budgets": Budget(9, whole[::-1])},
        {"budgets": Budget(9, whole[[11, 10]])},
        {"budgets": Budget(9, each[::-1])},
        {"group_limit": GroupLimit(pd.Series(["a", "b"], index=[8, 7]), 1.0)},
    ):
        with pytest.raises(ValueError, match=r"and value have different indexes: put .* in the or"):
            allocate(value, **change)
