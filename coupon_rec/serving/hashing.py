"""Which shard and which arm of a trial a user belongs to: the same in every process and language.

An identifier is hashed as the text that spells it, so 5 and "5" are the same user.
"""

from hashlib import blake2b
from zlib import crc32


def shard_of(user_id: int | str, shards: int) -> int:
    """Give the shard of a user: CRC-32 of the identifier in UTF-8, modulo the number of shards.

    Parameters
    ----------
    user_id : int or str
        Anyone, known or not.
    shards : int
        How many there are, 1 or more.

    Returns
    -------
    int
        From 0 to `shards` - 1.

    Examples
    --------
    >>> shard_of(5, 4), shard_of("5", 4), shard_of("ada", 4)
    (2, 2, 0)
    """
    return crc32(str(user_id).encode()) % shards


def drawn(user_id: int | str, trial: str, share: float) -> bool:
    """Say whether a user is in the share that a trial has drawn.

    Other trials draw other users, and who is drawn does not depend on the shard.

    Parameters
    ----------
    user_id : int or str
        Anyone.
    trial : str
        Its name.
    share : float
        In [0, 1].

    Examples
    --------
    >>> sum(drawn(user, "june", 0.1) for user in range(10_000))
    1013
    """
    digest = blake2b(f"{trial}\0{user_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
