"""The benchmarks take hours; they still fit the package, and each stored result has its script."""

import ast
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
STALE = [
    "peer_models",
    "peers",
    "precision_latency",
    "records",
    "serving_peers",
    "training",
    "tries",
]
"""Scripts that still call `encode`, from before the encoder; what they stored is from then, too."""
SCRIPTS = sorted((ROOT / "benchmarks").glob("*.py"))


def taken(script: Path) -> list[tuple[str, str]]:
    """List what a script imports from the package, each a module and a name."""
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(script.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and "coupon_rec" in node.module
        for alias in node.names
    ]


def script(file: Path) -> Any:
    marks = [pytest.mark.xfail(strict=True)] if file.stem in STALE else []
    return pytest.param(file, id=file.stem, marks=marks)


@pytest.mark.parametrize("script", map(script, SCRIPTS))
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
        name for script in scripts for name in re.findall(r'\bstore\("(\w+)"', script.read_text())
    }
    assert {file.stem for file in (ROOT / "benchmarks/results").glob("*.json")} <= written
