"""What was known before a campaign of each user, alone and with each coupon; and the labels."""

from functools import reduce
from operator import or_

import ibis
from ibis import Table, _

from coupon_rec.features.catalog import BROWSING_DAYS, MILLIONTHS, NEVER
from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER

USER_KEY = ("campaign_id", "user_id")
WALLET = ("user_weeks", "user_spend")
EITHER = ("depth", "face_value")
"""The terms of which a coupon or an offer has one or none."""


def decayed(age: ibis.expr.types.Value, days: float) -> ibis.expr.types.Value:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return (-(age.cast("float64")) / float(days)).exp()


def mailed(market: Market) -> Table:
    """One row for each campaign and user it was mailed to, with the campaign's `start`, `end`."""
    users = market.offers.select(*USER_KEY).distinct()
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
    key = [column for column in USER_KEY if column in events.columns]
    return events.join(users, [*key, events.day < users.start]).mutate(
        age=_.start.delta(_.day, unit="day")
    )


def user_tables(market: Market, lines: Table) -> list[Table]:
    """What was known of each user mailed: one row for each campaign and user, in several tables."""
    users = market.offers.select(*USER_KEY).distinct().join(market.users, "user_id")
    tables = [users, _habits(market, lines), _redemptions(market)]
    if market.views is not None:
        views = before_campaigns(market, market.views.select("user_id", day=_.time.date()))
        faded = decayed(_.age, BROWSING_DAYS).sum()
        tables.append(views.group_by(*USER_KEY).aggregate(user_views_7=faded))
    return tables


def _habits(market: Market, lines: Table) -> Table:
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
        .group_by(*USER_KEY)
        .aggregate(
            trips=_.count(),
            user_recency=_.age.min(),
            user_weeks=ibis.greatest(_.age.max() / 7, 1),
            user_categories_per_trip=_.categories.mean(),
            user_spend=_.spend.sum() / MILLIONTHS,
            discount=_.discount.sum() / MILLIONTHS,
            private=_.private.sum() / MILLIONTHS,
            user_coupon_share=_.coupon_lines.sum() / _.lines.sum(),
            user_trend=(decayed(_.age, 14).sum() / 14) / (decayed(_.age, 120).sum() / 120),
        )
        .mutate(
            user_trips_per_week=_.trips / _.user_weeks,
            user_spend_per_week=_.user_spend / _.user_weeks,
            user_spend_per_trip=_.user_spend / _.trips,
            user_discount_share=_.discount / (_.user_spend + _.discount).nullif(0),
            user_private_share=_.private / _.user_spend.nullif(0),
        )
    )


def _redemptions(market: Market) -> Table:
    """How each user answered the campaigns mailed before."""
    users = mailed(market)
    before = users.select("user_id", earlier_start="start")
    campaigns = (
        users.left_join(before, ["user_id", users.start > before.earlier_start])
        .mutate(age=_.start.delta(_.earlier_start, unit="day"))
        .group_by(*USER_KEY)
        .aggregate(mailed_before=_.age.count(), user_mailed_90=(_.age <= 90).sum())
    )
    redeemed = (
        before_campaigns(market, market.redemptions.select("user_id", day="date"))
        .group_by(*USER_KEY)
        .aggregate(
            redemptions=_.count(),
            user_redemption_recency=_.age.min(),
            user_redemptions_decayed=decayed(_.age, 120).sum(),
        )
    )
    return campaigns.left_join(redeemed, USER_KEY).select(
        *USER_KEY,
        "user_mailed_90",
        "user_redemption_recency",
        "user_redemptions_decayed",
        user_redemption_rate=_.redemptions / ibis.greatest(_.mailed_before, 1),
    )


def match_tables(market: Market, lines: Table, items: Table, users: Table) -> list[Table]:
    """What each user did before with what is like each coupon's items, the items themselves first.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines, items : ibis.Table
        What was bought and sold there, as `purchase_lines` and `coded_items` give it.
    users : ibis.Table
        The key and `WALLET` of each user mailed.
    """
    past = before_campaigns(market, lines)
    tables = [
        _of_items(market, lines, users),
        _of_categories(market, past, items, users),
        _of_brands(market, past, items, users),
    ]
    if market.views is not None:
        views = _looks(market, market.views)
        tables.append(views.select(*OFFER, match_viewed_7="decayed", match_view_recency="last"))
    if market.clicks is not None:
        clicks = _looks(market, market.clicks)
        tables.append(clicks.select(*OFFER, match_clicked_7="decayed"))
    return tables


def _of_items(market: Market, lines: Table, users: Table) -> Table:
    """The user's past purchases of the coupon's items."""
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    relevant = before_campaigns(market, lines.join(covered, "item_id"))
    user_items = relevant.group_by(*USER_KEY, "item_id").aggregate(
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
    last_bought = ibis.struct({"age": _.last, "lines": -_.lines, "item": _.item_id})
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
            item_id=_.item_id.argmin(last_bought),
        )
    )
    interval = (_.first - _.match_recency) / (_.lines - 1).nullif(0)
    interval = ibis.least(interval.fill_null(NEVER), NEVER)
    return matched.join(users, USER_KEY).mutate(
        match_lines_per_week=_.lines / _.user_weeks,
        match_spend_per_week=_.spend / _.user_weeks,
        match_wallet_share=_.spend / _.user_spend.nullif(0),
        match_interval=interval,
        match_due=_.match_recency / ibis.greatest(interval, 1.0),
        match_trend=(_.match_decayed_14 / 14) / (_.match_decayed_120 / 120).nullif(0),
        match_coupon_share=_.coupon_lines / _.lines,
        match_price=_.spend / _.units.nullif(0),
    )


def _of_categories(market: Market, past: Table, items: Table, users: Table) -> Table:
    """The user's past purchases in the coupon's categories, weighted by their share of it."""
    counts = (
        market.coupon_items.join(items, "item_id")
        .group_by("campaign_id", "coupon_id", "category")
        .aggregate(n=_.count())
    )
    bought = (
        past.semi_join(counts, ["campaign_id", "category"])
        .group_by(*USER_KEY, "category")
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
        .join(users, USER_KEY)
        .mutate(match_category_share=_.spend / _.user_spend.nullif(0))
    )


def _of_brands(market: Market, past: Table, items: Table, users: Table) -> Table:
    """The user's past spend on the manufacturers of the coupon's items."""
    covered = (
        market.coupon_items.join(items, "item_id")
        .select("campaign_id", "coupon_id", "manufacturer_id")
        .distinct()
    )
    return (
        past.semi_join(covered, ["campaign_id", "manufacturer_id"])
        .group_by(*USER_KEY, "manufacturer_id")
        .aggregate(spend=_.amount.sum())
        .join(covered, ["campaign_id", "manufacturer_id"])
        .group_by(*OFFER)
        .aggregate(spend=_.spend.sum() / MILLIONTHS)
        .join(users, USER_KEY)
        .mutate(match_brand_share=_.spend / _.user_spend.nullif(0))
    )


def _looks(market: Market, events: Table) -> Table:
    """How each user looked at each coupon's items."""
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    events = events.select("user_id", "item_id", day=_.time.date()).join(covered, "item_id")
    return (
        before_campaigns(market, events)
        .group_by(*USER_KEY, "item_id")
        .aggregate(decayed=decayed(_.age, BROWSING_DAYS).sum(), last=_.age.min())
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .group_by(*OFFER)
        .aggregate(decayed=_.decayed.sum(), last=_.last.min())
    )


def offer_tables(market: Market) -> list[Table]:
    """What came of the same coupon before, the terms of the offer itself, and its labels."""
    tables = [_seen_before(market), labels(market)]
    given = [name for name in EITHER if name in market.offers.columns]
    if given:  # an offer's own terms replace both of its coupon's
        offers = market.offers.filter(reduce(or_, (_[name].notnull() for name in given)))
        terms = {
            f"coupon_{name}": _[name].fill_null(0.0) if name in given else ibis.literal(0.0)
            for name in EITHER
        }
        tables.append(offers.select(*OFFER, **terms))
    return tables


def _seen_before(market: Market) -> Table:
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
    within = [purchases.day >= windows.start, purchases.day <= windows.end]
    bought = (
        purchases.join(windows, ["user_id", *within])
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .select(*OFFER)
        .distinct()
    )
    redeemed = market.redemptions.select(*OFFER).distinct()
    both = bought.mutate(redeemed=0).union(redeemed.mutate(redeemed=1))
    return both.group_by(*OFFER).aggregate(
        bought=ibis.literal(1, "int8"), redeemed=_.redeemed.max().cast("int8")
    )
