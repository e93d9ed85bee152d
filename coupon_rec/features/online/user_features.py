"""The features of one user, computed from plain arrays, equal to the batch's to the last bit.

Each function here says in NumPy what one of `coupon_rec.features.batch` says in Ibis: the same
sums of whole millionths, the same ratios in the same order, rounded to the same digits. NaN
stands for SQL's NULL; where the catalog says that NULL becomes 0 it may be 0 at once. Arrays are
short, so the number of calls of NumPy is what counts.
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
from coupon_rec.features.online.snapshot_reader import (
    Coupons,
    Floats,
    Ints,
    Items,
    Lines,
    Looks,
    Redemptions,
)

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


def known(names: Sequence[str], values: Any) -> Floats:
    """Round features, cap recencies, fill in what stands for "nothing known".

    Parameters
    ----------
    names : sequence of str
        d features.
    values : numpy.ndarray
        Shape (d,) or (n, d).
    """
    missing, most = _bounds(tuple(names))
    values = np.minimum(rounded(values), most)
    return np.where(np.isnan(values), missing, values)


@cache
def _bounds(names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """What stands for "nothing known", and the cap of each feature."""
    missing = np.array([MISSING[name] for name in names])
    return missing, np.where(missing == NEVER, NEVER, np.inf)


def ratio(above: Any, below: Any) -> Any:
    """Divide; NaN where the divisor is 0."""
    return above / np.where(np.equal(below, 0), np.nan, below)


def decayed(age: Ints, days: int) -> Floats:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return _weights(days).take(age, mode="clip")


@cache
def _weights(days: int) -> Floats:
    """The weights of all ages up to one whose weight is 0 as a number of 64 bits."""
    return np.exp(-np.arange(750.0 * days) / days)


def habits(lines: Lines, items: Items, start: int) -> Values:
    """How a user shopped before `start`: the features of `sides.user_habits`, and two sums.

    Parameters
    ----------
    lines : Lines
        The user's, all before `start`.
    items : Items
        What is sold.
    start : int
        Day, since 1970.

    Returns
    -------
    dict of str to float
        Unrounded; with `weeks` of history and `spend` in currency. Empty without purchases.
    """
    if not len(lines.item):
        return {}
    age, categories = _visits(lines, items, start)
    trips, weeks = len(age), max(int(age.max()) / 7, 1)
    spend = int(lines.amount.sum()) / MILLIONTHS
    discount = int(lines.retail_discount.sum()) / MILLIONTHS
    private = int(lines.amount[items.private[lines.item]].sum()) / MILLIONTHS
    return {
        "weeks": weeks,
        "spend": spend,
        "user_recency": age.min(),
        "user_coupon_share": np.count_nonzero(lines.coupon_discount) / len(lines.item),
        "user_categories_per_trip": categories / trips,
        "user_trips_per_week": trips / weeks,
        "user_spend_per_week": spend / weeks,
        "user_spend_per_trip": spend / trips,
        "user_trend": (decayed(age, 14).sum() / 14) / (decayed(age, 120).sum() / 120),
        "user_discount_share": discount / ((spend + discount) or np.nan),
        "user_private_share": private / (spend or np.nan),
    }


def _visits(lines: Lines, items: Items, start: int) -> tuple[Ints, int]:
    """The age of each visit, and how many categories they brought in all."""
    day, basket = lines.day, lines.basket_id
    opens = np.ones(len(day), "bool")
    opens[1:] = (day[1:] != day[:-1]) | (basket[1:] != basket[:-1])
    visit = opens.cumsum()
    brought = distinct(visit * len(items.item_id) + items.category[lines.item])
    return start - day[opens], len(brought)


def distinct(values: Ints) -> Ints:
    """The values without repetitions, sorted; sooner than `numpy.unique` for some hundred."""
    values = np.sort(values)
    first = np.ones(len(values), "bool")
    first[1:] = values[1:] != values[:-1]
    return values[first]


def answers(redemptions: Redemptions, mailed: Ints, start: int) -> Values:
    """How a user answered the campaigns mailed before: the features of `sides.user_redemptions`.

    Parameters
    ----------
    redemptions : Redemptions
        The user's, all before `start`.
    mailed : numpy.ndarray
        First days of the campaigns mailed before, shape (m,).
    start : int
        Day, since 1970.
    """
    values: Values = {"user_mailed_90": np.count_nonzero(start - mailed <= 90)}
    age = start - redemptions.day
    if len(age):
        values["user_redemption_recency"] = age.min()
        values["user_redemptions_decayed"] = decayed(age, 120).sum()
        values["user_redemption_rate"] = len(age) / max(len(mailed), 1)
    return values


def item_spend(lines: Lines, coupons: Coupons) -> Floats:
    """What a user spent on each coupon's items, in whole millionths, shape (K,)."""
    line, pair = coupons.items.of(lines.item)
    spent = np.bincount(coupons.items.coupon[pair], lines.amount[line], len(coupons.covered))
    return np.asarray(spent, "float64")


def wallet_shares(lines: Lines, coupons: Coupons) -> Floats:
    """The feature match_wallet_share for each coupon, shape (K,)."""
    spend = int(lines.amount.sum()) / MILLIONTHS
    shares = item_spend(lines, coupons) / MILLIONTHS / spend if spend else np.nan
    return np.broadcast_to(known(["match_wallet_share"], shares), coupons.covered.shape)


def item_match(lines: Lines, coupons: Coupons, start: int, weeks: float, spend: float) -> Values:
    """A user's past purchases of each coupon's items: the features of `match.item_match`.

    Parameters
    ----------
    lines : Lines
        The user's, all before `start`.
    coupons : Coupons
        K coupons.
    start : int
        Day, since 1970.
    weeks, spend : float
        Of the user, as `habits` gives them.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape (K,), unrounded; for a coupon none of whose items was bought NaN, or 0 where that is
        what stands for "nothing known".

    Notes
    -----
    Lines come in the order of their days, and of several values for one place NumPy keeps the
    last: so `last[coupon] = age` leaves the smallest age.
    """
    size = len(coupons.covered)
    line, pair = coupons.items.of(lines.item)
    coupon, age = coupons.items.coupon[pair], start - lines.day[line]

    def total(values: Any) -> Floats:
        return np.asarray(np.bincount(coupon, values, size), "float64")

    counts, quantity = total(None), total(lines.quantity[line])
    last, first = np.full(size, np.nan), np.full(size, np.nan)
    last[coupon] = age
    first[coupon[::-1]] = age[::-1]
    interval = np.fmin(ratio(first - last, counts - 1), NEVER)
    paid = total(lines.amount[line]) / MILLIONTHS
    recent, usual = total(decayed(age, 14)), total(decayed(age, 120))
    return {
        "match_lines_per_week": counts / weeks,
        "match_decayed_14": recent,
        "match_decayed_45": total(decayed(age, 45)),
        "match_decayed_120": usual,
        "match_trend": ratio(recent / 14, usual / 120),
        "match_recency": last,
        "match_interval": interval,
        "match_due": last / np.maximum(interval, 1.0),
        "match_distinct_items": np.bincount(coupons.items.coupon[distinct(pair)], minlength=size),
        "match_spend_per_week": paid / weeks,
        "match_wallet_share": paid / (spend or np.nan),
        "match_coupon_share": ratio(total(lines.coupon_discount[line] > 0), counts),
        "match_price_ratio": ratio(paid, quantity) / coupons.price,
    }


def category_match(
    lines: Lines, items: Items, coupons: Coupons, start: int, spend: float
) -> Values:
    """A user's past purchases in each coupon's categories: as `match.category_match`."""
    size, kinds = len(coupons.covered), len(coupons.categories)
    category, age = items.category[lines.item], start - lines.day
    amount = np.bincount(category, lines.amount, kinds)
    decays = np.bincount(category, decayed(age, 45), kinds)
    last = np.zeros(kinds, "int64")
    last[category] = age
    bought = last.nonzero()[0]
    bought = bought[(-last[bought]).argsort()]
    place, pair = coupons.categories.of(bought)
    coupon, times, category = (
        coupons.categories.coupon[pair],
        coupons.categories.times[pair],
        bought[place],
    )
    recency = np.full(size, np.nan)
    recency[coupon] = last[category]
    paid = np.bincount(coupon, amount[category] * times, size) / MILLIONTHS / coupons.covered
    recent = np.bincount(coupon, decays[category] * times, size) / coupons.covered
    return {
        "match_category_share": paid / (spend or np.nan),
        "match_category_decayed": recent,
        "match_category_recency": recency,
    }


def brand_match(lines: Lines, items: Items, coupons: Coupons, spend: float) -> Values:
    """A user's past spend on the makers of each coupon's items: as `match.brand_match`."""
    maker = items.maker[lines.item]
    amount = np.bincount(maker, lines.amount, len(coupons.makers))
    bought = (amount > 0).nonzero()[0]
    which, pair = coupons.makers.of(bought)
    coupon = coupons.makers.coupon[pair]
    paid = np.bincount(coupon, amount[bought[which]], len(coupons.covered)) / MILLIONTHS
    return {"match_brand_share": paid / (spend or np.nan)}


def browsing(views: Looks, clicks: Looks, coupons: Coupons, start: int) -> tuple[Values, Values]:
    """What a user looked at: as `histories.user_histories` and `histories.match_histories`.

    Returns
    -------
    user, match : dict of str to numpy.ndarray
        Features of the user, and of the match with each of K coupons, unrounded.
    """
    size = len(coupons.covered)

    def by_coupon(looks: Looks) -> tuple[Floats, Ints, Ints]:
        look, pair = coupons.items.of(looks.item)
        coupon, age = coupons.items.coupon[pair], start - looks.day[look]
        faded = np.bincount(coupon, decayed(age, BROWSING_DAYS), size)
        return np.asarray(faded, "float64"), coupon, age

    viewed, coupon, age = by_coupon(views)
    recency = np.full(size, np.nan)
    recency[coupon] = age
    return {"user_views_7": decayed(start - views.day, BROWSING_DAYS).sum()}, {
        "match_viewed_7": viewed,
        "match_clicked_7": by_coupon(clicks)[0],
        "match_view_recency": recency,
    }
