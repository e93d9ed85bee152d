"""From a market to its offers table: one Ibis expression graph, on DuckDB or on Spark.

Every feature of an offer uses only events strictly before the first day of its campaign.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import ibis
import pandas as pd
from ibis import Deferred, Table, _
from ibis.expr.operations import InMemoryTable
from ibis.util import gen_name

from coupon_rec.features.batch.appetite import appetites, coupon_tastes, kind_side
from coupon_rec.features.batch.coupons import COUPON_KEY, coupon_tables
from coupon_rec.features.batch.frame import joined_frame
from coupon_rec.features.batch.money import history_tables, money_columns, own_discounts
from coupon_rec.features.batch.users import (
    USER_KEY,
    WALLET,
    labels,
    match_tables,
    offer_tables,
    user_tables,
)
from coupon_rec.features.catalog import (
    DIGITS,
    MILLIONTHS,
    MISSING,
    NAMES,
    NEVER,
    OPTIONAL_NAMES,
    TASTES,
    TRIED_NAMES,
    USUAL,
    WORTH,
)
from coupon_rec.features.encoder import LABELS
from coupon_rec.market import Market
from coupon_rec.market.categories import OWN, USER_CATEGORIES
from coupon_rec.market.schema import SCHEMAS
from coupon_rec.market.tables import OFFER

RANKS = {"user_spend_per_week": "user_spend_rank", "match_wallet_share": "match_wallet_rank"}
"""The features that are ranked among all users of a campaign, and their ranks."""
BUCKETS = 100
"""Buckets in a unit of what is ranked: each holds at most 10,000 different values."""
ABOUT = ("campaign_type", "start", "item_id", *USER_CATEGORIES, "department", *WORTH)
TAKEN = {*MISSING, *WALLET}
MONEY = ("amount", "retail_discount", "coupon_discount")
Keep = Callable[[Table, str], Table]


class Goods(NamedTuple):
    """What is known of what is on offer, whoever the user is.

    Attributes
    ----------
    kinds, coupons : ibis.Table
        What `kind_side` and `coupon_side` give: one row for each campaign and kind of item, or
        coupon.
    """

    kinds: Table
    coupons: Table


def build_offers(market: Market, goods: Goods | None = None) -> Table:
    """Build the offers table: one row for each offer, its features and its labels.

    Parameters
    ----------
    market : Market
        On any Ibis backend; the table is evaluated there, when asked for. Only what users like of
        each kind of item is learned at once.
    goods : Goods, optional
        What is known of kinds and coupons, if it is of another day than the campaigns of `market`.

    Returns
    -------
    ibis.Table
        The key (`campaign_id`, `user_id`, `coupon_id`); the campaign's `campaign_type` and
        `start`; `item_id`, the coupon's item that this user bought last or else the one that
        sells best; the user's demographics; the coupon's main `department`; what decisions count
        with, `WORTH` of `coupon_rec.features.catalog`; the features of
        `coupon_rec.features.FEATURES` and `TRIED_FEATURES`, and those of `OPTIONAL_FEATURES`
        that the market has the histories or terms for; its own columns of users and coupons; and
        the labels `bought` (an item of the coupon within the campaign's days) and `redeemed`, 0 or
        1.
    """
    return finished(known_offers(market, goods), market).order_by(*OFFER)


def offers_frame(market: Market) -> pd.DataFrame:
    """Build the offers table as a pandas frame, for the models and the chapters.

    It equals `build_offers(market).to_pandas()`, for less work: what several parts use is computed
    once, and no wide row is joined or sorted. While one part is put into the frame, the engine
    computes the next.

    Parameters
    ----------
    market : Market
        On any Ibis backend; only DuckDB computes it in parts.

    Returns
    -------
    pandas.DataFrame
        The columns of `build_offers`, sorted by the key; `start` in whole seconds.

    Examples
    --------
    >>> from coupon_rec.simulation import simulate_market
    >>> offers = offers_frame(simulate_market(users=20, seed=0).market)
    >>> offers[["campaign_id", "user_id", "coupon_id", "bought", "redeemed"]].head(2)
       campaign_id  user_id  coupon_id  bought  redeemed
    0            1       11         15       0         0
    1            1       11         24       0         0
    """
    if market.offers.get_backend().name != "duckdb":
        return build_offers(market).to_pandas()
    with ExitStack() as kept:
        tables = parts(market, lambda table, _: _stored(table, kept))
        for name in _in_memory(tables) - _in_memory(market.tables().values()):
            kept.callback(market.offers.get_backend().con.unregister, name)
        columns = _columns({name for table in tables for name in table.columns}, market)
        return joined_frame(market.offers.select(*OFFER), tables)[columns]


def _stored(table: Table, kept: ExitStack) -> Table:
    """Evaluate a table once on DuckDB, and have its rows until the stack is left.

    The rows of a user lie side by side, so that what is counted for each user stays in the cache.
    """
    table = table.order_by("user_id") if "user_id" in table.columns else table
    backend, name = table.get_backend(), gen_name("stored")
    stored = backend.create_table(name, table, temp=True)
    kept.callback(backend.raw_sql, f"DROP TABLE {name}")
    return stored


def _in_memory(tables: Iterable[Table]) -> set[str]:
    """The tables of Python that some tables are made of; ibis leaves their names in the engine."""
    return {found.name for table in tables for found in table.op().find(InMemoryTable)}


def known_offers(market: Market, goods: Goods | None = None, keep: Keep = Table.alias) -> Table:
    """Join what is known of each offer; `finished` makes rows of the offers table of it."""
    return _joined(market.offers.select(*OFFER), *parts(market, keep, goods))


def finished(offers: Table, market: Market) -> Table:
    """The columns of the offers table, with what stands for "nothing known"."""
    columns = _columns(offers.columns, market)
    features = {
        name: _[name].fill_null(MISSING[name]).cast("float32")
        for name in columns
        if name in MISSING
    }
    labels = {name: _[name].fill_null(0).cast("int8") for name in LABELS}
    return offers.mutate(**features, **labels).select(*columns)


def _columns(there: Collection[str], market: Market) -> list[str]:
    """The columns of an offers table, with those of the optional features that are there."""
    optional = [name for name in OPTIONAL_NAMES if name in there]
    own = _own_columns(market, "users", "coupons")
    return [*OFFER, *ABOUT, *NAMES, *TRIED_NAMES, *optional, *own, *LABELS]


def _own_columns(market: Market, *tables: str) -> list[str]:
    """The columns that a market's `users` or `coupons` have beyond the schema."""
    own = []
    for table in tables:
        schema = SCHEMAS[table].columns
        columns = [name for name in getattr(market, table).columns if name.startswith(OWN[table])]
        names = [name for name in columns if name not in schema]
        if taken := [name for name in names if name in TAKEN]:
            raise ValueError(
                f"{table} ({', '.join(taken)}): a column of your own with the name of a feature; "
                "rename it"
            )
        own += names
    return own


def parts(market: Market, keep: Keep, goods: Goods | None = None) -> list[Table]:
    """What is known of offers, part by part; a later part counts where two know a column.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    keep : callable
        Is given each table that several parts use, and a name, and gives it back: as a named
        part of one query, or evaluated.
    goods : Goods, optional
        As in `build_offers`.

    Returns
    -------
    list of ibis.Table
        Rows with a part of an offer's key, or all of it, and columns of the offers table without
        nulls.
    """
    items = coded_items(market)
    lines = keep(purchase_lines(market), "purchase_lines")
    outcomes = keep(labels(market), "outcomes")
    of_users = user_tables(market, lines, outcomes)
    kinds, coupons = known_goods(market, lines, items) if goods is None else goods
    coupons = keep(coupons, "coupon_side")
    users = keep(user_side(market, of_users), "user_side")
    of_matches = match_tables(market, lines, items, users.select(*USER_KEY, *WALLET))
    of_offers = offer_tables(market)
    bought, *near = (
        tidy(table, *({"item_id", "match_price"} & {*table.columns})) for table in of_matches
    )
    bought = keep(bought, "item_side")
    tastes = coupons.select(*COUPON_KEY, USUAL, *TASTES)
    return [
        coupons.drop(USUAL, *TASTES),
        users.drop(*WALLET),
        spend_rank(users),
        _priced(bought, coupons),
        match_ranks(market, bought),
        *near,
        tidy(appetites(market, lines, kinds, tastes)),
        *of_offers,
        outcomes,
        *own_discounts(market, coupons),
    ]


def coded_items(market: Market) -> Table:
    """The items, with a number for each category: numbers are quicker to group by than text."""
    private = market.items.brand == "Private"
    if "private_label" in market.items.columns:
        private = market.items.private_label.fill_null(private)
    return market.items.select(
        "item_id",
        "manufacturer_id",
        category=ibis.dense_rank().over(order_by="category"),
        private=private,
    ).alias("coded_items")


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


def user_side(market: Market, tables: Sequence[Table]) -> Table:
    """One row for each campaign and user mailed, of what `user_tables` gives."""
    own = _own_columns(market, "users")
    return tidy(_joined(*tables), *USER_CATEGORIES, *own, *WALLET)


def known_goods(market: Market, lines: Table, items: Table) -> Goods:
    """What was known of kinds of items, and of coupons, before each campaign."""
    mailed = market.campaigns.semi_join(market.offers, "campaign_id")
    kinds = kind_side(market, lines, mailed)
    return Goods(kinds, coupon_side(market, lines, items, kinds))


def coupon_side(market: Market, lines: Table, items: Table, kinds: Table) -> Table:
    """One row for each campaign and coupon: what was known of it, `list_price`, and its tastes."""
    own = _own_columns(market, "coupons")
    tables = [*coupon_tables(market, lines, items), coupon_tastes(market, lines, kinds)]
    coupons = _joined(*tables, *history_tables(market, lines))
    popularity = _known("item_popularity", coupons.item_popularity)
    rank = ibis.percent_rank().over(group_by="campaign_id", order_by=popularity).round(DIGITS)
    return tidy(
        coupons,
        "campaign_type",
        "start",
        *own,
        "item_id",
        department=_.department.fill_null("unknown"),
        item_popularity_rank=rank,
        **money_columns(coupons),
        **{name: _[name].fill_null(0.0) for name in (USUAL, *TASTES)},
    )


def _priced(items: Table, coupons: Table) -> Table:
    """Compare what users paid for a coupon's items with the usual price."""
    priced = items.left_join(coupons.select(*COUPON_KEY, usual_price="item_price"), COUPON_KEY)
    ratio = _known("match_price_ratio", _.match_price / _.usual_price.nullif(0))
    return tidy(priced, "item_id", match_price_ratio=ratio)


def spend_rank(users: Table) -> Table:
    """Rank the users of each campaign by what they spend a week."""
    ranks = ranks_of_values(users, "user_spend_per_week", users)
    ranked = users.left_join(ranks, ["campaign_id", "user_spend_per_week"])
    return ranked.select(*USER_KEY, user_spend_rank=_.user_spend_rank.fill_null(0.0))


def match_ranks(market: Market, bought: Table) -> Table:
    """Rank the offers of each user, and their wallet shares among all of the campaign."""
    shares = bought.semi_join(market.offers, OFFER)
    wallets = ranks_of_values(shares, "match_wallet_share", market.offers)

    def rank(name: str) -> Deferred:
        value = _[name].fill_null(MISSING[name])
        return ibis.percent_rank().over(group_by=USER_KEY, order_by=value).round(DIGITS)

    return (
        market.offers.select(*OFFER)
        .left_join(bought.drop("item_id"), OFFER)
        .left_join(wallets, ["campaign_id", "match_wallet_share"])
        .select(
            *OFFER,
            match_rank=rank("match_decayed_45"),
            match_wallet_rank=_.match_wallet_rank.fill_null(0.0),
            match_recency_rank=rank("match_recency"),
        )
    )


def ranks_of_values(table: Table, column: str, everyone: Table) -> Table:
    """The rank, from 0 to 1, of each distinct value above 0 of a column within a campaign.

    Rows with equal values share a rank, so distinct values are ranked: first the narrow buckets
    that they fall into, of which a campaign has few, then the values of each bucket by themselves.
    So no single task of a cluster has to count every row.

    Parameters
    ----------
    table : ibis.Table
        With `campaign_id` and the column, rounded. Rows with other values need not be in it: they
        rank 0.
    column : str
        What is ranked, one of `RANKS`.
    everyone : ibis.Table
        The rows that are compared, zeros included, by their `campaign_id`.

    Returns
    -------
    ibis.Table
        `campaign_id`, the column and its rank: the share of the other rows that lie below.
    """
    sizes = everyone.group_by("campaign_id").aggregate(of_campaign=_.count())
    values = (
        table.filter(_[column] > 0)
        .group_by("campaign_id", column)
        .aggregate(rows=_.count())
        .mutate(bucket=(_[column] * BUCKETS).floor())
    )
    buckets = values.group_by("campaign_id", "bucket").aggregate(rows_of_bucket=_.rows.sum())
    upto = _.rows_of_bucket.sum().over(
        group_by="campaign_id", order_by=ibis.desc("bucket"), rows=(None, 0)
    )
    higher = buckets.mutate(higher=upto - _.rows_of_bucket).drop("rows_of_bucket")
    least = _.rows.sum().over(
        group_by=["campaign_id", "bucket"], order_by=ibis.desc(column), rows=(None, 0)
    )
    below = _.of_campaign - _.higher - least
    rank = (below / (_.of_campaign - 1).nullif(0)).fill_null(0.0).round(DIGITS)
    return (
        values.join(higher, ["campaign_id", "bucket"])
        .join(sizes, "campaign_id")
        .select("campaign_id", column, rank.name(RANKS[column]))
    )


def _joined(table: Table, *others: Table) -> Table:
    """Join tables by what they have of an offer's key; the last to know a value counts."""
    for other in others:
        key = [name for name in OFFER if name in other.columns and name in table.columns]
        both = [name for name in other.columns if name in table.columns and name not in key]
        table = table.left_join(other, key, rname="later_{name}")
        later = {name: ibis.coalesce(table[f"later_{name}"], table[name]) for name in both}
        table = table.mutate(**later) if both else table
        table = table.drop([name for name in table.columns if name.startswith("later_")])
    return table


def _known(name: str, value: ibis.expr.types.Value) -> ibis.expr.types.Value:
    """Round a feature, cap it if it is a recency, fill in what stands for "nothing known"."""
    value = value.cast("float64").round(DIGITS)
    value = ibis.least(value, NEVER) if MISSING[name] == NEVER else value
    return value.fill_null(MISSING[name])


def tidy(table: Table, *others: str, **more: ibis.expr.types.Value | Deferred) -> Table:
    """The key of a table, its features, each made known, and what else is named."""
    key = [column for column in OFFER if column in table.columns]
    features = {name: _known(name, table[name]) for name in MISSING if name in table.columns}
    return table.select(*key, *others, **features, **more)
