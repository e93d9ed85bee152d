"""A market in a dozen numbers, to see how closely a simulated one resembles a real one."""

import numpy as np
import pandas as pd
from ibis import Table, _

from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER


def marginals(market: Market) -> pd.Series:
    """Describe how a market's users shop and answer coupons.

    Parameters
    ----------
    market : Market
        On any Ibis engine.

    Returns
    -------
    pandas.Series
        Trips a week of users who shop (mean, median); lines a trip (mean, median); currency a
        line; shares of lines on sale and of list price saved; how unequally items sell (Gini
        coefficient, shares of the most sold 10% and 1% of items); the share of users mailed; and
        of campaigns of types B and C, where it is known what was sent: the shares of offers
        bought and redeemed, of bought ones redeemed, and of users who ever redeem.

    Raises
    ------
    ValueError
        If nothing was bought, or no offer of a campaign of type B or C was bought or redeemed.
    """
    return pd.Series({**_shopping(market.purchases), **_skew(market.purchases), **_answers(market)})


def _shopping(purchases: Table) -> dict[str, float]:
    trips = purchases.group_by("user_id", "basket_id").aggregate(lines=_.count()).to_pandas()
    if trips.empty:
        raise ValueError("the market has no purchases: there is nothing to describe")
    days = purchases.aggregate(n=_.time.max().date().delta(_.time.min().date(), unit="day"))
    weeks = (int(days.n.as_scalar().execute()) + 1) / 7
    a_week = trips.groupby("user_id").size() / weeks
    lines = purchases.aggregate(
        amount=_.amount.mean(),
        on_sale=(_.retail_discount > 0).mean(),
        saved=_.retail_discount.sum() / (_.amount + _.retail_discount).sum(),
    ).to_pandas()
    return {
        "trips a week": a_week.mean(),
        "trips a week, median": a_week.median(),
        "lines a trip": trips["lines"].mean(),
        "lines a trip, median": trips["lines"].median(),
        "spend a line": lines["amount"][0],
        "lines on sale": lines["on_sale"][0],
        "list price saved": lines["saved"][0],
    }


def _skew(purchases: Table) -> dict[str, float]:
    counts = purchases.group_by("item_id").aggregate(lines=_.count()).to_pandas()
    share = np.sort(counts["lines"].to_numpy())[::-1] / counts["lines"].sum()
    n = len(share)
    return {
        "Gini of items": (2 * share.cumsum().sum() - 1) / n - 1,
        "lines of top 10% of items": share[: n // 10].sum(),
        "lines of top 1% of items": share[: n // 100].sum(),
    }


def _answers(market: Market) -> dict[str, float]:
    campaigns = market.campaigns.filter(_.campaign_type != "A")
    offers = market.offers.semi_join(campaigns, "campaign_id")
    days = market.purchases.select("user_id", "item_id", day=_.time.date()).distinct()
    bought = (
        offers.select("campaign_id", "user_id")
        .distinct()
        .join(campaigns, "campaign_id")
        .join(days, "user_id")
        .filter(_.day.between(_.start, _.end))
        .join(market.coupon_items, ["campaign_id", "item_id"])
        .select(*OFFER)
    )
    redeemed = market.redemptions.select(*OFFER).semi_join(campaigns, "campaign_id")
    sent = int(offers.count().execute())
    used = int(redeemed.count().execute())
    answered = int(bought.semi_join(offers, OFFER).union(redeemed).distinct().count().execute())
    if not (sent and answered):
        raise ValueError(
            f"of {sent:,} offers of campaigns of types B and C, {answered:,} were bought or "
            "redeemed: simulate more users or campaigns, so that there are some"
        )
    mailed = int(offers.user_id.nunique().execute())
    return {
        "users mailed": market.offers.user_id.nunique().execute() / market.users.count().execute(),
        "offers bought": answered / sent,
        "offers redeemed": used / sent,
        "bought offers redeemed": used / answered,
        "users who redeem": redeemed.user_id.nunique().execute() / mailed,
    }
