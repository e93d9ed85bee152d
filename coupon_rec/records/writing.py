"""Write offers as sharded TFRecord files: from memory, from Parquet, or by the tasks of Spark."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from coupon_rec.arguments import require_columns
from coupon_rec.features.batch.stored import read_batches
from coupon_rec.features.encoder import LABELS, Encoder
from coupon_rec.kinds import said_of
from coupon_rec.records import layout
from coupon_rec.records.layout import ENCODER, SHARDS, shard_name
from coupon_rec.records.serializing import record_bytes

if TYPE_CHECKING:
    from ibis import Table

KEY = ("campaign_id", "user_id", "coupon_id")


def write_records(
    offers: pd.DataFrame | str | Path | Table,
    folder: str | Path,
    encoder: Encoder,
    *,
    shards: int = 8,
    labels: Sequence[str] = LABELS,
) -> list[Path]:
    """Write offers as TFRecord files such as `offers-00000-of-00008-100025.tfrecord`.

    Offers are dealt to the shards in turn, so that each shard is a fair sample; on Spark, each
    shard is a task's, and gets the offers by a hash of their keys. The last number of a name is
    that of its records, by which `read_records` notices a lost one. The files get their names
    when all are complete; shards that the folder held before are removed then.

    Parameters
    ----------
    offers : pandas.DataFrame, str, pathlib.Path or ibis.Table
        At least one row a shard, as `coupon_rec.features.build_offers` gives them: in memory; as
        the Parquet file or folder of `coupon_rec.features.write_offers`; or as an Ibis table. The
        last three are read a little at a time.
    folder : str or pathlib.Path
        Created if it does not exist; on Spark, all workers must see it under this name.
        `encoder.json` in it says what the records hold.
    encoder : coupon_rec.features.Encoder
        Learned from the training offers; it encodes them all, those for validation too.
    shards : int
        How many files, at least 1. For several workers, a multiple of their number.
    labels : sequence of str
        Columns of the offers that models are to predict, 0 or 1.

    Returns
    -------
    list of pathlib.Path
        The files in order.

    Raises
    ------
    ValueError
        If a shard would be empty, a column is missing, a label is missing or not 0 to 1, or the
        encoder has ids, for which records have no place.

    Notes
    -----
    A record is a `tf.train.Example` with the features of `schema`. `click_time` is the start of
    the campaign in seconds since 1970 (UTC), because an offer is mailed, not clicked. `item_id`
    is 0 where none of the coupon's items was ever sold. Of an identifier that is text, a record
    holds a hash of 63 bits.

    A task of Spark writes a file of its own, whose name it reports when the file is complete. Only
    reported files get the name of a shard, so a task that was killed, or ran twice, leaves no
    offer out and none in twice.
    """
    if shards < 1:
        raise ValueError(f"shards is {shards}: expected 1 or more")
    if encoder.ids:
        raise ValueError(f"records hold no codes of {list(encoder.ids)}: use `encoder.only`")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
        draft = Path(temporary).absolute()
        backend = getattr(offers, "get_backend", None)
        on_spark = backend is not None and backend().name == "pyspark"
        write = _by_tasks if on_spark else _dealt
        written = write(offers, draft, encoder, shards, labels)
        if empty := [shard for shard, (_, rows) in enumerate(written) if not rows]:
            raise ValueError(f"shards is {shards}: shard {empty[0]} is empty, ask for fewer")
        described = {**said_of("records"), "encoder": encoder.to_dict(), "labels": list(labels)}
        (draft / ENCODER).write_text(json.dumps(described), encoding="utf-8")
        for stale in folder.glob(SHARDS):
            stale.unlink()
        (draft / ENCODER).replace(folder / ENCODER)
        return [
            (draft / file).rename(folder / f"{shard_name(shard, shards)}-{rows}.tfrecord")
            for shard, (file, rows) in enumerate(written)
        ]


def _chunks(offers: Any, staged: Path, rows: int) -> Iterator[pd.DataFrame]:
    """The offers, at most so many rows at a time; a table is put on the disk first."""
    if isinstance(offers, pd.DataFrame):
        return (offers.iloc[first : first + rows] for first in range(0, len(offers), rows))
    if isinstance(offers, str | Path):
        return read_batches(offers, rows)
    offers.to_parquet(staged)
    return read_batches(staged, rows)


def _dealt(
    offers: Any, draft: Path, encoder: Encoder, shards: int, labels: Sequence[str]
) -> list[tuple[str, int]]:
    """Deal the offers to the shards in turn; give the file and the records of each."""
    names = [str(shard) for shard in range(shards)]
    counts, dealt = [0] * shards, 0
    with ExitStack() as open_files:
        files = [open_files.enter_context((draft / name).open("wb")) for name in names]
        for chunk in _chunks(offers, draft / "offers.parquet", layout.CHUNK * shards):
            require_columns(chunk, ["start", *KEY, "item_id", *labels])
            for shard, file in enumerate(files):
                mine = chunk.iloc[(shard - dealt) % shards :: shards]
                if len(mine):
                    file.write(record_bytes(mine, encoder, labels))
                    counts[shard] += len(mine)
            dealt += len(chunk)
    return list(zip(names, counts, strict=True))


def _by_tasks(
    offers: Any, draft: Path, encoder: Encoder, shards: int, labels: Sequence[str]
) -> list[tuple[str, int]]:
    """Let each task of Spark write a shard; give the files that were reported, and their records.

    Which shard an offer belongs to follows from its key alone, so a task that is run again gets
    the same offers.
    """

    def write(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from pyspark import TaskContext

        task: Any = TaskContext.get()
        shard, name, count = task.partitionId(), f"attempt-{task.taskAttemptId()}", 0
        with (draft / name).open("wb") as file:
            for batch in batches:
                if len(batch):
                    file.write(record_bytes(batch, encoder, labels))
                    count += len(batch)
        yield pd.DataFrame({"shard": [shard], "name": [name], "records": [count]})

    require_columns(offers.limit(0).to_pandas(), ["start", *KEY, "item_id", *labels])
    backend = offers.get_backend()
    frame = backend.raw_sql(backend.compile(offers)).repartition(shards, *KEY)
    reports = frame.mapInPandas(write, "shard int, name string, records long").collect()
    found = {report.shard: (report.name, report.records) for report in reports}
    return [found[shard] for shard in range(shards)]
