"""What was known of each coupon and its items before its campaign."""

import ibis
from ibis import Deferred, Table, _

from coupon_rec.features.catalog import MILLIONTHS, PRIOR_OFFERS, PRIOR_REDEMPTIONS
from coupon_rec.market import Market

COUPON_KEY = ("campaign_id", "coupon_id")
TERMS = ("depth", "face_value", "minimum")
SEASON = 56
"""Days before the start in which items are counted and priced."""
LATELY = 14
PROMOTION_WEEKS = 4
PRIOR_REVIEWS = 5
"""Ratings are shrunk as if so many more reviews with the mean of all items had been seen."""


def coupon_tables(market: Market, lines: Table, items: Table) -> list[Table]:
    """What was known of each coupon of each campaign: one row each, in several tables.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines, items : ibis.Table
        What was bought and sold there, as `purchase_lines` and `coded_items` give it.
    """
    campaigns = market.campaigns.mutate(coupon_days=_.end.delta(_.start, unit="day") + 1)
    tables = [
        market.offers.select(*COUPON_KEY).distinct().join(campaigns, "campaign_id"),
        _contents(market, items),
        _sales(market, lines),
        _promotions(market),
        _success(market),
        _terms(market),
    ]
    return tables if market.reviews is None else [*tables, _ratings(market, market.reviews)]


def main_value(market: Market, column: str) -> Table:
    """The value of an item column that most items of each coupon have; ties go by the alphabet."""
    most = ibis.struct({"items": -_.n, "value": _[column]})
    return (
        market.coupon_items.join(market.items.select("item_id", column), "item_id")
        .group_by(*COUPON_KEY, column)
        .aggregate(n=_.count())
        .group_by(*COUPON_KEY)
        .aggregate(_[column].argmin(most).name(column))
        .alias(f"main_{column}")
    )


def _contents(market: Market, items: Table) -> Table:
    """What each coupon of each campaign covers."""
    contents = (
        market.coupon_items.join(items, "item_id")
        .group_by(*COUPON_KEY)
        .aggregate(
            coupon_items=_.count(),
            coupon_categories=_.category.nunique(),
            coupon_manufacturers=_.manufacturer_id.nunique(),
            item_private_share=_.private.cast("float64").mean(),
        )
    )
    offered = market.offers.select(*COUPON_KEY).distinct()
    rivals = offered.group_by("campaign_id").aggregate(coupon_rivals=_.count())
    return contents.join(main_value(market, "department"), COUPON_KEY).join(rivals, "campaign_id")


def _sales(market: Market, lines: Table) -> Table:
    """Popularity, price and discounts of each coupon's items in the season before."""
    campaigns = market.campaigns.select("campaign_id", "start")
    season = [_.day < _.start, _.day >= _.start - ibis.interval(days=SEASON)]
    total = (
        lines.group_by("day")
        .aggregate(lines=_.count())
        .cross_join(campaigns)
        .filter(season)
        .group_by("campaign_id")
        .aggregate(all_lines=_.lines.sum())
    )
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    lately = _.day >= _.start - ibis.interval(days=LATELY)
    sales = (
        lines.join(covered.join(campaigns, "campaign_id"), "item_id")
        .filter(season)
        .group_by("campaign_id", "item_id")
        .aggregate(
            lines=_.count(),
            units=_.quantity.sum(),
            amount=_.amount.sum(),
            lines_lately=_.count(where=lately),
            units_lately=_.quantity.sum(where=lately),
            amount_lately=_.amount.sum(where=lately),
            retail_discount=_.retail_discount.sum(),
            coupon_discount=_.coupon_discount.sum(),
            coupon_lines=(_.coupon_discount > 0).sum(),
        )
    )
    sold_most = ibis.struct({"lines": -_.lines.fill_null(0), "item": _.item_id})
    price = _.amount / MILLIONTHS / _.units.nullif(0)
    discount = _.coupon_discount / MILLIONTHS / _.coupon_lines.nullif(0)
    at_till = (_.amount + _.retail_discount) / _.units

    def weighted(name: str) -> Deferred:
        """The mean by units sold, where an item that nobody bought counts as one unit."""
        weight = _.units.fill_null(0) + 1
        known = weight.sum(where=_[name].notnull()).nullif(0)
        return (weight * _[name]).sum() / known / MILLIONTHS

    return (
        market.coupon_items.left_join(sales, ["campaign_id", "item_id"])
        .left_join(_list_prices(market), ["campaign_id", "item_id"], rname="{name}_listed")
        .mutate(list_price=_.list_price.fill_null(at_till.round().cast("int64")))
        .group_by(*COUPON_KEY)
        .aggregate(
            item_id=_.item_id.argmin(sold_most),
            listed=weighted("list_price"),
            cost=weighted("unit_cost"),
            **{column: _[column].sum() for column in sales.drop("campaign_id", "item_id").columns},
        )
        .left_join(total, "campaign_id")
        .select(
            *COUPON_KEY,
            "item_id",
            item_popularity=_.lines / _.all_lines,
            item_trend=_.lines_lately / _.lines * (SEASON / LATELY),
            item_price=price,
            item_price_ratio=(_.amount_lately / _.units_lately.nullif(0))
            / (_.amount / _.units.nullif(0)).nullif(0),
            item_discount_share=_.retail_discount / (_.amount + _.retail_discount).nullif(0),
            spend_per_line=_.amount / MILLIONTHS / _.lines,
            coupon_discount=discount,
            coupon_discount_share=discount / price.nullif(0),
            list_price=_.listed,
            unit_cost=_.cost,
        )
    )


def _list_prices(market: Market) -> Table:
    """The list price and the unit cost of each item on the first day of a campaign, if known.

    In whole millionths, so that their sums do not depend on the order of the rows.
    """
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    starts = covered.join(market.campaigns.select("campaign_id", "start"), "campaign_id")
    if market.prices is None:
        unknown = ibis.null("int64")
        return covered.mutate(list_price=unknown, unit_cost=unknown)
    prices = market.prices
    stores = [name for name in ("store_id",) if name in prices.columns]
    if "unit_cost" not in prices.columns:
        prices = prices.mutate(unit_cost=ibis.null("float64"))
    names = ("list_price", "unit_cost")
    return (
        prices.join(starts, "item_id")
        .filter(_.date <= _.start)
        .group_by("campaign_id", "item_id", *stores)
        .aggregate(**{name: _[name].argmax(_.date) for name in names})
        .group_by("campaign_id", "item_id")
        .aggregate(**{name: (_[name].mean() * MILLIONTHS).round().cast("int64") for name in names})
    )


def _promotions(market: Market) -> Table:
    """Displays and mailer ads of each coupon's items in the last full weeks before the start."""
    coupons = market.coupon_items.group_by(*COUPON_KEY).aggregate(n=_.count())
    if market.promotions is None:
        nothing = ibis.literal(0.0)
        return coupons.select(*COUPON_KEY, item_displays=nothing, item_mailers=nothing)
    campaigns = market.campaigns.select("campaign_id", "start")
    latest = campaigns.start - ibis.interval(days=7)
    earlier = campaigns.start - ibis.interval(days=7 * PROMOTION_WEEKS + 7)
    window = (
        market.promotions.group_by("week_start")
        .aggregate(stores=_.store_id.nunique())
        .join(campaigns, [_.week_start <= latest, _.week_start > earlier])
        .alias("promotion_weeks")
    )
    cells = window.group_by("campaign_id").aggregate(store_weeks=_.stores.sum())
    asked = window.join(market.coupon_items, "campaign_id").select("item_id", "week_start")
    return (
        market.promotions.semi_join(asked.distinct(), ["item_id", "week_start"])
        .group_by("item_id", "week_start")
        .aggregate(displayed=_.count(where=_.display != "0"), mailed=_.count(where=_.mailer != "0"))
        .join(window, "week_start")
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .join(coupons, COUPON_KEY)
        .join(cells, "campaign_id")
        .mutate(cells=_.n * _.store_weeks)
        .group_by(*COUPON_KEY)
        .aggregate(
            item_displays=_.displayed.sum() / _.cells.max(),
            item_mailers=_.mailed.sum() / _.cells.max(),
        )
    )


def _success(market: Market) -> Table:
    """How often the coupon, and the coupons of its main category, were redeemed before."""
    campaigns = market.campaigns.select("campaign_id", "start")
    topics = main_value(market, "category").join(campaigns, "campaign_id").alias("topics")
    offered = market.offers.group_by(*COUPON_KEY).aggregate(
        offers=_.count(), redemptions=ibis.literal(0, "int64")
    )
    offered = offered.join(topics, COUPON_KEY).mutate(day=_.start)
    redeemed = market.redemptions.group_by(*COUPON_KEY, day="date").aggregate(
        offers=ibis.literal(0, "int64"), redemptions=_.count()
    )
    columns = ["coupon_id", "category", "day", "offers", "redemptions"]
    events = offered.select(columns).union(redeemed.join(topics, COUPON_KEY).select(columns))
    success = topics
    for column, name in {
        "coupon_id": "coupon_success",
        "category": "coupon_category_success",
    }.items():
        keys = topics.select("campaign_id", "start", column).distinct()
        used = _.redemptions.sum() + PRIOR_REDEMPTIONS
        rates = (
            keys.join(events, [column, keys.start > events.day])
            .group_by("campaign_id", column)
            .aggregate((used / (_.offers.sum() + PRIOR_OFFERS)).name(name))
        )
        rate = _[name].fill_null(PRIOR_REDEMPTIONS / PRIOR_OFFERS).name(name)
        joined = success.left_join(rates, ["campaign_id", column])
        success = joined.select(*success.columns, rate)
    return success.select(*COUPON_KEY, "coupon_success", "coupon_category_success")


def _terms(market: Market) -> Table:
    """The terms of each coupon, who pays for it, and the market's own columns."""
    kept = ("coupon_", "shop_share")
    own = [name for name in market.coupons.columns if name.startswith(kept)]
    terms = {f"coupon_{name}": name for name in TERMS if name in market.coupons.columns}
    return market.coupons.select(*own, **terms)


def _ratings(market: Market, reviews: Table) -> Table:
    """The mean rating of each coupon's items, shrunk to that of all items."""
    campaigns = market.campaigns.select("campaign_id", "start")
    daily = (
        reviews.group_by("item_id", day=_.time.date())
        .aggregate(reviews=_.count(), stars=_.rating.sum())
        .cross_join(campaigns)
        .filter(_.day < _.start)
        .group_by("campaign_id", "item_id")
        .aggregate(reviews=_.reviews.sum(), stars=_.stars.sum())
    )
    overall = daily.group_by("campaign_id").aggregate(mean=_.stars.sum() / _.reviews.sum())
    return (
        market.coupon_items.left_join(daily, ["campaign_id", "item_id"])
        .group_by(*COUPON_KEY)
        .aggregate(reviews=_.reviews.sum().fill_null(0), stars=_.stars.sum().fill_null(0))
        .join(overall, "campaign_id")
        .select(
            *COUPON_KEY,
            item_rating=(_.stars + PRIOR_REVIEWS * _.mean) / (_.reviews + PRIOR_REVIEWS),
        )
    )
