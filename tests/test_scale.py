"""The benchmark of the whole path, at a size that fits into a test."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark, working in this process."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import scale

    def here(work: Any, *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(scale, "alone", here)
    return scale


@pytest.mark.filterwarnings("ignore")
def test_offers_go_from_tables_to_an_allocation_and_leave_nothing_behind(
    scale: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:

    found = scale.path(offers=15_000)
    assert found["chosen"]["offers"] == pytest.approx(15_000, rel=0.2)
    assert found["trained"]["learned"] < found["chosen"]["offers"] / 4
    assert found["chosen"]["sent"] > 0
    assert found["chosen"]["gap"] < 0.05
    assert found["chosen"]["spent_of_budget"] <= 1
    assert found["scored"]["disk_gb"] < found["simulated"]["disk_gb"]
    assert found["built"]["peak_gb"] >= found["simulated"]["disk_gb"]
