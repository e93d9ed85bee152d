"""What is known of an offer where a market has more: views, clicks, reviews, terms, own columns.

A function gives no table where the market lacks what it is made of.
"""

from functools import reduce
from operator import or_

import ibis
from ibis import Table, _

from coupon_rec.features.batch.events import before_campaigns, decayed
from coupon_rec.features.catalog import BROWSING_DAYS, NAMES, OPTIONAL_NAMES
from coupon_rec.market import Market
from coupon_rec.market.converting import OWN
from coupon_rec.market.references import OFFER
from coupon_rec.market.schema import SCHEMAS

PRIOR_REVIEWS = 5
"""Ratings are shrunk as if so many more reviews with the mean of all items had been seen."""
EITHER = ("depth", "face_value")
"""The terms of which a coupon or an offer has one or none."""
TERMS = (*EITHER, "minimum")
TAKEN = {*NAMES, *OPTIONAL_NAMES, "user_weeks", "user_spend"}


def user_histories(market: Market) -> list[Table]:
    """What each mailed user looked at before each campaign."""
    if market.views is None:
        return []
    views = market.views.select("user_id", day=_.time.date())
    return [
        before_campaigns(market, views)
        .group_by("campaign_id", "user_id")
        .aggregate(user_views_7=decayed(_.age, BROWSING_DAYS).sum())
    ]


def match_histories(market: Market) -> list[Table]:
    """How each mailed user looked at each coupon's items before the campaign."""
    tables = []
    if market.views is not None:
        views = _of_coupons_items(market, market.views)
        tables.append(views.select(*OFFER, match_viewed_7="decayed", match_view_recency="last"))
    if market.clicks is not None:
        clicks = _of_coupons_items(market, market.clicks)
        tables.append(clicks.select(*OFFER, match_clicked_7="decayed"))
    return tables


def _of_coupons_items(market: Market, events: Table) -> Table:
    covered = market.coupon_items.select("campaign_id", "item_id").distinct()
    events = events.select("user_id", "item_id", day=_.time.date()).join(covered, "item_id")
    return (
        before_campaigns(market, events)
        .group_by("campaign_id", "user_id", "item_id")
        .aggregate(decayed=decayed(_.age, BROWSING_DAYS).sum(), last=_.age.min())
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .group_by(*OFFER)
        .aggregate(decayed=_.decayed.sum(), last=_.last.min())
    )


def coupon_histories(market: Market) -> list[Table]:
    """What was said of each coupon's items before the campaign, its terms and own columns."""
    given = [name for name in TERMS if name in market.coupons.columns]
    own = own_columns(market, "coupons")
    terms = {f"coupon_{name}": name for name in given}
    tables = [market.coupons.select("coupon_id", *own, **terms)]
    if market.reviews is not None:
        tables.append(_ratings(market, market.reviews))
    return tables


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
        .group_by("campaign_id", "coupon_id")
        .aggregate(reviews=_.reviews.sum().fill_null(0), stars=_.stars.sum().fill_null(0))
        .join(overall, "campaign_id")
        .select(
            "campaign_id",
            "coupon_id",
            item_rating=(_.stars + PRIOR_REVIEWS * _.mean) / (_.reviews + PRIOR_REVIEWS),
        )
    )


def offer_terms(market: Market) -> list[Table]:
    """The terms of each offer that has its own; they replace both of its coupon's."""
    given = [name for name in EITHER if name in market.offers.columns]
    if not given:
        return []
    offers = market.offers.filter(reduce(or_, (_[name].notnull() for name in given)))
    terms = {
        f"coupon_{name}": _[name].fill_null(0.0) if name in given else ibis.literal(0.0)
        for name in EITHER
    }
    return [offers.select(*OFFER, **terms)]


def own_columns(market: Market, *tables: str) -> list[str]:
    """The market's own columns of `users` and `coupons`, or of one of them.

    Raises
    ------
    ValueError
        If one of them has the name of a feature.
    """
    own = []
    for table in tables or OWN:
        names = [
            name
            for name in getattr(market, table).columns
            if name.startswith(OWN[table]) and name not in SCHEMAS[table].columns
        ]
        if taken := [name for name in names if name in TAKEN]:
            raise ValueError(
                f"{table} ({', '.join(taken)}): a column of your own with the name of a feature; "
                "rename it"
            )
        own += names
    return own
