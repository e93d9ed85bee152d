"""From a market to its offers table: one Ibis expression graph, on DuckDB or on Spark.

Every feature of an offer uses only events strictly before the first day of its campaign.
"""

import ibis
import pandas as pd
import pyarrow
from ibis import Deferred, Table, _

from coupon_rec.features.batch import histories, match, sides
from coupon_rec.features.catalog import DIGITS, FEATURES, NAMES, NEVER, OPTIONAL_FEATURES
from coupon_rec.market import Market
from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.market.converting import OWN

OFFER = ("campaign_id", "user_id", "coupon_id")
USER = ("campaign_id", "user_id")
COUPON = ("campaign_id", "coupon_id")


def build_offers(market: Market, coupons: Table | None = None) -> Table:
    """Build the offers table: one row for each offer, its features and its labels.

    Parameters
    ----------
    market : Market
        On any Ibis backend; the table is evaluated there, when asked for.
    coupons : ibis.Table, optional
        The coupon side, if it is of another day than the campaigns of `market`: what
        `coupon_side` gave then.

    Returns
    -------
    ibis.Table
        The key (`campaign_id`, `user_id`, `coupon_id`); the campaign's `campaign_type` and
        `start`; `item_id`, the coupon's item that this user bought last or else the one that
        sells best; the user's demographics; the coupon's main `department`; `spend_per_line`,
        what one purchase of the coupon's items brings, in currency; the features of
        `coupon_rec.features.FEATURES`, and those of `OPTIONAL_FEATURES` that the market has the
        histories or terms for; its own columns of users and coupons; and the labels `bought` (an
        item of the coupon within the campaign's days) and `redeemed`, 0 or 1.
    """
    return finished(known_offers(market, coupons), market).order_by(*OFFER)


def known_offers(market: Market, coupons: Table | None = None) -> Table:
    """Join what is known of each offer; `finished` makes rows of the offers table of it."""
    lines = sides.purchase_lines(market).alias("purchase_lines")
    users = user_side(market, lines)
    coupons = coupon_side(market, lines) if coupons is None else coupons
    return _joined(*match_side(market, lines, users), match.labels(market), users, coupons)


def finished(offers: Table, market: Market) -> Table:
    """The columns of the offers table, with what stands for "nothing known"."""
    values: dict[str, ibis.Value | Deferred] = {name: _[name] for name in NAMES}
    values |= histories.known_histories(offers)
    values = {name: value.fill_null(MISSING[name]) for name, value in values.items()}
    price_ratio = _.match_price / _.item_price.nullif(0)
    values["match_price_ratio"] = _known("match_price_ratio", price_ratio)
    return offers.select(
        *OFFER,
        "campaign_type",
        "start",
        ibis.coalesce(_.item_bought_last, _.item_sold_most).name("item_id"),
        *USER_CATEGORIES,
        "department",
        "spend_per_line",
        **{name: value.cast("float32") for name, value in values.items()},
        **{name: _[name] for table in OWN for name in histories.own_columns(market, table)},
        bought=ibis.greatest(_.bought, _.redeemed).fill_null(0).cast("int8"),
        redeemed=_.redeemed.fill_null(0).cast("int8"),
    )


def offers_frame(market: Market) -> pd.DataFrame:
    """Build the offers table as a pandas frame, for the models and the chapters.

    It equals `build_offers(market).to_pandas()`, in three quarters of the time: Arrow columns
    become pandas columns at once, where Ibis converts one after the other.

    Parameters
    ----------
    market : Market
        On any Ibis backend, which evaluates the table.

    Returns
    -------
    pandas.DataFrame
        The columns of `build_offers`, sorted by the key; `start` in whole seconds.
    """
    table = build_offers(market).to_pyarrow()
    pool = pyarrow.system_memory_pool()  # Arrow's own takes fresh pages, and half a second
    frame = table.to_pandas(date_as_object=False, memory_pool=pool)
    return frame.astype({"start": "datetime64[s]"})


def user_side(market: Market, lines: Table) -> Table:
    """One row for each campaign and user mailed: demographics, habits, earlier redemptions."""
    mailed = market.offers.select(*USER).distinct().join(market.users, "user_id")
    habits = [sides.user_habits(market, lines), sides.user_redemptions(market)]
    users = _joined(mailed, *habits, *histories.user_histories(market))
    rank = _rank(users, "user_spend_per_week")
    own = histories.own_columns(market, "users")
    return _tidy(users, *USER_CATEGORIES, *own, *match.WALLET, user_spend_rank=rank)


def coupon_side(market: Market, lines: Table) -> Table:
    """One row for each campaign and coupon: contents, sales, promotions, earlier success."""
    coupons = (
        market.offers.select(*COUPON)
        .distinct()
        .join(market.campaigns, "campaign_id")
        .mutate(coupon_days=_.end.delta(_.start, unit="day") + 1)
    )
    tables = [
        sides.coupon_contents(market),
        sides.coupon_sales(market, lines),
        sides.coupon_promotions(market),
        sides.coupon_success(market),
        *histories.coupon_histories(market),
    ]
    coupons = _joined(coupons, *tables)
    return _tidy(
        coupons,
        "campaign_type",
        "start",
        "item_sold_most",
        *histories.own_columns(market, "coupons"),
        department=_.department.fill_null("unknown"),
        spend_per_line=_.spend_per_line.fill_null(0.0).round(DIGITS),
        item_popularity_rank=_rank(coupons, "item_popularity"),
    )


def match_side(market: Market, lines: Table, users: Table) -> list[Table]:
    """The offers with their ranks, and what each user did with these items, categories, makers."""
    past = sides.before_campaigns(market, lines)
    wallets = users.select(*USER, *match.WALLET)
    items = match.item_match(market, lines, wallets)
    items = _ranked(market.offers, _tidy(items, "match_price", "item_bought_last"))
    others = items.select(*USER, "rank_of_others").distinct()
    offers = _joined(market.offers, others, items.drop("rank_of_others"))
    return [
        offers.mutate(
            match_recency_rank=ibis.coalesce(_.match_recency_rank, _.rank_of_others)
        ).drop("rank_of_others"),
        _tidy(match.category_match(market, past, wallets)),
        _tidy(match.brand_match(market, past, wallets)),
        match.seen_before(market),
        *map(_tidy, histories.match_histories(market)),
        *histories.offer_terms(market),
    ]


def _ranked(offers: Table, items: Table) -> Table:
    """Rank the offers whose items the user bought, without sorting the many others.

    The others tie. By purchases and by share of the wallet they come first, with rank 0; by
    recency they come last, with the rank `rank_of_others`.
    """
    sizes = offers.group_by(USER).aggregate(of_user=_.count())
    sizes = sizes.mutate(of_campaign=_.of_user.sum().over(group_by="campaign_id"))
    last = (_.of_user - 1).nullif(0)
    recent = (_.match_recency < NEVER).sum().over(group_by=USER)
    offered = offers.join(items, OFFER).join(sizes, USER)
    return offered.mutate(
        match_rank=_rank_above_others(_.match_decayed_45, _.of_user, *USER),
        match_wallet_rank=_rank_above_others(_.match_wallet_share, _.of_campaign, "campaign_id"),
        match_recency_rank=(_rows_below(_.match_recency, *USER) / last).round(DIGITS),
        rank_of_others=(recent / last).round(DIGITS),
    )


def _rank_above_others(value: Deferred, offers: Deferred, *within: str) -> Deferred:
    """The rank, from 0 to 1, of positive values among so many offers, all others being 0."""
    others = offers - value.count().over(group_by=within)
    rank = (others + _rows_below(value, *within)) / (offers - 1).nullif(0)
    return ibis.ifelse(value > 0, rank, 0.0).round(DIGITS)


def _rows_below(value: Deferred, *within: str) -> ibis.expr.types.Value:
    return ibis.rank().over(group_by=within, order_by=value)


def _joined(table: Table, *others: Table) -> Table:
    """Join tables by those columns of an offer's key that they have."""
    for i, other in enumerate(others):
        key = [column for column in OFFER if column in other.columns]
        table = table.left_join(other, key, rname=f"{{name}}_{i}")
    return table


MISSING = {each.name: float(each.missing) for each in (*FEATURES, *OPTIONAL_FEATURES)}


def _known(name: str, value: ibis.expr.types.Value) -> ibis.expr.types.Value:
    """Round a feature, cap it if it is a recency, fill in what stands for "nothing known"."""
    value = value.cast("float64").round(DIGITS)
    value = ibis.least(value, NEVER) if MISSING[name] == NEVER else value
    return value.fill_null(MISSING[name])


def _tidy(table: Table, *others: str, **more: ibis.expr.types.Value | Deferred) -> Table:
    """The key of a table, its features, each made known, and what else is named."""
    key = [column for column in OFFER if column in table.columns]
    known = {name: _known(name, table[name]) for name in MISSING if name in table.columns}
    return table.select(*key, *others, **known, **more)


def _rank(table: Table, name: str) -> ibis.expr.types.Value:
    """The rank of a feature within a campaign, from 0 to 1."""
    value = _known(name, table[name])
    return ibis.percent_rank().over(group_by="campaign_id", order_by=value).round(DIGITS)
