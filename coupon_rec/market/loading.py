"""Someone's own market, read from files."""

import warnings
from functools import reduce
from operator import or_
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.dataset as ds
from ibis import Column, Table, _
from ibis.backends import BaseBackend
from ibis.expr.types import BooleanValue, StringColumn

from coupon_rec.market.errors import MarketError, Problem
from coupon_rec.market.schema import OPTIONAL_TABLES, SCHEMAS
from coupon_rec.market.tables import Market
from coupon_rec.market.validation import market_problems, problem


def _fail(table: str, what: str, mend: str, column: str = "") -> MarketError:
    return MarketError([Problem(table, column, 0, what, mend)])


def _find(folder: Path, name: str) -> Path | None:
    """Find the file of a table, or None if it is optional and absent."""
    found = [path for kind in ("parquet", "csv") if (path := folder / f"{name}.{kind}").exists()]
    if len(found) == 2:
        raise _fail(name, "both a Parquet and a CSV file", "remove the one that is out of date.")
    if not found and name not in OPTIONAL_TABLES:
        wanted = f"{name}.parquet or {name}.csv"
        raise _fail(name, "the table is missing", f"put {wanted} into the folder.")
    return found[0] if found else None


def _read(connection: BaseBackend, path: Path, name: str) -> Table:
    """Open a table as it is in the file; the columns of a CSV file are text."""
    empty = _fail(name, f"{path.name} is empty", "write at least one row.")
    if path.is_file() and path.stat().st_size == 0:
        raise empty
    if path.suffix == ".parquet":
        try:
            rows = ds.dataset(path, format="parquet").count_rows()
        except (pa.ArrowInvalid, OSError) as error:
            mend = "write it again as Parquet, or as CSV with the ending .csv."
            raise _fail(name, f"{path.name} is not a readable Parquet file", mend) from error
        if rows == 0:
            raise empty
        return connection.read_parquet(path / "*.parquet" if path.is_dir() else path)
    if connection.name == "pyspark":
        options = {"inferSchema": False, "escape": '"', "mode": "FAILFAST"}
    else:
        options = {"all_varchar": True, "delim": ",", "quote": '"', "escape": '"'}
    try:
        table = connection.read_csv(path, header=True, **options)
        rows = table.count().execute()
    except Exception as error:  # each engine has its own
        reason = str(error).strip().splitlines()[0]
        mend = "write UTF-8 text, separated by commas, with the names in the first line."
        raise _fail(name, f"{path.name} cannot be read as CSV: {reason}", mend) from error
    if rows == 0:
        raise empty
    return table


def _convert(column: Column, target: dt.DataType) -> tuple[Column, BooleanValue | None] | None:
    """Give the column as `target` and the rows where that fails; None if it can never fit."""
    source = column.type()
    if target.is_string():
        fits = source.is_string() or source.is_integer()
        return (column.cast(target), None) if fits else None
    if isinstance(column, StringColumn):
        text = column.strip()
        if target.is_integer():
            text = text.re_replace(r"\.0*$", "")
            converted = ibis.ifelse(text.re_search(r"^[+-]?\d+$"), text.try_cast(target), None)
        else:
            converted = text.try_cast(target)
        return converted, converted.isnull() & (column.strip() != "")
    if target.is_integer() and (source.is_floating() or source.is_decimal()):
        converted = column.try_cast(target)
        return converted, (converted.isnull() | (converted != column)) & ~_is_nan(column)
    if target.is_temporal():
        fits = source.is_date() or (source.is_timestamp() and source.timezone is None)
    else:
        fits = source.is_numeric() and not source.is_boolean()
    return (column.cast(target), None) if fits else None


def _is_nan(column: Column) -> BooleanValue:
    return column.isnan() if column.type().is_floating() else ibis.literal(False)


def _shape(source: Table, name: str) -> tuple[Table | None, list[Problem]]:
    """Give a table exactly the columns and types of the schema, or say why that is impossible."""
    schema = SCHEMAS[name].columns
    if extra := [column for column in source.columns if column not in schema]:
        warnings.warn(f"{name}: ignored, not in the schema: {', '.join(extra)}", stacklevel=4)
    columns: dict[str, Column] = {}
    failed: dict[str, BooleanValue] = {}
    problems: list[Problem] = []
    for column, wanted in schema.items():
        target = wanted.dtype.type
        if column not in source.columns:
            if wanted.required:
                has = ", ".join(source.columns)
                mend = f"add it ({target}: {wanted.description}). The file has: {has}."
                problems.append(Problem(name, column, 0, "the column is missing", mend))
            else:
                columns[column] = ibis.literal(wanted.default, target)
            continue
        pair = _convert(source[column], target)
        if pair is None:
            what = f"type {source[column].type()} where {target} is expected"
            mend = f"write it as {target}: {wanted.description}."
            problems.append(problem(name, column, source, what, mend))
            continue
        values, failure = pair
        if failure is not None:
            failed[column] = failure
        if target.is_floating():
            values = ibis.ifelse(values.isnan(), None, values)
        columns[column] = values if wanted.default is None else values.fill_null(wanted.default)
    if failed and source.filter(reduce(or_, failed.values())).count().execute():
        for column, failure in failed.items():
            target = schema[column].dtype.type
            bad, what = source.filter(failure), f"a value that is no {target}"
            mend = f"write it as {target}: {schema[column].description}."
            found = problem(name, column, bad, what, mend)
            problems += [found] if found.rows else []
    return (None if problems else source.select(**columns)), problems


def connect(**settings: str) -> BaseBackend:
    """Open a new DuckDB in memory that hashes the right side of a join, as the joins are written.

    Left to itself it guesses which side is smaller. After several grouped tables it guesses
    wrong, and hashes 800,000 wide offers instead of a few thousand users.

    Parameters
    ----------
    **settings : str
        Of DuckDB, such as ``memory_limit="1GB"``.
    """
    return ibis.duckdb.connect(disabled_optimizers="build_side_probe_side", **settings)


def load_market(folder: str | Path, connection: BaseBackend | None = None) -> Market:
    """Read and validate your own market.

    Each table is one file, `<table>.parquet` or `<table>.csv`, with the columns of
    `data/SCHEMA.md` in any order. Other columns are ignored with a warning, types are made
    exact where nothing is lost by it, and what is optional is filled as documented there.

    Parameters
    ----------
    folder : str or Path
        Where the files are.
    connection : ibis.BaseBackend, optional
        The engine, such as `ibis.pyspark.connect(session)`. A new DuckDB by default.

    Returns
    -------
    Market
        Views of the files, which therefore must stay where they are.

    Raises
    ------
    MarketError
        If a table or column is missing, a file cannot be read, or a rule of the schema is broken.
        It lists every problem with its table, column, number of rows and up to five of them.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _fail("market", f"there is no folder {folder}", "name the folder of the tables.")
    connection = connection or connect()
    tables: dict[str, Table] = {}
    problems: list[Problem] = []
    for name in SCHEMAS:
        try:
            path = _find(folder, name)
            if path is None:
                continue
            table, found = _shape(_read(connection, path, name), name)
        except MarketError as error:
            table, found = None, list(error.problems)
        problems += found
        if table is not None:
            tables[name] = table
    problems += market_problems(tables)
    if "promotions" in tables:
        problems += _repeated(tables["promotions"])
    if problems:
        raise MarketError(_in_order(problems))
    return Market(**tables)


def _repeated(promotions: Table) -> list[Problem]:
    """Say which rows stand twice; `validate` leaves this out, as many rows take it seconds."""
    times = promotions.group_by(promotions.columns).aggregate(times=_.count())
    twice = times.filter(_.times > 1)
    found = problem("promotions", "", twice, "rows that are not unique", "keep one of each.")
    return [found] if found.rows else []


def _in_order(problems: list[Problem]) -> list[Problem]:
    order = list(SCHEMAS)
    return sorted(problems, key=lambda found: order.index(found.table))
