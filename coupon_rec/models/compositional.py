"""Vectors for more ids than a table has rows: hashed, or composed of a quotient and a remainder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec._keras import keras
from coupon_rec.models.inputs import VECTOR, registered

layers, ops = keras.layers, keras.ops

Codes = NDArray[np.int32]


def hashed(ids: ArrayLike, rows: int, hashes: int = 1, seed: int = 0) -> Codes:
    """Give each id a row of each table by chance, the same one every time.

    Parameters
    ----------
    ids : array_like
        Whole numbers, shape (n,). No list of known ids is needed.
    rows : int
        Rows of each table, 1 or more.
    hashes : int
        How many tables: two ids share a vector only if they share a row in each.
    seed : int
        Of the first hash; the others are independent of it.

    Returns
    -------
    numpy.ndarray
        int32 of shape (n, hashes), from 0 to rows - 1.

    Raises
    ------
    ValueError
        If the ids are no whole numbers of one dimension, or a size is below 1.

    Notes
    -----
    The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).

    Examples
    --------
    >>> hashed([7, 8, 7], rows=100)[:, 0].tolist()
    [87, 22, 87]
    """
    _positive(rows=rows, hashes=hashes)
    x = _whole("ids", ids).astype(np.uint64)
    columns = []
    for number in range(hashes):
        z = x + np.uint64((seed + number + 1) * 0x9E3779B97F4A7C15 % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        columns.append((z ^ (z >> np.uint64(31))) % np.uint64(rows))
    return np.stack(columns, axis=1).astype(np.int32)


def quotient_remainder(codes: ArrayLike, rows: int) -> Codes:
    """Write each code with two digits, of which no two codes have the same pair.

    Parameters
    ----------
    codes : array_like
        Whole numbers from 0 on, shape (n,), such as the places of ids in a list.
    rows : int
        Rows of the table of remainders, 1 or more; that of quotients needs max(codes) // rows + 1.

    Returns
    -------
    numpy.ndarray
        int32 of shape (n, 2): quotient and remainder of codes / rows.

    Raises
    ------
    ValueError
        If a code is negative or no whole number, or `rows` is below 1.

    Notes
    -----
    Equation `eq-quotient-remainder` of the book; Shi et al., *Compositional Embeddings Using
    Complementary Partitions for Memory-Efficient Recommendation Systems*, KDD 2020.

    Examples
    --------
    >>> quotient_remainder([0, 9, 10, 57], rows=10).tolist()
    [[0, 0], [0, 9], [1, 0], [5, 7]]
    """
    _positive(rows=rows)
    x = _whole("codes", codes)
    if x.size and x.min() < 0:
        raise ValueError(f"codes must be 0 or more, but one is {x.min()}")
    return np.stack([x // rows, x % rows], axis=1).astype(np.int32)


def shared(codes: ArrayLike) -> float:
    """Share of ids whose vector is another id's too: rows of `codes` that occur twice or more.

    Parameters
    ----------
    codes : array_like
        One row for each distinct id, shape (n, tables).

    Examples
    --------
    >>> shared([[0, 1], [0, 1], [0, 2], [1, 1]])
    0.5
    """
    counts = np.unique(np.asarray(codes), axis=0, return_counts=True)[1]
    return float(counts[counts > 1].sum() / max(counts.sum(), 1))


def expected_shared(ids: int, rows: int, hashes: int = 1) -> float:
    """Share of ids that hashing is expected to give another id's vector.

    Parameters
    ----------
    ids : int
        How many distinct ones.
    rows, hashes : int
        As for `hashed`.

    Notes
    -----
    Equation `eq-collision` of the book.

    Examples
    --------
    >>> round(expected_shared(1000, rows=1000), 3)
    0.632
    """
    _positive(ids=ids, rows=rows, hashes=hashes)
    return float(1 - (1 - 1 / float(rows) ** hashes) ** (ids - 1))


@registered
class ComposedVector(keras.layers.Layer):
    """A learned vector for each row of codes: the product of one row of each of its tables.

    With one table it is an embedding of hashed ids; with two, of quotients and remainders.

    Parameters
    ----------
    tables : sequence of int
        Rows of each table.
    size : int
        Coordinates of a vector.

    Examples
    --------
    >>> layer = ComposedVector([10, 100], size=4)  # vectors for 1,000 ids, of 110 rows
    >>> layer(quotient_remainder([5, 105, 999], rows=100)).shape
    TensorShape([3, 4])
    """

    def __init__(self, tables: Sequence[int], size: int = VECTOR, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows, self.size = [int(rows) for rows in tables], size
        _positive(size=size, **{f"tables[{n}]": rows for n, rows in enumerate(self.rows)})
        spread = 0.1 ** (1 / max(len(self.rows), 1))  # so that the product spreads by 0.1
        self.parts = [
            layers.Embedding(rows, size, keras.initializers.RandomNormal(stddev=spread, seed=n))
            for n, rows in enumerate(self.rows)
        ]

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the tables."""
        if shape[-1] != len(self.rows):
            raise ValueError(f"{len(self.rows)} tables need as many codes a row, not {shape[-1]}")
        for part in self.parts:
            part.build(shape[:-1])

    def call(self, codes: Any) -> Any:
        """Turn codes of shape (n, tables), int32, into vectors of shape (n, size)."""
        vector = self.parts[0](codes[:, 0])
        for number, part in enumerate(self.parts[1:], start=1):
            vector = vector * part(codes[:, number])
        return vector


def _positive(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} must be 1 or more, not {size}")


def _whole(name: str, values: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be whole numbers of shape (n,), not {array.dtype} of shape {array.shape}"
        )
    return array.astype(np.int64)
