"""What it costs to build the book in a warm environment, and to run each chapter.

Usage: `python benchmarks/book.py`. Writes benchmarks/results/book.json.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import notebooks  # noqa: E402
from machine import store  # noqa: E402

ROUNDS = 3


def seconds_to_build() -> float:
    """Build the HTML from nothing, with the packages installed."""
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    start = time.perf_counter()
    subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print and store."""
    os.environ["TQDM_DISABLE"] = "1"
    result = {
        "rounds": ROUNDS,
        "make book": {
            "seconds": round(statistics.median(seconds_to_build() for _ in range(ROUNDS)), 1)
        },
    }
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        runs = [notebooks.execute(notebooks.read(path), path.parent) for _ in range(ROUNDS)]
        seconds, mebibytes = (statistics.median(values) for values in zip(*runs, strict=True))
        result[path.stem] = {"seconds": round(seconds, 1), "GiB": round(mebibytes / 1024, 2)}
    for name, cost in result.items():
        if isinstance(cost, dict):
            print(name, cost)
    store("book", (), result)


if __name__ == "__main__":
    main()
