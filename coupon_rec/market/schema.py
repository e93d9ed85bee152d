"""The schema of a market: what a value may be, what tables hold, how they refer to each other.

`data/SCHEMA.md` is generated from it by `data/make_schema.py`.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import ibis.expr.datatypes as dt
from ibis import Column
from ibis.expr.types import BooleanValue

with warnings.catch_warnings():  # of PySpark, which pandera imports where it is installed
    warnings.simplefilter("ignore", FutureWarning)
    import pandera.ibis as pa

from coupon_rec.market.tables import OFFER

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
COUNTED = _check(
    "1 or more",
    lambda column: column > 0,
    "a number of zero or less",
    "count from 1; drop returns and corrections, which are no purchases.",
)
IN_STOCK = _check(
    "0 or more",
    lambda column: column >= 0,
    "a stock below zero",
    "write 0 where nothing is left.",
)
SHARE = _check(
    "above 0, at most 1",
    lambda column: (column > 0) & (column <= 1),
    "a value that is not above 0 and at most 1",
    "write a share, such as 0.25 for 25%; what has happened had a probability above 0.",
)
FROM_0_TO_1 = _check(
    "0 to 1",
    lambda column: column.between(0, 1),
    "a share outside of 0 to 1",
    "write a share, such as 0.25 for 25%.",
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


def _table(
    description: str,
    columns: dict[str, pa.Column],
    key: list[str] | None = None,
    *checks: pa.Check,
) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, checks=list(checks), unique=key, description=description)


CAMPAIGN_ID = identifier("the campaign")
USER_ID = identifier("the user")
COUPON_ID = identifier("the coupon")
ITEM_ID = identifier("the item")
STORE_ID = identifier("the store")
TIME = column(dt.timestamp, "wall-clock time, without a time zone", IN_YEARS)
CHANNEL = optional(dt.string, "where, such as store, web or app")
IN_STORE = optional(dt.int64, "the store; empty for all stores")

TERMS = {
    "face_value": optional(dt.float64, "currency that it takes off a purchase", SOME_MONEY),
    "depth": optional(dt.float64, "share of the price that it takes off", SHARE),
}
DESCRIPTION = {
    "text": optional(dt.string, "what is said about it"),
    "image": optional(dt.string, "path or address of its picture"),
}
OWN_BRAND = "whether it is the retailer's own brand; if not given, the brand `Private` is"
EVENT = {"user_id": USER_ID, "item_id": ITEM_ID, "time": TIME, "channel": CHANNEL}

REQUIRED_TABLES: dict[str, pa.DataFrameSchema] = {
    "users": _table(
        "Who shops: every user of the other tables, with what is known of them.",
        {
            "user_id": USER_ID,
            "age": text("age band", required=False),
            "income": text("income band", required=False),
            "home": text("owner, renter, ...", required=False),
            "marital_status": text("marital status", required=False),
            "household_size": text("persons in the household", required=False),
            "household_comp": text("who they are", required=False),
            "kids": text("children in the household", required=False),
        },
        ["user_id"],
    ),
    "items": _table(
        "What is sold.",
        {
            "item_id": ITEM_ID,
            "manufacturer_id": identifier("who makes it"),
            "department": text("the widest group, such as GROCERY"),
            "brand": text("brand, or kind of brand (National, Private)"),
            "category": text("a narrower group, such as YOGURT"),
            "type": text("the narrowest group"),
            "package_size": text("as printed, such as 6 OZ"),
            "private_label": optional(dt.boolean, OWN_BRAND),
            **DESCRIPTION,
        },
        ["item_id"],
    ),
    "coupons": _table(
        "Which coupons there are, and their terms.",
        {
            "coupon_id": COUPON_ID,
            **TERMS,
            "minimum": optional(dt.float64, "least spend, in currency", NOT_NEGATIVE),
            "shop_share": optional(
                dt.float64,
                "share of what it takes off that the shop pays: 1 all of it, 0 the maker does",
                FROM_0_TO_1,
            ),
            "stackable": optional(dt.boolean, "whether it can be used with another coupon"),
            **DESCRIPTION,
        },
        ["coupon_id"],
        ONE_TERM,
    ),
    "coupon_items": _table(
        "Which items a coupon covers; in each campaign they may be others.",
        {"campaign_id": CAMPAIGN_ID, "coupon_id": COUPON_ID, "item_id": ITEM_ID},
        ["campaign_id", "coupon_id", "item_id"],
    ),
    "campaigns": _table(
        "When coupons were sent and valid.",
        {
            "campaign_id": CAMPAIGN_ID,
            "campaign_type": column(
                dt.string,
                "A (each user gets some coupons of a pool), B or C (each user gets all)",
                KNOWN_TYPE,
            ),
            "start": day("first day on which its coupons are valid"),
            "end": day("last day, inclusive; not before `start`"),
        },
        ["campaign_id"],
        NOT_BEFORE_START,
    ),
    "offers": _table(
        "Which user was offered which coupon in which campaign. Terms are given here where they "
        "differ by user, and then take the place of the coupon's.",
        {
            "campaign_id": CAMPAIGN_ID,
            "user_id": USER_ID,
            "coupon_id": COUPON_ID,
            **TERMS,
            "mailing_propensity": optional(
                dt.float64, "probability that this user would be mailed the campaign", SHARE
            ),
            "coupon_propensity": optional(
                dt.float64, "probability of this coupon, given the mailing", SHARE
            ),
            "position": optional(
                dt.int64, "place in the list in which it was shown, from 1", COUNTED
            ),
            "channel": CHANNEL,
        },
        ["campaign_id", "user_id", "coupon_id"],
        ONE_TERM,
    ),
    "purchases": _table(
        "What was bought, one line of a receipt a row.",
        {
            "user_id": USER_ID,
            "item_id": ITEM_ID,
            "basket_id": identifier("one visit to a store"),
            "store_id": STORE_ID,
            "time": TIME,
            "quantity": column(dt.int64, "units bought, 1 or more", COUNTED),
            "amount": column(
                dt.float64, "currency that the retailer received for the line", NOT_NEGATIVE
            ),
            "retail_discount": discount("currency taken off by the loyalty card"),
            "coupon_discount": discount("currency taken off by a maker's coupon"),
            "coupon_match": discount("currency that the retailer added to a coupon"),
            "channel": CHANNEL,
        },
    ),
    "redemptions": _table(
        "Which offers were used, each at most once.",
        {
            "campaign_id": CAMPAIGN_ID,
            "user_id": USER_ID,
            "coupon_id": COUPON_ID,
            "date": day("day of the redemption, within the campaign"),
        },
        ["campaign_id", "user_id", "coupon_id"],
    ),
}

OPTIONAL_TABLES: dict[str, pa.DataFrameSchema] = {
    "promotions": _table(
        "What the stores put on display or into their mailers, week by week. An item that stood "
        "in several places of a store has a row for each; no two rows are equal.",
        {
            "item_id": ITEM_ID,
            "store_id": STORE_ID,
            "week_start": day("first day of the week"),
            "display": text("where in the store it stood, 0 if nowhere special", default="0"),
            "mailer": text("where in the store's mailer it stood, 0 if not in it", default="0"),
        },
    ),
    "holdouts": _table(
        "Who was kept out of a campaign, or of one of its coupons, by chance. Nobody is held out "
        "of what was offered to them.",
        {
            "campaign_id": CAMPAIGN_ID,
            "user_id": USER_ID,
            "coupon_id": optional(dt.int64, "the coupon; empty for the whole campaign"),
            "propensity": column(dt.float64, "probability of having been held out", SHARE),
        },
        ["campaign_id", "user_id", "coupon_id"],
    ),
    "prices": _table(
        "List prices and unit costs, each from a day on until the item's next row.",
        {
            "item_id": ITEM_ID,
            "date": day("first day of the price"),
            "store_id": IN_STORE,
            "list_price": column(dt.float64, "currency a unit, before any discount", NOT_NEGATIVE),
            "unit_cost": optional(
                dt.float64, "currency that a unit costs the retailer", NOT_NEGATIVE
            ),
        },
        ["item_id", "date", "store_id"],
    ),
    "stock": _table(
        "What was on hand when a day began.",
        {
            "item_id": ITEM_ID,
            "date": day("the day"),
            "store_id": IN_STORE,
            "units": column(dt.int64, "units on hand", IN_STOCK),
        },
        ["item_id", "date", "store_id"],
    ),
    "views": _table("Which item's page was looked at.", EVENT),
    "clicks": _table("Which item was clicked.", EVENT),
    "reviews": _table(
        "What users said about items.",
        {
            **EVENT,
            "rating": column(dt.int64, "stars", STARS),
            "text": optional(dt.string, "the words"),
        },
    ),
    "accounts": _table(
        "The person behind a user, where one person has several accounts.",
        {"user_id": USER_ID, "person_id": identifier("the person")},
        ["user_id"],
    ),
}

SCHEMAS = REQUIRED_TABLES | OPTIONAL_TABLES


def types(table: str, present: Iterable[str] = ()) -> dict[str, dt.DataType]:
    """Give the columns that a table of any market has and their Ibis types, in order.

    Parameters
    ----------
    table : str
        A table of the schema.
    present : iterable of str
        Columns that are there in this market: those of them that the schema lets be left out
        are given as well.
    """
    present = set(present)
    return {
        name: described.dtype.type
        for name, described in SCHEMAS[table].columns.items()
        if name in present or not may_be_missing(described)
    }


@dataclass(frozen=True)
class Reference:
    """The columns of one table must be found together in another.

    A row in which one of the columns is missing names nothing, and breaks no rule.

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


HOMES = {
    "campaign_id": "campaigns",
    "user_id": "users",
    "coupon_id": "coupons",
    "item_id": "items",
}
"""The table that lists each identifier to which others refer."""
COVERED = (("campaign_id", "coupon_id"), "coupon_items")
WITH_OTHERS = {
    ("redemptions", "campaign_id"),
    ("redemptions", "user_id"),
    ("holdouts", "coupon_id"),
}
"""Columns that are looked up together with others of their table."""
REFERENCES = (
    *(
        Reference(table, (column,), HOMES[column], f"an unknown {column[:-3]}")
        for table, schema in SCHEMAS.items()
        for column in schema.columns
        if HOMES.get(column, table) != table and (table, column) not in WITH_OTHERS
    ),
    Reference("offers", *COVERED, "a coupon that covers no item in its campaign"),
    Reference("holdouts", *COVERED, "a coupon that covers no item in its campaign"),
    Reference(
        "redemptions",
        OFFER,
        "offers",
        "a coupon that was never offered to this user in this campaign",
    ),
)
