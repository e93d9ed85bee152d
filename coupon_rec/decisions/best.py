"""The most valuable coupons of a list, or none."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import require_columns, require_present
from coupon_rec.decisions.reasons import NOT_WORTH, REASON_FEATURES, reason
from coupon_rec.decisions.value import LIST, Economics, offer_value


def most_valuable(
    value: NDArray[np.float64],
    coupon_id: NDArray[np.int64],
    k: int,
    *ties: NDArray[np.int64],
    above: float = 0.0,
) -> list[int]:
    """Choose the k most valuable coupons of one list, each once, as the service does.

    Parameters
    ----------
    value : numpy.ndarray
        Expected profit of each of n offers, in currency, shape (n,).
    coupon_id : numpy.ndarray
        Shape (n,). Of equally valuable coupons, the one with the smallest id comes first.
    k : int
        How many at most.
    *ties : numpy.ndarray
        Each of shape (n,): of equal offers of a coupon, the one with the smallest of these counts.
    above : float
        Only offers worth more than this are chosen.

    Returns
    -------
    list of int
        Their places in the list, the most valuable first.

    Examples
    --------
    >>> most_valuable(np.array([0.1, 0.5, 0.5, -1.0]), np.array([7, 9, 8, 6]), k=3)
    [2, 1, 0]
    """
    allowed = np.flatnonzero(value > above)
    order = np.lexsort(
        (*(tie[allowed] for tie in reversed(ties)), coupon_id[allowed], -value[allowed])
    )
    place_of: dict[int, int] = {}
    for place in allowed[order].tolist():
        place_of.setdefault(int(coupon_id[place]), place)
        if len(place_of) == k:
            break
    return list(place_of.values())


def lists_of(offers: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Give the rows of each list, in the order of campaigns and users."""
    number = offers.groupby(LIST).ngroup().to_numpy()
    ends = np.cumsum(np.bincount(number))
    return np.split(np.argsort(number, kind="stable"), ends[:-1]) if len(ends) else []


def best_offers(
    offers: pd.DataFrame,
    p: ArrayLike,
    economics: Economics | None = None,
    effect: ArrayLike | None = None,
) -> pd.DataFrame:
    """Choose as `best_coupon` does, and give the `row` of each choice in place of a reason.

    Parameters
    ----------
    offers, p, economics, effect
        As for `offer_value`, and so are the errors.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and user, as `best_coupon` gives it; `row` is the place of the chosen
        offer in `offers`, -1 where no coupon is worth sending.
    """
    value = offer_value(offers, p, economics, effect)
    require_present(offers, [*LIST, "coupon_id"])
    coupons, _ = pd.factorize(offers["coupon_id"], sort=True)
    lists = lists_of(offers)
    rows = np.full(len(lists), -1)
    for number, members in enumerate(lists):
        for place in most_valuable(value[members], coupons[members], k=1):
            rows[number] = members[place]
    best = offers.groupby(LIST).size().reset_index()[LIST].assign(row=rows)
    sent = rows >= 0
    return best.assign(
        coupon_id=offers["coupon_id"]
        .iloc[rows]
        .reset_index(drop=True)
        .convert_dtypes()
        .where(sent),
        probability=np.where(sent, np.asarray(p, float)[rows], 0.0),
        value=np.where(sent, value[rows], 0.0),
    )


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
    >>> offers = offers.assign(spend_per_line=[4.0, 20.0, 4.0], discount=1.0)
    >>> offers = offers.assign(match_recency=3.0, match_distinct_items=2.0)
    >>> offers = offers.assign(match_category_recency=3.0, user_redemption_recency=40.0)
    >>> best_coupon(offers, [0.3, 0.2, 0.001])[["user_id", "coupon_id", "value"]].round(3)
       user_id  coupon_id  value
    0        7         11  0.461
    1        8       <NA>  0.000
    """
    require_columns(offers, REASON_FEATURES)
    best = best_offers(offers, p, economics, effect)
    reasons = [
        NOT_WORTH if row < 0 else reason(offers.iloc[row].to_dict()) for row in best["row"].tolist()
    ]
    return best.drop(columns="row").assign(reason=reasons)
