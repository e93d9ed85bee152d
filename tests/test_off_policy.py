"""A small run of the benchmark of chapter 13: what holds the truth, and what exploring earns."""

import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import off_policy

    sys.path.pop(0)
    return off_policy


def test_weights_hold_the_truth_and_a_model_that_grades_itself_does_not(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "USERS", 800)
    people = benchmark.Population(2600, campaigns=1, learners=1000)
    found = benchmark.estimators(people, redraws=20, rate=0.5)
    rows = pd.DataFrame(found["rows"]).set_index(["method", "clusters"])
    for method in ("ips", "dr"):
        row = rows.loc[(method, "user_id")]
        assert abs(row["bias"]) < 3 * row["monte_carlo_error"]
        assert row["coverage"] >= 0.8
    for method in ("direct", "switch"):
        row = rows.loc[(method, "user_id")]
        assert row["bias"] > 3 * row["monte_carlo_error"]
        assert row["coverage"] < 0.6
    assert rows.loc[("direct", "user_id"), "coverage"] == 0
    assert found["promised"] > 1.5 * found["truth"]
