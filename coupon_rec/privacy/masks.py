"""Masks that hide what each sends and vanish in the sum: secure aggregation."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec._extras import need

Words = NDArray[np.uint64]

ONE = 2.0**24
"""A sum is of whole multiples of 1 / ONE, modulo 2^64: so masks cancel to the last bit."""
LIMIT = 2.0**29
"""Numbers up to this size: then sums of `MOST_CLIENTS` stay below 2^63 / ONE."""
MOST_CLIENTS = 1000
"""So many may take part."""
FEWEST = 3
"""In a sum of two, each would learn what the other sent."""


def to_words(values: ArrayLike) -> Words:
    """Numbers as whole multiples of 1 / ONE.

    Raises
    ------
    ValueError
        If one is not finite or too large.
    """
    values = np.asarray(values, np.float64)
    if not (np.abs(values) <= LIMIT).all():
        raise ValueError(f"numbers to be summed must be finite and at most {LIMIT:.0f} in size")
    return np.rint(values * ONE).astype(np.int64).astype(np.uint64)


def from_words(words: Words) -> NDArray[np.float64]:
    """What `to_words` gave, or a sum of it."""
    return words.astype(np.int64) / ONE


class Masks:
    """One client's side of a secure sum.

    Each pair of clients agrees on a secret (X25519) from which both draw the same mask for each
    round; one adds it and the other subtracts it.

    Parameters
    ----------
    number : int
        Which client this is.

    Examples
    --------
    >>> clients = [Masks(number) for number in range(3)]
    >>> keys = {each.number: each.public for each in clients}
    >>> sent = [each.hide([0.5, each.number], keys, turn=1) for each in clients]
    >>> from_words(np.sum(sent, axis=0)).tolist()
    [1.5, 3.0]

    Notes
    -----
    Equation `eq-masks`: Bonawitz and others (2017) without their second mask. Once the others have
    given away the secrets of one they took for dead, what it sent in that round is read by whoever
    has it. So a server that calls the living dead, or hands out false keys, learns more than a
    sum; and so does whoever listens, if a client was only late.
    """

    def __init__(self, number: int) -> None:
        need("cryptography", "privacy")
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self.number = number
        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def seed(self, other: bytes, turn: int) -> bytes:
        """Give the secret of a pair for one round, from the other's public key."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        shared = self._private.exchange(X25519PublicKey.from_public_bytes(other))
        return HKDF(SHA256(), 32, None, b"mask of turn %d" % turn).derive(shared)

    def hide(self, values: ArrayLike, keys: Mapping[int, bytes], turn: int) -> Words:
        """Add the masks of all pairs.

        Parameters
        ----------
        values : array_like
            What is to be summed, shape (n,).
        keys : mapping of int to bytes
            The public keys of all who take part, by their numbers.
        turn : int
            The round, never used before with these keys.

        Raises
        ------
        ValueError
            If fewer than three take part, or more than a thousand.
        """
        if len(keys) < FEWEST:
            raise ValueError(f"{len(keys)} take part: a sum of fewer than {FEWEST} hides nobody")
        if len(keys) > MOST_CLIENTS:
            raise ValueError(
                f"{len(keys)} take part: a sum of more than {MOST_CLIENTS} may overflow"
            )
        words = to_words(values)
        for other, key in keys.items():
            if other != self.number:
                words = words + mask(self.seed(key, turn), words.size, self.number < other)
        return words


def mask(seed: bytes, size: int, add: bool) -> Words:
    """Draw the mask of a pair, to be added or subtracted (that is, added modulo 2^64)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    stream = Cipher(algorithms.ChaCha20(seed, bytes(16)), mode=None).encryptor()
    drawn = np.frombuffer(stream.update(bytes(8 * size)), np.uint64)
    return drawn if add else np.uint64(0) - drawn


def without(words: Words, seeds: Iterable[tuple[int, int, bytes]]) -> Words:
    """Take out of a sum the masks of pairs of which one has died.

    Parameters
    ----------
    words : numpy.ndarray
        The sum of what the others sent.
    seeds : iterable of (int, int, bytes)
        Who is alive, who is dead, and the secret of the pair for this round.
    """
    for alive, dead, seed in seeds:
        words = words - mask(seed, words.size, alive < dead)
    return words
