"""The features of some users, computed from plain arrays, as the batch computes them.

Each function here says in NumPy what one of `coupon_rec.features.batch` says in Ibis. NaN stands
for SQL's NULL. Arrays are short, so the number of calls of NumPy is what counts: users who ask
together share them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from coupon_rec.features.catalog import BROWSING_DAYS, DIGITS, MILLIONTHS, MISSING, NEVER
from coupon_rec.features.online.snapshot import (
    Coupons,
    Floats,
    Grouped,
    Ints,
    Items,
    Past,
    Rows,
    Snapshot,
    Tastes,
)

Values = dict[str, Any]
SCALE = 10**DIGITS


def features_of(
    pasts: Sequence[Past], users: Ints, snapshot: Snapshot, start: int
) -> tuple[Values, Values]:
    """Compute all features of n users, and with each of K coupons, but those that are ranks.

    Parameters
    ----------
    pasts : sequence of Past
        What each did before `start`.
    users : numpy.ndarray
        The row of each in the snapshot, shape (n,).
    snapshot : Snapshot
        What is sold, the K coupons, and the campaigns mailed before.
    start : int
        The day on which the campaigns are taken to start, since 1970.

    Returns
    -------
    dict of str to numpy.ndarray, dict of str to numpy.ndarray
        By feature: of the users, shape (n,), `known`; of all pairs of a user and a coupon, user by
        user, shape (n K,), as they are computed.
    """
    lines, user = together([past.lines for past in pasts])
    age = start - lines["day"]
    of_users, weeks, spend = _habits(lines, age, user, len(pasts), snapshot.items)
    of_users |= _answers([past.redemptions for past in pasts], snapshot.mailings, users, start)
    matches = _matches(lines, age, user, snapshot, weeks, spend)
    if snapshot.tastes is not None:
        matches |= _appetites(snapshot.items.category[lines["item"]], user, weeks, snapshot.tastes)
    views, viewed, view_age = _looks([past.views for past in pasts], snapshot.coupons, start)
    _, clicked, _ = _looks([past.clicks for past in pasts], snapshot.coupons, start)
    matches |= {
        "match_viewed_7": viewed,
        "match_clicked_7": clicked,
        "match_view_recency": view_age,
    }
    return known(of_users | {"user_views_7": views}), matches


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


def wallet_shares(lines: Rows, coupons: Coupons) -> Floats:
    """The feature match_wallet_share of one user for each coupon, shape (K,)."""
    line, link = coupons.items.of(lines["item"])
    pair, spent = coupons.items.rows[link], lines["amount"][line]
    shares = _ratio(np.bincount(pair, spent, len(coupons.covered)), lines["amount"].sum())
    return np.asarray(known({"match_wallet_share": shares})["match_wallet_share"])


def last_of(place: Ints, values: Ints, size: int) -> Floats:
    """The last value at each place, NaN where there is none."""
    last = np.full(size, np.nan)
    last[place] = values  # of several values for one place NumPy keeps the last
    return last


def together(rows: Sequence[Rows]) -> tuple[Rows, Ints]:
    """The rows of several users, one after another, and whose each row is."""
    user = np.arange(len(rows)).repeat([len(one) for one in rows])
    return rows[0] if len(rows) == 1 else np.concatenate(rows), user


def _ratio(above: Any, below: Any) -> Any:
    """Divide; NaN where the divisor is 0."""
    return above / np.where(np.equal(below, 0), np.nan, below)


def _decayed(age: Ints, days: int) -> Floats:
    """The weight exp(-age / days) of an event that is `age` days old."""
    return np.exp(-age / days)


def _total(place: Ints, values: Any, size: int) -> Floats:
    """The sum of the values at each place, a float even where there are none at all."""
    return np.asarray(np.bincount(place, values, size), "float64")


def _habits(
    lines: Rows, age: Ints, user: Ints, n: int, items: Items
) -> tuple[Values, Floats, Floats]:
    """How users shopped; with it their weeks of history, and their spend in currency."""
    basket, amount = lines["basket_id"], lines["amount"]
    opens = np.ones(len(user), "bool")
    opens[1:] = (user[1:] != user[:-1]) | (age[1:] != age[:-1]) | (basket[1:] != basket[:-1])
    visitor, visit_age = user[opens], age[opens]
    kinds = int(items.category.max()) + 1
    brought = np.unique(opens.cumsum() * kinds + items.category[lines["item"]]) // kinds - 1
    trips, count = np.bincount(visitor, minlength=n), np.bincount(user, minlength=n)
    weeks = np.fmax(last_of(visitor[::-1], visit_age[::-1], n) / 7, 1)
    spend, discount, private = (
        np.bincount(user, money, n) / MILLIONTHS
        for money in (amount, lines["retail_discount"], amount * items.private[lines["item"]])
    )
    recent, usual = (np.bincount(visitor, _decayed(visit_age, days), n) for days in (14, 120))
    features = {
        "user_recency": last_of(visitor, visit_age, n),
        "user_coupon_share": _ratio(np.bincount(user, lines["coupon_discount"] > 0, n), count),
        "user_categories_per_trip": _ratio(np.bincount(visitor[brought], minlength=n), trips),
        "user_trips_per_week": trips / weeks,
        "user_spend_per_week": spend / weeks,
        "user_spend_per_trip": _ratio(spend, trips),
        "user_trend": _ratio(recent / 14, usual / 120),
        "user_discount_share": _ratio(discount, spend + discount),
        "user_private_share": _ratio(private, spend),
    }
    return features, weeks, spend


def _answers(redemptions: Sequence[Rows], mailings: Grouped, users: Ints, start: int) -> Values:
    """How users answered the campaigns mailed before."""
    receiver, row = mailings.of(users)
    used, user = together(redemptions)
    n, age = len(users), start - used["day"]
    campaigns = np.bincount(receiver, minlength=n)
    return {
        "user_mailed_90": np.bincount(receiver, start - mailings.rows["day"][row] <= 90, n),
        "user_redemption_recency": last_of(user, age, n),
        "user_redemptions_decayed": np.bincount(user, _decayed(age, 120), n),
        "user_redemption_rate": np.bincount(user, minlength=n) / np.maximum(campaigns, 1),
    }


def _matches(
    lines: Rows, age: Ints, user: Ints, snapshot: Snapshot, weeks: Floats, spend: Floats
) -> Values:
    """Users' past purchases of coupons' items, in their categories, and of their makers."""
    items, coupons, users = snapshot.items, snapshot.coupons, len(spend)
    k, n = len(coupons.covered), users * len(coupons.covered)
    weeks, spend = weeks.repeat(k), spend.repeat(k)
    amount, covered = lines["amount"], np.tile(coupons.covered, users)
    new = np.zeros(len(lines))
    new[np.unique(user * len(items.item_id) + lines["item"], return_index=True)[1]] = 1

    line, link = coupons.items.of(lines["item"])
    pair, last_age = user[line] * k + coupons.items.rows[link], age[line]

    def total(values: Any) -> Floats:
        return _total(pair, values[line], n)

    count, paid = np.bincount(pair, minlength=n), total(amount) / MILLIONTHS
    recent, lately, usual = (total(_decayed(age, days)) for days in (14, 45, 120))
    different, with_coupon = total(new), total(lines["coupon_discount"] > 0)
    price = _ratio(paid, total(lines["quantity"])) / np.tile(coupons.price, users)
    first, last = last_of(pair[::-1], last_age[::-1], n), last_of(pair, last_age, n)
    interval = np.fmin(_ratio(first - last, count - 1), NEVER)

    near, link = coupons.categories.of(items.category[lines["item"]])
    like = user[near] * k + coupons.categories.rows["coupon"][link]
    times = coupons.categories.rows["times"][link]
    paid_near = _total(like, amount[near] * times, n) / MILLIONTHS
    by_maker, link = coupons.makers.of(items.maker[lines["item"]])
    made = user[by_maker] * k + coupons.makers.rows["coupon"][link]
    paid_to_makers = _total(made, amount[by_maker], n) / MILLIONTHS
    return {
        "match_lines_per_week": count / weeks,
        "match_decayed_14": recent,
        "match_decayed_45": lately,
        "match_decayed_120": usual,
        "match_trend": _ratio(recent / 14, usual / 120),
        "match_recency": last,
        "match_interval": interval,
        "match_due": last / np.maximum(interval, 1.0),
        "match_distinct_items": different,
        "match_spend_per_week": paid / weeks,
        "match_wallet_share": _ratio(paid, spend),
        "match_coupon_share": _ratio(with_coupon, count),
        "match_price_ratio": price,
        "match_category_share": _ratio(paid_near / covered, spend),
        "match_category_decayed": _total(like, _decayed(age[near], 45) * times, n) / covered,
        "match_category_recency": last_of(like, age[near], n),
        "match_brand_share": _ratio(paid_to_makers, spend),
    }


def _appetites(kind: Ints, user: Ints, weeks: Floats, tastes: Tastes) -> Values:
    """What users may be expected to buy of coupons' items, by the kinds of all that they bought."""
    users, kinds = len(weeks), len(tastes.of_kinds)
    counts = np.bincount(user * kinds + kind, minlength=users * kinds).reshape(users, kinds)
    usual = np.outer(counts.sum(axis=1), tastes.usual)
    expected = np.maximum(usual + counts @ tastes.of_kinds @ tastes.of_coupons.T, 0)
    return {
        "match_appetite": (expected / weeks[:, np.newaxis]).ravel(),
        "match_appetite_ratio": _ratio(expected, usual).ravel(),
    }


def _looks(looks: Sequence[Rows], coupons: Coupons, start: int) -> tuple[Floats, Floats, Floats]:
    """What users looked at: all of it, that of each coupon, and the age of the last look there."""
    rows, user = together(looks)
    k, age = len(coupons.covered), start - rows["day"]
    look, link = coupons.items.of(rows["item"])
    pair, faded = user[look] * k + coupons.items.rows[link], _decayed(age, BROWSING_DAYS)
    of_user = _total(user, faded, len(looks))
    of_pair = _total(pair, faded[look], len(looks) * k)
    return of_user, of_pair, last_of(pair, age[look], len(looks) * k)
