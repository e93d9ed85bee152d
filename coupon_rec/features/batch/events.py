"""What every part of the offers table begins with: items, purchase lines, who was mailed when.

A table with an alias is in the query once, under that name, however often it is used.
"""

import ibis
from ibis import Table, _

from coupon_rec.features.catalog import MILLIONTHS
from coupon_rec.market import Market

MONEY = ("amount", "retail_discount", "coupon_discount")


def decayed(age: ibis.expr.types.Value, days: float) -> ibis.expr.types.Value:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return (-(age.cast("float64")) / float(days)).exp()


def coded_items(market: Market) -> Table:
    """The items, with a number for each category: numbers are quicker to group by than text."""
    return market.items.select(
        "item_id",
        "manufacturer_id",
        category=ibis.dense_rank().over(order_by="category"),
        private=private_label(market.items),
    ).alias("coded_items")


def private_label(items: Table) -> ibis.expr.types.Value:
    """Whether each item is the retailer's own brand: as the market says, or else by its name."""
    named = items.brand == "Private"
    has = "private_label" in items.columns
    return items.private_label.fill_null(named) if has else named


def first_by(*order: ibis.expr.types.Value) -> ibis.expr.types.Value:
    """Sort the rows of a group by some values, and give the last of these in the first row.

    `first_by(-_.lines, _.item_id)` is the item with the most lines, and of several such items the
    one with the least identifier.
    """
    least = ibis.struct({str(i): value for i, value in enumerate(order)}).min()
    return least[str(len(order) - 1)]


def purchase_lines(market: Market) -> Table:
    """The purchases with what their items are, their day, and money in whole millionths.

    Sums of integers do not depend on the order of the rows; sums of decimals do.
    """
    money = {
        column: (market.purchases[column] * MILLIONTHS).round().cast("int64") for column in MONEY
    }
    purchases = market.purchases.select(
        "user_id", "item_id", "basket_id", "quantity", day=_.time.date(), **money
    )
    return purchases.join(coded_items(market), "item_id")


def mailed(market: Market) -> Table:
    """One row for each campaign and user it was mailed to, with the campaign's `start`, `end`."""
    users = market.offers.select("campaign_id", "user_id").distinct()
    campaigns = market.campaigns.select("campaign_id", "start", "end")
    return users.join(campaigns, "campaign_id").alias("mailed_users")


def before_campaigns(market: Market, events: Table) -> Table:
    """Each event of a mailed user, once for each later campaign mailed to that user.

    Parameters
    ----------
    market : Market
        Says who was mailed, and when.
    events : ibis.Table
        With columns `user_id` and `day`; and `campaign_id`, if each concerns one campaign only.

    Returns
    -------
    ibis.Table
        The columns of `events` and `campaign_id`, `start` and `age`: whole days from the event to
        the campaign's start, at least 1.
    """
    users = mailed(market).drop("end")
    key = [column for column in ("campaign_id", "user_id") if column in events.columns]
    return events.join(users, [*key, events.day < users.start]).mutate(
        age=_.start.delta(_.day, unit="day")
    )
