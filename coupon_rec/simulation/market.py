"""One market, simulated block by block, in memory or on disk."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table, _
from tqdm import tqdm

from coupon_rec.market import Market, validate
from coupon_rec.market.loading import connect
from coupon_rec.market.tables import TABLES
from coupon_rec.simulation.tables import PROBABILITIES, block_tables, world_tables
from coupon_rec.simulation.truth import Truth
from coupon_rec.simulation.world import World, coupons_for, make_world

BLOCK = 500
"""Users who are drawn together, from a seed of their own."""
PART = 20
"""Blocks that share a Parquet file."""


@dataclass(frozen=True)
class Simulation:
    """A market whose truth is known.

    Attributes
    ----------
    market : Market
        What a retailer sees, with the views, clicks and reviews of its users, its list prices,
        the depth of each coupon, and the two probabilities of each offer.
    truth : Truth
        What nobody sees.
    """

    market: Market
    truth: Truth


def simulate_market(
    users: int = 1000,
    items: int = 1000,
    coupons: int = 96,
    campaigns: int = 12,
    seed: int = 0,
    folder: str | Path | None = None,
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
        A new or empty folder. The market is then written there block by block, so that memory
        does not grow with `users`, and `coupon_rec.load_market` can open and check it. The files
        appear when all are complete.

    Returns
    -------
    Simulation
        On DuckDB: in memory, or as views of the files in `folder`.

    Raises
    ------
    ValueError
        If an argument is outside its range or the folder is not empty.
    """
    _check_sizes(users, items, coupons, campaigns, seed)
    world = make_world(items, coupons, campaigns, np.random.SeedSequence(seed, spawn_key=(0,)))
    blocks = {first: min(BLOCK, users + 1 - first) for first in range(1, users + 1, BLOCK)}
    if folder is not None:
        return _opened(_on_disk(world, seed, blocks, Path(folder)), world)
    simulation = _opened(_in_memory(world, seed, blocks), world)
    validate(simulation.market)
    return simulation


def _check_sizes(users: int, items: int, coupons: int, campaigns: int, seed: int) -> None:
    least = {"users": 1, "items": 3, "coupons": 1, "campaigns": 1, "seed": 0}
    given = {"users": users, "items": items, "coupons": coupons, "campaigns": campaigns}
    for name, number in {**given, "seed": seed}.items():
        if not isinstance(number, int | np.integer) or number < least[name]:
            raise ValueError(f"{name} must be a whole number, {least[name]} or more, not {number}")
    if coupons > coupons_for(items):
        raise ValueError(f"coupons must be {coupons_for(items)} or less for {items} items")


def _in_memory(world: World, seed: int, blocks: Mapping[int, int]) -> dict[str, Table]:
    """Draw the blocks on all cores and put their tables, joined, into DuckDB."""
    drawn: dict[str, list[pa.Table]] = defaultdict(list)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for tables in pool.map(
            lambda first: block_tables(world, seed, first, blocks[first]), blocks
        ):
            for name, table in tables.items():
                drawn[name].append(table)
    tables = world_tables(world) | {name: pa.concat_tables(each) for name, each in drawn.items()}
    connection = connect()
    return {
        name: connection.create_table(name, ibis.memtable(table)) for name, table in tables.items()
    }


def _on_disk(world: World, seed: int, blocks: Mapping[int, int], folder: Path) -> dict[str, Table]:
    """Draw the blocks on all cores, each part of them into Parquet files of its own."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder must be new or empty, but {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    firsts = list(blocks)
    with (
        TemporaryDirectory(dir=folder, prefix=".draft-") as draft,
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(blocks), unit="block", leave=False) as bar,
    ):
        for name, table in world_tables(world).items():
            pq.write_table(table, Path(draft) / f"{name}.parquet")

        def draw(first: int) -> dict[str, pa.Table]:
            bar.update()
            return block_tables(world, seed, first, blocks[first])

        def write(start: int) -> None:
            part = firsts[start : start + PART]
            _write_part(map(draw, part), Path(draft), f"part-{start // PART:05}.parquet")

        list(pool.map(write, range(0, len(firsts), PART)))
        for path in Path(draft).iterdir():
            path.rename(folder / path.name)
    connection = connect(memory_limit="2GB", temp_directory=gettempdir())
    return {
        path.stem: connection.read_parquet(path / "*.parquet" if path.is_dir() else path)
        for path in folder.glob("*.parquet")
    }


def _write_part(blocks: Iterable[dict[str, pa.Table]], folder: Path, file: str) -> None:
    """Write blocks one below the other, each table into the file of a folder of its own."""
    with ExitStack() as files:
        writers: dict[str, pq.ParquetWriter] = {}
        for tables in blocks:
            for name, table in tables.items():
                if name not in writers:
                    path = folder / f"{name}.parquet" / file
                    path.parent.mkdir(exist_ok=True)
                    writers[name] = files.enter_context(pq.ParquetWriter(path, table.schema))
                writers[name].write_table(table)


def _opened(tables: Mapping[str, Table], world: World) -> Simulation:
    market = Market(**{name: tables[name] for name in TABLES if name in tables})
    p = {name: _[name].cast("float64") for name in PROBABILITIES}
    candidates = (
        tables["candidates"]
        .mutate(**p)
        .mutate(
            effect=_.buy_with - _.buy_without,
            redeem=_.buy_with * _.redeem_given_buy,
            bought=ibis.ifelse(_.offered, _.bought_with, _.bought_without),
            redeemed=_.offered & _.redeemed_with,
        )
    )
    return Simulation(market, Truth(tables["drivers"], candidates, world))
