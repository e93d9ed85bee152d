"""Validation of a market, inside the engine that holds it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import ibis
import ibis.expr.datatypes as dt
from ibis import Table, _
from ibis.expr.types import BooleanColumn

from coupon_rec.market.errors import SHOWN, MarketError, Problem
from coupon_rec.market.schema import REFERENCES, SCHEMAS, may_be_missing, types
from coupon_rec.market.tables import Market


@dataclass(frozen=True)
class Rule:
    """What may not be in a market.

    Attributes
    ----------
    table, column : str
        Where it would be; several columns are separated by commas.
    rows : ibis.Table
        The rows that break the rule.
    what, fix : str
        What is wrong with them, and what to do about it.
    """

    table: str
    column: str
    rows: Table
    what: str
    fix: str


SURE = 6
"""Standard deviations by which there may be more offers than their propensities say."""

Counted = tuple[list[Rule], Table]
"""Rules, and one row with the array `broken`: how many rows break each of them."""


def problem(rule: Rule) -> Problem:
    """Describe the rows that break a rule: their number, and up to five of them."""
    rows = int(rule.rows.count().execute())
    shown = rule.rows.limit(SHOWN)  # as text, since Python has no day that is far off or infinite
    dates = {name: "string" for name, dtype in shown.schema().items() if dtype.is_temporal()}
    examples: list[dict[str, Any]] = shown.cast(dates).to_pyarrow().to_pylist()
    return Problem(rule.table, rule.column, rows, rule.what, rule.fix, examples)


def broken(rules: Iterable[Rule]) -> list[Problem]:
    """Say which rules are broken, with a query for each."""
    return [each for each in map(problem, rules) if each.rows]


def problems(counted: Iterator[Counted]) -> list[Problem]:
    """Say which rules are broken; one query if none is."""
    asked = list(counted)
    if not asked:
        return []
    counts = [table.mutate(place=place) for place, (_rules, table) in enumerate(asked)]
    rows_of = {row["place"]: row["broken"] for row in ibis.union(*counts).to_pyarrow().to_pylist()}
    return [
        problem(rule)
        for place, (rules, _table) in enumerate(asked)
        for rule, rows in zip(rules, rows_of[place], strict=True)
        if rows
    ]


def _values(name: str, table: Table) -> Counted:
    """What each value of a table may not be, taken by itself."""
    schema, rules, counts = SCHEMAS[name], [], []

    def add(column: str, bad: BooleanColumn, what: str, fix: str) -> None:
        rules.append(Rule(name, column, table.filter(bad), what, fix))
        counts.append(bad.sum())

    for column, described in schema.columns.items():
        if column not in table.columns:
            continue
        if not may_be_missing(described):
            add(column, table[column].isnull(), "no value", "fill it in or drop the row.")
        for check in described.checks:
            add(column, ~check(table, column).check_output, check.title, check.description)
    for check in schema.checks:
        if {*check.name.split(", ")} <= {*table.columns}:
            add(check.name, ~check(table).check_output, check.title, check.description)
    return rules, table.aggregate(broken=ibis.array(counts))


def _key(name: str, table: Table) -> Iterator[Counted]:
    """Rows with the same key."""
    key = [column for column in SCHEMAS[name].unique or () if column in table.columns]
    if not key:
        return
    again = table.filter(_.count().over(group_by=key) > 1)
    fix = f"keep one row for each {', '.join(key)}."
    counts = table.group_by(key).aggregate(rows=_.count()).filter(_.rows > 1)
    yield (
        [Rule(name, ", ".join(key), again, "a key that is not unique", fix)],
        counts.aggregate(broken=ibis.array([_.rows.sum()])),
    )


def table_rules(name: str, table: Table) -> Iterator[Counted]:
    """What may not be in one table, taken by itself.

    Parameters
    ----------
    name : str
        Which table of the schema it is.
    table : ibis.Table
        The table, with at least the columns that every market has.
    """
    dtypes = types(name, table.columns)
    exact = table.select(*dtypes).cast(dtypes)
    yield _values(name, exact)
    yield from _key(name, exact)


def references(tables: Mapping[str, Table]) -> Iterator[Counted]:
    """Rows that contradict another table.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Tables by name; a rule that needs one that is not among them is left out.
    """
    rules = (_unknown, _outside, _held_and_offered, _propensities)
    for rule in chain.from_iterable(each(tables) for each in rules):
        yield [rule], rule.rows.aggregate(broken=ibis.array([_.count()]))


def _unknown(tables: Mapping[str, Table]) -> Iterator[Rule]:
    """The rows that name something that another table lacks."""
    for rule in REFERENCES:
        columns = list(rule.columns)
        if not {rule.table, rule.target} <= tables.keys():
            continue
        if not {*columns} <= {*tables[rule.table].columns}:
            continue
        rows = tables[rule.table].drop_null(columns).anti_join(tables[rule.target], columns)
        key = ", ".join(columns)
        fix = f"add {key} to `{rule.target}`, or drop the row."
        yield Rule(rule.table, key, rows, rule.wrong, fix)


def _outside(tables: Mapping[str, Table]) -> Iterator[Rule]:
    if not {"redemptions", "campaigns"} <= tables.keys():
        return
    dates = tables["campaigns"].select("campaign_id", "start", "end")
    dated = tables["redemptions"].inner_join(dates, "campaign_id")
    rows = dated.filter(~dated.date.between(dated.start, dated.end))
    fix = "correct the date or the campaign, or drop the row."
    wrong = "a redemption outside of its campaign's dates"
    yield Rule("redemptions", "date", rows, wrong, fix)


def _held_and_offered(tables: Mapping[str, Table]) -> Iterator[Rule]:
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
    wrong = "a user who was held out of what was offered to the same user"
    yield Rule("holdouts", "campaign_id, user_id", rows, wrong, fix)


def _propensities(tables: Mapping[str, Table]) -> Iterator[Rule]:
    """Propensities by which the offers cannot have been drawn."""
    offers, users = tables.get("offers"), tables.get("users")
    if offers is None:
        return
    if "mailing_propensity" in offers.columns:
        mailings = offers.group_by("campaign_id", "user_id").aggregate(
            mailing_propensity=_.mailing_propensity.min(), highest=_.mailing_propensity.max()
        )
        rows = mailings.filter(_.highest > _.mailing_propensity)
        wrong = "different propensities of one mailing"
        fix = "give all offers to a user in a campaign the probability that the user was mailed."
        yield Rule("offers", "mailing_propensity", rows, wrong, fix)
        if users is not None:
            all_users = users.aggregate(possible=_.count())
            mailed = _offered(mailings, "mailing_propensity", "campaign_id")
            yield _too_low("mailing_propensity", mailed.cross_join(all_users))
    if "coupon_propensity" in offers.columns:
        mailed = offers.group_by("campaign_id").aggregate(possible=_.user_id.nunique())
        offered = _offered(offers, "coupon_propensity", "campaign_id", "coupon_id")
        yield _too_low("coupon_propensity", offered.join(mailed, "campaign_id"))


def _offered(table: Table, propensity: str, *key: str) -> Table:
    """How many were offered something, and the highest of their propensities."""
    known = table.filter(table[propensity].notnull())
    return known.group_by(*key).aggregate(offered=_.count(), highest=known[propensity].max())


def _too_low(column: str, offered: Table) -> Rule:
    """More offers than so many draws with the highest propensity may give by chance."""
    expected = _.highest * _.possible
    rows = offered.filter(_.offered > expected + SURE * expected.sqrt())
    wrong = "propensities too low for as many offers as there are"
    fix = "write the probability with which each was drawn, not a score of the user or coupon."
    return Rule("offers", column, rows, wrong, fix)


def market_rules(tables: Mapping[str, Table]) -> Iterator[Counted]:
    """What may not be within and between tables, in the order of the tables.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Tables by name; a rule that needs one that is not among them is left out.
    """
    for name, table in tables.items():
        yield from table_rules(name, table)
    yield from references(tables)


def _other_types(name: str, table: Table) -> Iterator[Problem]:
    """The columns of a table that hold another kind of value than the schema says."""
    for column, wanted in types(name, table.columns).items():
        given = table[column].type()
        if not _fits(given, wanted):
            described = SCHEMAS[name].columns[column].description
            what, fix = (
                f"type {given} where {wanted} is expected",
                f"make it {wanted}: {described}.",
            )
            yield Problem(name, column, 0, what, fix)


def _fits(given: dt.DataType, wanted: dt.DataType) -> bool:
    """Whether values of a type are of the kind that is wanted, be they longer or shorter."""
    if wanted.is_temporal():
        return bool(given.is_date() or (given.is_timestamp() and given.timezone is None))
    if wanted.is_floating():
        return bool(given.is_numeric() and not given.is_boolean())
    kinds = ("is_integer", "is_boolean", "is_string")
    return any(getattr(given, kind)() and getattr(wanted, kind)() for kind in kinds)


def validate(market: Market) -> Market:
    """Check a market against the schema; nothing but counts and examples leaves the engine.

    Parameters
    ----------
    market : Market
        On any Ibis engine. Columns may be longer or shorter than the schema's, such as int32, but
        not of another kind: `load_market` converts, and this does not.

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
    tables = market.tables()
    others = [each for name, table in tables.items() for each in _other_types(name, table)]
    if wrong := others or problems(market_rules(tables)):
        raise MarketError(wrong)
    return market
