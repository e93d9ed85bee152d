"""A market of frames, on an engine of its own."""

import ibis
import pandas as pd

from coupon_rec import Market
from coupon_rec.market.schema import types

Tables = dict[str, pd.DataFrame]


def market_of(tables: Tables) -> Market:
    connection = ibis.duckdb.connect()
    exact = {
        name: connection.create_table(name, ibis.memtable(rows).cast(types(name)))
        for name, rows in tables.items()
    }
    return Market(**exact)
