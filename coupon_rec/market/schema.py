"""The schema of a market: what each table and column must look like.

`rules` says what a value must be, `references` how tables refer to each other, and
`data/SCHEMA.md` is generated from all three by `data/make_schema.py`.
"""

from collections.abc import Iterable

import ibis.expr.datatypes as dt

from coupon_rec.market import rules
from coupon_rec.market._pandera import pa
from coupon_rec.market.rules import column, day, discount, identifier, optional, text


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
TIME = column(dt.timestamp, "wall-clock time, without a time zone", rules.IN_YEARS)
CHANNEL = optional(dt.string, "where, such as store, web or app")
IN_STORE = optional(dt.int64, "the store; empty for all stores")

TERMS = {
    "face_value": optional(dt.float64, "currency that it takes off a purchase", rules.SOME_MONEY),
    "depth": optional(dt.float64, "share of the price that it takes off", rules.SHARE_OFF),
}
DESCRIPTION = {
    "text": optional(dt.string, "what is said about it"),
    "image": optional(dt.string, "path or address of its picture"),
}
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
            "private_label": optional(
                dt.boolean,
                "whether it is the retailer's own brand; where this is not given, "
                "the brand `Private` is",
            ),
            **DESCRIPTION,
        },
        ["item_id"],
    ),
    "coupons": _table(
        "Which coupons there are, and their terms.",
        {
            "coupon_id": COUPON_ID,
            **TERMS,
            "minimum": optional(dt.float64, "least spend, in currency", rules.NOT_NEGATIVE),
            "stackable": optional(dt.boolean, "whether it can be used with another coupon"),
            **DESCRIPTION,
        },
        ["coupon_id"],
        rules.ONE_TERM,
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
                rules.KNOWN_TYPE,
            ),
            "start": day("first day on which its coupons are valid"),
            "end": day("last day, inclusive; not before `start`"),
        },
        ["campaign_id"],
        rules.NOT_BEFORE_START,
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
                dt.float64,
                "probability that this user would be mailed the campaign",
                rules.PROBABILITY,
            ),
            "coupon_propensity": optional(
                dt.float64, "probability of this coupon, given the mailing", rules.PROBABILITY
            ),
            "position": optional(
                dt.int64, "place in the list in which it was shown, from 1", rules.PLACE
            ),
            "channel": CHANNEL,
        },
        ["campaign_id", "user_id", "coupon_id"],
        rules.ONE_TERM,
    ),
    "purchases": _table(
        "What was bought, one line of a receipt a row.",
        {
            "user_id": USER_ID,
            "item_id": ITEM_ID,
            "basket_id": identifier("one visit to a store"),
            "store_id": STORE_ID,
            "time": TIME,
            "quantity": column(dt.int64, "units bought, 1 or more", rules.POSITIVE),
            "amount": column(
                dt.float64, "currency that the retailer received for the line", rules.NOT_NEGATIVE
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
            "propensity": column(
                dt.float64, "probability of having been held out", rules.PROBABILITY
            ),
        },
        ["campaign_id", "user_id", "coupon_id"],
    ),
    "prices": _table(
        "List prices and unit costs, each from a day on until the item's next row.",
        {
            "item_id": ITEM_ID,
            "date": day("first day of the price"),
            "store_id": IN_STORE,
            "list_price": column(
                dt.float64, "currency a unit, before any discount", rules.NOT_NEGATIVE
            ),
            "unit_cost": optional(
                dt.float64, "currency that a unit costs the retailer", rules.NOT_NEGATIVE
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
            "units": column(dt.int64, "units on hand", rules.IN_STOCK),
        },
        ["item_id", "date", "store_id"],
    ),
    "views": _table("Which item's page was looked at.", EVENT),
    "clicks": _table("Which item was clicked.", EVENT),
    "reviews": _table(
        "What users said about items.",
        {
            **EVENT,
            "rating": column(dt.int64, "stars", rules.STARS),
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
        if name in present or not rules.may_be_missing(described)
    }
