"""The schema of a market: what each table and column must look like, and how tables refer.

`data/SCHEMA.md` is generated from here by `data/make_schema.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import ibis.expr.datatypes as dt
from ibis import Column
from ibis.expr.types import BooleanValue

from coupon_rec.market._pandera import pa

UNKNOWN = "unknown"
MOST_MONEY = 1e12
CAMPAIGN_TYPES = ("A", "B", "C")


def _check(rule: str, holds: Callable[[Column], BooleanValue], wrong: str, mend: str) -> pa.Check:
    """Make a rule for a column: what it means to break it, and what to do then."""
    return pa.Check(
        lambda data: holds(data.table[data.key]), name=rule, title=wrong, description=mend
    )


NOT_NEGATIVE = _check(
    "0 or more",
    lambda column: column.between(0, MOST_MONEY),
    "money that is negative or not finite",
    "write money as 0 or more; a discount is the positive amount taken off. Drop returns.",
)
POSITIVE = _check(
    "1 or more",
    lambda column: column > 0,
    "a quantity of zero or less",
    "drop returns and corrections, which are no purchases.",
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


NO_MISSING = pa.Check(
    lambda data: reduce(and_, (data.table[name].notnull() for name in data.table.columns)),
    name="no missing value",
    title="no value",
    description="fill it in or drop the row.",
)


def _column(dtype: dt.DataType, meaning: str, *checks: pa.Check, **options: Any) -> pa.Column:
    """Describe a column; it may not miss a value, but that is `NO_MISSING`'s to check."""
    return pa.Column(dtype, list(checks), description=meaning, nullable=True, **options)


def _table(
    description: str,
    columns: dict[str, pa.Column],
    key: list[str] | None = None,
    *checks: pa.Check,
) -> pa.DataFrameSchema:
    """Describe a table. One check for all missing values: a query a column is slow on Spark."""
    return pa.DataFrameSchema(
        columns, checks=[NO_MISSING, *checks], unique=key, description=description
    )


def _id(meaning: str) -> pa.Column:
    return _column(dt.int64, meaning)


def _text(meaning: str, required: bool = True, default: str = UNKNOWN) -> pa.Column:
    return _column(dt.string, meaning, default=default, required=required)


def _discount(meaning: str) -> pa.Column:
    return _column(dt.float64, meaning, NOT_NEGATIVE, default=0.0, required=False)


CAMPAIGN = _id("the campaign")
USER = _id("the user")
COUPON = _id("the coupon")
ITEM = _id("the item")
STORE = _id("the store")

SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "users": _table(
        "Who shops: every user of the other tables, with what is known of them.",
        {
            "user_id": USER,
            "age": _text("age band", required=False),
            "income": _text("income band", required=False),
            "home": _text("owner, renter, ...", required=False),
            "marital_status": _text("marital status", required=False),
            "household_size": _text("persons in the household", required=False),
            "household_comp": _text("who they are", required=False),
            "kids": _text("children in the household", required=False),
        },
        ["user_id"],
    ),
    "items": _table(
        "What is sold.",
        {
            "item_id": ITEM,
            "manufacturer_id": _id("who makes it"),
            "department": _text("the widest group, such as GROCERY"),
            "brand": _text("brand, or kind of brand (National, Private)"),
            "category": _text("a narrower group, such as YOGURT"),
            "type": _text("the narrowest group"),
            "package_size": _text("as printed, such as 6 OZ"),
        },
        ["item_id"],
    ),
    "coupons": _table(
        "Which coupons there are.",
        {"coupon_id": COUPON},
        ["coupon_id"],
    ),
    "coupon_items": _table(
        "Which items a coupon covers; in each campaign they may be others.",
        {"campaign_id": CAMPAIGN, "coupon_id": COUPON, "item_id": ITEM},
        ["campaign_id", "coupon_id", "item_id"],
    ),
    "campaigns": _table(
        "When coupons were sent and valid.",
        {
            "campaign_id": CAMPAIGN,
            "campaign_type": _column(
                dt.string,
                "A (each user gets some coupons of a pool), B or C (each user gets all)",
                KNOWN_TYPE,
            ),
            "start": _column(dt.date, "first day on which its coupons are valid"),
            "end": _column(dt.date, "last day, inclusive; not before `start`"),
        },
        ["campaign_id"],
        NOT_BEFORE_START,
    ),
    "offers": _table(
        "Which user was offered which coupon in which campaign.",
        {"campaign_id": CAMPAIGN, "user_id": USER, "coupon_id": COUPON},
        ["campaign_id", "user_id", "coupon_id"],
    ),
    "purchases": _table(
        "What was bought, one line of a receipt a row.",
        {
            "user_id": USER,
            "item_id": ITEM,
            "basket_id": _id("one visit to a store"),
            "store_id": STORE,
            "time": _column(dt.timestamp, "wall-clock time, without a time zone"),
            "quantity": _column(dt.int64, "units bought, 1 or more", POSITIVE),
            "amount": _column(
                dt.float64, "currency that the retailer received for the line", NOT_NEGATIVE
            ),
            "retail_discount": _discount("currency taken off by the loyalty card"),
            "coupon_discount": _discount("currency taken off by a maker's coupon"),
            "coupon_match": _discount("currency that the retailer added to a coupon"),
        },
    ),
    "redemptions": _table(
        "Which offers were used, each at most once.",
        {
            "campaign_id": CAMPAIGN,
            "user_id": USER,
            "coupon_id": COUPON,
            "date": _column(dt.date, "day of the redemption, within the campaign"),
        },
        ["campaign_id", "user_id", "coupon_id"],
    ),
    "promotions": _table(
        "What the stores put on display or into their mailers, week by week. An item that stood "
        "in several places of a store has a row for each; no two rows are equal.",
        {
            "item_id": ITEM,
            "store_id": STORE,
            "week_start": _column(dt.date, "first day of the week"),
            "display": _text("where in the store it stood, 0 if nowhere special", default="0"),
            "mailer": _text("where in the store's mailer it stood, 0 if not in it", default="0"),
        },
    ),
}
OPTIONAL_TABLES = frozenset({"promotions"})


@dataclass(frozen=True)
class Reference:
    """A rule that spans two tables: the columns of one must be found together in another.

    Attributes
    ----------
    table, target : str
        The table that refers, and the one that must list what it refers to.
    columns : tuple of str
        The columns, of the same name in both.
    wrong : str
        What a row is that breaks the rule.
    """

    table: str
    columns: tuple[str, ...]
    target: str
    wrong: str


NO_CAMPAIGN = "an unknown campaign"
NO_USER = "an unknown user"
NO_COUPON = "an unknown coupon"
NO_ITEM = "an unknown item"
COVERS_NOTHING = "a coupon that covers no item in its campaign"
NEVER_OFFERED = "a coupon that was never offered to this user in this campaign"
OUTSIDE = "a redemption outside of its campaign's dates"
OFFER = ("campaign_id", "user_id", "coupon_id")

REFERENCES = (
    Reference("coupon_items", ("campaign_id",), "campaigns", NO_CAMPAIGN),
    Reference("coupon_items", ("coupon_id",), "coupons", NO_COUPON),
    Reference("coupon_items", ("item_id",), "items", NO_ITEM),
    Reference("offers", ("campaign_id",), "campaigns", NO_CAMPAIGN),
    Reference("offers", ("user_id",), "users", NO_USER),
    Reference("offers", ("coupon_id",), "coupons", NO_COUPON),
    Reference("offers", ("campaign_id", "coupon_id"), "coupon_items", COVERS_NOTHING),
    Reference("purchases", ("user_id",), "users", NO_USER),
    Reference("purchases", ("item_id",), "items", NO_ITEM),
    Reference("redemptions", ("coupon_id",), "coupons", NO_COUPON),
    Reference("redemptions", OFFER, "offers", NEVER_OFFERED),
    Reference("promotions", ("item_id",), "items", NO_ITEM),
)


def types(table: str) -> dict[str, dt.DataType]:
    """Give the columns of a table and their Ibis types, in the order of the schema."""
    return {name: column.dtype.type for name, column in SCHEMAS[table].columns.items()}
