"""Settings of the tests: in which order files run, which of them are quick, what a notebook shows.

The seconds of each file, in `tests/seconds.json`, put the longest first, so that two workers end
together, and say which files `--quick` leaves out. `--store-seconds` measures them again.

What of a notebook's stored output has to come out again, and how exactly:

Everything but standard error does, to the letter. A cell tagged `trained` shows what a trained
network says, which differs in the last digits from one processor to the next: its decimals have
to come out within a tolerance, and everything else of it to the letter.
"""

import gc
import json
import math
import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has one core: threads would wait for another
    for library in ("OMP", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

ROOT = Path(__file__).parent
SECONDS = ROOT / "tests" / "seconds.json"
QUICK = 2.0
"""Seconds that a file may take to be one of the quick ones."""

DECIMAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


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
    """Compare the decimals of cells tagged `trained` within the tolerance."""
    for item in items:
        if isinstance(item, IPyNbCell) and "trained" in item.cell.metadata.get("tags", ()):
            item.compare_outputs = within_tolerance(item.compare_outputs)


def within_tolerance(compare: Any) -> Any:
    """Wrap nbval's comparison: close decimals are replaced by the stored ones first."""

    def compare_outputs(test: list[Any], stored: list[Any], **options: Any) -> Any:
        for new, old in zip(test, stored, strict=False):
            if "text" in new and "text" in old:
                new["text"] = snap(new["text"], old["text"])
            for kind, text in new.get("data", {}).items():
                reference = old.get("data", {}).get(kind)
                if isinstance(text, str) and isinstance(reference, str):
                    new["data"][kind] = snap(text, reference)
        return compare(test, stored, **options)

    return compare_outputs


def tolerance(stored: str, scores: bool) -> dict[str, float]:
    """Say how far from a stored decimal a new one may be.

    A score may move with its size, and by a digit in its last place. A difference of scores may
    not be held to its own size, which is often that of the noise.
    """
    size = abs(float(stored))
    if not scores or size >= 1:
        return {"rel_tol": 0.2, "abs_tol": 0.03}
    if size >= 0.1:
        return {"rel_tol": 0.0, "abs_tol": 0.03}
    last_place = 10.0 ** -len(stored.partition(".")[2])
    return {"rel_tol": 0.3, "abs_tol": max(0.005, 1.01 * last_place)}


def snap(text: str, reference: str) -> str:
    """Replace each decimal of a text by the reference's, where the two are close.

    Several decimals without a negative one among them are taken for scores. Spaces are the
    reference's as well if nothing else differs: a minus sign moves a column.
    """
    decimals = DECIMAL.findall(reference)
    scores = len(decimals) > 1 and not any(stored.startswith("-") for stored in decimals)
    wanted = iter(decimals)

    def closest(found: re.Match[str]) -> str:
        stored = next(wanted, found[0])
        close = math.isclose(float(found[0]), float(stored), **tolerance(stored, scores))
        return stored if close else found[0]

    snapped = DECIMAL.sub(closest, text)
    return reference if snapped.split() == reference.split() else snapped
