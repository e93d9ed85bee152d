"""What files of rows say that they hold, so that none is taken for another."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

VERSION = 2
"""Of what files hold; files of another version are made again."""
MADE_BY = {"offers": "features", "scores": "score", "choices": "allocate", "records": "records"}
"""Each kind of files, and the command that writes it."""
KEY = "coupon_rec"
MARK = "_coupon_rec.json"
"""The file of a folder that says what its Parquet files hold; readers of Parquet skip it."""


def said_of(kind: str) -> dict[str, Any]:
    """What files of a kind say of themselves."""
    return {"kind": kind, "version": VERSION}


def mark(folder: Path, kind: str) -> None:
    """Write into a folder what its files hold."""
    (folder / MARK).write_text(json.dumps(said_of(kind)), encoding="utf-8")


def require_kind(path: str | Path, kind: str, *, unmarked: bool = True) -> None:
    """Raise a ValueError if a Parquet file, or a folder of them, says that it holds something else.

    Parameters
    ----------
    path : str or pathlib.Path
        What cannot be read is left to its reader.
    kind : str
        One of `MADE_BY`.
    unmarked : bool
        Whether files that say nothing will do: yours, and those of version 1.
    """
    require_said(_said(Path(path)), path, kind, unmarked=unmarked)


def require_said(
    said: Mapping[str, Any] | None, path: str | Path, kind: str, *, unmarked: bool = True
) -> None:
    """Raise a ValueError if what a path says of itself, `kind` and `version`, is something else."""
    again = f"make it with `{MADE_BY[kind]}`"
    if said is None or "kind" not in said:
        if not unmarked:
            raise ValueError(f"{path} does not say that it holds {kind}: {again}")
        return
    if said["kind"] != kind:
        raise ValueError(f"{path} holds {said['kind']}, where {kind} are expected: {again}")
    if said["version"] != VERSION:
        raise ValueError(
            f"{path} holds {kind} of version {said['version']}, and this is {VERSION}: {again}"
        )


def _said(path: Path) -> dict[str, Any] | None:
    try:
        if path.is_dir():
            words = (path / MARK).read_bytes()
        else:
            words = (pq.read_schema(path).metadata or {})[KEY.encode()]
        said = json.loads(words)
        return {"kind": said["kind"], "version": said["version"]}
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowInvalid):
        return None
