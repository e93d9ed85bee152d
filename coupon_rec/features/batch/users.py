"""What was known before a campaign of each user, alone and with each coupon; and the labels."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

import ibis
from ibis import Table, _
from ibis.expr.types.groupby import GroupedTable

from coupon_rec.features.batch.coupons import COUPON_KEY
from coupon_rec.features.catalog import (
    BROWSING_DAYS,
    DIGITS,
    HABIT,
    MILLIONTHS,
    NEVER,
    PRIOR_BOUGHT,
    PRIOR_REDEEMED,
)
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


def user_tables(market: Market, lines: Table, outcomes: Table) -> list[Table]:
    """What was known of each user mailed: one row for each campaign and user, in several tables."""
    users = market.offers.select(*USER_KEY).distinct().join(market.users, "user_id")
    answers = before_campaigns(market, answered(market, outcomes))
    tables = [
        users,
        _habits(market, lines),
        _answers(market),
        redeemed_if_bought(answers, USER_KEY),
    ]
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


def _answers(market: Market) -> Table:
    """How each user answered the campaigns mailed before."""
    mailings = mailed(market).select("user_id", day="start", used=ibis.literal(False))
    redemptions = market.redemptions.select("user_id", day="date", used=ibis.literal(True))
    return (
        before_campaigns(market, mailings.union(redemptions))
        .group_by(*USER_KEY)
        .aggregate(
            mailed_before=_.count(where=~_.used),
            user_mailed_90=_.count(where=~_.used & (_.age <= 90)),
            redemptions=_.count(where=_.used),
            user_redemption_recency=_.age.min(where=_.used),
            user_redemptions_decayed=decayed(_.age, 120).sum(where=_.used),
        )
        .mutate(user_redemption_rate=_.redemptions / ibis.greatest(_.mailed_before, 1))
    )


def answered(market: Market, outcomes: Table) -> Table:
    """The offers that were bought: whose, the last day of the campaign, and whether redeemed."""
    campaigns = market.campaigns.select("campaign_id", day="end")
    return outcomes.join(campaigns, "campaign_id").select("user_id", "day", "redeemed")


def redeemed_if_bought(answers: Table, key: Sequence[str]) -> Table:
    """How often each user redeemed what was bought, of what `answered` gives."""
    rate = (_.redeemed.sum() + PRIOR_REDEEMED) / (_.count() + PRIOR_BOUGHT)
    return answers.group_by(*key).aggregate(rate.round(DIGITS).name(HABIT))


def match_tables(market: Market, lines: Table, items: Table, wallets: Table) -> list[Table]:
    """What each user did before with what is like each coupon's items, the items themselves first.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines, items : ibis.Table
        What was bought and sold there, as `purchase_lines` and `coded_items` give it.
    wallets : ibis.Table
        The key and `WALLET` of each user mailed.
    """
    past = before_campaigns(market, lines)
    categories = _near(market, past, items, "category").aggregate(
        spend=(_.spend * _.n).sum() / MILLIONTHS / _.all.max(),
        match_category_decayed=(_.decayed * _.n).sum() / _.all.max(),
        match_category_recency=_.last.min(),
    )
    makers = _near(market, past, items, "manufacturer_id").aggregate(
        spend=_.spend.sum() / MILLIONTHS
    )
    share = _.spend / _.user_spend.nullif(0)
    tables = [
        _of_items(market, lines).join(wallets, USER_KEY).mutate(match_wallet_share=share),
        categories.join(wallets, USER_KEY).mutate(match_category_share=share),
        makers.join(wallets, USER_KEY).mutate(match_brand_share=share),
    ]
    tables[0] = tables[0].mutate(
        match_lines_per_week=_.lines / _.user_weeks, match_spend_per_week=_.spend / _.user_weeks
    )
    for name, looks in {"viewed": market.views, "clicked": market.clicks}.items():
        if looks is not None:
            tables.append(_of_looks(market, looks, name))
    return tables


def _of_items(market: Market, lines: Table) -> Table:
    """The user's past purchases of the coupon's items."""
    last_bought = ibis.struct({"age": _.last, "lines": -_.lines, "item": _.item_id})
    matched = _covered(
        market,
        lines,
        lines=_.count(),
        units=_.quantity.sum(),
        spend=_.amount.sum(),
        decayed_14=decayed(_.age, 14).sum(),
        decayed_45=decayed(_.age, 45).sum(),
        decayed_120=decayed(_.age, 120).sum(),
        last=_.age.min(),
        first=_.age.max(),
        coupon_lines=(_.coupon_discount > 0).sum(),
    ).aggregate(
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
    interval = (_.first - _.match_recency) / (_.lines - 1).nullif(0)
    interval = ibis.least(interval.fill_null(NEVER), NEVER)
    return matched.mutate(
        match_interval=interval,
        match_due=_.match_recency / ibis.greatest(interval, 1.0),
        match_trend=(_.match_decayed_14 / 14) / (_.match_decayed_120 / 120).nullif(0),
        match_coupon_share=_.coupon_lines / _.lines,
        match_price=_.spend / _.units.nullif(0),
    )


def _covered(
    market: Market, events: Table, **sums: ibis.expr.types.Value | ibis.Deferred
) -> GroupedTable:
    """Sums over each user's earlier events of an item, for each offer that covers it."""
    pairs = market.coupon_items.select("campaign_id", "item_id").distinct()
    return (
        before_campaigns(market, events.join(pairs, "item_id"))
        .group_by(*USER_KEY, "item_id")
        .aggregate(**sums)
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .group_by(*OFFER)
    )


def _near(market: Market, past: Table, items: Table, kind: str) -> GroupedTable:
    """The user's past purchases of each kind of item that a coupon covers, by offer.

    Of each kind there are `n` items among `all` that the coupon covers.
    """
    counts = (
        market.coupon_items.join(items, "item_id")
        .group_by(*COUPON_KEY, kind)
        .aggregate(n=_.count())
    )
    bought = (
        past.semi_join(counts, ["campaign_id", kind])
        .group_by(*USER_KEY, kind)
        .aggregate(spend=_.amount.sum(), decayed=decayed(_.age, 45).sum(), last=_.age.min())
    )
    counts = counts.mutate(all=_.n.sum().over(group_by=COUPON_KEY))
    return bought.join(counts, ["campaign_id", kind]).group_by(*OFFER)


def _of_looks(market: Market, looks: Table, name: str) -> Table:
    """How each user viewed or clicked each coupon's items."""
    table = _covered(
        market,
        looks.select("user_id", "item_id", day=_.time.date()),
        decayed=decayed(_.age, BROWSING_DAYS).sum(),
        last=_.age.min(),
    ).aggregate(_.decayed.sum().name(f"match_{name}_7"), match_view_recency=_.last.min())
    return table if name == "viewed" else table.drop("match_view_recency")


def offer_tables(market: Market) -> list[Table]:
    """What came of the same coupon before, and the terms of the offer itself."""
    tables = [_seen_before(market)]
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
    offers = market.offers.join(market.campaigns.select("campaign_id", "start"), "campaign_id")
    offered, redeemed = (
        offers.join(earlier, ["user_id", "coupon_id", offers.start > earlier.day])
        .group_by(*OFFER)
        .aggregate(times=_.count())
        for earlier in (
            offers.select("user_id", "coupon_id", day="start"),
            market.redemptions.select("user_id", "coupon_id", day="date"),
        )
    )
    return offered.left_join(redeemed, OFFER, rname="{name}_redeemed").select(
        *OFFER,
        coupon_offered_before=_.times,
        coupon_redeemed_before=_.times_redeemed.fill_null(0),
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
