"""The offers table put together in memory, without joining or sorting wide rows."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import Table

from coupon_rec.features.catalog import FEATURES, MISSING, TRIED_FEATURES


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
    keys = offers.to_pyarrow()
    ids = {name: pd.Index(np.sort(pd.unique(keys[name].to_numpy()))) for name in keys.column_names}
    sizes = {name: len(some) for name, some in ids.items()}
    number = np.sort(_numbers(keys, ids))
    places = dict(zip(ids, np.unravel_index(number, [*sizes.values()]), strict=True))
    columns = {
        feature.name: np.full(len(number), feature.missing, "float32")
        for feature in (*FEATURES, *TRIED_FEATURES)
    }
    with ThreadPoolExecutor(1) as engine:
        for part in engine.map(Table.to_pyarrow, tables):
            key = {name: some for name, some in ids.items() if name in part.column_names}
            theirs = _numbers(part, key)
            held = np.flatnonzero(theirs >= 0)
            ours = np.ravel_multi_index(
                [places[name] for name in key], [sizes[name] for name in key]
            )
            row = np.append(held, -1)[pd.Index(theirs[held]).get_indexer(ours)]
            for name in part.column_names:
                if name not in key:
                    columns[name] = _filled(name, columns.get(name), part[name], row)
    offered = {name: some.to_numpy()[places[name]] for name, some in ids.items()}
    return pd.DataFrame(offered | columns, copy=False)


def _numbers(table: pa.Table, ids: dict[str, pd.Index]) -> np.ndarray:
    """Number the keys of a table, or parts of them, in their order; -1 for what no offer has."""
    number, offered = np.zeros(len(table), "int64"), np.ones(len(table), bool)
    for name, some in ids.items():
        place = some.get_indexer(table[name].to_numpy())
        number = number * len(some) + place
        offered &= place >= 0
    return np.where(offered, number, -1)


def _filled(
    name: str, before: np.ndarray | None, values: pa.ChunkedArray, row: np.ndarray
) -> np.ndarray | pd.Series:
    """A column with the value of each offer's row in a part; -1 where the part has none."""
    there = row >= 0
    if pa.types.is_string(values.type):
        rows = pa.array(row, mask=~there)
        texts = values.cast(pa.large_string()).take(rows).to_pandas()
        return texts if before is None else texts.where(there, before)
    numbers = values.to_numpy()
    if before is None:
        dtype = "float32" if name in MISSING else numbers.dtype
        before = np.full(len(row), MISSING.get(name, 0), dtype)
    before[there] = numbers.astype(before.dtype)[row[there]]
    return before
