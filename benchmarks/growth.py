"""What a market costs as it grows: simulating it, and building its offers table.

Each step has a process of its own on two cores, and its peak memory is that of the whole process.
The simulator writes its tables block by block to Parquet files; DuckDB reads the files, keeps to
MEMORY, spills what goes beyond it to a temporary folder, on the clock, and writes the offers table
to a Parquet file. Nothing becomes a pandas frame. The views, the clicks and the truth, two thirds
of the files, are deleted before the features are built: the largest market needs room for them.
"""

import time
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from machine import alone, peak_gib, store, use_two_cores

from coupon_rec import load_market
from coupon_rec.features import build_offers
from coupon_rec.market.loading import connect
from coupon_rec.simulation import simulate_market

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MEMORY = "4GB"
BESIDE = ("candidates", "clicks", "drivers", "reviews", "views")
"""What the simulator writes beside the market."""


def simulate(users: int, folder: Path) -> dict[str, float]:
    start = time.perf_counter()
    simulate_market(users=users, folder=folder)
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet") if path.is_file())
    return {"seconds": seconds, "gib": peak_gib(), "written_gb": size / 1e9}


def features(folder: Path, spill: Path) -> dict[str, float]:
    market = load_market(folder, connect(memory_limit=MEMORY, temp_directory=str(spill)))
    purchases = int(market.purchases.count().execute())
    path = folder / "offers_table.parquet"
    start = time.perf_counter()
    build_offers(market).to_parquet(path)
    seconds = time.perf_counter() - start
    offers = pq.read_metadata(path).num_rows
    return {"seconds": seconds, "gib": peak_gib(), "purchases": purchases, "offers": offers}


def slope(rows: pd.DataFrame) -> float:
    """The power of the number of users with which the seconds grow; 1 is linear."""
    return float(np.polyfit(np.log(rows["users"]), np.log(rows["seconds"]), 1)[0])


def measure(users: int, folder: Path) -> list[dict[str, float]]:
    """Simulate a market and build its offers table, and report both."""
    market, spill = folder / "market", folder / "spill"
    steps = {"simulation": alone(simulate, users, market)}
    for name in BESIDE:
        rmtree(market / f"{name}.parquet")
    steps["features"] = alone(features, market, spill)
    for step, found in steps.items():
        print(f"{users:9,} {step:11}{found['seconds']:9.1f}{found['gib']:7.2f}", flush=True)
    return [{"users": users, "step": step, **found} for step, found in steps.items()]


def main() -> None:
    use_two_cores()
    rows = []
    print(f"{'users':>9} {'step':11}{'seconds':>9}{'GiB':>7}")
    for users in SIZES:
        with TemporaryDirectory() as temporary:
            rows += measure(users, Path(temporary))
    table = pd.DataFrame(rows)
    slopes = {str(step): round(slope(part), 2) for step, part in table.groupby("step")}
    print("seconds grow with the number of users to the power of", slopes)
    rounded = [
        {name: x if isinstance(x, int | str) else round(x, 2) for name, x in row.items()}
        for row in rows
    ]
    store(
        "growth",
        ("duckdb", "ibis-framework", "numpy", "pyarrow"),
        {"duckdb_memory": MEMORY, "slopes": slopes, "rows": rounded},
    )


if __name__ == "__main__":
    main()
