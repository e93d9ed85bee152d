"""Where the tables of someone's own market are: a folder, a URI, or a backend that has them open.

Tables are opened as they are; the columns of a CSV file are text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from glob import escape
from itertools import chain
from pathlib import Path

import ibis.expr.operations as ops
from ibis import Table
from ibis.backends import BaseBackend

from coupon_rec.market.errors import MarketError, Problem
from coupon_rec.market.schema import OPTIONAL_TABLES, SCHEMAS
from coupon_rec.market.tables import IDENTIFIERS

Source = str | Path | Mapping[str, Table]
KNOWN = (*SCHEMAS, IDENTIFIERS)
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
    return _given(source) if isinstance(source, Mapping) else _read(source, connection)


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
    for name in [*KNOWN, *(name for name in source if name not in KNOWN)]:
        table = source.get(name)
        if name not in KNOWN:
            opened.problems.append(_strange(name))
        elif table is None:
            opened.problems += _absent(name, f'give it as "{name}" in the mapping.')
        elif not isinstance(table, Table):
            what = f"a {type(table).__name__} where a table of Ibis is expected"
            fix = "pass ibis.memtable(it), or write files into a folder."
            opened.problems.append(Problem(name, "", 0, what, fix))
        else:
            opened.tables[name] = table
    bound = [table.op().find(BOUND) for table in opened.tables.values()]
    if len({id(each.source) for each in chain(*bound)}) > 1:
        what = "the tables are on several engines, which cannot be asked together"
        raise fail(MARKET, what, "open all of them on one connection of Ibis.")
    return opened


def _read(source: str | Path, connection: BaseBackend) -> Opened:
    uri = "://" in str(source)
    if not uri and not Path(source).is_dir():
        raise fail(MARKET, f"there is no folder {source}", "name the folder of the tables.")
    opened = Opened()
    for name in KNOWN:
        paths = {kind: f"{str(source).rstrip('/')}/{name}.{kind}" for kind in KINDS}
        if not uri:
            paths = {kind: path for kind, path in paths.items() if Path(path).exists()}
        try:
            kind, table = _first(name, paths, connection)
        except MarketError as error:
            if error.problems[0].table == MARKET:
                raise
            opened.problems += error.problems
            continue
        if table is None:
            where = "there" if uri else "into the folder"
            opened.problems += _absent(name, f"put {name}.parquet or {name}.csv {where}.")
            continue
        opened.tables[name] = table
        opened.csv |= {name} if kind == "csv" else set()
    if not uri:
        there = sorted(path for kind in KINDS for path in Path(source).glob(f"[!._]*.{kind}"))
        opened.problems += [_strange(path.name) for path in there if path.stem not in KNOWN]
    return opened


def _first(
    name: str, paths: Mapping[str, str], connection: BaseBackend
) -> tuple[str, Table | None]:
    """The table at the first of some paths that has one, and its kind."""
    for kind, path in paths.items():
        if "://" not in path:
            _check_files(name, Path(path), len(paths))
        try:
            return kind, KINDS[kind](connection, path)
        except Exception as error:  # each engine has its own
            said = str(error).replace(path, "").lower()
            if "://" not in path or not any(words in said for words in ABSENT):
                raise _unreadable(name, kind, path, error) from error
    return "", None


def _check_files(name: str, path: Path, kinds: int) -> None:
    """Refuse files of which it is not clear what of them counts."""
    if kinds == 2:
        raise fail(name, "both a Parquet and a CSV file", "remove the one that is out of date.")
    if path.is_file() and path.stat().st_size == 0:
        raise MarketError([empty(name)])
    files = {each for each in path.rglob("*") if each.is_file() and each.name[0] not in "._"}
    if apart := files - {*path.glob("*.parquet")}:
        what = (
            f"{path.name} holds files that are not read: {min(apart).name} is one of {len(apart)}"
        )
        fix = "put its parts right into that folder, named *.parquet: none into folders in it."
        raise fail(name, what, fix)


def _parquet(connection: BaseBackend, path: str) -> Table:
    if "://" not in path:
        return read_parquet(connection, Path(path))
    plain = {} if connection.name == "pyspark" else {"hive_partitioning": False}
    return connection.read_parquet(path, **plain)


def _csv(connection: BaseBackend, path: str) -> Table:
    """Open a CSV file, and read it, since only that tells whether it is one."""
    options: dict[str, object] = {"inferSchema": False, "escape": '"', "mode": "FAILFAST"}
    if connection.name != "pyspark":
        path = path if "://" in path else escape(path)
        form = {"delim": ",", "quote": '"', "escape": '"', "comment": "", "skip": 0}
        options = {"all_varchar": True, "hive_partitioning": False, **form}
    table = connection.read_csv(path, header=True, **options)
    table.count().execute()
    return table


KINDS = {"parquet": _parquet, "csv": _csv}


def _unreadable(name: str, kind: str, path: str, error: Exception) -> MarketError:
    said = str(error).strip().splitlines()[0]
    if "://" in path and any(words in str(error).replace(path, "").lower() for words in UNREACHED):
        fix = (
            'for s3:// and https:// DuckDB needs httpfs, which duckdb.sql("INSTALL httpfs") '
            "fetches once; look at the network and the credentials. Or copy the tables here."
        )
        return fail(MARKET, f"{path.rpartition('/')[0]} cannot be reached: {said}", fix)
    if kind == "parquet":
        fix = "write it again as Parquet, or as CSV with the ending .csv."
        return fail(name, f"{name}.parquet is not a readable Parquet file: {said}", fix)
    fix = (
        "write UTF-8 text (not Latin-1), separated by commas, with the names in the first line "
        'and as many values in each; put "quotes" around one with a comma or a line break.'
    )
    return fail(name, f"{name}.csv cannot be read as CSV: {said}", fix)


def _strange(name: str) -> Problem:
    """A table that no market has."""
    meant = get_close_matches(name.partition(".")[0], KNOWN, n=1)
    fix = f"did you mean {meant[0]}?" if meant else f"name it one of {', '.join(KNOWN)}."
    return Problem(name, "", 0, "not a table of a market", f"{fix} Else put it elsewhere.")


def empty(name: str) -> Problem:
    """A table without rows."""
    leave = ", or leave it out" if name in MAY_BE_ABSENT else ""
    return Problem(name, "", 0, "the table is empty", f"write at least one row{leave}.")


def _absent(name: str, fix: str) -> list[Problem]:
    """What is wrong with a market without a table, if every market has it."""
    wrong = [Problem(name, "", 0, "the table is missing", fix)]
    return [] if name in MAY_BE_ABSENT else wrong
