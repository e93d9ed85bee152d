"""One market, simulated block by block, in memory or on disk."""

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table
from joblib import Parallel, delayed
from tqdm import tqdm

from coupon_rec.market import validate
from coupon_rec.market.loading import connect_in_2_gb
from coupon_rec.market.sources import read_parquet
from coupon_rec.simulation.campaign import draw_round
from coupon_rec.simulation.drawing import Appetite
from coupon_rec.simulation.mechanisms import Plant, Settings, settings_of
from coupon_rec.simulation.nature import Nature, make_nature
from coupon_rec.simulation.period import pass_period
from coupon_rec.simulation.tables import Tables, joined, known_tables, user_tables, world_tables
from coupon_rec.simulation.truth import Simulation, in_duckdb, opened
from coupon_rec.simulation.users import draw_crowd

PART = 20
"""Blocks that share a Parquet file."""
REPEATED = (pa.int64(), pa.string(), pa.date32())
"""Types of columns whose values come again and again, which a dictionary makes small."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""The names of two settings in malloc.h."""
SMALL, QUICK = "zstd", "lz4"
"""How files are compressed. Probabilities of the truth are many, and nothing shrinks them much."""


def simulate_market(
    users: int = 1000,
    items: int = 1000,
    coupons: int = 96,
    campaigns: int = 12,
    seed: int = 0,
    folder: str | Path | None = None,
    *,
    mechanisms: Iterable[str] | str = (),
    strength: float = 1.0,
    plants: Sequence[Plant] = (),
) -> Simulation:
    """Simulate a market, with the truth beside it, by the equations of `coupon_rec.simulation`.

    Parameters
    ----------
    users : int
        How many users, 1 or more. Their identifiers are 1 to `users`. A larger market of the same
        seed has the same first users, in steps of 500.
    items : int
        How many items, 3 or more.
    coupons : int
        How many coupons, 1 or more: three for each of some types of items, one of each depth.
        A thousand items can have up to 549.
    campaigns : int
        How many campaigns of four weeks, 1 or more; the twelve of the default fill 2017.
    seed : int
        The same seed gives the same market, 0 or more.
    folder : str or Path, optional
        A new or empty folder. The market is then written there block by block, by a process for
        each core, so that memory does not grow with `users`, and `coupon_rec.load_market` can open
        and check it. The files appear when all are complete.
    mechanisms, strength, plants
        As for `open_market`. With any mechanism the market is one that answers back, under the
        retailer's own policy; without, users do not notice what is sent.

    Returns
    -------
    Simulation
        On DuckDB: in memory, or as views of the files in `folder`.

    Raises
    ------
    ValueError
        If an argument is outside its range or the folder is not empty.
    """
    sizes = dict(users=users, items=items, coupons=coupons, campaigns=campaigns, seed=seed)
    year = draw_year(settings_of(sizes, mechanisms, strength, plants))
    if folder is not None:
        return opened(write_year(year, Path(folder)), year.nature)
    simulation = opened(_in_memory(year), year.nature)
    validate(simulation.market)
    return simulation


@dataclass(frozen=True)
class Year:
    """All that `simulate_market` draws: the tables of the world, and those of each block."""

    nature: Nature
    tables: Tables
    draw: Callable[[int], Tables]


def draw_year(settings: Settings) -> Year:
    """A market under the retailer's own policy, whose blocks of users are drawn one by one."""
    nature, last = make_nature(settings), settings.campaigns
    rounds = [draw_round(nature, period) for period in range(last + 1)]

    def draw(first: int) -> Tables:
        crowd, parts = draw_crowd(nature, first), []
        changes = {0, *(plant.campaign for plant in settings.plants)}
        for campaign in rounds:
            if campaign.period in changes:
                appetite = Appetite.of(nature, crowd, campaign.period)
            crowd, happened = pass_period(nature, campaign, crowd, appetite)
            parts.append(happened)
        return user_tables(crowd, nature, last) | known_tables(joined(parts), nature, last)

    return Year(nature, world_tables(nature, rounds[1:]), draw)


def _in_memory(year: Year) -> dict[str, Table]:
    """Draw the blocks on all cores and put their tables, joined, into DuckDB."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = pool.map(year.draw, year.nature.settings.blocks)
        return in_duckdb(year.tables | joined(blocks))


def write_year(year: Year, folder: Path) -> dict[str, Table]:
    """Draw the blocks on all cores, each part of them into Parquet files of its own.

    Parts are drawn in processes: threads would wait for each other's turn in Python.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder must be new or empty, but {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    blocks = year.nature.settings.blocks
    parts = [blocks[start : start + PART] for start in range(0, len(blocks), PART)]
    with (
        TemporaryDirectory(dir=folder, prefix=".draft-") as draft,
        tqdm(total=len(blocks), unit="block", leave=False) as bar,
    ):
        for name, table in year.tables.items():
            pq.write_table(table, Path(draft) / f"{name}.parquet")
        pool = Parallel(
            min(os.cpu_count() or 1, len(parts)),
            return_as="generator_unordered",
            idle_worker_timeout=10,
        )
        written = pool(
            delayed(_write_part)(year.draw, part, Path(draft), f"part-{number:05}.parquet")
            for number, part in enumerate(parts)
        )
        for number in written:
            bar.update(number)
        for path in Path(draft).iterdir():
            path.rename(folder / path.name)
    connection = connect_in_2_gb()
    return {path.stem: read_parquet(connection, path) for path in folder.glob("*.parquet")}


def _write_part(
    draw: Callable[[int], Tables], blocks: Sequence[int], folder: Path, file: str
) -> int:
    """Draw blocks and write them one below the other, each table into a file in its own folder.

    How many blocks there were.
    """
    if parent_process():
        _keep_what_is_freed()
    with ExitStack() as files:
        writers: dict[str, pq.ParquetWriter] = {}
        for tables in map(draw, blocks):
            for name, table in tables.items():
                if name not in writers:
                    path = folder / f"{name}.parquet" / file
                    path.parent.mkdir(exist_ok=True)
                    few = [f.name for f in table.schema if f.type in REPEATED]
                    codec = QUICK if name == "candidates" else SMALL
                    writer = pq.ParquetWriter(
                        path, table.schema, use_dictionary=few, compression=codec
                    )
                    writers[name] = files.enter_context(writer)
                writers[name].write_table(table)
    return len(blocks)


def _keep_what_is_freed() -> None:
    """Let this process keep the memory of one block for the next, where it runs on glibc.

    Asking the system for it anew takes a tenth of the time.
    """
    if sys.platform == "linux" and hasattr(glibc := ctypes.CDLL(None), "mallopt"):
        for threshold in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD):
            glibc.mallopt(threshold, 2**29)
