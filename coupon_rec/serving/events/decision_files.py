"""The files of a decision log: open segments in Arrow's format, and Parquet by day and bucket."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from coupon_rec.privacy.vault import Vault, VaultError, opened

logger = logging.getLogger("coupon_rec.serving")

BUCKETS = 16
"""Into so many parts the people of a day are divided: to remove one rewrites one part."""
SMALL = 8 * 2**20
"""Bytes up to which a Parquet file is merged with others."""
MERGED_AT = 8
"""How many small files of one day and bucket become one."""
KEYS = {"answers": "request_id", "shadows": "request_id", "outcomes": "event_id"}
"""The kinds of rows, and the column that is different in each row."""
PLAIN = b"\xff\xff\xff\xff"
"""How a segment begins that is not sealed."""


def bucket_of(user_id: int | str) -> int:
    """The bucket of a user, from 0 to `BUCKETS` - 1."""
    return crc32(str(user_id).encode()) % BUCKETS


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables below each other; identifiers are texts if they are in any of them."""
    tables = [_with_later_columns(table) for table in tables]
    schema = tables[0].schema
    for table in tables[1:]:
        for place, field in enumerate(table.schema):
            if pa.types.is_integer(_inner(schema.field(place).type)):
                schema = schema.set(place, field)
    return pa.concat_tables([table.cast(schema) for table in tables])


def _with_later_columns(table: pa.Table) -> pa.Table:
    """Answers from before there were trials and platforms are of the main model in service."""
    if "request_id" not in table.column_names:
        return table
    for name, value in (("arm", "live"), ("platform", "")):
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(value, len(table)))
    return table


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_list(kind) else kind


def without_duplicates(table: pa.Table, key: str) -> pa.Table:
    """Keep the first row of each key: a kill between two steps may leave rows in two files."""
    codes = table[key].combine_chunks().dictionary_encode().indices.to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return table if len(first) == len(table) else table.take(np.sort(first))


def to_bytes(table: pa.Table, path: Path, start: int) -> bytes | pa.Buffer:
    """Write a table to be appended to a segment of `start` bytes, sealed if the files are."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    if (vault := Vault.from_environment()) is None:
        return sink.getvalue()
    sealed = vault.seal(sink.getvalue().to_pybytes(), _part(path, start))
    return len(sealed).to_bytes(8, "little") + sealed


def read_segment(path: Path) -> list[pa.Table]:
    """Read the tables of a segment; a last one that a kill cut short is left out."""
    tables = []
    with path.open("rb") as file:
        begins = file.read(len(PLAIN))
        if begins not in (PLAIN, b""):
            return [_from_bytes(each, _part(path, start)) for start, each in _sealed_parts(path)]
        if begins:
            opened(begins, f"open/{path.name}", Vault.from_environment())  # refused if not sealed
        file.seek(0)
        while True:
            try:
                with pa.ipc.open_stream(file) as stream:
                    tables.append(stream.read_all())
            except (pa.ArrowInvalid, OSError):  # the end, or what a kill left
                return tables


def _part(path: Path, start: int) -> str:
    """The name under which a part of a segment is sealed, so that it opens nowhere else."""
    return f"open/{path.name} from byte {start}"


def _sealed_parts(path: Path) -> list[tuple[int, bytes]]:
    """Where each part begins, and what `to_bytes` sealed; without what a kill cut short."""
    data, start, parts = path.read_bytes(), 0, []
    while start + 8 <= len(data):
        end = start + 8 + int.from_bytes(data[start : start + 8], "little")
        if end > len(data):
            break
        parts.append((start, data[start + 8 : end]))
        start = end
    return parts


def _from_bytes(sealed: bytes, name: str) -> pa.Table:
    with pa.ipc.open_stream(opened(sealed, name, Vault.from_environment())) as stream:
        return stream.read_all()


def parquet_files(folder: Path, name: str, bucket: int | None = None) -> list[Path]:
    """List the files of a kind of rows, of all buckets or of one."""
    part = "*" if bucket is None else f"{bucket:02d}"
    return sorted(folder.glob(f"{name}/day=*/bucket={part}/[!.]*.parquet"))


def place_of(path: Path) -> str:
    """The name under which a file is sealed: its kind, day, bucket and own name."""
    return "/".join(path.parts[-4:])


def _own(path: str, flags: int) -> int:
    """Open a file that its owner alone may read."""
    return os.open(path, flags, 0o600)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a file; under its name it is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")
    vault = Vault.from_environment()
    with open(draft, "wb", opener=_own) as file:
        if vault is None:
            pq.write_table(table, file, compression="zstd")
        else:
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            file.write(vault.seal(sink.getvalue().to_pybytes(), place_of(path)))
        file.flush()
        os.fsync(file)
    draft.replace(path)


def write_parts(table: pa.Table, folder: Path, stem: str) -> None:
    """Write rows where day and bucket of their users have them, and merge what is small."""
    users = table["user_id"].combine_chunks().dictionary_encode()
    buckets = np.array([bucket_of(user) for user in users.dictionary.to_pylist()], "int64")
    days = table["day"].to_numpy()
    part = buckets[users.indices.to_numpy()]
    for day in np.unique(days):
        for bucket in np.unique(part[days == day]):
            place = folder / f"day={day}" / f"bucket={bucket:02d}"
            mine = table.filter(pa.array((days == day) & (part == bucket)))
            write_parquet(mine, place / f"{stem}.parquet")


def merge_small(folder: Path, name: str) -> None:
    """Merge the small files of each day and bucket, where there are many."""
    small: dict[Path, list[Path]] = {}
    for path in parquet_files(folder, name):
        if path.stat().st_size < SMALL:
            small.setdefault(path.parent, []).append(path)
    for place, paths in small.items():
        if len(paths) >= MERGED_AT:
            table = joined([read_parquet(path) for path in paths])
            target = place / f"merged-{paths[-1].stem.removeprefix('merged-')}.parquet"
            write_parquet(without_duplicates(table, KEYS[name]), target)
            for path in paths:
                if path != target:
                    path.unlink()


def read_parquet(path: Path) -> pa.Table:
    """Read one file as it was written, without columns from the names of its folders."""
    data = opened(path.read_bytes(), place_of(path), Vault.from_environment())
    return pq.ParquetFile(pa.BufferReader(data)).read()


def reseal(folder: Path) -> None:
    """Seal with the newest key what is sealed with another one, or not yet.

    What cannot be opened stays as it is, and is logged.
    """
    if (vault := Vault.from_environment()) is None:
        return
    for path in [path for name in KEYS for path in parquet_files(folder, name)]:
        with path.open("rb") as file:
            done = vault.current(file.read(64))
        if not done:
            try:
                write_parquet(read_parquet(path), path)
            except VaultError as error:
                logger.error("%s", error)


def remove_person(folder: Path, name: str, user_id: int | str) -> int:
    """Rewrite the files that hold rows of a user without them, and say how many rows these were."""
    removed = 0
    for path in parquet_files(folder, name, bucket_of(user_id)):
        table = read_parquet(path)
        others = table.filter(pc.not_equal(table["user_id"].cast(pa.string()), str(user_id)))
        removed += len(table) - len(others)
        if not len(others):
            path.unlink()
        elif len(others) < len(table):
            write_parquet(others, path)
    return removed
