"""What was known before a campaign about each side of an offer: the user, the items, the coupon."""

import ibis
from ibis import Table, _

from coupon_rec.features.batch.events import (
    before_campaigns,
    coded_items,
    decayed,
    first_by,
    mailed,
)
from coupon_rec.features.catalog import MILLIONTHS, PRIOR_OFFERS, PRIOR_REDEMPTIONS
from coupon_rec.market import Market

SEASON = 56
"""Days before the start in which items are counted and priced."""
LATELY = 14
PROMOTION_WEEKS = 4


def user_habits(market: Market, lines: Table) -> Table:
    """How each user shopped before each campaign."""
    trips = lines.group_by("user_id", "basket_id", "day").aggregate(
        lines=_.count(),
        coupon_lines=(_.coupon_discount > 0).sum(),
        categories=_.category.nunique(),
        spend=_.amount.sum(),
        discount=_.retail_discount.sum(),
        private=_.amount.sum(where=_.private).fill_null(0),
    )
    return (
        before_campaigns(market, trips)
        .group_by("campaign_id", "user_id")
        .aggregate(
            trips=_.count(),
            user_recency=_.age.min(),
            user_weeks=ibis.greatest(_.age.max() / 7, 1),
            user_categories_per_trip=_.categories.mean(),
            user_spend=_.spend.sum() / MILLIONTHS,
            discount=_.discount.sum() / MILLIONTHS,
            private=_.private.sum() / MILLIONTHS,
            user_coupon_share=_.coupon_lines.sum() / _.lines.sum(),
            trips_14=decayed(_.age, 14).sum() / 14,
            trips_120=decayed(_.age, 120).sum() / 120,
        )
        .select(
            "campaign_id",
            "user_id",
            "user_weeks",
            "user_spend",
            "user_recency",
            "user_coupon_share",
            "user_categories_per_trip",
            user_trips_per_week=_.trips / _.user_weeks,
            user_spend_per_week=_.user_spend / _.user_weeks,
            user_spend_per_trip=_.user_spend / _.trips,
            user_trend=_.trips_14 / _.trips_120,
            user_discount_share=_.discount / (_.user_spend + _.discount).nullif(0),
            user_private_share=_.private / _.user_spend.nullif(0),
        )
    )


def user_redemptions(market: Market) -> Table:
    """How each user answered the campaigns mailed before."""
    users = mailed(market)
    before = users.select("user_id", earlier_start="start")
    campaigns = (
        users.left_join(before, ["user_id", users.start > before.earlier_start])
        .mutate(age=_.start.delta(_.earlier_start, unit="day"))
        .group_by("campaign_id", "user_id")
        .aggregate(mailed_before=_.age.count(), user_mailed_90=(_.age <= 90).sum())
    )
    redemptions = market.redemptions.select("user_id", "date")
    redeemed = (
        users.join(redemptions, ["user_id", users.start > redemptions.date])
        .mutate(age=_.start.delta(_.date, unit="day"))
        .group_by("campaign_id", "user_id")
        .aggregate(
            redemptions=_.count(),
            user_redemption_recency=_.age.min(),
            user_redemptions_decayed=decayed(_.age, 120).sum(),
        )
    )
    return campaigns.left_join(redeemed, ["campaign_id", "user_id"]).select(
        "campaign_id",
        "user_id",
        "user_mailed_90",
        "user_redemption_recency",
        "user_redemptions_decayed",
        user_redemption_rate=_.redemptions / ibis.greatest(_.mailed_before, 1),
    )


def main_value(market: Market, column: str) -> Table:
    """The value of an item column that most items of each coupon have; ties go by the alphabet."""
    return (
        market.coupon_items.join(market.items.select("item_id", column), "item_id")
        .group_by("campaign_id", "coupon_id", column)
        .aggregate(n=_.count())
        .group_by("campaign_id", "coupon_id")
        .aggregate(first_by(-_.n, _[column]).name(column))
        .alias(f"main_{column}")
    )


def coupon_contents(market: Market) -> Table:
    """What each coupon of each campaign covers."""
    contents = (
        market.coupon_items.join(coded_items(market), "item_id")
        .group_by("campaign_id", "coupon_id")
        .aggregate(
            coupon_items=_.count(),
            coupon_categories=_.category.nunique(),
            coupon_manufacturers=_.manufacturer_id.nunique(),
            item_private_share=_.private.cast("float64").mean(),
        )
    )
    rivals = (
        market.offers.select("campaign_id", "coupon_id")
        .distinct()
        .group_by("campaign_id")
        .aggregate(coupon_rivals=_.count())
    )
    return contents.join(main_value(market, "department"), ["campaign_id", "coupon_id"]).join(
        rivals, "campaign_id"
    )


def coupon_sales(market: Market, lines: Table) -> Table:
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
    price = _.amount / MILLIONTHS / _.units.nullif(0)
    discount = _.coupon_discount / MILLIONTHS / _.coupon_lines.nullif(0)
    return (
        market.coupon_items.left_join(sales, ["campaign_id", "item_id"])
        .group_by("campaign_id", "coupon_id")
        .aggregate(
            item_sold_most=first_by(-_.lines.fill_null(0), _.item_id),
            **{
                column: _[column].sum()
                for column in sales.columns
                if column not in ("campaign_id", "item_id")
            },
        )
        .left_join(total, "campaign_id")
        .select(
            "campaign_id",
            "coupon_id",
            "item_sold_most",
            item_popularity=_.lines / _.all_lines,
            item_trend=_.lines_lately / _.lines * (SEASON / LATELY),
            item_price=price,
            item_price_ratio=(_.amount_lately / _.units_lately.nullif(0))
            / (_.amount / _.units.nullif(0)).nullif(0),
            item_discount_share=_.retail_discount / (_.amount + _.retail_discount).nullif(0),
            spend_per_line=_.amount / MILLIONTHS / _.lines,
            coupon_discount=discount,
            coupon_discount_share=discount / price.nullif(0),
        )
    )


def coupon_promotions(market: Market) -> Table:
    """Displays and mailer ads of each coupon's items in the last full weeks before the start."""
    coupons = market.coupon_items.group_by("campaign_id", "coupon_id").aggregate(n=_.count())
    if market.promotions is None:
        return coupons.select(
            "campaign_id",
            "coupon_id",
            item_displays=ibis.literal(0.0),
            item_mailers=ibis.literal(0.0),
        )
    campaigns = market.campaigns.select("campaign_id", "start")
    window = (
        market.promotions.group_by("week_start")
        .aggregate(stores=_.store_id.nunique())
        .join(
            campaigns,
            [
                _.week_start <= campaigns.start - ibis.interval(days=7),
                _.week_start > campaigns.start - ibis.interval(days=7 * PROMOTION_WEEKS + 7),
            ],
        )
        .alias("promotion_weeks")
    )
    cells = window.group_by("campaign_id").aggregate(store_weeks=_.stores.sum())
    asked = window.join(market.coupon_items, "campaign_id").select("item_id", "week_start")
    items = (
        market.promotions.semi_join(asked.distinct(), ["item_id", "week_start"])
        .group_by("item_id", "week_start")
        .aggregate(displayed=_.count(where=_.display != "0"), mailed=_.count(where=_.mailer != "0"))
    )
    shares = (
        items.join(window, "week_start")
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .group_by("campaign_id", "coupon_id")
        .aggregate(displayed=_.displayed.sum(), mailed=_.mailed.sum())
    )
    return (
        coupons.join(shares, ["campaign_id", "coupon_id"])
        .join(cells, "campaign_id")
        .select(
            "campaign_id",
            "coupon_id",
            item_displays=_.displayed / (_.n * _.store_weeks),
            item_mailers=_.mailed / (_.n * _.store_weeks),
        )
    )


def coupon_success(market: Market) -> Table:
    """How often the coupon, and the coupons of its main category, were redeemed before."""
    campaigns = market.campaigns.select("campaign_id", "start")
    topics = main_value(market, "category").join(campaigns, "campaign_id").alias("topics")
    offered = (
        market.offers.group_by("campaign_id", "coupon_id")
        .aggregate(offers=_.count())
        .join(topics, ["campaign_id", "coupon_id"])
        .select("coupon_id", "category", "offers", day="start")
    )
    redeemed = (
        market.redemptions.group_by("campaign_id", "coupon_id", "date")
        .aggregate(redemptions=_.count())
        .join(topics, ["campaign_id", "coupon_id"])
        .select("coupon_id", "category", "redemptions", day="date")
    )

    def rate(column: str, name: str) -> Table:
        keys = topics.select("campaign_id", "start", column).distinct().alias(f"{column}_keys")
        shown = _sum_before(keys, offered, column, "offers")
        used = _sum_before(keys, redeemed, column, "redemptions")
        return (
            keys.left_join(shown, ["campaign_id", column])
            .left_join(used, ["campaign_id", column])
            .select(
                "campaign_id",
                column,
                (
                    (_.redemptions.fill_null(0) + PRIOR_REDEMPTIONS)
                    / (_.offers.fill_null(0) + PRIOR_OFFERS)
                ).name(name),
            )
        )

    return (
        topics.join(rate("coupon_id", "coupon_success"), ["campaign_id", "coupon_id"])
        .join(rate("category", "coupon_category_success"), ["campaign_id", "category"])
        .select("campaign_id", "coupon_id", "coupon_success", "coupon_category_success")
    )


def _sum_before(keys: Table, events: Table, column: str, value: str) -> Table:
    """Per campaign and `column`, the sum of `value` over the events before the start."""
    return (
        keys.join(events, [column, keys.start > events.day])
        .group_by("campaign_id", column)
        .aggregate(_[value].sum().name(value))
    )
