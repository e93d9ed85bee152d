"""Validation of a market, inside the engine that holds it."""

from collections.abc import Iterator, Mapping
from typing import Any

import ibis
from ibis import Table, _

from coupon_rec.market._pandera import Check, SchemaError, SchemaErrorReason, SchemaErrors, pa
from coupon_rec.market.errors import SHOWN, MarketError, Problem
from coupon_rec.market.references import HELD_AND_OFFERED, OUTSIDE, REFERENCES
from coupon_rec.market.rules import may_be_missing, no_missing
from coupon_rec.market.schema import SCHEMAS, types
from coupon_rec.market.tables import Market

Broken = tuple[str, str, Table, str, str]
"""A table, its columns, the rows that break a rule, what is wrong, how to fix it."""


def problem(table: str, column: str, bad: Table, what: str, fix: str) -> Problem:
    """Describe the rows of `bad`: their number, and up to five of them."""
    rows = int(bad.count().execute())
    examples: list[dict[str, Any]] = bad.limit(SHOWN).to_pyarrow().to_pylist()
    return Problem(table, column, rows, what, fix, examples)


def _rules(name: str, table: Table) -> pa.DataFrameSchema:
    """The schema of a table, without the optional columns that this one lacks."""
    schema = SCHEMAS[name]
    columns = {column: schema.columns[column] for column in types(name, table.columns)}
    full = [column for column, described in columns.items() if not may_be_missing(described)]
    checks = [check for check in schema.checks if columns.keys() >= {*check.name.split(", ")}]
    key = [column for column in schema.unique or () if column in columns]
    return pa.DataFrameSchema(columns, checks=[no_missing(full), *checks], unique=key or None)


def _from_pandera(
    name: str, table: Table, rules: pa.DataFrameSchema, error: SchemaError
) -> list[Problem]:
    if error.reason_code is SchemaErrorReason.DUPLICATES:
        key = ", ".join(error.schema.unique)
        fix = f"keep one row for each {key}."
        return [problem(name, key, error.failure_cases, "a key that is not unique", fix)]
    check = error.check
    if not isinstance(check, Check) or error.reason_code is SchemaErrorReason.CHECK_ERROR:
        raise error
    if check is rules.checks[0]:
        full = [column for column, each in rules.columns.items() if not may_be_missing(each)]
        bad = {column: table.filter(table[column].isnull()) for column in full}
    else:
        column = error.schema.name
        rows = table.filter(~check(table, column).check_output)
        bad = {column or str(check.name): rows}
    found = [
        problem(name, column, rows, str(check.title), str(check.description))
        for column, rows in bad.items()
    ]
    return [each for each in found if each.rows]


def table_problems(name: str, table: Table) -> list[Problem]:
    """Say what pandera finds wrong in one table, taken by itself.

    Parameters
    ----------
    name : str
        Which table of the schema it is.
    table : ibis.Table
        The table, with at least the columns that every market has.
    """
    dtypes = types(name, table.columns)
    exact = table.select(*dtypes).cast(dtypes)
    rules = _rules(name, exact)
    try:
        rules.validate(exact, lazy=True)
    except SchemaErrors as errors:
        return [
            found
            for error in errors.schema_errors
            for found in _from_pandera(name, exact, rules, error)
        ]
    return []


def reference_problems(tables: Mapping[str, Table]) -> list[Problem]:
    """Say which rows contradict another table; one query if there are none.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Tables by name; a rule that needs one that is not among them is left out.
    """
    lost = [*_unknown(tables), *_outside(tables), *_held_and_offered(tables)]
    if not lost:
        return []
    counts = [each[2].aggregate(rows=_.count()).mutate(rule=i) for i, each in enumerate(lost)]
    broken = ibis.union(*counts).filter(_.rows > 0).rule.to_pyarrow().to_pylist()
    return [problem(*lost[rule]) for rule in sorted(broken)]


def _unknown(tables: Mapping[str, Table]) -> Iterator[Broken]:
    """The rows that name something that another table lacks."""
    for rule in REFERENCES:
        columns = list(rule.columns)
        if not {rule.table, rule.target} <= tables.keys():
            continue
        if not {*columns} <= {*tables[rule.table].columns}:
            continue
        rows = tables[rule.table].drop_null(columns).anti_join(tables[rule.target], columns)
        key = ", ".join(columns)
        yield rule.table, key, rows, rule.wrong, f"add {key} to `{rule.target}`, or drop the row."


def _outside(tables: Mapping[str, Table]) -> Iterator[Broken]:
    if not {"redemptions", "campaigns"} <= tables.keys():
        return
    dates = tables["campaigns"].select("campaign_id", "start", "end")
    dated = tables["redemptions"].inner_join(dates, "campaign_id")
    rows = dated.filter(~dated.date.between(dated.start, dated.end))
    fix = "correct the date or the campaign, or drop the row."
    yield "redemptions", "date", rows, OUTSIDE, fix


def _held_and_offered(tables: Mapping[str, Table]) -> Iterator[Broken]:
    if not {"holdouts", "offers"} <= tables.keys():
        return
    held, user = tables["holdouts"], ["campaign_id", "user_id"]
    if "coupon_id" in held.columns:
        of_one = held.filter(held.coupon_id.notnull())
        whole = held.filter(held.coupon_id.isnull())
        coupon = [*user, "coupon_id"]
        rows = whole.semi_join(tables["offers"], user).union(
            of_one.semi_join(tables["offers"], coupon)
        )
    else:
        rows = held.semi_join(tables["offers"], user)
    fix = "drop the row, or the offer that was never made."
    yield "holdouts", "campaign_id, user_id", rows, HELD_AND_OFFERED, fix


def market_problems(tables: Mapping[str, Table]) -> list[Problem]:
    """Say what is wrong within and between tables, in the order of the tables.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Tables by name; a rule that needs one that is not among them is left out.
    """
    problems = [found for name, table in tables.items() for found in table_problems(name, table)]
    return problems + reference_problems(tables)


def validate(market: Market) -> Market:
    """Check a market against the schema; nothing but counts and examples leaves the engine.

    Parameters
    ----------
    market : Market
        On any Ibis engine.

    Returns
    -------
    Market
        The same.

    Raises
    ------
    MarketError
        With everything that was found wrong.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from coupon_rec import load_market
    >>> market = load_market("data/sample")
    >>> validate(market) is market
    True
    >>> fewer = market.users.filter(market.users.user_id > 1)
    >>> validate(replace(market, users=fewer))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    coupon_rec.market.errors.MarketError: offers (user_id): ... rows, an unknown user
    ...
    """
    problems = market_problems(market.tables())
    if problems:
        raise MarketError(problems)
    return market
