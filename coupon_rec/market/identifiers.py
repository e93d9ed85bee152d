"""Identifiers that are text: numbered inside the engine, and given back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import ibis
from ibis import Table, Value, _
from ibis.backends import BaseBackend
from ibis.util import gen_name

from coupon_rec.market.converting import is_beyond, is_text
from coupon_rec.market.errors import Problem
from coupon_rec.market.schema import SCHEMAS
from coupon_rec.market.sources import engine_of
from coupon_rec.market.tables import IDENTIFIERS
from coupon_rec.market.validation import Rule, broken

KINDS = tuple(
    dict.fromkeys(
        column for schema in SCHEMAS.values() for column in schema.columns if column.endswith("_id")
    )
)
"""The columns that identify something, such as "user_id"."""


def text_kinds(tables: Mapping[str, Table]) -> tuple[set[str], dict[str, str], list[str]]:
    """Say which identifiers are text, which table has numbers for the others, and what is empty.

    Text that only has whole numbers in it, as in a CSV file, is taken for numbers if all tables
    agree. Whole numbers are taken for text if one of them is below 0 or above `MAX_ID`: what reads
    JSON, such as a client of the service, would lose its last digits.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        The tables as they are, by name.

    Returns
    -------
    set of str, dict of str to str, list of str
        The identifiers that are text in all tables; for each one that is a number in some table,
        that table, and an identifier in both is a whole number in all tables; and the tables
        without rows.
    """
    numbers: dict[str, str] = {}
    text: set[str] = set()
    empty: list[str] = []
    beyond: dict[str, str] = {}  # numbers that are taken for text, and a table that has them
    for name, table in tables.items():
        types = {column: table[column].type() for column in KINDS if column in table.columns}
        asked: dict[str, Value] = {"rows": table.count()}
        for column, dtype in types.items():
            if dtype.is_string() or dtype.is_numeric():
                asked[f"{column} beyond"] = is_beyond(table[column]).any()
            if dtype.is_string():
                asked[column] = is_text(table[column]).any()
            elif dtype.is_numeric():
                numbers.setdefault(column, name)
        answers = table.aggregate(**asked).to_pyarrow().to_pylist()[0]
        empty += [] if answers["rows"] else [name]
        for column in types:
            if answers.get(column):
                text.add(column)
            elif answers.get(f"{column} beyond"):
                beyond.setdefault(column, name)
    mixed = text & beyond.keys()
    whole = {column: name for column, name in (beyond | numbers).items() if column not in mixed}
    return (text - numbers.keys()) | beyond.keys(), whole, empty


def number(tables: Mapping[str, Table], kinds: Iterable[str]) -> dict[str, Table]:
    """Number the text of some identifiers from 1, in the order of the alphabet.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        All tables of a market, in which these identifiers are text.
    kinds : iterable of str
        The identifiers.

    Returns
    -------
    dict of str to ibis.Table
        For each of them its table of `number` and `text`, which the engine holds.
    """
    numbered = {}
    for kind in kinds:
        having = [table for table in tables.values() if kind in table.columns]
        if having:
            text = ibis.union(*(table.select(text=kind) for table in having)).distinct()
            place = ibis.row_number().over(order_by="text") + 1
            table = text.drop_null("text").select(number=place.cast("int64"), text="text")
            numbered[kind] = _held(table, engine_of(tables.values()))
    return numbered


def _held(table: Table, connection: BaseBackend) -> Table:
    """Compute a table once; Spark has no temporary tables."""
    if connection.name == "pyspark":
        return table.cache()
    return connection.create_table(gen_name("identifiers"), table, temp=True)


def exchanged(table: Table, identifiers: Mapping[str, Table], put: str, instead: str) -> Table:
    """Put the "number" of a table's identifiers in place of their "text", or the text instead."""
    for kind in table.columns:
        if kind in identifiers:
            pairs = identifiers[kind].select(**{kind: instead, "put_instead": put})
            joined = table.left_join(pairs, kind)
            columns = {column: joined[column] for column in table.columns}
            table = joined.select(**columns | {kind: joined["put_instead"]})
    return table


def stored(table: Table) -> tuple[dict[str, Table], list[Problem]]:
    """Take the identifiers that `Market.write` has stored, or say what is wrong with them."""
    if missing := [name for name in ("column", "number", "text") if name not in table.columns]:
        what, fix = "the column is missing", "write the market again with `Market.write`."
        return {}, [Problem(IDENTIFIERS, name, 0, what, fix) for name in missing]
    table = table.select("column", "text", number=_.number.cast("int64"))
    kinds = table.select("column").distinct().to_pyarrow()["column"].to_pylist()
    fix = "write the market again with `Market.write`, or remove the file if ids are numbers."
    rules = []
    for key in ("number", "text"):
        times = table.group_by("column", key).aggregate(times=_.count())
        rules.append(Rule(IDENTIFIERS, key, times.filter(_.times > 1), "a duplicate", fix))
    of_kind = {kind: table.filter(_.column == kind).select("number", "text") for kind in kinds}
    return of_kind, broken(rules)


def unnamed(tables: Mapping[str, Table], identifiers: Mapping[str, Table]) -> list[Problem]:
    """Say which identifiers of a market that was written have no text."""
    wrong = "a number that identifiers.parquet lacks"
    fix = "write the market again with `Market.write`, or remove identifiers.parquet."
    rules = []
    for name, table in tables.items():
        for kind in [kind for kind in table.columns if kind in identifiers]:
            rows = table.drop_null(kind).anti_join(
                identifiers[kind].select(**{kind: "number"}), kind
            )
            rules.append(Rule(name, kind, rows, wrong, fix))
    return broken(rules)


def with_text(problems: Sequence[Problem], identifiers: Mapping[str, Table]) -> list[Problem]:
    """Give the examples of problems the identifiers that the market came with."""
    return [
        replace(each, examples=[_named(row, identifiers) for row in each.examples])
        for each in problems
    ]


def _named(row: Mapping[str, object], identifiers: Mapping[str, Table]) -> dict[str, object]:
    named = dict(row)
    for kind in row.keys() & identifiers.keys():
        if isinstance(number := row[kind], int):
            match = identifiers[kind].filter(_.number == number).to_pyarrow()["text"].to_pylist()
            named[kind] = match[0] if match else number
    return named
