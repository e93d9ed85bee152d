"""A market of frames, on an engine of its own; and files of scores."""

import json
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from coupon_rec import Market
from coupon_rec.kinds import KEY, said_of
from coupon_rec.market.schema import types

Tables = dict[str, pd.DataFrame]


def market_of(tables: Tables) -> Market:
    connection = ibis.duckdb.connect()
    exact = {
        name: connection.create_table(name, ibis.memtable(rows).cast(types(name)))
        for name, rows in tables.items()
    }
    return Market(**exact)


def write_scores(scores: pd.DataFrame, path: Path) -> Path:
    """Write scores that say what they are, as those of `score` do."""
    table = pa.Table.from_pandas(scores.assign(discount_from="items"), preserve_index=False)
    said = {KEY: json.dumps(said_of("scores"))}
    pq.write_table(table.replace_schema_metadata(said), path)
    return path
