"""The best coupon of each list, or none."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import require_columns, require_present
from coupon_rec.decisions.reasons import NOT_WORTH, REASON_FEATURES, reason
from coupon_rec.decisions.value import LIST, Economics, offer_value
from coupon_rec.odds import best_of_each


def best_coupon(
    offers: pd.DataFrame,
    p: ArrayLike,
    economics: Economics | None = None,
    effect: ArrayLike | None = None,
) -> pd.DataFrame:
    """Choose one coupon, or none, for each user of each campaign.

    Parameters
    ----------
    offers, p, economics, effect
        As for `offer_value`, and so are the errors; `offers` are the coupons to choose from, with
        the columns that `reason` needs.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and user: `coupon_id` (missing where no coupon is worth sending), its
        `probability` of redemption, its `value` in currency (both 0 where there is none), and the
        `reason` in words. Of equally valuable coupons, the one with the smallest id.

    Examples
    --------
    >>> offers = pd.DataFrame({"campaign_id": 1, "user_id": [7, 7, 8], "coupon_id": [10, 11, 10]})
    >>> offers = offers.assign(spend_per_line=[4.0, 20.0, 4.0], coupon_discount=1.0)
    >>> offers = offers.assign(match_recency=3.0, match_distinct_items=2.0)
    >>> offers = offers.assign(match_category_recency=3.0, user_redemption_recency=40.0)
    >>> best_coupon(offers, [0.3, 0.2, 0.001])[["user_id", "coupon_id", "value"]].round(3)
       user_id  coupon_id  value
    0        7         11  0.461
    1        8       <NA>  0.000
    """
    value = offer_value(offers, p, economics, effect)
    require_present(offers, [*LIST, "coupon_id"])
    require_columns(offers, REASON_FEATURES)
    coupons, _ = pd.factorize(offers["coupon_id"], sort=True)
    rows = best_of_each(offers.groupby(LIST).ngroup().to_numpy(), value, coupons)
    valued = offers.assign(probability=np.asarray(p, float), value=value)
    best = valued.iloc[rows].reset_index(drop=True)
    worth = best["value"] > 0
    return best[LIST].assign(
        coupon_id=best["coupon_id"].convert_dtypes().where(worth),
        probability=best["probability"].where(worth, 0.0),
        value=best["value"].where(worth, 0.0),
        reason=[
            reason(offer) if sent else NOT_WORTH
            for sent, (_, offer) in zip(worth, best.iterrows(), strict=True)
        ],
    )
