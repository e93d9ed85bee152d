"""Where the tables of someone's own market are: a folder, a URI, or a backend that has them open.

Tables are opened as they are; the columns of a CSV file are text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from itertools import chain
from pathlib import Path

import ibis.expr.operations as ops
import pyarrow as pa
import pyarrow.dataset as ds
from ibis import Table
from ibis.backends import BaseBackend

from coupon_rec.market.errors import MarketError, Problem
from coupon_rec.market.schema import OPTIONAL_TABLES, SCHEMAS
from coupon_rec.market.tables import IDENTIFIERS

Source = str | Path | Mapping[str, Table]
MAY_BE_ABSENT = {*OPTIONAL_TABLES, IDENTIFIERS}
MARKET = "market"
"""What is named where no single table is at fault."""
ABSENT = ("no files found", "not found", "404", "no such file", "does not exist", "not_found")
"""What engines and stores say of a file that is not there, in small letters."""
UNREACHED = ("extension", "connection", "resolve host", "credential", "403")
"""What they say of a place that they cannot look into."""
BOUND = (ops.DatabaseTable, ops.SQLQueryResult)
"""What belongs to one engine; a memtable goes to any."""


@dataclass
class Opened:
    """What was found at a source.

    Attributes
    ----------
    tables : dict of str to ibis.Table
        The tables as they are.
    csv : set of str
        Those of them in which all columns are text, whatever they mean.
    problems : list of Problem
        What could not be opened.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    csv: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def open_tables(source: Source, connection: BaseBackend) -> Opened:
    """Open the tables of a market, and its identifiers, and say which cannot be opened.

    Parameters
    ----------
    source : str, Path or mapping of str to ibis.Table
        As `load_market` takes it.
    connection : ibis.BaseBackend
        What reads the files.
    """
    if isinstance(source, Mapping):
        return _given(source)
    uri = str(source) if "://" in str(source) else None
    if uri is None and not Path(source).is_dir():
        raise fail(MARKET, f"there is no folder {source}", "name the folder of the tables.")
    opened = Opened()
    for name in (*SCHEMAS, IDENTIFIERS):
        try:
            if uri is None:
                _open_in(Path(source), name, connection, opened)
            else:
                _open_at(uri, name, connection, opened)
        except MarketError as error:
            if error.problems[0].table == MARKET:
                raise
            opened.problems += error.problems
    return opened


def engine_of(tables: Iterable[Table]) -> BaseBackend:
    """The engine that tables are on, whatever memtables are among them."""
    tables = [*tables]
    return next((table for table in tables if table.op().find(BOUND)), tables[0]).get_backend()


def read_parquet(connection: BaseBackend, *paths: Path) -> Table:
    """Open files, or folders of files, by names that are no patterns and say nothing of the rows.

    DuckDB, left to itself, takes ``[1]`` for a 1, and a folder ``date=2024-05-01`` for the date of
    all rows in it.
    """
    if connection.name == "pyspark":
        return connection.read_parquet(*paths)
    names = [escape(str(path)) + "/*.parquet" * path.is_dir() for path in paths]
    return connection.read_parquet(names, hive_partitioning=False)


def fail(table: str, what: str, fix: str, column: str = "") -> MarketError:
    """The error of one table that has no rows to show."""
    return MarketError([Problem(table, column, 0, what, fix)])


def _given(source: Mapping[str, Table]) -> Opened:
    opened = Opened()
    known = [*SCHEMAS, IDENTIFIERS]
    for name in [*known, *(name for name in source if name not in known)]:
        if name not in known:
            fix = f"name it one of {', '.join(known)}."
            opened.problems.append(Problem(name, "", 0, "not a table of a market", fix))
        elif name not in source:
            if name not in MAY_BE_ABSENT:
                fix = f'give it as "{name}" in the mapping.'
                opened.problems.append(Problem(name, "", 0, "the table is missing", fix))
        elif not isinstance(source[name], Table):
            what = f"a {type(source[name]).__name__} where a table of Ibis is expected"
            fix = "pass ibis.memtable(it), or write files into a folder."
            opened.problems.append(Problem(name, "", 0, what, fix))
        else:
            opened.tables[name] = source[name]
    bound = [table.op().find(BOUND) for table in opened.tables.values()]
    if len({id(each.source) for each in chain(*bound)}) > 1:
        what = "the tables are on several engines, which cannot be asked together"
        raise fail(MARKET, what, "open all of them on one connection of Ibis.")
    for name, table in list(opened.tables.items()):
        if table.count().execute() == 0:
            opened.problems += _empty(name, "the table").problems
            del opened.tables[name]
    return opened


def _open_in(folder: Path, name: str, connection: BaseBackend, opened: Opened) -> None:
    """Open a table of a folder, if it is there."""
    found = [path for kind in ("parquet", "csv") if (path := folder / f"{name}.{kind}").exists()]
    if len(found) == 2:
        raise fail(name, "both a Parquet and a CSV file", "remove the one that is out of date.")
    if not found:
        _absent(name, "into the folder")
        return
    (path,) = found
    if path.is_file() and path.stat().st_size == 0:
        raise _empty(name, path.name)
    if path.suffix == ".csv":
        plain = str(path) if connection.name == "pyspark" else escape(str(path))
        _open_csv(connection, plain, name, opened)
        return
    try:
        found = ds.dataset(path, format="parquet")
        rows = found.count_rows()
    except (pa.ArrowInvalid, OSError) as error:
        raise _no_parquet(name) from error
    if rows == 0:
        raise _empty(name, path.name)
    parts = {part.resolve() for part in path.glob("*.parquet")} or {path.resolve()}
    if apart := {Path(file).resolve() for file in found.files} - parts:
        what = (
            f"{path.name} holds files that are not read: {min(apart).name} is one of {len(apart)}"
        )
        fix = "put its parts right into that folder, named *.parquet: none into folders in it."
        raise fail(name, what, fix)
    opened.tables[name] = read_parquet(connection, path)


def _open_at(uri: str, name: str, connection: BaseBackend, opened: Opened) -> None:
    """Open a table below a URI, which only the engine can read, if it is there."""
    path = f"{uri.rstrip('/')}/{name}"
    plain = {} if connection.name == "pyspark" else {"hive_partitioning": False}
    try:
        table = connection.read_parquet(f"{path}.parquet", **plain)
        rows = table.count().execute()
    except Exception as error:  # each engine has its own
        if _says(error, uri, ABSENT):
            _open_csv(connection, f"{path}.csv", name, opened)
            return
        if not _says(error, uri, UNREACHED):
            raise _no_parquet(name, error) from error
        what = f"{uri} cannot be reached: {_first_line(error)}"
        fix = (
            'for s3:// and https:// DuckDB needs httpfs, which duckdb.sql("INSTALL httpfs") '
            "fetches once; look at the network and the credentials. Or copy the tables here."
        )
        raise fail(MARKET, what, fix) from error
    if rows == 0:
        raise _empty(name, f"{name}.parquet")
    opened.tables[name] = table


def _open_csv(connection: BaseBackend, path: str, name: str, opened: Opened) -> None:
    if connection.name == "pyspark":
        options = {"inferSchema": False, "escape": '"', "mode": "FAILFAST"}
    else:
        form = {"delim": ",", "quote": '"', "escape": '"', "comment": "", "skip": 0}
        options = {"all_varchar": True, "hive_partitioning": False, **form}
    try:
        table = connection.read_csv(path, header=True, **options)
        rows = table.count().execute()
    except Exception as error:  # each engine has its own
        if "://" in path and _says(error, path, ABSENT):
            _absent(name, "there")
            return
        what = f"{name}.csv cannot be read as CSV: {_first_line(error)}"
        fix = (
            "write UTF-8 text (not Latin-1), separated by commas, with the names in the first line "
            'and as many values in each; put "quotes" around one with a comma or a line break.'
        )
        raise fail(name, what, fix) from error
    if rows == 0:
        raise _empty(name, f"{name}.csv")
    opened.tables[name] = table
    opened.csv.add(name)


def _says(error: Exception, path: str, some: Sequence[str]) -> bool:
    """Whether an error has some words, beside those of the path that it names."""
    said = str(error).replace(path, "").lower()
    return any(words in said for words in some)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _absent(name: str, where: str) -> None:
    """Refuse a market without one of the tables that every market has."""
    if name not in MAY_BE_ABSENT:
        fix = f"put {name}.parquet or {name}.csv {where}."
        raise fail(name, "the table is missing", fix)


def _empty(name: str, what: str) -> MarketError:
    leave = ", or leave it out" if name in MAY_BE_ABSENT else ""
    return fail(name, f"{what} is empty", f"write at least one row{leave}.")


def _no_parquet(name: str, error: Exception | None = None) -> MarketError:
    reason = f": {_first_line(error)}" if error else ""
    fix = "write it again as Parquet, or as CSV with the ending .csv."
    return fail(name, f"{name}.parquet is not a readable Parquet file{reason}", fix)
