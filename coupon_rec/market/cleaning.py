"""Cleaning steps. Each takes a table and gives back a clean one, with a count of the changes."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import ibis
import pandas as pd
from ibis import Table

from coupon_rec.market.schema import UNKNOWN


@dataclass(frozen=True)
class Change:
    """What one cleaning step did.

    Attributes
    ----------
    step : str
        The name of the function.
    table : str
        The table it worked on.
    rows : int
        How many rows (for `fill_unknown`: cells) it removed, added or changed.
    reason : str
        Why, in a few words.
    """

    step: str
    table: str
    rows: int
    reason: str


Cleaned = tuple[Table, Change]


def change_log(changes: Iterable[Change]) -> pd.DataFrame:
    """Give the changes as a frame: one row a step, in the order in which they were made."""
    return pd.DataFrame([asdict(change) for change in changes])


def _removed(before: Table, after: Table) -> int:
    counts = before.count().as_scalar() - after.count().as_scalar()
    return int(counts.execute())


def drop_duplicates(table: Table, name: str) -> Cleaned:
    """Keep one of each set of rows that agree in every column."""
    distinct = table.distinct()
    rows = _removed(table, distinct)
    return distinct, Change("drop_duplicates", name, rows, "the same row twice")


def keep_first(table: Table, name: str, key: Sequence[str], time: str) -> Cleaned:
    """Keep the earliest row of each key.

    Parameters
    ----------
    table : ibis.Table
        The table, any number of rows a key. Of rows of the same time, the first by the other
        columns is kept.
    name : str
        Its name, for the log.
    key : sequence of str
        The columns that should identify a row.
    time : str
        The column that says which row came first.
    """
    rest = [column for column in table.columns if column not in (*key, time)]
    place = ibis.row_number().over(group_by=key, order_by=[time, *rest])
    first = table.filter(place == 0)
    rows = _removed(table, first)
    return first, Change("keep_first", name, rows, f"a later row of the same {', '.join(key)}")


def drop_unknown(table: Table, name: str, column: str, known: Table) -> Cleaned:
    """Drop the rows whose `column` names something that the table `known` does not list."""
    kept = table.semi_join(known, column)
    rows = _removed(table, kept)
    return kept, Change("drop_unknown", name, rows, f"{column} not in the catalog")


def drop_non_items(
    purchases: Table, items: Table, departments: Sequence[str], categories: Sequence[str]
) -> Cleaned:
    """Drop what is rung up but is not an item: fuel, coupons, corrections.

    Parameters
    ----------
    purchases, items : ibis.Table
        Tables of a market.
    departments, categories : sequence of str
        Those whose lines are no items.
    """
    non_items = items.filter(
        items.department.isin(departments) | items.category.isin(categories)
    ).select("item_id")
    kept = purchases.anti_join(non_items, "item_id")
    rows = _removed(purchases, kept)
    return kept, Change("drop_non_items", "purchases", rows, "fuel, coupons and corrections")


def drop_empty_lines(purchases: Table) -> Cleaned:
    """Drop purchase lines with a quantity of zero; returns and gaps are for `validate` to name."""
    kept = purchases.filter((purchases.quantity != 0) | purchases.quantity.isnull())
    rows = _removed(purchases, kept)
    return kept, Change("drop_empty_lines", "purchases", rows, "quantity of zero")


def fill_unknown(table: Table, name: str, columns: Sequence[str]) -> Cleaned:
    """Replace missing text by "unknown", a value of its own, and count the cells."""
    cells = int(sum(table[column].isnull().sum() for column in columns).execute())
    filled = table.mutate(**{column: table[column].fill_null(UNKNOWN) for column in columns})
    return filled, Change("fill_unknown", name, cells, "missing text")


def add_missing_users(users: Table, *events: Table) -> Cleaned:
    """Add a row, all unknown, for each user who appears in the events but not in `users`."""
    seen = ibis.union(*(event.select("user_id") for event in events), distinct=True)
    new = seen.anti_join(users, "user_id")
    empty = {
        column: ibis.null(dtype) for column, dtype in users.schema().items() if column != "user_id"
    }
    added = users.union(new.mutate(**empty).select(users.columns))
    return added, Change(
        "add_missing_users", "users", _removed(added, users), "they act but are not described"
    )
