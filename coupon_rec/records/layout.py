"""What the files of a folder of records are called, and what each record holds besides features."""

from collections.abc import Sequence
from pathlib import Path

IDS = ("user_id", "item_id", "coupon_id", "click_time", "campaign_id")
ENCODER = "encoder.json"
"""The file beside the shards that says what is in them."""

SHARDS = "offers-[0-9]*-of-[0-9]*-[0-9]*.tfrecord"
"""The files of a folder that belong to it: which shard, of how many, and its records."""

CHUNK = 8192
"""Records that are serialized or checked at a time."""


class RecordsError(ValueError):
    """Record files that cannot be read; the message names the file and the record."""


def shard_name(shard: int, shards: int) -> str:
    """How the name of a shard begins; the number of its records follows."""
    return f"offers-{shard:05d}-of-{shards:05d}"


def shards_of(folder: str | Path) -> list[Path]:
    """The files of a folder that belong to it; there is at least one."""
    paths = sorted(Path(folder).glob(SHARDS))
    if not paths:
        raise RecordsError(f"{folder}: no folder with files {SHARDS}; write_records makes it")
    return paths


def check_shares(paths: Sequence[Path], batch_size: int, workers: int) -> None:
    """Raise a ValueError unless workers can share files, and the offers of a batch, evenly."""
    if len(paths) % workers or batch_size % workers:
        raise ValueError(
            f"{len(paths)} files such as {paths[0]} and batches of {batch_size} cannot be shared "
            f"by {workers} workers evenly: write the records with a multiple of {workers} shards, "
            "and choose such a batch_size"
        )
