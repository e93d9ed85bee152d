"""Features of all offers of Complete Journey: `coupon_rec.features` on DuckDB and pandas.

Each build has a process of its own on two cores, and ends with a pandas frame. The clock starts
when the tables are in memory, except promotions, which all read from a Parquet file. Memory is
the peak of the whole process; CPU is the seconds that both cores worked, which other processes
disturb less than the clock. For growth, every purchase line is in the tables 1, 2, 4 and 8 times,
each time under a new basket, as if every user had come so many times as often; the offers stay the
same. The tables as they are take three rounds, in turns, larger ones one; pandas is not tried
further once its memory has passed a limit. DuckDB keeps to the memory that
`load_complete_journey` gives it; what goes beyond is spilled to a temporary folder, on the clock.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pandas as pd
import pandas_features
from machine import alone, peak_gib, store, use_two_cores

from coupon_rec import load_complete_journey
from coupon_rec.features import offers_frame

ROUNDS = 3
GROWTH = (1, 2, 4, 8)
LIMIT_GIB = 7  # more at twice the purchases would not fit into 16 GiB
NEW_BASKET = 10**12


def prepare(folder: Path) -> None:
    """Write the tables for pandas, with dates as timestamps, which it reads without objects."""
    for name, table in load_complete_journey().tables().items():
        dates = [column for column, kind in table.schema().items() if kind.is_date()]
        table.mutate(**{column: table[column].cast("timestamp") for column in dates}).to_parquet(
            folder / f"{name}.parquet"
        )


def with_duckdb(times: int, folder: Path) -> dict[str, float]:
    market = load_complete_journey()
    lines = market.purchases
    lines.get_backend().raw_sql("SET enable_progress_bar = false")
    copies = [lines.mutate(basket_id=lines.basket_id + i * NEW_BASKET) for i in range(times)]
    if times > 1:
        grown = lines.get_backend().create_table("grown", ibis.union(*copies), temp=True)
        market = replace(market, purchases=grown)
    start = started()
    offers = offers_frame(market)
    return measured(start, offers, folder / f"duckdb-{times}.parquet")


def with_pandas(times: int, folder: Path) -> dict[str, float]:
    files = [path for path in folder.glob("*.parquet") if path.stem != "promotions"]
    tables = {path.stem: pd.read_parquet(path) for path in files if "-" not in path.stem}
    lines = tables["purchases"]
    copies = [lines.assign(basket_id=lines.basket_id + i * NEW_BASKET) for i in range(times)]
    tables["purchases"] = pd.concat(copies, ignore_index=True)
    del lines, copies
    start = started()
    offers = pandas_features.build_offers(tables, folder / "promotions.parquet")
    return measured(start, offers, folder / f"pandas-{times}.parquet")


def started() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def measured(start: tuple[float, float], offers: pd.DataFrame, path: Path) -> dict[str, float]:
    seconds, cpu = (now - then for now, then in zip(started(), start, strict=True))
    peak = peak_gib()
    offers.to_parquet(path)
    return {"seconds": seconds, "cpu": cpu, "gib": peak}


def compare(folder: Path, times: int) -> None:
    """Assert equal frames: 1e-4 relatively, or a unit of the sixth decimal, the last one kept."""
    ours, other = (pd.read_parquet(folder / f"{way}-{times}.parquet") for way in WAYS)
    pd.testing.assert_frame_equal(ours, other, check_dtype=False, rtol=1e-4, atol=1.1e-6)


WAYS = {"duckdb": with_duckdb, "pandas": with_pandas}


def measure(times: int, ways: list[str], folder: Path) -> list[dict[str, Any]]:
    """Let each way take its turns."""
    rounds = ROUNDS if times == 1 else 1
    runs = [{way: alone(WAYS[way], times, folder) for way in ways} for _ in range(rounds)]
    if len(ways) == len(WAYS):
        alone(compare, folder, times)
    return [
        {
            "purchases": times,
            "with": way,
            "rounds": rounds,
            "seconds": round(statistics.median(run[way]["seconds"] for run in runs), 2),
            "cpu": round(statistics.median(run[way]["cpu"] for run in runs), 2),
            "gib": round(max(run[way]["gib"] for run in runs), 2),
        }
        for way in ways
    ]


def main() -> None:
    use_two_cores()
    rows, tried = [], list(WAYS)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        alone(prepare, folder)
        for times in GROWTH:
            for row in measure(times, tried, folder):
                rows.append(row)
                print(row, flush=True)
                if row["with"] == "pandas" and row["gib"] > LIMIT_GIB:
                    tried.remove("pandas")
    seconds = {row["with"]: row["seconds"] for row in rows[: len(WAYS)]}
    faster = round(seconds["pandas"] / seconds["duckdb"], 1)
    store(
        "features", ("duckdb", "ibis-framework", "pandas"), {"rows": rows, "times_pandas": faster}
    )


if __name__ == "__main__":
    main()
