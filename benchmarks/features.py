"""Features of all offers of Complete Journey: `coupon_rec.features` on DuckDB beside pandas.

Each build has a process of its own on two cores, and ends with a pandas frame. The clock starts
when the tables are in memory, except promotions, which both read from a Parquet file. Memory is
the peak of the whole process. For growth, every purchase line stands 1, 2, 4 and 8 times in the
tables, each time under a new basket, as if every user had come so many times as often; the offers
stay the same. The tables as they are take three rounds, larger ones one; `rounds` of 0 says that
pandas was not tried, because its memory had passed a limit. DuckDB keeps to the memory that
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
from machine import alone, peak_gib, store, use_two_cores

from coupon_rec import load_complete_journey
from coupon_rec.features import offers_frame

ROUNDS = 3
GROWTH = (1, 2, 4, 8)
PANDAS_LIMIT_GIB = 7  # more at twice the purchases would not fit into 16 GiB
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
    start = time.perf_counter()
    offers = offers_frame(market)
    return measured(start, offers, folder / f"duckdb-{times}.parquet")


def with_pandas(times: int, folder: Path) -> dict[str, float]:
    tables = {
        path.stem: pd.read_parquet(path)
        for path in folder.glob("*.parquet")
        if path.stem != "promotions" and "-" not in path.stem
    }
    lines = tables["purchases"]
    copies = [lines.assign(basket_id=lines.basket_id + i * NEW_BASKET) for i in range(times)]
    tables["purchases"] = pd.concat(copies, ignore_index=True)
    del lines, copies
    start = time.perf_counter()
    offers = pandas_features.build_offers(tables, folder / "promotions.parquet")
    return measured(start, offers, folder / f"pandas-{times}.parquet")


def measured(start: float, offers: pd.DataFrame, path: Path) -> dict[str, float]:
    seconds = time.perf_counter() - start
    peak = peak_gib()
    offers.to_parquet(path)
    return {"seconds": seconds, "gib": peak}


def compare(folder: Path, times: int) -> None:
    """Assert equal frames: 1e-4 relatively, or a unit of the sixth decimal, the last one kept."""
    left, right = (pd.read_parquet(folder / f"{way}-{times}.parquet") for way in WAYS)
    pd.testing.assert_frame_equal(left, right, check_dtype=False, rtol=1e-4, atol=1.1e-6)


WAYS = {"duckdb": with_duckdb, "pandas": with_pandas}


def main() -> None:
    use_two_cores()
    rows = []
    print(f"{'purchases':>9} {'with':7}{'seconds':>9}{'GiB':>7}")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        alone(prepare, folder)
        stopped = False
        for times in GROWTH:
            tried = [way for way in WAYS if way == "duckdb" or not stopped]
            rounds = ROUNDS if times == 1 else 1
            runs = [{way: alone(WAYS[way], times, folder) for way in tried} for _ in range(rounds)]
            for way in tried:
                row = {
                    "purchases": times,
                    "with": way,
                    "rounds": rounds,
                    "seconds": round(statistics.median(run[way]["seconds"] for run in runs), 1),
                    "gib": round(max(run[way]["gib"] for run in runs), 2),
                }
                rows.append(row)
                stopped |= way == "pandas" and row["gib"] > PANDAS_LIMIT_GIB
                print(f"{times:8}x {way:7}{row['seconds']:9.1f}{row['gib']:7.2f}", flush=True)
            if "pandas" in tried:
                alone(compare, folder, times)
            else:
                rows.append({"purchases": times, "with": "pandas", "rounds": 0})
                print(f"{times:8}x {'pandas':7}{'not tried':>16}")
    ratio = rows[1]["seconds"] / rows[0]["seconds"]
    print(f"DuckDB is {ratio:.1f} times as fast as pandas; the frames are equal.")
    result = {
        "rows": rows,
        "times_pandas": round(ratio, 1),
    }
    store("features", ("duckdb", "ibis-framework", "pandas"), result)


if __name__ == "__main__":
    main()
