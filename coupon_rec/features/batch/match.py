"""What was known before a campaign about this user and this coupon's items, and the labels."""

import ibis
from ibis import Table, _

from coupon_rec.features.batch.events import (
    before_campaigns,
    coded_items,
    decayed,
    first_by,
    mailed,
)
from coupon_rec.features.catalog import MILLIONTHS, NEVER
from coupon_rec.market import Market
from coupon_rec.market.references import OFFER

WALLET = ("user_weeks", "user_spend")


def item_match(market: Market, lines: Table, users: Table) -> Table:
    """The user's past purchases of the coupon's items."""
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    relevant = before_campaigns(market, lines.join(covered, "item_id"))
    user_items = relevant.group_by("campaign_id", "user_id", "item_id").aggregate(
        lines=_.count(),
        units=_.quantity.sum(),
        spend=_.amount.sum(),
        decayed_14=decayed(_.age, 14).sum(),
        decayed_45=decayed(_.age, 45).sum(),
        decayed_120=decayed(_.age, 120).sum(),
        last=_.age.min(),
        first=_.age.max(),
        coupon_lines=(_.coupon_discount > 0).sum(),
    )
    matched = (
        user_items.join(market.coupon_items, ["campaign_id", "item_id"])
        .group_by(*OFFER)
        .aggregate(
            lines=_.lines.sum(),
            units=_.units.sum(),
            spend=_.spend.sum() / MILLIONTHS,
            match_decayed_14=_.decayed_14.sum(),
            match_decayed_45=_.decayed_45.sum(),
            match_decayed_120=_.decayed_120.sum(),
            match_recency=_.last.min(),
            first=_.first.max(),
            coupon_lines=_.coupon_lines.sum(),
            match_distinct_items=_.count(),
            item_id=first_by(_.last, -_.lines, _.item_id),
        )
    )
    interval = (_.first - _.match_recency) / (_.lines - 1).nullif(0)
    interval = ibis.least(interval.fill_null(NEVER), NEVER)
    return matched.join(users, ["campaign_id", "user_id"]).mutate(
        match_lines_per_week=_.lines / _.user_weeks,
        match_spend_per_week=_.spend / _.user_weeks,
        match_wallet_share=_.spend / _.user_spend.nullif(0),
        match_interval=interval,
        match_due=_.match_recency / ibis.greatest(interval, 1.0),
        match_trend=(_.match_decayed_14 / 14) / (_.match_decayed_120 / 120).nullif(0),
        match_coupon_share=_.coupon_lines / _.lines,
        match_price=_.spend / _.units.nullif(0),
    )


def category_match(market: Market, past: Table, users: Table) -> Table:
    """The user's past purchases in the coupon's categories, weighted by their share of it."""
    counts = (
        market.coupon_items.join(coded_items(market), "item_id")
        .group_by("campaign_id", "coupon_id", "category")
        .aggregate(n=_.count())
    )
    bought = (
        past.semi_join(counts, ["campaign_id", "category"])
        .group_by("campaign_id", "user_id", "category")
        .aggregate(spend=_.amount.sum(), decayed=decayed(_.age, 45).sum(), last=_.age.min())
    )
    counts = counts.mutate(all=_.n.sum().over(group_by=["campaign_id", "coupon_id"]))
    return (
        bought.join(counts, ["campaign_id", "category"])
        .group_by(*OFFER)
        .aggregate(
            spend=(_.spend * _.n).sum() / MILLIONTHS / _.all.max(),
            match_category_decayed=(_.decayed * _.n).sum() / _.all.max(),
            match_category_recency=_.last.min(),
        )
        .join(users, ["campaign_id", "user_id"])
        .mutate(match_category_share=_.spend / _.user_spend.nullif(0))
    )


def brand_match(market: Market, past: Table, users: Table) -> Table:
    """The user's past spend on the manufacturers of the coupon's items."""
    covered = (
        market.coupon_items.join(coded_items(market), "item_id")
        .select("campaign_id", "coupon_id", "manufacturer_id")
        .distinct()
    )
    bought = (
        past.semi_join(covered, ["campaign_id", "manufacturer_id"])
        .group_by("campaign_id", "user_id", "manufacturer_id")
        .aggregate(spend=_.amount.sum())
    )
    return (
        bought.join(covered, ["campaign_id", "manufacturer_id"])
        .group_by(*OFFER)
        .aggregate(spend=_.spend.sum() / MILLIONTHS)
        .join(users, ["campaign_id", "user_id"])
        .mutate(match_brand_share=_.spend / _.user_spend.nullif(0))
    )


def seen_before(market: Market) -> Table:
    """Earlier campaigns that offered this user the same coupon, and the answers."""
    campaigns = market.campaigns.select("campaign_id", "start")
    offers = market.offers.join(campaigns, "campaign_id")
    earlier = offers.select("user_id", "coupon_id", earlier_start="start")
    offered = (
        offers.join(earlier, ["user_id", "coupon_id", offers.start > earlier.earlier_start])
        .group_by(*OFFER)
        .aggregate(coupon_offered_before=_.count())
    )
    answers = market.redemptions.select("user_id", "coupon_id", "date")
    redeemed = (
        offers.join(answers, ["user_id", "coupon_id", offers.start > answers.date])
        .group_by(*OFFER)
        .aggregate(coupon_redeemed_before=_.count())
    )
    return offered.left_join(redeemed, OFFER).select(
        *OFFER,
        "coupon_offered_before",
        coupon_redeemed_before=_.coupon_redeemed_before.fill_null(0),
    )


def labels(market: Market) -> Table:
    """Whether an item of the coupon was bought, and the coupon redeemed, within the campaign."""
    windows = mailed(market)
    purchases = market.purchases.select("user_id", "item_id", day=_.time.date())
    bought = (
        purchases.join(
            windows,
            ["user_id", purchases.day >= windows.start, purchases.day <= windows.end],
        )
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .select(*OFFER)
        .distinct()
    )
    redeemed = market.redemptions.select(*OFFER).distinct()
    both = bought.mutate(redeemed=0).union(redeemed.mutate(redeemed=1))
    return both.group_by(*OFFER).aggregate(
        bought=ibis.literal(1, "int8"), redeemed=_.redeemed.max().cast("int8")
    )
