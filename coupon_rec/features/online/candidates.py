"""The coupons that a user may get, with all their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.encoder import Arrays
from coupon_rec.features.online.ranks import Crowd
from coupon_rec.features.online.snapshot import OWN_TERMS, Floats, Ints, Past, Snapshot
from coupon_rec.features.online.user_features import (
    Values,
    features_of,
    known,
    rounded,
    together,
)

SPOKEN_OF = (
    "match_recency",
    "match_distinct_items",
    "match_category_recency",
    "user_redemption_recency",
)
"""The features that `coupon_rec.decisions.reason` puts in words."""


@dataclass(frozen=True)
class Candidates:
    """The coupons that a user may get, with what is known of each: n rows.

    Attributes
    ----------
    campaign_id, coupon_id : numpy.ndarray
        int64 of shape (n,), sorted by both. Coupons that the user has redeemed are not among them.
    arrays : dict of str to numpy.ndarray
        What a model takes, as `coupon_rec.features.Encoder` gives it.
    spend_per_line, discount, margin, shop_share : numpy.ndarray
        What decisions count with, each of shape (n,): columns of the offers table.
    match_recency, match_distinct_items, match_category_recency, user_redemption_recency
        Features, each of shape (n,), that `coupon_rec.decisions.reason` puts in words.
    known : bool
        False where nothing is known of the user: a cold start.
    mailed : bool
        False for a user who was mailed no live coupon, and may get any of them.
    version : int
        The user's version, as of which all this holds.
    ranked : int
        How many events of all users the crowd knew that these were ranked among.
    """

    campaign_id: Ints
    coupon_id: Ints
    arrays: Arrays
    spend_per_line: Floats
    discount: Floats
    margin: Floats
    shop_share: Floats
    match_recency: NDArray[np.float32]
    match_distinct_items: NDArray[np.float32]
    match_category_recency: NDArray[np.float32]
    user_redemption_recency: NDArray[np.float32]
    known: bool
    mailed: bool
    version: int
    ranked: int


class Asked(NamedTuple):
    """A user who asks for coupons.

    Attributes
    ----------
    row : int
        The user's row in the snapshot, or the one that stands for all whom it does not know.
    past : Past
        What the user did before the day in question.
    version : int
        Of the user.
    """

    row: int
    past: Past
    version: int


class Shown(NamedTuple):
    """The live coupons of n users, one row each: m rows, sorted by user and coupon.

    Attributes
    ----------
    user, coupon, campaign : numpy.ndarray
        The place among those who ask, among the coupons of the snapshot, and among its campaigns,
        shape (m,).
    pair : numpy.ndarray
        The place among the offers of the snapshot, shape (m,); -1 for what was not mailed.
    joining : numpy.ndarray
        1 for coupons of a user who was mailed none, and is shown all of them but those that the
        user is held out of; else 0, shape (m,).
    """

    user: Ints
    coupon: Ints
    campaign: Ints
    pair: Ints
    joining: Ints


def candidates_of(
    snapshot: Snapshot, crowd: Crowd, asked: Sequence[Asked], start: int, ranked: int
) -> list[Candidates]:
    """Compute all features of the candidates of n users, for all of them at once.

    Parameters
    ----------
    snapshot : Snapshot
        What the nightly batch wrote.
    crowd : Crowd
        Where everyone stands.
    asked : sequence of Asked
        The users. Nothing that they did from `start` on is in it.
    start : int
        The day on which the campaigns are taken to start, since 1970.
    ranked : int
        How many events of all users the crowd knows.
    """
    rows, pasts = np.array([one.row for one in asked]), [one.past for one in asked]
    coupons, shown = snapshot.coupons, _shown(snapshot, rows, start)
    of_user, of_pair = features_of(pasts, rows, snapshot, start)
    place = shown.user * len(coupons.coupon_id) + shown.coupon
    user = {name: values[shown.user] for name, values in of_user.items()}
    match = known({name: values[place] for name, values in of_pair.items()})
    ranks = _ranks(crowd, shown, match) | {
        "user_spend_rank": crowd.spend_ranks(
            shown.campaign, user["user_spend_per_week"], start, shown.joining
        )
    }
    used, times = _seen_before(snapshot, rows, pasts, shown)
    values = user | match | known(ranks) | times
    arrays = _arrays(snapshot, shown, rows[shown.user], values)
    columns = {
        "campaign_id": coupons.campaign_id[shown.coupon],
        "coupon_id": coupons.coupon_id[shown.coupon],
        "spend_per_line": coupons.spend_per_line[shown.coupon],
        "discount": _discounts(snapshot, shown),
        "margin": coupons.margin[shown.coupon],
        "shop_share": coupons.shop_share[shown.coupon],
        **{name: values[name].astype("float32") for name in SPOKEN_OF},
    }
    left = (~used).nonzero()[0]
    edges = shown.user[left].searchsorted(np.arange(len(asked) + 1)).tolist()
    return [
        Candidates(
            arrays={name: array[left[first:end]] for name, array in arrays.items()},
            known=one.row < len(snapshot.user_row) or one.version > 0,
            mailed=len(snapshot.offers[one.row]) > 0,
            version=one.version,
            ranked=ranked,
            **{name: column[left[first:end]] for name, column in columns.items()},
        )
        for one, first, end in zip(asked, edges, edges[1:], strict=False)
    ]


def _shown(snapshot: Snapshot, rows: Ints, start: int) -> Shown:
    """Find the live coupons that each user was mailed, or all that nobody withheld."""
    coupons, offers, held = snapshot.coupons, snapshot.offers, snapshot.held
    pair = np.full((len(rows), len(coupons.coupon_id)), -1)
    user, row = offers.of(rows)
    pair[user, offers.rows["coupon"][row]] = row
    joins = np.all(pair < 0, axis=1)
    shown = (pair >= 0) | joins[:, np.newaxis]
    user, row = held.of(rows)
    shown[user, held.rows["coupon"][row]] = False
    user, coupon = (shown & (coupons.last_day >= start - 1)).nonzero()
    joining = joins[user].astype("int64")
    return Shown(user, coupon, coupons.campaign[coupon], pair[user, coupon], joining)


def _ranks(crowd: Crowd, shown: Shown, match: Values) -> Values:
    """Rank the matches of each user and campaign, and their wallet shares among everyone's.

    A coupon without a purchase ranks below every one with any, and 0 by what was bought.
    """
    group = shown.user * (shown.campaign.max(initial=0) + 1) + shown.campaign
    size = np.bincount(group)[group]
    last, shares = np.maximum(size - 1, 1), match["match_wallet_share"]
    poorer = shown.joining * _below(group, shares)
    return {
        "match_rank": _below(group, match["match_decayed_45"]) / last,
        "match_wallet_rank": crowd.wallets.of(shown.campaign, shares, poorer, shown.joining * size),
        "match_recency_rank": _below(group, match["match_recency"]) / last,
    }


def _below(group: Ints, values: Floats) -> Ints:
    """How many values of the same group are below each."""
    different, place = np.unique(values, return_inverse=True)
    key = group * len(different) + place
    in_order = np.sort(key)
    return np.asarray(in_order.searchsorted(key) - in_order.searchsorted(group * len(different)))


def _seen_before(
    snapshot: Snapshot, rows: Ints, pasts: Sequence[Past], shown: Shown
) -> tuple[NDArray[np.bool_], Values]:
    """Whether each coupon was redeemed in its campaign; how often it came, and was used, before."""
    coupons, seen, n = snapshot.coupons, snapshot.seen, len(rows)
    came = np.zeros((n, len(coupons.ids)))
    user, row = seen.of(rows)
    before = seen.rows[row]
    came[user, coupons.ids.searchsorted(before["coupon_id"])] = before["offered"]
    came = came[shown.user, coupons.number[shown.coupon]]
    redeemed, user = together([past.redemptions for past in pasts])
    same = redeemed["coupon_id"][:, None] == coupons.coupon_id
    here = same & (redeemed["campaign_id"][:, None] == coupons.campaign_id)
    times, used = np.zeros((2, n, len(coupons.coupon_id)))
    np.add.at(times, user, same)
    np.add.at(used, user, here)
    times = times[shown.user, shown.coupon]
    return used[shown.user, shown.coupon] > 0, {
        "coupon_offered_before": came,
        "coupon_redeemed_before": np.where(came > 0, times, 0),
    }


def _arrays(snapshot: Snapshot, shown: Shown, rows: Ints, values: Values) -> Arrays:
    """What a model takes of the m matches that are shown, with the row of each user."""
    encoder = snapshot.encoder
    arrays = {name: all_.take(shown.coupon, axis=0) for name, all_ in snapshot.of_coupons.items()}
    arrays |= {name: all_.take(rows, axis=0) for name, all_ in snapshot.of_users.items()}
    for group, numbers in encoder.numbers.items():
        places = [place for place, number in enumerate(numbers) if number.name in values]
        if places:
            block = np.array([values[numbers[place].name] for place in places], "float32").T
            known_before = arrays.setdefault(group, np.empty((len(rows), len(numbers)), "float32"))
            known_before[:, places] = encoder.scaled(group, block, places)
    if "coupon" in arrays:
        _own_terms(snapshot, shown.pair, arrays["coupon"])
    return arrays


def _discounts(snapshot: Snapshot, shown: Shown) -> Floats:
    """What each coupon takes off, by the terms of the user's own offer if it has any."""
    coupons, offers = snapshot.coupons, snapshot.offers.rows
    discount = coupons.discount[shown.coupon]
    for name, worth in {
        "coupon_depth": coupons.list_price[shown.coupon],
        "coupon_face_value": 1.0,
    }.items():
        if name in (offers.dtype.names or ()) and len(offers):
            own = np.where(shown.pair >= 0, offers[name][shown.pair], np.nan) * worth
            discount = np.where(np.isnan(own), discount, rounded(own))
    return discount


def _own_terms(snapshot: Snapshot, pair: Ints, coupon: NDArray[np.float32]) -> None:
    """Put the terms of users' own offers in place of those of the coupons."""
    offers, encoder = snapshot.offers.rows, snapshot.encoder
    own = {name: offers[name][pair] for name in OWN_TERMS if name in (offers.dtype.names or ())}
    if not own:
        return
    differs = (pair >= 0) & ~np.isnan([*own.values()]).all(axis=0)
    for place, number in enumerate(encoder.numbers["coupon"]):
        if number.name in OWN_TERMS:
            term = own.get(number.name, np.full(len(pair), np.nan))[differs, None]
            coupon[differs, place] = encoder.scaled("coupon", term.astype("float32"), [place])[:, 0]
