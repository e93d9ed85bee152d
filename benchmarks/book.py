"""What it costs to build the book in a warm environment; `make notebooks` measures the chapters.

Usage: `python benchmarks/book.py`. Writes benchmarks/results/book.json.
"""

import shutil
import subprocess
import time
from pathlib import Path

from machine import store, use_two_cores

ROOT = Path(__file__).parent.parent
ROUNDS = 3


def seconds_to_build() -> float:
    """Build the HTML from nothing, with the packages installed."""
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    start = time.perf_counter()
    subprocess.run(["make", "book"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure, print and store."""
    use_two_cores()
    seconds = sorted(round(seconds_to_build(), 1) for _ in range(ROUNDS))
    print(f"make book: {seconds} s")
    store("book", ("jupyter-book", "sphinx"), {"seconds": seconds})


if __name__ == "__main__":
    main()
