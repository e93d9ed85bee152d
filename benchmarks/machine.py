"""What all benchmarks share: two cores, fresh processes, and a record of the machine."""

import argparse
import hashlib
import json
import os
import platform
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor

RESULTS = Path(__file__).parent / "results"
PACKAGE = Path(__file__).parents[1] / "coupon_rec"
PEERS = os.environ.get("PEERS", "")
"""The Python of an environment that has what a benchmark is compared with."""


def use_two_cores() -> None:
    """Keep this process to two cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def alone(work: Any, *arguments: Any) -> Any:
    """Run a function in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak_gib(workers: int = 0) -> float:
    """The most memory that this process has held at any time so far, in GiB.

    With it that of so many worker processes of joblib, which end here: each counts as the largest.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if workers:
        get_reusable_executor().shutdown()
        peak += workers * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / 2 ** (30 if sys.platform == "darwin" else 20)


def code_of(script: str, rooms: tuple[str, ...]) -> str:
    """Twelve hexadecimal digits that change with a script and with what it measures of us."""
    digest = hashlib.sha256(Path(script).read_bytes())
    for room in rooms:
        for path in sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / room]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def stamp(script: str, rooms: tuple[str, ...]) -> dict[str, str]:
    """Say when a part of a benchmark was measured, and of which code."""
    return {"date": date.today().isoformat(), "code": code_of(script, rooms)}


def store(
    name: str,
    packages: tuple[str, ...],
    result: dict[str, Any],
    bars: dict[str, bool] | None = None,
) -> None:
    """Write a result to `results/NAME.json`, after the date, the machine and the packages.

    Bars are what the book rests on, in words, and whether the result holds each. Those that it
    does not hold are printed and stored as `missed`: then the text has to change, too.
    """
    missed = [bar for bar, held in (bars or {}).items() if not held]
    for bar in missed:
        print(f"results/{name}.json misses its bar: {bar}", file=sys.stderr, flush=True)
    linux = hasattr(os, "sched_getaffinity")
    machine = {
        "date": date.today().isoformat(),
        "cpus": len(os.sched_getaffinity(0)) if linux else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    found = {**machine, **({"missed": missed} if missed else {}), **result}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")


def mean(values: Any, digits: int = 3) -> float:
    """A mean as it is stored."""
    return round(float(np.mean(values)), digits)


def stored(name: str) -> dict[str, Any]:
    """What was measured before."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def run_parts(
    name: str,
    packages: tuple[str, ...],
    parts: Mapping[str, Callable[[], Any]],
    usual: Sequence[str] = (),
    *,
    bars: Callable[[dict[str, Any]], dict[str, bool]] = lambda _: {},
    script: str = "",
    rooms: tuple[str, ...] = (),
    **always: Any,
) -> None:
    """Measure the parts that the command line names, or the usual ones, or all; keep the others.

    Each part is stored at once. With rooms, `measured` says of which day and of which code it is.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[[], *parts], default=[], metavar="PART")
    asked = parser.parse_args().parts
    use_two_cores()
    before = stored(name)
    result = always | {part: before[part] for part in ("measured", *parts) if part in before}
    for part in asked or usual or parts:
        result[part] = parts[part]()
        if rooms:
            result.setdefault("measured", {})[part] = stamp(script, rooms)
        store(name, packages, result, bars(result))
        print(part, json.dumps(result[part])[:1000], flush=True)


def for_seeds(
    measure: Callable[[int], Sequence[Mapping[str, Any]]], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """The rows of several seeds, each in a fresh process."""
    return [dict(row) for seed in seeds for row in alone(measure, seed)]
