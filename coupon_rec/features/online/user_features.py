"""The features of some users, computed from plain arrays, as the batch computes them.

Each function here says in NumPy what one of `coupon_rec.features.batch` says in Ibis. NaN stands
for SQL's NULL. Arrays are short, so the number of calls of NumPy is what counts: users who ask
together share them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from coupon_rec.features.catalog import BROWSING_DAYS, DIGITS, MILLIONTHS, MISSING, NEVER
from coupon_rec.features.online.snapshot import (
    Coupons,
    Floats,
    Ints,
    Items,
    Lines,
    Links,
    Looks,
    Mailings,
    Past,
    Redemptions,
)

Values = dict[str, Any]
SCALE = 10**DIGITS


class Features(NamedTuple):
    """What n users did, alone and with each of K coupons.

    Attributes
    ----------
    user : dict of str to numpy.ndarray
        By feature, shape (n,).
    match : dict of str to numpy.ndarray
        The same of all pairs of a user and a coupon, user by user, shape (n K,).
    pair : numpy.ndarray
        Those of these pairs in which the user bought an item of the coupon, in order, shape (m,).
    bought : dict of str to numpy.ndarray
        The features of these pairs that say something of such purchases, shape (m,).
    """

    user: Values
    match: Values
    pair: Ints
    bought: Values


def features_of(
    pasts: Sequence[Past], mailed: Sequence[Mailings], items: Items, coupons: Coupons, start: int
) -> Features:
    """Compute all features of n users but those that are ranks.

    Parameters
    ----------
    pasts : sequence of Past
        What each did before `start`.
    mailed : sequence of Mailings
        The campaigns mailed to each before.
    items, coupons : Items, Coupons
        What is sold, and the K coupons.
    start : int
        The day on which the campaigns are taken to start, since 1970.
    """
    lines, user = _together([past.lines for past in pasts])
    n, age = len(pasts), start - lines.day
    of_users, weeks, spend = _habits(lines, age, user, n, items)
    of_users |= _answers([past.redemptions for past in pasts], mailed, start)
    match = _near_match(lines, age, user, items, coupons, spend)
    pair, bought = _item_match(lines, age, user, coupons, weeks, spend)
    viewed, match["match_viewed_7"], match["match_view_recency"] = _looks(
        [past.views for past in pasts], coupons, start
    )
    clicks = [past.clicks for past in pasts]
    match["match_clicked_7"] = _looks(clicks, coupons, start)[1]
    of_users["user_views_7"] = viewed
    return Features(known(of_users), known(match), pair, known(bought))


def rounded(values: Floats) -> Floats:
    """Round numbers of 0 or more to `DIGITS` decimals, halves up, as DuckDB does.

    It decides by the number that is stored: 0.0026875 is stored as a little less, and goes down,
    though its product with 10^6 is 2687.5 to the last bit.
    """
    high = values.astype("float32").astype("float64")
    exact = high * SCALE  # as is the product of what is left, since both have few bits
    whole = np.floor(exact)
    rest = exact - whole + (values - high) * SCALE
    return np.asarray((whole + np.floor(rest + 0.5)) / SCALE)


def known(values: Values) -> Values:
    """Round features of one shape, cap recencies, fill in what stands for "nothing known"."""
    missing = np.array([[MISSING[name]] for name in values])
    most = np.where(missing == NEVER, NEVER, np.inf)
    block = np.minimum(rounded(np.array([*values.values()], "float64")), most)
    return dict(zip(values, np.where(np.isnan(block), missing, block), strict=True))


def wallet_shares(lines: Lines, coupons: Coupons) -> Floats:
    """The feature match_wallet_share of one user for each coupon, shape (K,)."""
    line, pair = coupons.items.of(lines.item)
    spent = np.bincount(coupons.items.coupon[pair], lines.amount[line], len(coupons.covered))
    shares = _ratio(spent / MILLIONTHS, lines.amount.sum() / MILLIONTHS)
    shares = known({"match_wallet_share": shares})
    return np.asarray(shares["match_wallet_share"])


def _together(rows: Sequence[Any]) -> tuple[Any, Ints]:
    """The rows of several users, one after another, and whose each row is."""
    user = np.arange(len(rows)).repeat([len(one.day) for one in rows])
    return type(rows[0])(*map(np.concatenate, zip(*rows, strict=True))), user


def _ratio(above: Any, below: Any) -> Any:
    """Divide; NaN where the divisor is 0."""
    return above / np.where(np.equal(below, 0), np.nan, below)


def _decayed(age: Ints, days: int) -> Floats:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return np.exp(-age / days)


def _last(place: Ints, age: Ints, size: int) -> Floats:
    """The smallest age at each place, NaN where there is none, from rows in the order of days."""
    last = np.full(size, np.nan)
    last[place] = age  # of several values for one place NumPy keeps the last
    return last


def _linked(keys: Ints, user: Ints, links: Links, k: int) -> tuple[Ints, Ints, Ints]:
    """The coupons that events stand for: the event, the link, the pair of user and coupon."""
    event, link = links.of(keys)
    return event, link, user[event] * k + links.coupon[link]


def _habits(
    lines: Lines, age: Ints, user: Ints, n: int, items: Items
) -> tuple[Values, Floats, Floats]:
    """How users shopped; with it their weeks of history, and their spend in currency."""
    basket = lines.basket_id
    opens = np.ones(len(user), "bool")
    opens[1:] = (user[1:] != user[:-1]) | (age[1:] != age[:-1]) | (basket[1:] != basket[:-1])
    visitor, visit_age = user[opens], age[opens]
    kinds = int(items.category.max()) + 1
    brought = np.unique(opens.cumsum() * kinds + items.category[lines.item]) // kinds - 1
    trips, count = np.bincount(visitor, minlength=n), np.bincount(user, minlength=n)
    weeks = np.fmax(_last(visitor[::-1], visit_age[::-1], n) / 7, 1)
    spend, discount, private = (
        np.bincount(user, money, n) / MILLIONTHS
        for money in (
            lines.amount,
            lines.retail_discount,
            lines.amount * items.private[lines.item],
        )
    )
    recent, usual = (np.bincount(visitor, _decayed(visit_age, days), n) for days in (14, 120))
    features = {
        "user_recency": _last(visitor, visit_age, n),
        "user_coupon_share": _ratio(np.bincount(user, lines.coupon_discount > 0, n), count),
        "user_categories_per_trip": _ratio(np.bincount(visitor[brought], minlength=n), trips),
        "user_trips_per_week": trips / weeks,
        "user_spend_per_week": spend / weeks,
        "user_spend_per_trip": _ratio(spend, trips),
        "user_trend": _ratio(recent / 14, usual / 120),
        "user_discount_share": _ratio(discount, spend + discount),
        "user_private_share": _ratio(private, spend),
    }
    return features, weeks, spend


def _answers(redemptions: Sequence[Redemptions], mailed: Sequence[Mailings], start: int) -> Values:
    """How users answered the campaigns mailed before."""
    (days,), receiver = _together(mailed)
    used, user = _together(redemptions)
    n, age = len(mailed), start - used.day
    campaigns = np.bincount(receiver, minlength=n)
    return {
        "user_mailed_90": np.bincount(receiver, start - days <= 90, n),
        "user_redemption_recency": _last(user, age, n),
        "user_redemptions_decayed": np.bincount(user, _decayed(age, 120), n),
        "user_redemption_rate": np.bincount(user, minlength=n) / np.maximum(campaigns, 1),
    }


def _item_match(
    lines: Lines, age: Ints, user: Ints, coupons: Coupons, weeks: Floats, spend: Floats
) -> tuple[Ints, Values]:
    """Users' past purchases of coupons' items: the pairs that have some, and their features."""
    k = len(coupons.covered)
    line, link, place = _linked(lines.item, user, coupons.items, k)
    pair, row = np.unique(place, return_inverse=True)
    n, age = len(pair), age[line]
    owner, coupon = np.divmod(pair, k)
    different = np.unique(user[line] * len(coupons.items.coupon) + link, return_index=True)[1]
    counts = np.bincount(row, minlength=n)
    paid = np.bincount(row, lines.amount[line], n) / MILLIONTHS
    recent, lately, usual = (np.bincount(row, _decayed(age, days), n) for days in (14, 45, 120))
    first, last = _last(row[::-1], age[::-1], n), _last(row, age, n)
    interval = np.fmin(_ratio(first - last, counts - 1), NEVER)
    price = _ratio(paid, np.bincount(row, lines.quantity[line], n))
    return pair, {
        "match_lines_per_week": counts / weeks[owner],
        "match_decayed_14": recent,
        "match_decayed_45": lately,
        "match_decayed_120": usual,
        "match_trend": _ratio(recent / 14, usual / 120),
        "match_recency": last,
        "match_interval": interval,
        "match_due": last / np.maximum(interval, 1.0),
        "match_distinct_items": np.bincount(row[different], minlength=n),
        "match_spend_per_week": paid / weeks[owner],
        "match_wallet_share": _ratio(paid, spend[owner]),
        "match_coupon_share": np.bincount(row, lines.coupon_discount[line] > 0, n) / counts,
        "match_price_ratio": price / coupons.price[coupon],
    }


def _near_match(
    lines: Lines, age: Ints, user: Ints, items: Items, coupons: Coupons, spend: Floats
) -> Values:
    """Users' purchases in coupons' categories and of their makers."""
    k, size = len(coupons.covered), len(spend) * len(coupons.covered)
    spend, covered = spend.repeat(k), np.tile(coupons.covered, len(spend))
    line, link, pair = _linked(items.category[lines.item], user, coupons.categories, k)
    times = coupons.categories.times[link]
    paid = np.bincount(pair, lines.amount[line] * times, size) / MILLIONTHS
    maker, _, made = _linked(items.maker[lines.item], user, coupons.makers, k)
    return {
        "match_category_share": _ratio(paid / covered, spend),
        "match_category_decayed": np.bincount(pair, _decayed(age[line], 45) * times, size)
        / covered,
        "match_category_recency": _last(pair, age[line], size),
        "match_brand_share": _ratio(
            np.bincount(made, lines.amount[maker], size) / MILLIONTHS, spend
        ),
    }


def _looks(looks: Sequence[Looks], coupons: Coupons, start: int) -> tuple[Floats, Floats, Floats]:
    """What users looked at: all of it, that of each coupon, and the age of the last look there."""
    (item, day), user = _together(looks)
    n, k, age = len(looks), len(coupons.covered), start - day
    look, _, pair = _linked(item, user, coupons.items, k)
    return (
        np.asarray(np.bincount(user, _decayed(age, BROWSING_DAYS), n), "float64"),
        np.asarray(np.bincount(pair, _decayed(age[look], BROWSING_DAYS), n * k), "float64"),
        _last(pair, age[look], n * k),
    )
