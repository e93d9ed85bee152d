"""What a market costs as it grows: simulating it, and building its offers table.

Each step has a process of its own on two cores, and its peak memory is that of the whole process.
Both work block by block and from files to files; nothing becomes a pandas frame. DuckDB keeps to
MEMORY and to SPILL on disk; if that were too little, the benchmark would fail. The views, the
clicks and the truth, two thirds of the simulated files, are deleted before the features are built.
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
from coupon_rec.features import write_offers
from coupon_rec.market.loading import connect
from coupon_rec.simulation import simulate_market

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MEMORY, SPILL = "4GB", "12GB"
BESIDE = ("candidates", "clicks", "drivers", "reviews", "views")
"""What the simulator writes beside the market."""


def simulate(users: int, folder: Path) -> dict[str, float]:
    start = time.perf_counter()
    simulate_market(users=users, folder=folder)
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet") if path.is_file())
    return {
        "seconds": round(seconds, 2),
        "gib": round(peak_gib(), 2),
        "written_gb": round(size / 1e9, 2),
    }


def features(folder: Path, spill: Path) -> dict[str, float]:
    connection = connect(
        memory_limit=MEMORY, temp_directory=str(spill), max_temp_directory_size=SPILL
    )
    market = load_market(folder, connection)
    size = {
        "purchases": int(market.purchases.count().execute()),
        "offers": int(market.offers.count().execute()),
    }
    connection.raw_sql("SET enable_progress_bar = false")
    path = folder / "offers_table.parquet"
    start = time.perf_counter()
    write_offers(market, path)
    seconds = time.perf_counter() - start
    assert pq.read_metadata(path).num_rows == size["offers"]
    return {
        "seconds": round(seconds, 2),
        "gib": round(peak_gib(), 2),
        "written_gb": round(path.stat().st_size / 1e9, 2),
        **size,
    }


def measure(users: int, folder: Path) -> list[dict[str, float | str]]:
    """Simulate a market and build its offers table, and report both."""
    market = folder / "market"
    simulation = {"users": users, "step": "simulation", **alone(simulate, users, market)}
    print(simulation, flush=True)
    for name in BESIDE:
        rmtree(market / f"{name}.parquet")
    built = {"users": users, "step": "features", **alone(features, market, folder / "spill")}
    print(built, flush=True)
    return [simulation, built]


def slope(rows: pd.DataFrame) -> float:
    """The power of the number of users with which the seconds grow at the end; 1 is linear."""
    end = np.log(rows[["users", "seconds"]].iloc[-2:]).diff().iloc[-1]
    return round(float(end["seconds"] / end["users"]), 2)


def main() -> None:
    use_two_cores()
    rows = []
    for users in SIZES:
        with TemporaryDirectory() as temporary:
            rows += measure(users, Path(temporary))
    slopes = {str(step): slope(part) for step, part in pd.DataFrame(rows).groupby("step")}
    print("between the two largest sizes, seconds grow with users to the power of", slopes)
    result = {"memory": MEMORY, "spill": SPILL, "slopes": slopes, "rows": rows}
    store("growth", ("duckdb", "ibis-framework", "pyarrow"), result)


if __name__ == "__main__":
    main()
