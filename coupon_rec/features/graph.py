"""From a market to its offers table: one Ibis expression graph, on DuckDB or on Spark.

Every feature of an offer uses only events strictly before the first day of its campaign.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import ibis
from ibis import Table, _

from coupon_rec.features import match, sides
from coupon_rec.features.catalog import FEATURES, NAMES, NEVER, USER_CATEGORIES
from coupon_rec.market import Market

OFFER = ("campaign_id", "user_id", "coupon_id")
USER = ("campaign_id", "user_id")
COUPON = ("campaign_id", "coupon_id")
DIGITS = 6
"""Decimals kept. Engines add in different orders; rounded values agree, and so do their ranks."""


def build_offers(market: Market) -> Table:
    """Build the offers table: one row for each offer, its features and its labels.

    Parameters
    ----------
    market : Market
        On any Ibis backend; the table is evaluated there, when asked for.

    Returns
    -------
    ibis.Table
        The key (`campaign_id`, `user_id`, `coupon_id`); the campaign's `campaign_type` and
        `start`; `item_id`, the coupon's item that this user bought last or else the one that
        sells best; the user's demographics; the coupon's main `department`; `spend_per_line`,
        what one purchase of the coupon's items brings, in currency; the features of
        `coupon_rec.features.FEATURES`; and the labels `bought` (an item of the coupon within
        the campaign's days) and `redeemed`, 0 or 1.
    """
    past = sides.past_purchases(market)
    users = user_side(market, past)
    matches = match_side(market, past, users)
    offers = _joined(matches, USER, [users])
    offers = _joined(offers, COUPON, [coupon_side(market)])
    offers = _joined(offers, OFFER, [match.labels(market)])
    return (
        offers.mutate(
            item_id=ibis.coalesce(_.item_bought_last, _.item_sold_most),
            match_price_ratio=_known("match_price_ratio", _.match_price / _.item_price.nullif(0)),
            bought=ibis.greatest(_.bought, _.redeemed).fill_null(0).cast("int8"),
            redeemed=_.redeemed.fill_null(0).cast("int8"),
        )
        .select(
            *OFFER,
            "campaign_type",
            "start",
            "item_id",
            *USER_CATEGORIES,
            "department",
            "spend_per_line",
            *(_[name].cast("float32").name(name) for name in NAMES),
            "bought",
            "redeemed",
        )
        .order_by(*OFFER)
    )


def user_side(market: Market, past: Table) -> Table:
    """One row for each campaign and user mailed: demographics, habits, earlier redemptions."""
    mailed = market.offers.select(*USER).distinct().join(market.users, "user_id")
    habits = [sides.user_habits(market, past), sides.user_redemptions(market)]
    return _complete(_joined(mailed, USER, habits)).mutate(
        user_spend_rank=_rank("user_spend_per_week", "campaign_id")
    )


def coupon_side(market: Market) -> Table:
    """One row for each campaign and coupon: contents, sales, promotions, earlier success."""
    coupons = (
        market.offers.select(*COUPON)
        .distinct()
        .join(market.campaigns, "campaign_id")
        .mutate(coupon_days=_.end.delta(_.start, unit="day") + 1)
    )
    tables = [
        sides.coupon_contents(market),
        sides.coupon_sales(market),
        sides.coupon_promotions(market),
        sides.coupon_success(market),
    ]
    coupons = _joined(coupons, COUPON, tables).mutate(
        coupon_discount_share=_.coupon_discount / _.item_price.nullif(0),
        department=_.department.fill_null("unknown"),
        spend_per_line=_.spend_per_line.fill_null(0.0).round(DIGITS),
    )
    return _complete(coupons).mutate(item_popularity_rank=_rank("item_popularity", "campaign_id"))


def match_side(market: Market, past: Table, users: Table) -> Table:
    """One row for each offer: what the user did with these items, categories, manufacturers."""
    spends = users.select(*USER, "user_weeks", "user_spend")
    tables = [
        match.item_match(market, past),
        match.category_match(market, past),
        match.brand_match(market, past),
        match.seen_before(market),
    ]
    offers = _joined(market.offers.join(spends, USER), OFFER, tables).mutate(
        match_lines_per_week=_.match_lines / _.user_weeks,
        match_spend_per_week=_.match_spend / _.user_weeks,
        match_wallet_share=_.match_spend / _.user_spend.nullif(0),
        match_category_share=_.category_spend / _.user_spend.nullif(0),
        match_brand_share=_.brand_spend / _.user_spend.nullif(0),
    )
    return (
        _complete(offers)
        .mutate(
            match_rank=_rank("match_decayed_45", *USER),
            match_recency_rank=_rank("match_recency", *USER),
            match_wallet_rank=_rank("match_wallet_share", "campaign_id"),
        )
        .drop("user_weeks", "user_spend")
    )


def _joined(table: Table, key: Sequence[str], others: Iterable[Table]) -> Table:
    def join(left: Table, right: Table) -> Table:
        return left.left_join(right, key).drop(*(f"{column}_right" for column in key))

    return reduce(join, others, table)


def _known(name: str, value: ibis.expr.types.Value) -> ibis.expr.types.Value:
    """Round a feature, cap a recency, and fill in what stands for "nothing known"."""
    missing = next(feature.missing for feature in FEATURES if feature.name == name)
    known = value.cast("float64").round(DIGITS).fill_null(float(missing))
    return ibis.least(known, NEVER) if missing == NEVER else known


def _complete(table: Table) -> Table:
    ready = [name for name in NAMES if name in table.columns]
    return table.mutate(**{name: _known(name, table[name]) for name in ready})


def _rank(column: str, *within: str) -> ibis.expr.types.Value:
    """Rank within a campaign, or within a user's coupons of a campaign, from 0 to 1."""
    return ibis.percent_rank().over(group_by=within, order_by=column).round(DIGITS)
