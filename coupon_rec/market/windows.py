"""The same campaigns at other times: more purchases to learn from than were ever mailed for."""

from dataclasses import replace
from datetime import date, datetime

import ibis
from ibis import Table, Value, _

from coupon_rec.market.tables import Market


def move_campaigns(market: Market, days: int) -> Market:
    """Move the calendar of the campaigns, with their redemptions, while purchases stay.

    The offers of a moved market say who bought what a coupon covers in a window in which the
    coupon was not there. Their label `bought` and all features mean what they always mean; where
    `redeemed` is 1, both labels are of the real campaign and are to be left out.

    Parameters
    ----------
    market : Market
        Changed in nothing; a new one is returned.
    days : int
        How many days later each campaign starts; earlier, if negative.
    """

    def moved(day: Value) -> Value:
        return (day + ibis.interval(days=days)).cast("date")

    campaigns = market.campaigns.mutate(start=moved(_.start), end=moved(_.end))
    redemptions = market.redemptions.mutate(date=moved(_.date))
    return replace(market, campaigns=campaigns, redemptions=redemptions)


def as_date(day: date) -> date:
    """The day alone: to Python, and to those who check types, a datetime is a date as well."""
    return day.date() if isinstance(day, datetime) else day


def live_campaigns(market: Market, day: date) -> Table:
    """The campaigns whose coupons are valid on a day."""
    day = as_date(day)
    return market.campaigns.filter(_.start <= day, _.end >= day)


def start_together(market: Market, live: Table, day: date) -> Market:
    """Let live campaigns start on one day, so that their features are those as of that day.

    This is the market that a live service sees: the campaigns that were over, those that run, as
    if they were mailed on `day`, and no later one. A campaign keeps its length.

    Parameters
    ----------
    market : Market
        Changed in nothing; a new one is returned.
    live : ibis.Table
        Rows of its campaigns, as `live_campaigns` gives them.
    day : datetime.date
        Their new first day.
    """
    day = as_date(day)
    start = ibis.literal(day)
    length = live.end.delta(live.start, unit="day")
    moved = live.mutate(start=start, end=(start + length.as_interval("D")).cast("date"))
    over = market.campaigns.filter(_.start < day).anti_join(live, "campaign_id")
    campaigns = over.union(moved)
    rest = {
        name: getattr(market, name).semi_join(campaigns, "campaign_id")
        for name in ("coupon_items", "offers", "redemptions")
    }
    return replace(market, campaigns=campaigns, **rest)
