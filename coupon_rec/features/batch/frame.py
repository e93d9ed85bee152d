"""The offers table put together in memory, without joining or sorting wide rows."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import Table

from coupon_rec.features.catalog import FEATURES, MISSING


def joined_frame(offers: Table, tables: Iterable[Table]) -> pd.DataFrame:
    """Join tables to the offers whose key, or part of it, they have.

    While one table is put into the frame, the engine computes the next.

    Parameters
    ----------
    offers : ibis.Table
        The key of each offer, in any order.
    tables : iterable of ibis.Table
        Some columns of the key, and others without nulls. A later table counts where two know the
        same; rows with another key are left out.

    Returns
    -------
    pandas.DataFrame
        Sorted by the key. Features that no table knows are what stands for "nothing known", other
        numbers 0.
    """
    frame = _OffersFrame(offers.to_pyarrow())
    with ThreadPoolExecutor(1) as engine:
        for part in engine.map(Table.to_pyarrow, tables):
            frame.add(part)
    return frame.to_pandas()


class _OffersFrame:
    """Columns of an offers table; the key of an offer becomes one whole number, to be looked up."""

    def __init__(self, offers: pa.Table) -> None:
        keys = {name: offers[name].to_numpy() for name in offers.column_names}
        self._ids = {name: pd.Index(np.sort(pd.unique(key))) for name, key in keys.items()}
        self._numbers = pd.Index(np.sort(self._number(keys)))
        places = np.unravel_index(self._numbers, [len(ids) for ids in self._ids.values()])
        self._keys = {
            name: self._ids[name].to_numpy()[place]
            for name, place in zip(keys, places, strict=True)
        }
        self._columns: dict[str, np.ndarray | pd.Series] = {
            feature.name: np.full(len(offers), feature.missing, "float32") for feature in FEATURES
        }

    def _number(self, keys: dict[str, np.ndarray]) -> np.ndarray:
        """Number keys, or parts of them, in their order; -1 for what no offer has."""
        number = np.zeros(len(next(iter(keys.values()))), "int64")
        known = np.ones(len(number), bool)
        for name, key in keys.items():
            place = self._ids[name].get_indexer(key)
            number = number * len(self._ids[name]) + place
            known &= place >= 0
        return np.where(known, number, -1)

    def add(self, part: pa.Table) -> None:
        """Fill in the columns of a part."""
        keys = {name: part[name].to_numpy() for name in self._ids if name in part.column_names}
        if len(keys) == len(self._ids):
            offers = self._numbers.get_indexer(self._number(keys))
            rows = np.flatnonzero(offers >= 0)
            offers = offers[rows]
        else:
            mine = self._number({name: self._keys[name] for name in keys})
            rows = pd.Index(self._number(keys)).get_indexer(mine)
            offers = slice(None) if (rows >= 0).all() else np.flatnonzero(rows >= 0)
            rows = rows[offers]
        for name in part.column_names:
            if name not in keys:
                self._fill(name, part[name], offers, rows)

    def _fill(
        self, name: str, values: pa.ChunkedArray, offers: np.ndarray | slice, rows: np.ndarray
    ) -> None:
        if pa.types.is_string(values.type):
            texts = values.combine_chunks().cast(pa.large_string())
            codes = np.full(len(self._numbers), -1, "int32")
            codes[offers] = rows
            column = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts)
            self._columns[name] = column.dictionary_decode().to_pandas()
            return
        source = values.to_numpy()
        if name not in self._columns:
            dtype = "float32" if name in MISSING else source.dtype
            self._columns[name] = np.full(len(self._numbers), MISSING.get(name, 0), dtype)
        target = self._columns[name]
        target[offers] = source.astype(target.dtype)[rows]

    def to_pandas(self) -> pd.DataFrame:
        return pd.DataFrame(self._keys | self._columns, copy=False)
