"""The features of some users, computed from plain arrays, equal to the batch's to the last bit.

Each function here says in NumPy what one of `coupon_rec.features.batch` says in Ibis: the same
sums of whole millionths, the same ratios in the same order, rounded to the same digits. NaN
stands for SQL's NULL; where the catalog says that NULL becomes 0 it may be 0 at once. Arrays are
short, so the number of calls of NumPy is what counts: users who ask together share them.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from coupon_rec.features.catalog import (
    BROWSING_DAYS,
    DIGITS,
    FEATURES,
    MILLIONTHS,
    NEVER,
    OPTIONAL_FEATURES,
)
from coupon_rec.features.online.snapshot import (
    Coupons,
    Floats,
    Ints,
    Lines,
    Looks,
    Redemptions,
)
from coupon_rec.features.online.sums import decayed

Values = dict[str, Any]
SPLIT = 2.0**27 + 1
MISSING = {feature.name: feature.missing for feature in (*FEATURES, *OPTIONAL_FEATURES)}


def rounded(values: Any) -> Any:
    """Round numbers of 0 or more to `DIGITS` decimals, halves up, as DuckDB does.

    It decides by the number that is stored: 0.0026875 is stored as a little less, and goes down,
    though its product with 10^6 is 2687.5 to the last bit. So the error of the product is needed,
    which the product of the two halves of the number's bits gives exactly (Dekker).
    """
    values = np.asarray(values, "float64")
    scale = 10**DIGITS
    product = values * scale
    whole = np.floor(product)
    rest = product - whole
    up, half = rest > 0.5, rest == 0.5
    if np.count_nonzero(half):
        high = values * SPLIT - (values * SPLIT - values)
        error = (high * scale - product) + (values - high) * scale
        up |= half & (error >= 0)
    whole += up
    whole /= scale
    return whole


def known(values: Values) -> Values:
    """Round features of one shape, cap recencies, fill in what stands for "nothing known"."""
    missing, most = _bounds(tuple(values))
    block = np.concatenate([*values.values()]).reshape(len(values), -1)
    block = np.minimum(rounded(block), most)
    return dict(zip(values, np.where(np.isnan(block), missing, block), strict=True))


@cache
def _bounds(names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """What stands for "nothing known", and the cap of each feature, one row each."""
    missing = np.array([[MISSING[name]] for name in names])
    return missing, np.where(missing == NEVER, NEVER, np.inf)


def ratio(above: Any, below: Any) -> Any:
    """Divide; NaN where the divisor is 0."""
    return above / np.where(np.equal(below, 0), np.nan, below)


def habits(sums: Floats, late: Ints) -> tuple[Values, Floats, Floats]:
    """How users shopped: the features of `sides.user_habits`.

    Parameters
    ----------
    sums : numpy.ndarray
        `Sums.habits` of n users.
    late : numpy.ndarray
        Days from those of the sums to the one for which the features are, shape (n,).

    Returns
    -------
    features : dict of str to numpy.ndarray
        Of shape (n,), unrounded.
    weeks, spend : numpy.ndarray
        Weeks of history, and spend in currency, shape (n,).
    """
    lines, spend, discount, private, with_coupon, *of_visits = sums.T
    trips, recent, usual, categories, first, last = of_visits
    weeks = np.maximum((first + late) / 7, 1)
    spend, discount = spend / MILLIONTHS, discount / MILLIONTHS
    recent, usual = recent * faded(late, 14), usual * faded(late, 120)
    features = {
        "user_recency": np.where(trips > 0, last + late, np.nan),
        "user_coupon_share": ratio(with_coupon, lines),
        "user_categories_per_trip": ratio(categories, trips),
        "user_trips_per_week": trips / weeks,
        "user_spend_per_week": spend / weeks,
        "user_spend_per_trip": ratio(spend, trips),
        "user_trend": ratio(recent / 14, usual / 120),
        "user_discount_share": ratio(discount, spend + discount),
        "user_private_share": ratio(private / MILLIONTHS, spend),
    }
    return features, weeks, spend


def faded(late: Ints, days: int) -> Floats:
    """What is left of something that fades by exp(-age / days)."""
    return np.exp(-late / days)


def answers(redemptions: Sequence[Redemptions], mailed: Sequence[Ints], start: int) -> Values:
    """How users answered the campaigns mailed before: the features of `sides.user_redemptions`.

    Parameters
    ----------
    redemptions : sequence of Redemptions
        Of each of n users, all before `start`.
    mailed : sequence of numpy.ndarray
        First days of the campaigns mailed to each of them before.
    start : int
        Day, since 1970.
    """
    n, days = len(mailed), [each.day for each in redemptions]
    campaigns, counts = np.array([*map(len, mailed)]), np.array([*map(len, days)])
    recent = start - np.concatenate(mailed) <= 90
    user, age = np.arange(n).repeat(counts), start - np.concatenate(days)
    last = np.full(n, np.nan)
    last[user] = age
    return {
        "user_mailed_90": np.bincount(np.arange(n).repeat(campaigns), recent, n),
        "user_redemption_recency": last,
        "user_redemptions_decayed": np.bincount(user, decayed(age, 120), n),
        "user_redemption_rate": counts / np.maximum(campaigns, 1),
    }


def item_match(sums: Floats, price: Floats, late: Ints, weeks: Floats, spend: Floats) -> Values:
    """Users' past purchases of coupons' items: the features of `match.item_match`.

    Parameters
    ----------
    sums : numpy.ndarray
        m rows of `Sums.bought`.
    price : numpy.ndarray
        Of the coupon of each row, shape (m,).
    late, weeks, spend : numpy.ndarray
        Of the user of each row, as `habits` takes and gives them, shape (m,).

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (m,), unrounded.
    """
    counts, quantity, paid, with_coupon, *fading, first, last, items = sums.T
    recent, lately, usual = (
        sum_ * faded(late, days) for sum_, days in zip(fading, (14, 45, 120), strict=True)
    )
    paid, recency = paid / MILLIONTHS, last + late
    interval = np.fmin(ratio(first - last, counts - 1), NEVER)
    return {
        "match_lines_per_week": counts / weeks,
        "match_decayed_14": recent,
        "match_decayed_45": lately,
        "match_decayed_120": usual,
        "match_trend": ratio(recent / 14, usual / 120),
        "match_recency": recency,
        "match_interval": interval,
        "match_due": recency / np.maximum(interval, 1.0),
        "match_distinct_items": items,
        "match_spend_per_week": paid / weeks,
        "match_wallet_share": ratio(paid, spend),
        "match_coupon_share": with_coupon / counts,
        "match_price_ratio": ratio(paid, quantity) / price,
    }


def near_match(near: Floats, covered: Floats, late: Ints, spend: Floats) -> Values:
    """Users' purchases in coupons' categories and of their makers.

    These are the features of `match.category_match` and `match.brand_match`.

    Parameters
    ----------
    near : numpy.ndarray
        m rows of `Sums.near`, shape (m, 4).
    covered : numpy.ndarray
        How many items the coupon of each row covers, shape (m,).
    late, spend : numpy.ndarray
        Of the user of each row, as `habits` takes and gives them, shape (m,).
    """
    paid, recent, last, of_makers = near.T
    return {
        "match_category_share": ratio(paid / MILLIONTHS / covered, spend),
        "match_category_decayed": recent * faded(late, 45) / covered,
        "match_category_recency": np.where(last > 0, last + late, np.nan),
        "match_brand_share": ratio(of_makers / MILLIONTHS, spend),
    }


def item_spend(lines: Lines, coupons: Coupons) -> Floats:
    """What a user spent on each coupon's items, in whole millionths, shape (K,)."""
    line, pair = coupons.items.of(lines.item)
    spent = np.bincount(coupons.items.coupon[pair], lines.amount[line], len(coupons.covered))
    return np.asarray(spent, "float64")


def wallet_shares(lines: Lines, coupons: Coupons) -> Floats:
    """The feature match_wallet_share for each coupon, shape (K,)."""
    spend = int(lines.amount.sum()) / MILLIONTHS
    shares = item_spend(lines, coupons) / MILLIONTHS / spend if spend else np.nan
    shares = np.broadcast_to(shares, coupons.covered.shape)
    return np.asarray(known({"match_wallet_share": shares})["match_wallet_share"])


def browsing(
    views: Sequence[Looks], clicks: Sequence[Looks], coupons: Coupons, start: int
) -> tuple[Values, Values]:
    """What users looked at: as `histories.user_histories` and `histories.match_histories`.

    Parameters
    ----------
    views, clicks : sequence of Looks
        Of each of n users, all before `start`.
    coupons : Coupons
        K coupons.
    start : int
        Day, since 1970.

    Returns
    -------
    user, match : dict of str to numpy.ndarray
        Features of the users, shape (n,), and of their matches with each coupon, (n K,).
    """
    n, each = len(views), len(coupons.covered)

    def added_up(looks: Sequence[Looks]) -> tuple[Any, Any, Floats]:
        item, day = map(np.concatenate, zip(*looks, strict=True))
        user, age = np.arange(n).repeat([len(one.day) for one in looks]), start - day
        look, pair = coupons.items.of(item)
        place, its_age = user[look] * each + coupons.items.coupon[pair], age[look]
        last = np.full(n * each, np.nan)
        last[place] = its_age
        return (
            np.bincount(user, decayed(age, BROWSING_DAYS), n),
            np.bincount(place, decayed(its_age, BROWSING_DAYS), n * each),
            last,
        )

    viewed, viewed_match, recency = added_up(views)
    return {"user_views_7": viewed}, {
        "match_viewed_7": viewed_match,
        "match_clicked_7": added_up(clicks)[1],
        "match_view_recency": recency,
    }
