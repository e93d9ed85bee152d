"""Features of all offers of Complete Journey: `coupon_rec.features` on DuckDB, polars, pandas.

Each build has a process of its own on two cores, and ends with a pandas frame. The clock starts
when the tables are in memory, except promotions, which all read from a Parquet file. Memory is
the peak of the whole process; CPU is the seconds that both cores worked, which other processes
disturb less than the clock. For growth, every purchase line is in the tables 1, 2, 4 and 8 times,
each time under a new basket, as if every user had come so many times as often; the offers stay the
same. The tables as they are take three rounds, in turns, larger ones one; `rounds` of 0 says that
a way was not tried, because its memory had passed a limit. DuckDB keeps to the memory that
`load_complete_journey` gives it; what goes beyond is spilled to a temporary folder, on the clock.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pandas as pd
import pandas_features
import polars as pl
import polars_features
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


def with_polars(times: int, folder: Path) -> dict[str, float]:
    tables = {path.stem: pl.read_parquet(path) for path in in_memory(folder)}
    lines = tables["purchases"]
    copies = [lines.with_columns(pl.col("basket_id") + i * NEW_BASKET) for i in range(times)]
    tables["purchases"] = pl.concat(copies, rechunk=True)
    del lines, copies
    start = started()
    offers = polars_features.build_offers(tables, folder / "promotions.parquet")
    return measured(start, offers, folder / f"polars-{times}.parquet")


def with_pandas(times: int, folder: Path) -> dict[str, float]:
    tables = {path.stem: pd.read_parquet(path) for path in in_memory(folder)}
    lines = tables["purchases"]
    copies = [lines.assign(basket_id=lines.basket_id + i * NEW_BASKET) for i in range(times)]
    tables["purchases"] = pd.concat(copies, ignore_index=True)
    del lines, copies
    start = started()
    offers = pandas_features.build_offers(tables, folder / "promotions.parquet")
    return measured(start, offers, folder / f"pandas-{times}.parquet")


def in_memory(folder: Path) -> list[Path]:
    """The files of tables that are read before the clock starts."""
    files = folder.glob("*.parquet")
    return [path for path in files if path.stem != "promotions" and "-" not in path.stem]


def started() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def measured(start: tuple[float, float], offers: pd.DataFrame, path: Path) -> dict[str, float]:
    seconds, cpu = (now - then for now, then in zip(started(), start, strict=True))
    peak = peak_gib()
    offers.to_parquet(path)
    return {"seconds": seconds, "cpu": cpu, "gib": peak}


def compare(folder: Path, times: int, ways: list[str]) -> None:
    """Assert equal frames: 1e-4 relatively, or a unit of the sixth decimal, the last one kept."""
    ours, *others = (pd.read_parquet(folder / f"{way}-{times}.parquet") for way in ways)
    for other in others:
        pd.testing.assert_frame_equal(ours, other, check_dtype=False, rtol=1e-4, atol=1.1e-6)


WAYS = {"duckdb": with_duckdb, "polars": with_polars, "pandas": with_pandas}


def main() -> None:
    use_two_cores()
    rows = []
    print(f"{'purchases':>9} {'with':7}{'seconds':>9}{'CPU':>7}{'GiB':>7}")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        alone(prepare, folder)
        tried = list(WAYS)
        for times in GROWTH:
            rounds = ROUNDS if times == 1 else 1
            runs = [{way: alone(WAYS[way], times, folder) for way in tried} for _ in range(rounds)]
            alone(compare, folder, times, tried)
            for way in WAYS:
                if way not in tried:
                    rows.append({"purchases": times, "with": way, "rounds": 0})
                    print(f"{times:8}x {way:7}{'not tried':>16}")
                    continue
                row = {
                    "purchases": times,
                    "with": way,
                    "rounds": rounds,
                    "seconds": round(statistics.median(run[way]["seconds"] for run in runs), 2),
                    "cpu": round(statistics.median(run[way]["cpu"] for run in runs), 2),
                    "gib": round(max(run[way]["gib"] for run in runs), 2),
                }
                rows.append(row)
                print(
                    f"{times:8}x {way:7}{row['seconds']:9.2f}{row['cpu']:7.2f}{row['gib']:7.2f}",
                    flush=True,
                )
                if way != "duckdb" and row["gib"] > LIMIT_GIB:
                    tried.remove(way)
    seconds = {row["with"]: row["seconds"] for row in rows[: len(WAYS)]}
    ratios = {way: round(seconds[way] / seconds["duckdb"], 1) for way in ("polars", "pandas")}
    times = " and ".join(f"{ratio} times as fast as {way}" for way, ratio in ratios.items())
    print(f"DuckDB is {times}; the frames are equal.")
    result = {"rows": rows, **{f"times_{way}": ratio for way, ratio in ratios.items()}}
    store("features", ("duckdb", "ibis-framework", "pandas", "polars"), result)


if __name__ == "__main__":
    main()
