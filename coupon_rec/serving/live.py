"""The features of one user, computed from plain arrays, equal to the batch's to the last bit.

Each function here says in NumPy what one of `coupon_rec.features.sides` and
`coupon_rec.features.match` says in Ibis: the same sums of whole millionths, the same ratios in the
same order, rounded to the same digits. NaN stands for SQL's NULL.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from coupon_rec.features.catalog import DIGITS, FEATURES, MILLIONTHS, NEVER
from coupon_rec.serving.memory import Coupons, Floats, Ints, Items, Lines, Redemptions

Values = dict[str, Any]
SPLIT = 2.0**27 + 1
MISSING = {feature.name: feature.missing for feature in FEATURES}


def rounded(values: Any) -> Any:
    """Round numbers of 0 or more to `DIGITS` decimals, halves up, as DuckDB does.

    It decides by the number that is stored: 0.0026875 is stored as a little less, and goes down,
    though its product with 10^6 is 2687.5 to the last bit. So the error of the product is needed,
    which the product of the two halves of the number's bits gives exactly (Dekker).
    """
    values = np.asarray(values, "float64")
    scale = 10**DIGITS
    product = values * scale
    high = values * SPLIT - (values * SPLIT - values)
    error = (high * scale - product) + (values - high) * scale
    whole = np.floor(product)
    rest = product - whole
    return (whole + ((rest > 0.5) | ((rest == 0.5) & (error >= 0)))) / scale


def known(names: Sequence[str], values: Any) -> Floats:
    """Round features, cap recencies, fill in what stands for "nothing known".

    Parameters
    ----------
    names : sequence of str
        d features.
    values : numpy.ndarray
        Shape (d,) or (n, d).
    """
    missing = np.array([MISSING[name] for name in names])
    values = np.minimum(rounded(values), np.where(missing == NEVER, NEVER, np.inf))
    return np.where(np.isnan(values), missing, values)


def ratio(above: Any, below: Any) -> Any:
    """Divide; NaN where the divisor is 0."""
    return above / np.where(np.equal(below, 0), np.nan, below)


def decayed(age: Ints, days: float) -> Floats:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return np.exp(-age.astype("float64") / days)


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
        "user_discount_share": ratio(discount, spend + discount),
        "user_private_share": ratio(private, spend),
    }


def _visits(lines: Lines, items: Items, start: int) -> tuple[Ints, int]:
    """The age of each visit, and how many categories they brought in all."""
    category = items.category[lines.item]
    order = np.lexsort((category, lines.basket_id, lines.day))
    day, basket, category = lines.day[order], lines.basket_id[order], category[order]
    visit = np.concatenate([[True], (day[1:] != day[:-1]) | (basket[1:] != basket[:-1])])
    another = int(np.count_nonzero(visit[1:] | (category[1:] != category[:-1])))
    return start - day[visit], another + 1


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
    lines = lines.where(coupons.items.linked[lines.item])
    line, coupon = coupons.items.of(lines.item)
    return np.bincount(coupon, lines.amount[line], len(coupons.covered)).astype("float64")


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
        Shape (K,), unrounded; NaN for a coupon none of whose items was bought.

    Notes
    -----
    Lines come in the order of their days, and of several values for one place NumPy keeps the
    last: so `last[coupon] = age` leaves the smallest age.
    """
    size = len(coupons.covered)
    lines = lines.where(coupons.items.linked[lines.item])
    line, coupon = coupons.items.of(lines.item)
    age = start - lines.day
    bought = np.unique(lines.item)
    _, coupon_of_item = coupons.items.of(bought)

    def total(values: Any) -> Floats:
        return np.bincount(coupon, values[line], size).astype("float64")

    counts = total(np.ones(len(age)))
    some = np.where(counts > 0, 1.0, np.nan)
    last, first = np.full(size, np.nan), np.full(size, np.nan)
    last[coupon] = age[line]
    first[coupon[::-1]] = age[line[::-1]]
    paid, recent = total(lines.amount) / MILLIONTHS, total(decayed(age, 14))
    usual = total(decayed(age, 120))
    interval = np.fmin(ratio(first - last, counts - 1), NEVER)
    return {
        "match_lines_per_week": counts / weeks * some,
        "match_decayed_14": recent * some,
        "match_decayed_45": total(decayed(age, 45)) * some,
        "match_decayed_120": usual * some,
        "match_trend": ratio(recent / 14, usual / 120),
        "match_recency": last,
        "match_interval": interval,
        "match_due": last / np.maximum(interval, 1.0),
        "match_distinct_items": np.bincount(coupon_of_item, minlength=size) * some,
        "match_spend_per_week": paid / weeks * some,
        "match_wallet_share": ratio(paid * some, spend),
        "match_coupon_share": ratio(total(lines.coupon_discount > 0), counts),
        "match_price_ratio": ratio(ratio(paid, total(lines.quantity)), coupons.price),
    }


def category_match(
    lines: Lines, items: Items, coupons: Coupons, start: int, spend: float
) -> Values:
    """A user's past purchases in each coupon's categories: as `match.category_match`."""
    size, kinds = len(coupons.covered), len(coupons.categories.linked)
    category = items.category[lines.item]
    amount = np.bincount(category, lines.amount, kinds)
    recent = np.bincount(category, decayed(start - lines.day, 45), kinds)
    last = np.full(kinds, -1)
    last[category] = lines.day
    bought = np.flatnonzero((last >= 0) & coupons.categories.linked)
    bought = bought[np.argsort(last[bought])]
    which, coupon, items_in = coupons.categories.times(bought)
    paid = np.bincount(coupon, amount[bought[which]] * items_in, size)
    recency = np.full(size, np.nan)
    recency[coupon] = start - last[bought[which]]
    some = np.where(np.isnan(recency), np.nan, 1.0)
    return {
        "match_category_share": ratio(paid / MILLIONTHS / coupons.covered * some, spend),
        "match_category_decayed": np.bincount(coupon, recent[bought[which]] * items_in, size)
        / coupons.covered
        * some,
        "match_category_recency": recency,
    }


def brand_match(lines: Lines, items: Items, coupons: Coupons, spend: float) -> Values:
    """A user's past spend on the makers of each coupon's items: as `match.brand_match`."""
    maker = items.maker[lines.item]
    amount = np.bincount(maker, lines.amount, len(coupons.makers.linked))
    bought = np.unique(maker)
    bought = bought[coupons.makers.linked[bought]]
    which, coupon = coupons.makers.of(bought)
    paid = np.bincount(coupon, amount[bought[which]], len(coupons.covered))
    some = np.where(np.bincount(coupon, minlength=len(paid)) > 0, 1.0, np.nan)
    return {"match_brand_share": ratio(paid / MILLIONTHS * some, spend)}
