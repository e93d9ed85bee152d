"""The best coupon of each list, or none."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.decisions.reasons import NOT_WORTH, reason
from coupon_rec.decisions.value import Economics, offer_value

CHOICE = ("campaign_id", "user_id", "coupon_id", "probability", "value", "reason")


def best_coupon(
    offers: pd.DataFrame, p: ArrayLike, economics: Economics | None = None
) -> pd.DataFrame:
    """Choose one coupon, or none, for each user of each campaign.

    Parameters
    ----------
    offers, p, economics
        As for `offer_value`; `offers` are the coupons to choose from.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and user: `coupon_id` (missing where no coupon is worth sending), its
        `probability` of redemption, its `value` in currency (both 0 where there is none), and the
        `reason` in words.
    """
    valued = offers.assign(probability=np.asarray(p), value=offer_value(offers, p, economics))
    best = (
        valued.sort_values(["value", "coupon_id"], ascending=[False, True])
        .groupby(["campaign_id", "user_id"], as_index=False)
        .head(1)
        .sort_values(["campaign_id", "user_id"], ignore_index=True)
    )
    worth = best["value"] > 0
    return best.assign(
        coupon_id=best["coupon_id"].astype("Int64").where(worth),
        probability=best["probability"].where(worth, 0.0),
        value=best["value"].where(worth, 0.0),
        reason=[
            reason(offer) if sent else NOT_WORTH
            for sent, (_, offer) in zip(worth, best.iterrows(), strict=True)
        ],
    )[list(CHOICE)]
