"""Validation of a market, inside the engine that holds it."""

from collections.abc import Mapping
from typing import Any

import ibis
from ibis import Table, _

from coupon_rec.market._pandera import Check, SchemaError, SchemaErrorReason, SchemaErrors
from coupon_rec.market.errors import SHOWN, MarketError, Problem
from coupon_rec.market.schema import NO_MISSING, OUTSIDE, REFERENCES, SCHEMAS, types
from coupon_rec.market.tables import Market


def problem(table: str, column: str, bad: Table, what: str, mend: str) -> Problem:
    """Describe the rows of `bad`: their number, and up to five of them."""
    rows = int(bad.count().execute())
    examples: list[dict[str, Any]] = bad.limit(SHOWN).to_pyarrow().to_pylist()
    return Problem(table, column, rows, what, mend, examples)


def _from_pandera(name: str, table: Table, error: SchemaError) -> list[Problem]:
    if error.reason_code is SchemaErrorReason.DUPLICATES:
        key = ", ".join(error.schema.unique)
        mend = f"keep one row for each {key}."
        return [problem(name, key, error.failure_cases, "a key that is not unique", mend)]
    check = error.check
    if not isinstance(check, Check) or error.reason_code is SchemaErrorReason.CHECK_ERROR:
        raise error
    if check.name == NO_MISSING.name:
        bad = {column: table.filter(table[column].isnull()) for column in table.columns}
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
        The table, with at least the columns of the schema.
    """
    exact = table.select(*types(name)).cast(types(name))
    try:
        SCHEMAS[name].validate(exact, lazy=True)
    except SchemaErrors as errors:
        return [
            found for error in errors.schema_errors for found in _from_pandera(name, exact, error)
        ]
    return []


def reference_problems(tables: Mapping[str, Table]) -> list[Problem]:
    """Say which rows name something that another table lacks; one query if there are none.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Tables by name; a rule that needs one that is not among them is left out.
    """
    lost: list[tuple[str, str, Table, str, str]] = []
    for rule in REFERENCES:
        if rule.table in tables and rule.target in tables:
            columns = list(rule.columns)
            rows = tables[rule.table].drop_null(columns).anti_join(tables[rule.target], columns)
            key = ", ".join(columns)
            mend = f"add {key} to `{rule.target}`, or drop the row."
            lost.append((rule.table, key, rows, rule.wrong, mend))
    if "redemptions" in tables and "campaigns" in tables:
        dated = tables["redemptions"].inner_join(tables["campaigns"], "campaign_id")
        outside = dated.filter(~dated.date.between(dated.start, dated.end))
        rows = outside.select(*tables["redemptions"].columns, "start", "end")
        mend = "correct the date or the campaign, or drop the row."
        lost.append(("redemptions", "date", rows, OUTSIDE, mend))
    if not lost:
        return []
    counts = [each[2].aggregate(rows=_.count()).mutate(rule=i) for i, each in enumerate(lost)]
    broken = ibis.union(*counts).filter(_.rows > 0).rule.to_pyarrow().to_pylist()
    return [problem(*lost[rule]) for rule in sorted(broken)]


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
    """
    problems = market_problems(market.tables())
    if problems:
        raise MarketError(problems)
    return market
