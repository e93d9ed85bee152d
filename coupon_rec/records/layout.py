"""What the files of a folder of records are called, and what each record holds besides features."""

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
