"""The stored results of the benchmarks hold what the book says of them."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def result(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def failures(measured: dict[str, Any], path: str = "") -> Iterator[tuple[str, int]]:
    """Each count of failed requests in a result, with the keys that lead to it."""
    for key, value in measured.items():
        if key == "failed":
            yield path, value
        elif isinstance(value, dict):
            yield from failures(value, f"{path} {key}".strip())


@pytest.mark.parametrize("way", ["ours, records", "ours, arrays"])
def test_training_reaches_four_fifths_of_what_the_machine_can(way: str) -> None:
    per_second = result("training")["examples_per_second"]
    assert per_second[way] >= 0.8 * per_second["limit"]
    assert per_second[way] > per_second["article"]


@pytest.mark.parametrize("step", ["simulation", "features"])
def test_seconds_grow_with_the_users_and_memory_does_not(step: str) -> None:
    measured = result("growth")
    rows = {row["users"]: row for row in measured["rows"] if row["step"] == step}
    few, many = rows[100_000], rows[1_000_000]
    slope = math.log10(many["seconds"] / few["seconds"])
    assert 0.85 <= slope <= 1.1
    assert measured["slopes"][step] == pytest.approx(slope, abs=0.01)
    assert many["gib"] <= 1.05 * few["gib"]


@pytest.mark.parametrize(("name", "at_least"), [("serving", 12), ("soak", 1)])
def test_no_request_failed(name: str, at_least: int) -> None:
    counted = dict(failures(result(name)))
    assert len(counted) >= at_least
    assert {path: count for path, count in counted.items() if count} == {}


def test_memory_is_level_after_five_minutes_of_requests() -> None:
    measured = result("soak")
    memory = measured["MiB_every_10_seconds"]
    assert measured["seconds"] >= 600
    assert len(memory) > 60
    fifth_minute, last_minute = memory[24:31], memory[-7:]
    assert max(last_minute) <= 1.02 * min(fifth_minute)
