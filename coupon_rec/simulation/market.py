"""One market, simulated block by block, in memory or on disk."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table
from joblib import Parallel, delayed
from tqdm import tqdm

from coupon_rec.market.loading import connect_in_2_gb
from coupon_rec.market.sources import KNOWN, read_parquet
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.loop import open_market, simulate
from coupon_rec.simulation.mechanisms import Plant, settings_of
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.period import pass_period
from coupon_rec.simulation.tables import Tables, joined, known_tables, user_tables, world_tables
from coupon_rec.simulation.truth import Simulation, opened
from coupon_rec.simulation.users import draw_crowd

TRUTH = "truth"
"""The folder, in that of the market, of the tables that no retailer has."""
PART = 5
"""Blocks that share a Parquet file."""
REPEATED = (pa.int64(), pa.string(), pa.date32())
"""Types of columns whose values come again and again, which a dictionary makes small."""
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
        and check it; the truth is in its folder `truth`. The files appear when all are complete.
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
    if folder is None:
        opening = open_market(**sizes, mechanisms=mechanisms, strength=strength, plants=plants)
        return simulate(opening, campaigns=campaigns).simulation()
    nature = Nature(settings_of(mechanisms, strength, plants, **sizes))
    return opened(_on_disk(nature, Path(folder)), nature)


def _on_disk(nature: Nature, folder: Path) -> dict[str, Table]:
    """Draw the blocks on all cores, each part of them into Parquet files of its own.

    Parts are drawn in processes: threads would wait for each other's turn in Python.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder must be new or empty, but {folder} is not")
    folder.mkdir(parents=True, exist_ok=True)
    blocks = nature.settings.blocks
    rounds = [Round(nature, period) for period in range(nature.settings.campaigns + 1)]
    parts = [blocks[start : start + PART] for start in range(0, len(blocks), PART)]
    with TemporaryDirectory(dir=folder, prefix=".draft-") as name:
        draft = Path(name)
        for table, rows in world_tables(nature, rounds[1:]).items():
            pq.write_table(rows, draft / f"{table}.parquet")
        cores = min(os.cpu_count() or 1, len(parts))
        pool = Parallel(cores, return_as="generator_unordered", idle_worker_timeout=10)
        jobs = [
            delayed(_write_part)(nature, rounds, part, draft, f"part-{number:05}.parquet")
            for number, part in enumerate(parts)
        ]
        for _ in tqdm(pool(jobs), total=len(jobs), unit="part", leave=False):
            pass
        (draft / TRUTH).mkdir()
        for path in draft.glob("*.parquet"):
            if path.stem not in KNOWN:
                path.rename(draft / TRUTH / path.name)
        for path in draft.iterdir():
            path.rename(folder / path.name)
    connection = connect_in_2_gb()
    paths = [*folder.glob("*.parquet"), *(folder / TRUTH).glob("*.parquet")]
    return {path.stem: read_parquet(connection, path) for path in paths}


def _write_part(
    nature: Nature, rounds: list[Round], blocks: Sequence[int], folder: Path, file: str
) -> None:
    """Draw blocks and write each of their tables into a file in its folder."""
    for name, table in joined(_block(nature, rounds, first) for first in blocks).items():
        path = folder / f"{name}.parquet" / file
        path.parent.mkdir(exist_ok=True)
        few = [field.name for field in table.schema if field.type in REPEATED]
        codec = QUICK if name == "candidates" else SMALL
        pq.write_table(table, path, use_dictionary=few, compression=codec)


def _block(nature: Nature, rounds: list[Round], first: int) -> Tables:
    """All tables of a block of users under the retailer's own policy."""
    crowd, parts = draw_crowd(nature, first), []
    for campaign in rounds:
        crowd, happened = pass_period(nature, campaign, crowd)
        parts.append(happened)
    last = rounds[-1].period
    return user_tables(crowd, nature, last) | known_tables(joined(parts), nature, last)
