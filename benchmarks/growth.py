"""What a market costs as it grows: simulating it, and building its offers table.

Each step has a process of its own on two cores, and its peak memory is that of this process and,
where the market is simulated, of two more that it draws in.
Both work block by block and from files to files; nothing becomes a pandas frame. DuckDB keeps to
MEMORY and to SPILL on disk; if that were too little, the benchmark would fail. The views, the
clicks and the truth, two thirds of the simulated files, are deleted before the features are built.
`mechanisms` simulates the market that answers back beside the still one, and lets one campaign of
it pass for ten thousand users. `then` simulates the still one by the code of the day on which the
aim was set, twice its time at most with everything on; it needs the repository's history.

    python benchmarks/growth.py [PART ...] [--most USERS]

Parts are `still`, `mechanisms` and `then`. Those that are not named, and sizes above USERS, keep
their old results. Each row of `still` says when it was measured, and the hash of the code; rows
from before it did hold the commit that stored them. Seconds of a processor say what the work costs
where other work runs beside it.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from machine import PACKAGE, alone, peak_gib, stamp, store, stored, use_two_cores
from scale import timed

from coupon_rec import load_market
from coupon_rec.features import write_offers
from coupon_rec.market.loading import connect
from coupon_rec.simulation import open_market, simulate, simulate_market

ROOMS = ("market", "simulation", "features")
SIZES = (1_000, 10_000, 100_000, 1_000_000)
ANSWERING_SIZES = (20_000, 100_000, 1_000_000)
MEMORY, SPILL = "4GB", "12GB"
KEPT = ("memory", "spill", "slopes", "rows", "mechanisms", "then")
AIM = "34be4eb"
"""The commit of 26 November 2026 whose still year the aim doubles."""
BESIDE = ("clicks.parquet", "reviews.parquet", "truth", "views.parquet")
"""What the simulator writes beside the market."""


def year(users: int, folder: Path, mechanisms: str = "") -> dict[str, float]:
    _, taken = timed(lambda: simulate_market(users=users, folder=folder, mechanisms=mechanisms))
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet") if path.is_file())
    return {
        **taken,
        "gib": round(peak_gib(workers=2), 2),
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


def campaign(users: int) -> dict[str, dict[str, float]]:
    """The first campaign of a market with all mechanisms, under two policies."""
    state = open_market(users=users)
    return {
        "the retailer's": timed(lambda: simulate(state))[1],
        "one's own": timed(lambda: simulate(state, lambda offers: offers["depth"] == 0.25))[1],
    }


def measure(users: int, folder: Path) -> list[dict[str, Any]]:
    """Simulate a market and build its offers table, and report both."""
    market = folder / "market"
    of = stamp(__file__, ROOMS)
    simulation = {"users": users, "step": "simulation", **alone(year, users, market), **of}
    for name in BESIDE:
        rmtree(market / name)
    built = {"users": users, "step": "features", **alone(features, market, folder / "spill"), **of}
    return [simulation, built]


def measure_answering(users: int, folder: Path) -> list[dict[str, Any]]:
    """Simulate a year without mechanisms and with all of them."""
    rows = []
    for names in ("none", "all"):
        taken = alone(year, users, folder / names, names.replace("none", ""))
        rows.append({"users": users, "mechanisms": names, **taken})
    return rows


def grown(
    sizes: tuple[int, ...],
    most: int,
    measure: Callable[[int, Path], list[dict[str, Any]]],
    before: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Measure the sizes up to `most`, and keep the old rows of the larger ones."""
    rows = []
    for users in sizes:
        if users <= most:
            with TemporaryDirectory() as temporary:
                rows += measure(users, Path(temporary))
    return rows + [row for row in before if row["users"] > most]


def slope(rows: pd.DataFrame) -> float:
    """The power of the number of users with which the seconds grow at the end; 1 is linear."""
    end = np.log(rows[["users", "seconds"]].iloc[-2:]).diff().iloc[-1]
    return round(float(end["seconds"] / end["users"]), 2)


def still(before: dict[str, Any], most: int) -> dict[str, Any]:
    rows = grown(SIZES, most, measure, before.get("rows", []))
    slopes = {str(step): slope(part) for step, part in pd.DataFrame(rows).groupby("step")}
    return {"memory": MEMORY, "spill": SPILL, "slopes": slopes, "rows": rows}


def mechanisms(before: dict[str, Any], most: int) -> dict[str, Any]:
    old = before.get("mechanisms", {})
    passed = alone(campaign, 10_000)
    rows = grown(ANSWERING_SIZES, most, measure_answering, old.get("rows", []))
    of = stamp(__file__, ROOMS)
    return {"mechanisms": {**of, "campaign of 10,000 users": passed, "rows": rows}}


def then(before: dict[str, Any], most: int) -> dict[str, Any]:
    users = min(most, SIZES[-1])
    git = ["git", "-C", str(PACKAGE.parent), "worktree"]
    with TemporaryDirectory() as place:
        code = f"{place}/code"
        subprocess.run([*git, "add", "--detach", code, AIM], check=True, capture_output=True)
        program = f"simulate_market(users={users}, folder='{place}/market')"
        command = [sys.executable, "-c", f"from coupon_rec.simulation import *; {program}"]
        _, taken = timed(lambda: subprocess.run(command, cwd=code, check=True))
        subprocess.run([*git, "remove", "--force", code], check=True)
    return {"then": {"commit": AIM, "date": date.today().isoformat(), "users": users, **taken}}


PARTS = {"still": still, "mechanisms": mechanisms, "then": then}


def main() -> None:
    use_two_cores()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--most", type=int, default=SIZES[-1], metavar="USERS")
    asked = parser.parse_args()
    result = {name: old for name, old in stored("growth").items() if name in KEPT}
    for part in asked.parts or PARTS:
        result |= PARTS[part](result, asked.most)
        store("growth", ("duckdb", "ibis-framework", "pyarrow"), result)


if __name__ == "__main__":
    main()
