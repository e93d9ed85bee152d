"""The text identifiers of a market beside the whole numbers that features are computed with."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FILE = "identifiers.parquet"
UNKNOWN = -1
"""The number of a text that no table and no event has named."""
FIRST_NEW = 2**62
"""New texts are numbered from here on, beyond the numbers of any market."""
NO_TABLES: Mapping[str, Mapping[str, int]] = MappingProxyType({})


class Identifiers:
    """The number of each identifier, and its name.

    Where a market has whole numbers (a kind without a table) they stay what they are, and a text
    that spells one is that number. Where it has texts, a whole number is read as its text. A new
    text of an event gets a number from `FIRST_NEW` on, for as long as this object lives.

    Parameters
    ----------
    tables : mapping of str to mapping of str to int
        For each kind of identifier, such as "user_id", the number of each text, from 0 on.

    Examples
    --------
    >>> ids = Identifiers({"user_id": {"ada": 0, "bob": 1}})
    >>> ids.number("user_id", "bob"), ids.name("user_id", 1)
    (1, 'bob')
    >>> ids.number("user_id", "eve"), ids.number("user_id", "eve", new=True)
    (-1, 4611686018427387904)
    >>> ids.number("item_id", "1003"), ids.number("item_id", np.int64(1003))
    (1003, 1003)
    """

    def __init__(self, tables: Mapping[str, Mapping[str, int]] = NO_TABLES) -> None:
        self._numbers = tables
        self._texts = {
            kind: pa.array(sorted(table, key=table.__getitem__), pa.string())
            for kind, table in tables.items()
        }
        self._sorted = {kind: np.sort([*table.values()]) for kind, table in tables.items()}
        self._new: dict[tuple[str, str], int] = {}

    @classmethod
    def read(cls, folder: str | Path) -> "Identifiers":
        """Read the texts of a snapshot: columns kind, number, text. Without the file, none."""
        path = Path(folder) / FILE
        tables: dict[str, dict[str, int]] = {}
        if path.exists():
            rows = pq.read_table(path).select(["kind", "number", "text"]).to_pydict()
            for kind, number, text in zip(*rows.values(), strict=True):
                tables.setdefault(kind, {})[text] = number
        return cls(tables)

    def named(self, kind: str, value: int | str) -> int | str:
        """Spell an identifier as the market does, known or not."""
        if kind in self._numbers:
            return str(value)
        if isinstance(value, str) and value.isdecimal() and value.isascii():
            number = int(value)
            return number if str(number) == value and number < 2**63 else value
        return value if isinstance(value, str) else int(value)

    def number(self, kind: str, value: int | str, *, new: bool = False) -> int:
        """Give the number of an identifier; a text never seen is `UNKNOWN`, or numbered if `new`.

        Parameters
        ----------
        kind : str
            The column, such as "user_id".
        value : int or str
            As a client sent it.
        new : bool
            Whether an unknown text is to get a number of its own.
        """
        value = self.named(kind, value)
        if not isinstance(value, str):
            return value
        number = self._numbers.get(kind, {}).get(value)
        if number is not None:
            return number
        if new:
            return self._new.setdefault((kind, value), FIRST_NEW + len(self._new))
        return self._new.get((kind, value), UNKNOWN)

    def name(self, kind: str, number: int) -> int | str:
        """Give the identifier of a number that the market has."""
        if kind not in self._numbers:
            return number
        text: str = self.names(kind, np.array([number]))[0].as_py()
        return text

    def names(self, kind: str, numbers: NDArray[np.int64]) -> pa.Array:
        """Give the identifiers of numbers that the market has, of shape (n,)."""
        if kind not in self._numbers:
            return pa.array(numbers)
        return self._texts[kind].take(pa.array(self._sorted[kind].searchsorted(numbers)))
