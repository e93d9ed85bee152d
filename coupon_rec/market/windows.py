"""The same campaigns at other times: more purchases to learn from than were ever mailed for."""

from dataclasses import replace

import ibis
from ibis import Value, _

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
