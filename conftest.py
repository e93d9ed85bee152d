"""Settings of the tests: in which order files run, which of them are quick, what a notebook shows.

The seconds of each file, in `tests/seconds.json`, put the longest first, so that two workers end
together, and say which files `--quick` leaves out. `--store-seconds` measures them again.

Everything of a notebook's stored output but standard error has to come out again: how exactly is
said in `tests/tolerance.py`.
"""

import gc
import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

sys.path.insert(0, str(Path(__file__).parent / "tests"))

from tolerance import fitted_cells, last_place, wide, within

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has one core: threads would wait for another
    for threads in ("OMP_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP"):
        os.environ.setdefault(f"{threads}_THREADS", "1")

ROOT = Path(__file__).parent
SECONDS = ROOT / "tests" / "seconds.json"
QUICK = 2.0
"""Seconds that a file may take to be one of the quick ones."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the quick files and of the seconds."""
    group = parser.getgroup("the right coupon")
    group.addoption("--quick", action="store_true", help="leave out files that take long")
    group.addoption("--store-seconds", action="store_true", help="store what each file takes")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the seconds of the files."""
    seconds = json.loads(SECONDS.read_text("utf-8")) if SECONDS.exists() else {}
    config.pluginmanager.register(Seconds(config, seconds))


class Seconds:
    """What the files took before, and what they take now."""

    def __init__(self, config: pytest.Config, before: dict[str, float]) -> None:
        self.config = config
        self.before = before
        self.now: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put the longest files first, and those that nobody has measured before all others."""

        def expected(item: pytest.Item) -> float:
            return self.before.get(item.nodeid.partition("::")[0], math.inf)

        items.sort(key=expected, reverse=True)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out what is not quick: files that took long, and those that nobody has measured."""
        quick = collection_path.is_dir() or self.is_quick(collection_path)
        return None if quick or not self.config.option.quick else True

    def is_quick(self, file: Path) -> bool:
        """Tell whether a file was measured and took little."""
        return self.before.get(os.path.relpath(file, ROOT), math.inf) <= QUICK

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the seconds of a test, with what it sets up and tears down."""
        self.now[report.nodeid.partition("::")[0]] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out, and show the files that took longest."""
        if self.config.option.quick:
            notebooks = [*ROOT.glob("chapters/*.ipynb"), *ROOT.glob("appendix/*.ipynb")]
            files = sorted([*ROOT.glob("tests/**/test_*.py"), *notebooks])
            names = [os.path.relpath(file, ROOT) for file in files if not self.is_quick(file)]
            terminalreporter.write_sep("=", f"{len(names)} of {len(files)} files left out")
            terminalreporter.write_line(", ".join(names))
        if len(self.now) > 20:
            terminalreporter.write_sep("=", "longest 20 files")
            for name, seconds in self.now.most_common(20):
                terminalreporter.write_line(f"{seconds:6.1f}s {name}")

    def pytest_sessionfinish(self) -> None:
        """Store the seconds, where asked, of the files that ran, and forget files that are gone."""
        if self.config.option.store_seconds and not hasattr(self.config, "workerinput"):
            seconds = self.before | {name: round(s, 1) for name, s in self.now.items()}
            kept = {name: seconds[name] for name in sorted(seconds) if (ROOT / name).exists()}
            SECONDS.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Begin each test with the same random numbers: Keras draws the seeds nobody gave from them."""
    random.seed(0)


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking through all that was imported, again and again."""
    gc.collect()
    gc.freeze()


def pytest_collectstart(collector: Any) -> None:
    """Let nbval compare everything a notebook shows except its standard error."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Compare the decimals of each cell as exactly as what it reads allows."""
    notebooks = [item for item in items if isinstance(item, IPyNbCell)]
    for _, group in groupby(notebooks, key=lambda item: item.path):
        cells = list(group)
        for cell, fitted in zip(cells, fitted_cells([c.cell.source for c in cells]), strict=True):
            cell.compare_outputs = within(cell.compare_outputs, wide if fitted else last_place)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Let a skipped test fail in CI: what is not run there is proved nowhere."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr[-1]}"
