"""The benchmarks take hours; they still fit the package, and each stored result has its script."""

import ast
import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))
OF_VERSION_1 = {"tries"}  # its script left: version 1.0 has it


def taken(script: Path) -> list[tuple[str, str]]:
    """List what a script imports from the package, each a module and a name."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and "coupon_rec" in node.module
        for alias in node.names
    ]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_package_has_what_the_benchmark_imports(script: Path) -> None:
    assert [
        f"{module}.{name}"
        for module, name in taken(script)
        if not hasattr(import_module(module), name)
    ] == []


def test_each_stored_result_is_written_by_a_script_that_make_bench_runs() -> None:
    (listed,) = re.findall(r"BENCHMARKS .*?addprefix benchmarks/, (.*?)\)", MAKEFILE, re.DOTALL)
    scripts = [ROOT / "benchmarks" / name for name in listed.split() if name.endswith(".py")]
    written = {
        name
        for script in scripts
        for name in re.findall(r'\b(?:store|run_parts|Contest)\(\s*"(\w+)"', script.read_text())
    }
    assert {
        file.stem for file in (ROOT / "benchmarks/results").glob("*.json")
    } <= written | OF_VERSION_1


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import a benchmark by its name."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return import_module


BARS = [script.stem for script in SCRIPTS if "\ndef bars(" in script.read_text("utf-8")]


@pytest.mark.parametrize("name", BARS)
def test_a_stored_result_holds_the_bars_of_its_benchmark(
    name: str, benchmark: Callable[[str], ModuleType]
) -> None:
    stored = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text("utf-8"))
    bars = benchmark(name).bars(stored)
    assert bars and all(bars.values()), bars
    assert "missed" not in stored
