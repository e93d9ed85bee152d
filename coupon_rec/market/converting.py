"""Make the columns of a table what the schema says, where nothing is lost by it."""

import warnings
from collections.abc import Mapping, Set
from functools import reduce
from math import inf
from operator import or_
from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis import Column, Table
from ibis.expr.types import BooleanValue, StringColumn

from coupon_rec.arguments import MAX_ID
from coupon_rec.market.categories import OWN
from coupon_rec.market.errors import Problem
from coupon_rec.market.schema import SCHEMAS
from coupon_rec.market.validation import Rule, broken, problem

WHOLE = r"^(0|-?[1-9]\d*)(\.0*)?$"
NUMBER = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
TRUTH = r"^([Tt]rue|TRUE|[Ff]alse|FALSE)$"
PART = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*"
VECTOR = rf"^\[{PART}(,{PART})*\]$"
NO_TIME = r":\d{2}(\.\d+)?\s*([A-Za-z]|[+-]\d)|[A-Za-z]{2}"
"""A time of day, followed by an offset or the name of a time zone; or a word, such as infinity."""


def shape(
    source: Table, name: str, text: Set[str], numbers: Mapping[str, str], csv: bool
) -> tuple[Table | None, list[Problem]]:
    """Give a table exactly the columns and types of the schema, or say why that is impossible.

    Parameters
    ----------
    source : ibis.Table
        The table as it is.
    name : str
        Which table of the schema it is.
    text : set of str
        The identifiers that are text, and stay so here.
    numbers : mapping of str to str
        A table for each identifier that is a number there. One that is also in `text` is a whole
        number in all tables, and is spelled alike in all of them.
    csv : bool
        Whether all columns are text, whatever they mean.
    """
    columns: dict[str, Column] = {}
    failed: dict[str, tuple[BooleanValue, str, str]] = {}
    problems: list[Problem] = []
    for column, wanted in SCHEMAS[name].columns.items():
        target = dt.string if column in text else wanted.dtype.type
        if column not in source.columns:
            if wanted.required:
                has = ", ".join(source.columns)
                fix = f"add it ({target}: {wanted.description}). The file has: {has}."
                problems.append(Problem(name, column, 0, "the column is missing", fix))
            elif wanted.default is not None:
                columns[column] = ibis.literal(wanted.default, target)
            continue
        fix = f"write it as {target}: {wanted.description}."
        spelled = column in text and (column in numbers or source[column].type().is_numeric())
        pair = spell(source[column]) if spelled else convert(source[column], target)
        if pair is None:
            what = f"type {source[column].type()} where {target} is expected"
            problems.append(problem(Rule(name, column, source, what, fix)))
            continue
        values, failure = pair
        if failure is not None:
            zone = " without a time zone" if target.is_temporal() else ""
            what = f"a value that is no {target}{zone}"
            if spelled:
                what = "no whole number, or a float above 2^53 - 1, which has lost its last digits"
                fix = f"write {column} as text, or as int64, in all tables."
            elif column in numbers and source[column].type().is_string():
                what = f"text, where `{numbers[column]}` has whole numbers"
                fix = f"write {column} as whole numbers in all tables, or as text in all of them."
            failed[column] = (failure, what, fix)
        if column in text:
            values = values.nullif("")
        columns[column] = _filled(values, wanted.default)
    every = [failure for failure, *_ in failed.values()]
    if every and source.filter(reduce(or_, every)).count().execute():
        problems += broken(
            Rule(name, column, source.filter(failure), what, fix)
            for column, (failure, what, fix) in failed.items()
        )
    own = own_columns(source, name, csv)
    return (None if problems else source.select(**columns, **own)), problems


def _filled(values: Column, default: Any) -> Column:
    """Say null, or the default, wherever a value is missing."""
    if values.type().is_floating():
        values = ibis.ifelse(values.isnan(), None, values)
    if default is None:
        return values
    if values.type().is_string():
        values = values.strip().nullif("")
        if default == "0":  # as pandas writes a column of whole numbers with gaps
            values = ibis.ifelse(values == "0.0", "0", values)
    return values.fill_null(default)


def convert(column: Column, target: dt.DataType) -> tuple[Column, BooleanValue | None] | None:
    """Give the column as `target` and the rows where that fails; None if it can never fit."""
    source = column.type()
    if target.is_string():
        fits = source.is_string() or source.is_integer()
        return (column.cast(target), None) if fits else None
    if isinstance(column, StringColumn):
        return _from_text(column, target)
    if target.is_boolean():
        if source.is_integer():
            return ibis.ifelse(column.isin([0, 1]), column == 1, None), ~column.isin([0, 1])
        return (column, None) if source.is_boolean() else None
    inexact = source.is_floating() or source.is_decimal() or source.is_unsigned_integer()
    if target.is_integer() and inexact:
        converted = column.try_cast(target)
        given = column.notnull() & ~_is_nan(column)
        return converted, (converted.isnull() | (converted != column)) & given
    if target.is_temporal():
        fits = source.is_date() or (source.is_timestamp() and source.timezone is None)
    else:
        fits = source.is_numeric() and not source.is_boolean()
    return (column.cast(target), None) if fits else None


def _from_text(column: StringColumn, target: dt.DataType) -> tuple[Column, BooleanValue]:
    text = column.strip()
    if target.is_integer():
        whole = text.re_replace(r"\.0*$", "").try_cast(target)
        converted = ibis.ifelse(text.re_search(WHOLE), whole, None)
    elif target.is_boolean():
        lower = text.lower()
        converted = ibis.cases(
            (lower.isin(["true", "1"]), True), (lower.isin(["false", "0"]), False), else_=None
        )
    else:
        converted = text.try_cast(target)
    if target.is_temporal():
        converted = ibis.ifelse(text.re_search(NO_TIME), None, converted)
    return converted, converted.isnull() & (text != "")


def _is_nan(column: Column) -> BooleanValue:
    return column.isnan() if column.type().is_floating() else ibis.literal(False)


def spell(column: Column) -> tuple[Column, BooleanValue | None] | None:
    """Write whole numbers, however they are held, as text; and say where that fails."""
    if isinstance(column, StringColumn):
        return column.strip().re_replace(r"\.0*$", ""), None
    if column.type().is_integer():
        return column.cast("string"), None
    pair = convert(column, dt.int64)
    if pair is None:
        return None
    whole, failure = pair
    if column.type().is_floating():
        failure |= column.abs().between(MAX_ID + 1, inf)
    return whole.cast("string"), failure


def is_text(column: StringColumn) -> BooleanValue:
    """Whether an identifier in text is no whole number."""
    text = column.strip()
    return ~text.re_search(WHOLE) & (text != "")


def is_beyond(column: Column) -> BooleanValue:
    """Whether an identifier is a number below 0 or above `MAX_ID`."""
    if not isinstance(column, StringColumn):
        return ~(column.between(0, MAX_ID) | _is_nan(column))
    number, _ = _from_text(column, dt.int64)
    return column.strip().re_search(WHOLE) & ~number.between(0, MAX_ID).fill_null(False)


def own_columns(source: Table, name: str, csv: bool) -> dict[str, Column]:
    """The columns beyond the schema that a table keeps; of the others it warns.

    In a CSV file, text whose values are all numbers, all true or false, or all lists of numbers
    becomes that.
    """
    extra = [column for column in source.columns if column not in SCHEMAS[name].columns]
    prefix = OWN.get(name)
    kept = {
        column: source[column]
        for column in extra
        if prefix and column.startswith(prefix) and _can_be_kept(source[column].type())
    }
    if ignored := [column for column in extra if column not in kept]:
        warnings.warn(
            f"{name}: ignored, not in the schema: {', '.join(ignored)}. Kept are user_... in users "
            "and coupon_... in coupons, if they hold numbers, true or false, text, or lists of "
            "numbers.",
            stacklevel=4,
        )
    return kept | _read_from_text(source, list(kept)) if csv else kept


def _can_be_kept(dtype: dt.DataType) -> bool:
    plain = dtype.is_numeric() or dtype.is_boolean() or dtype.is_string()
    return bool(plain or (dtype.is_array() and dtype.value_type.is_numeric()))


def _read_from_text(source: Table, columns: list[str]) -> dict[str, Column]:
    """The columns of text whose values all have the form of something else, as that."""
    if not columns:
        return {}
    text = {column: source[column].strip().nullif("") for column in columns}
    forms = {"number": NUMBER, "truth": TRUTH, "vector": VECTOR}
    answers = source.aggregate(
        **{
            f"{column} {form}": value.re_search(pattern).all()
            for column, value in text.items()
            for form, pattern in forms.items()
        }
    ).to_pyarrow()
    holds = {name: answers[name][0].as_py() for name in answers.column_names}
    read: dict[str, Column] = {}
    for column, value in text.items():
        if holds[f"{column} number"]:
            read[column] = value.cast("float64")
        elif holds[f"{column} truth"]:
            read[column] = value.lower() == "true"
        elif holds[f"{column} vector"]:
            parts = value.re_replace(r"[\[\]\s]", "").split(",")
            read[column] = parts.map(lambda part: part.cast("float64"))
    return read
