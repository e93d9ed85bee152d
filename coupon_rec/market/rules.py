"""What a column or a whole table may hold: the words of which `schema` is made."""

from collections.abc import Callable
from typing import Any

import ibis.expr.datatypes as dt
from ibis import Column
from ibis.expr.types import BooleanValue

from coupon_rec.market._pandera import pa

UNKNOWN = "unknown"
MOST_MONEY = 1e12
YEARS = (1900, 2199)
CAMPAIGN_TYPES = ("A", "B", "C")


def _check(rule: str, holds: Callable[[Column], BooleanValue], wrong: str, fix: str) -> pa.Check:
    """Make a rule for a column: what it means to break it, and what to do then."""
    return pa.Check(
        lambda data: holds(data.table[data.key]), name=rule, title=wrong, description=fix
    )


NOT_NEGATIVE = _check(
    "0 or more",
    lambda column: column.between(0, MOST_MONEY),
    "money that is negative or not finite",
    "write money as 0 or more; a discount is the positive amount taken off. Drop returns.",
)
SOME_MONEY = _check(
    "above 0",
    lambda column: (column > 0) & (column <= MOST_MONEY),
    "money off that is zero, negative or not finite",
    "write the currency taken off, above 0; leave it empty where there is none.",
)
POSITIVE = _check(
    "1 or more",
    lambda column: column > 0,
    "a quantity of zero or less",
    "drop returns and corrections, which are no purchases.",
)
PLACE = _check(
    "1 or more",
    lambda column: column > 0,
    "a position below 1",
    "count positions from 1, the first in the list.",
)
IN_STOCK = _check(
    "0 or more",
    lambda column: column >= 0,
    "a stock below zero",
    "write 0 where nothing is left.",
)
SHARE_OFF = _check(
    "above 0, at most 1",
    lambda column: (column > 0) & (column <= 1),
    "a depth that is not above 0 and at most 1",
    "write the share of the price taken off, such as 0.25 for 25%.",
)
PROBABILITY = _check(
    "above 0, at most 1",
    lambda column: (column > 0) & (column <= 1),
    "a probability that is not above 0 and at most 1",
    "write the probability that this would happen, which is above 0 since it did.",
)
IN_YEARS = _check(
    f"years {YEARS[0]} to {YEARS[1]}",
    lambda column: column.isnull() | column.year().between(*YEARS).fill_null(False),
    f"a date outside of the years {YEARS[0]} to {YEARS[1]}",
    "write a day of the calendar, such as 2017-03-01; without an end, the last day that is known.",
)
STARS = _check(
    "1 to 5",
    lambda column: column.between(1, 5),
    "a rating outside of 1 to 5",
    "write whole stars from 1, the worst, to 5.",
)
KNOWN_TYPE = _check(
    "A, B or C",
    lambda column: column.isin(CAMPAIGN_TYPES),
    "an unknown type of campaign",
    "use A (each user gets some coupons of a pool), B or C (each user gets every coupon).",
)
NOT_BEFORE_START = pa.Check(
    lambda data: data.table.end >= data.table.start,
    name="start, end",
    title="a campaign, with all its offers, that ends before it starts",
    description="correct its dates; `end` is the last day on which a coupon is valid.",
)
ONE_TERM = pa.Check(
    lambda data: data.table.depth.isnull() | data.table.face_value.isnull(),
    name="depth, face_value",
    title="both a share and an amount taken off",
    description="keep one of the two, and leave the other empty.",
)


def column(dtype: dt.DataType, meaning: str, *checks: pa.Check, **options: Any) -> pa.Column:
    """Describe a column; that a value may not be missing is for `validation` to say."""
    return pa.Column(dtype, list(checks), description=meaning, nullable=True, **options)


def day(meaning: str) -> pa.Column:
    """Describe a day of the calendar."""
    return column(dt.date, meaning, IN_YEARS)


def optional(dtype: dt.DataType, meaning: str, *checks: pa.Check) -> pa.Column:
    """Describe a column that may be left out, or miss values: nothing is put in their place."""
    return column(dtype, meaning, *checks, required=False)


def identifier(meaning: str) -> pa.Column:
    """Describe an identifier: whole numbers, or text that `load_market` numbers."""
    return column(dt.int64, meaning)


def text(meaning: str, required: bool = True, default: str = UNKNOWN) -> pa.Column:
    """Describe text where "nothing known" has a value of its own."""
    return column(dt.string, meaning, default=default, required=required)


def discount(meaning: str) -> pa.Column:
    """Describe money taken off, which is 0 where it is not given."""
    return column(dt.float64, meaning, NOT_NEGATIVE, default=0.0, required=False)


def may_be_missing(described: pa.Column) -> bool:
    """Whether a column of the schema may be left out and may miss values."""
    return not described.required and described.default is None
