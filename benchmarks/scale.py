"""Past one machine: Spark beside DuckDB, two workers beside one, the dual in parts, the whole path.

`engines` builds the same offers table on both engines, from the same files. `workers` trains the
same network with one process and with two, by Keras on JAX (the extra `cluster`). `dual` allocates
coupons to the same users on both engines. `hundred_million` takes simulated users from their tables
to an allocation of so many offers, on this machine and out of core, deleting what it needs no more;
that takes an hour or two. Of each step it stores the most that the folder held while it ran, and
what it held afterwards.

    python benchmarks/scale.py [PART ...]

Seconds of a processor are those of this process and of all that it starts, Java included.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np
import pandas as pd
from machine import alone, peak_gib, run_parts

from coupon_rec import load_market
from coupon_rec.decisions import allocate_scores
from coupon_rec.features import Encoder, write_offers
from coupon_rec.market.loading import connect
from coupon_rec.records import write_records
from coupon_rec.simulation import simulate_market

PACKAGES = ("coupon-rec", "duckdb", "ibis-framework", "keras", "numpy", "pandas", "pyspark")
ROOMS = (
    *("market", "simulation", "features", "records"),
    *("models", "training", "serving", "decisions", "odds.py"),
)
OFFERS_OF_A_USER = 28.6
BESIDE = ("clicks.parquet", "reviews.parquet", "truth", "views.parquet")
"""What the simulator makes beside the market."""
KEPT = 0.1
"""The share of the offers without redemption that the network learns from."""
SPARK = {
    "spark.driver.memory": "3g",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def processor_seconds() -> float:
    """What this process and those below it have used so far."""
    stats = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = place.read_text().rsplit(")", 1)
        except OSError:
            continue
        parts = rest.split()
        stats[int(name.split()[0])] = int(parts[1]), sum(map(int, parts[11:15]))
    total, below = 0, {os.getpid()}
    while below:
        total += sum(stats[each][1] for each in below if each in stats)
        below = {each for each, (parent, _) in stats.items() if parent in below}
    return total / os.sysconf("SC_CLK_TCK")


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work gives, and its seconds, by the clock and of processors."""
    start, before = time.perf_counter(), processor_seconds()
    found = work()
    return found, {
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(processor_seconds() - before, 1),
    }


def held_gb(folder: Path) -> float:
    """What the files of a folder hold together, though some may go meanwhile."""
    held = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                held += os.stat(Path(place, name)).st_size
    return held / 1e9


@contextmanager
def looking_at(folder: Path, every: float = 0.2) -> Iterator[list[float]]:
    """What a folder holds, in GB: every few moments, and at the end."""
    seen: list[float] = []
    over = Event()

    def look() -> None:
        while not over.wait(every):
            seen.append(held_gb(folder))

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        seen.append(held_gb(folder))


@contextmanager
def spark_engine() -> Iterator[Any]:
    """Spark on two cores of this machine, as an Ibis backend."""
    import ibis
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[2]").config(map=SPARK).getOrCreate()
    yield ibis.pyspark.connect(session)
    session.stop()


def engines(users: int = 500) -> dict[str, Any]:
    """The offers table of the same files on DuckDB and on Spark."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        simulate_market(users=users, folder=folder / "market")
        here, on_duckdb = alone(features_on, "duckdb", folder)
        there, on_spark = alone(features_on, "spark", folder)
        ours, theirs = (pd.read_parquet(folder / name) for name in (here, there))
    numbers = ours.select_dtypes("number").columns
    far = (ours[numbers].astype(float) - theirs[numbers].astype(float)).abs()
    apart = far / ours[numbers].abs().clip(lower=1e-9)
    return {
        "users": users,
        "offers": len(ours),
        "most_apart": float(apart.to_numpy().max()),
        "most_apart_absolute": float(far.to_numpy().max()),
        "cells_apart": int((apart > 0).to_numpy().sum()),
        "duckdb": on_duckdb,
        "spark": on_spark,
    }


def features_on(engine: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """Load and check a market and write its offers, on one engine."""
    name = f"offers-{engine}.parquet"

    def work(connection: Any) -> dict[str, Any]:
        market, loading = timed(lambda: load_market(folder / "market", connection))
        _, writing = timed(lambda: write_offers(market, folder / name))
        return {"load": loading, "features": writing}

    if engine == "duckdb":
        return name, work(connect())
    with spark_engine() as connection:
        return name, work(connection)


def workers(users: int = 500) -> dict[str, Any]:
    """The same network, trained by one process and by two."""
    from coupon_rec.models import load_model

    with TemporaryDirectory() as place:
        folder = Path(place)
        market = simulate_market(users=users).market
        offers = pd.read_parquet(write_offers(market, folder / "offers.parquet"))
        write_records(offers, folder / "records", Encoder.fit(offers), shards=4)
        found, weights = {}, []
        for number in (1, 2):
            out = folder / f"{number}.keras"
            (history, taken) = timed(lambda n=number, o=out: together(folder / "records", o, n))
            found[str(number)] = {**taken, "loss": history[-1]["loss"]}
            weights.append(load_model(out).get_weights())
    apart = max(float(np.abs(a - b).max()) for a, b in zip(*weights, strict=True))
    return {"offers": len(offers), "epochs": len(history), "most_apart": apart, "workers": found}


def together(records: Path, out: Path, number: int) -> list[dict[str, float]]:
    """Train with so many workers on this machine; give the history."""
    from coupon_rec.training.cluster import free_port, train_share

    settings = {"epochs": 2, "batch_size": 1024, "shuffle": False, "model": {"dropout": 0.0}}
    settings |= {"workers": number, "coordinator": f"127.0.0.1:{free_port()}"}
    with ProcessPoolExecutor(number, get_context("spawn")) as pool:
        shares = [
            pool.submit(train_share, records, records, out, rank=rank, **settings)
            for rank in range(number)
        ]
        history: list[dict[str, float]] = shares[0].result().to_dict("records")
    return history


def dual(users: int = 200_000, coupons: int = 10) -> dict[str, Any]:
    """The same users, coupons, budget and caps on DuckDB and on Spark."""
    rng = np.random.default_rng(0)
    rows = users * coupons
    offers = pd.DataFrame(
        {
            "campaign_id": 1,
            "user_id": np.repeat(np.arange(users), coupons),
            "coupon_id": np.tile(np.arange(coupons), users),
            "redeemed": rng.beta(0.5, 8, rows),
            "spend_per_line": rng.lognormal(2, 0.5, rows),
            "discount": rng.choice([0.5, 1.0, 2.0], rows),
        }
    )
    limits = {"budget": 0.03 * users, "caps": dict.fromkeys(range(5), users // 40)}
    with TemporaryDirectory() as place:
        folder = Path(place)
        offers.to_parquet(folder / "scores.parquet")
        here, on_disk = alone(allocated, "duckdb", folder, limits)
        there, on_spark = alone(allocated, "spark", folder, limits)
    return {
        "users": users,
        "coupons": coupons,
        "gap": here["gap"],
        "sent": here["sent"],
        "kept": here["kept"],
        "equal": here == there,
        "duckdb": on_disk,
        "spark": on_spark,
    }


def allocated(engine: str, folder: Path, limits: dict[str, Any]) -> tuple[Any, dict[str, float]]:
    """Allocate on one engine, and tell what was found to the last bit."""
    out = folder / f"choices-{engine}"

    def work(scores: Any) -> tuple[Any, dict[str, float]]:
        found, taken = timed(lambda: allocate_scores(scores, out, parts=16, **limits))
        choices = pd.read_parquet(out)
        counts = choices["coupon_id"].value_counts()
        kept = choices["cost"].sum() <= limits["budget"]
        kept = kept and all(counts.get(each, 0) <= most for each, most in limits["caps"].items())
        told = {
            "bound": found.bound,
            "gap": found.gap,
            "sent": found.sent,
            "value": found.value,
            "prices": [*found.prices.tolist(), *found.cap_prices.tolist()],
            "kept": bool(kept),
        }
        return told, taken

    if engine == "duckdb":
        return work(folder / "scores.parquet")
    with spark_engine() as connection:
        return work(connection.read_parquet(str(folder / "scores.parquet")))


def path(offers: int) -> dict[str, Any]:
    """From the tables of so many offers, about, to an allocation, deleting what is not needed."""
    users = max(500, round(offers / OFFERS_OF_A_USER))
    parts = max(4, users // 50_000)
    found: dict[str, Any] = {"users": users, "parts": parts}
    with TemporaryDirectory() as place:
        folder = Path(place)
        for step in (simulated, built, trained, scored, chosen):
            with looking_at(folder) as seen:
                told, taken = alone(timed_step, step.__name__, folder, users, parts)
            disk = {"peak_gb": round(max(seen), 3), "disk_gb": round(seen[-1], 3)}
            found[step.__name__] = {**taken, **told, **disk}
    return found


def timed_step(step: str, folder: Path, users: int, parts: int) -> tuple[dict[str, Any], Any]:
    """Carry out a step in this process, and say what it took."""
    told, taken = timed(lambda: globals()[step](folder, users, parts))
    return told, {**taken, "gib": round(peak_gib(workers=2 if step == "simulated" else 0), 2)}


def simulated(folder: Path, users: int, parts: int) -> dict[str, Any]:
    """Write a market, and leave of it what is needed."""
    simulate_market(users=users, folder=folder / "market")
    for name in BESIDE:
        rmtree(folder / "market" / name)
    return {}


def built(folder: Path, users: int, parts: int) -> dict[str, Any]:
    connection = connect(memory_limit="2GB", temp_directory=str(folder / "spill"))
    write_offers(load_market(folder / "market", connection), folder / "offers.parquet")
    rmtree(folder / "market")
    return {}


def trained(folder: Path, users: int, parts: int) -> dict[str, Any]:
    """Learn from all redemptions, and from a tenth of the other offers; correct for that."""
    from coupon_rec.models import coupled_model
    from coupon_rec.odds import Platt
    from coupon_rec.records import read_records
    from coupon_rec.serving.bundle import exporting
    from coupon_rec.training import fit

    connection = connect(memory_limit="1GB", temp_directory=str(folder / "spill"))
    table = connection.read_parquet(folder / "offers.parquet")
    last = table.start.max()
    known = table.filter(table.start < last)
    drawn = (known.user_id * 7919 + known.coupon_id * 104_729) % 1000 < 1000 * KEPT
    learned = known.filter((known.redeemed == 1) | drawn)
    count = int(learned.count().execute())
    some = learned.filter(learned.user_id % (1 + count // 100_000) == 0)
    encoder = Encoder.fit(some.to_pandas())
    write_records(learned, folder / "records", encoder, shards=8)
    network = coupled_model(encoder)
    batches = read_records(folder / "records", 4096, cache=False)
    fit(network, batches, batches.take(4), epochs=1)
    rmtree(folder / "records")
    exporting.export(
        network,
        folder / "bundle",
        table.filter(table.start == last).limit(20_000).to_pandas(),
        calibration={"redeemed": Platt(float(np.log(KEPT)), 1.0)},
    )
    return {"learned": count}


def scored(folder: Path, users: int, parts: int) -> dict[str, Any]:
    from coupon_rec.serving.batch import score

    score(folder / "bundle", folder / "offers.parquet", folder / "scores")
    (folder / "offers.parquet").unlink()
    return {}


def chosen(folder: Path, users: int, parts: int) -> dict[str, Any]:
    connection = connect(memory_limit="1GB", temp_directory=str(folder / "spill"))
    table = connection.read_parquet(folder / "scores/*.parquet")
    found = allocate_scores(table, folder / "choices", budget=0.002 * users, parts=parts)
    return {
        "offers": int(table.count().execute()),
        "sent": found.sent,
        "gap": found.gap,
        "spent_of_budget": round(float(found.spent or 0) / (0.002 * users), 6),
    }


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What the book rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if dual := result.get("dual"):
        found["the dual ends within 1e-5 of its bound"] = dual["gap"] <= 1e-5
        found["it keeps its limits"] = dual["kept"]
        found["both engines find the same choices"] = dual["equal"]
    if workers := result.get("workers"):
        found["two workers train what one trains"] = workers["most_apart"] < 1e-6
    if whole := result.get("hundred_million"):
        steps = [step for step in whole.values() if isinstance(step, dict)]
        found["90 minutes"] = sum(step["seconds"] for step in steps) <= 90 * 60
        found["25 GB of disk"] = max(step["peak_gb"] for step in steps) <= 25
        found["4 GiB of memory"] = max(step["gib"] for step in steps) <= 4
    return found


PARTS: dict[str, Callable[[], Any]] = {
    "engines": engines,
    "workers": workers,
    "dual": dual,
    "hundred_million": lambda: path(100_000_000),
}

if __name__ == "__main__":
    usual = ("engines", "workers", "dual")
    run_parts("scale", PACKAGES, PARTS, usual, bars=bars, script=__file__, rooms=ROOMS)
