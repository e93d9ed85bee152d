"""Stock: the order that costs least, and coupons that never promise more than there is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import nbinom

from coupon_rec.decisions import (
    Budget,
    allocate,
    expected_sales,
    newsvendor,
    stock_budgets,
)

Floats = NDArray[np.float64]
Method = Literal["exact", "dual"]


@st.composite
def shelves(draw: st.DrawFn) -> dict[str, Any]:
    """Users, coupons of a few shelves, and stock that may be nothing, little or endless."""
    n, coupons, count = draw(st.integers(1, 30)), draw(st.integers(1, 6)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = rng.gamma(0.5, 1.3, (n, coupons)) * rng.choice([-1, 1], (n, coupons), p=[0.1, 0.9])
    some = rng.uniform(0, 0.7, count) * np.maximum(units, 0).sum() / count
    return {
        "value": rng.normal(0.5, 1, (n, coupons)),
        "units": units.astype(draw(st.sampled_from(["float32", "float64"]))),
        "left": np.where(rng.random(count) < 0.2, rng.choice([-1.0, 0.0, np.inf], count), some),
        "shelf": rng.integers(0, count, coupons),
        "caps": np.where(rng.random(coupons) < 0.3, rng.integers(0, n + 1, coupons), np.inf),
        "fund": rng.uniform(0, n),
        "k": draw(st.integers(1, 3)),
    }


@settings(max_examples=100, deadline=None)
@given(case=shelves(), method=st.sampled_from(["exact", "dual"]))
def test_no_allocation_exceeds_the_stock(case: dict[str, Any], method: Method) -> None:
    limits = stock_budgets(case["left"], case["units"], case["shelf"])
    fund, caps = Budget(case["fund"], 0.7), case["caps"]
    found = allocate(
        case["value"], [fund, *limits], caps=caps, k=case["k"], groups=case["shelf"], method=method
    )
    used = np.maximum(case["units"], 0)
    for number, left in enumerate(case["left"]):
        of_shelf = found.chosen[:, case["shelf"] == number]
        taken = used[:, case["shelf"] == number][of_shelf].sum(dtype=float)
        assert taken <= max(left, 0) * (1 + 1e-12)
        assert of_shelf.sum(axis=1).max(initial=0) <= 1
    assert 0.7 * found.chosen.sum() <= case["fund"] * (1 + 1e-12)
    assert (found.chosen.sum(axis=0) <= caps).all()
    assert found.value <= found.bound * (1 + 1e-9)


def test_a_shelf_is_a_budget_that_costs_the_other_coupons_nothing() -> None:
    rng = np.random.default_rng(0)
    value = rng.gamma(0.5, 1, (400, 12)) - 0.1
    units, shelf = rng.gamma(0.5, 0.2, (400, 12)), np.arange(12) % 6
    left = np.array([5.0, 20.0, 50.0, 100.0, 1e4, np.inf])
    narrow = stock_budgets(left, units, shelf)
    wide = [Budget(left[s], np.where(shelf == s, units, 0.0)) for s in range(5)]
    one, other = (allocate(value, limits, method="dual") for limits in (narrow, wide))
    assert (one.chosen == other.chosen).all()
    assert one.prices == pytest.approx(other.prices)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shelf": [0]}, r"shapes \(S,\), \(n, K\) and \(K,\)"),
        ({"shelf": [0, 2]}, "shelf must be from 0 to 1"),
        ({"left": [np.nan, 1.0]}, "left must be numbers"),
        ({"units": [[np.inf, 1.0]]}, "units must be finite"),
    ],
)
def test_shelves_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stock_budgets(**{"left": [1.0, 1.0], "units": [[1.0, 1.0]], "shelf": [0, 1], **change})


@pytest.mark.parametrize("dispersion", [1.0, 2.0, 6.0])
def test_the_newsvendor_orders_what_costs_least_of_all_orders(dispersion: float) -> None:
    k, orders = np.arange(400), np.arange(120)[:, None]
    spread = max(dispersion, 1 + 1e-6)
    p = nbinom.pmf(k, 20 / (spread - 1), 1 / spread)
    for under, over in ((1.0, 3.0), (1.0, 1.0), (4.0, 0.5)):
        cost = (under * np.maximum(k - orders, 0) + over * np.maximum(orders - k, 0)) @ p
        best = int(newsvendor(20.0, under, over, dispersion))
        assert cost[best] == pytest.approx(cost.min(), rel=1e-9)
    sold = np.minimum(k, orders) @ p
    assert expected_sales(np.arange(120), 20.0, dispersion) == pytest.approx(sold, rel=1e-5)
    assert expected_sales([np.inf, 0], 20.0, dispersion).tolist() == [20, 0]
    with pytest.raises(ValueError, match="stock must be whole numbers of 0 or more"):
        expected_sales(2.5, 20.0, dispersion)


@pytest.mark.slow
def test_the_benchmark_s_smallest_market_gives_what_is_stored() -> None:
    benchmarks = Path(__file__).parents[1] / "benchmarks"
    stored = json.loads((benchmarks / "results" / "pricing.json").read_text())
    code = "import json, pricing; print(json.dumps(pricing.measured(1_000)))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=benchmarks, capture_output=True, text=True
    )
    found, (first, *_) = json.loads(run.stdout), stored["stock"]
    assert found["value"] == pytest.approx(first["value"], rel=0.003)
    assert found["gap"] < 0.005
    assert found["value"] > 1.1 * found["coupons first, then struck"]
