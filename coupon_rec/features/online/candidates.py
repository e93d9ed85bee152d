"""The coupons that a user may get, with all their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.catalog import MISSING, feature_names
from coupon_rec.features.encoder import Arrays
from coupon_rec.features.online.ranks import Crowd
from coupon_rec.features.online.snapshot import (
    OWN_TERMS,
    Floats,
    Ints,
    Mailings,
    Past,
    Seen,
    Snapshot,
)
from coupon_rec.features.online.user_features import Features, Values, features_of, known

COUPON_FEATURES = feature_names("coupon")


@dataclass(frozen=True)
class Candidates:
    """The coupons that a user may get, with what is known of each: n rows.

    Attributes
    ----------
    campaign_id, coupon_id : numpy.ndarray
        int64 of shape (n,), sorted by both. Coupons that the user has redeemed are not among them.
    arrays : dict of str to numpy.ndarray
        What a model takes, as `coupon_rec.features.Encoder` gives it.
    spend_per_line, coupon_discount : numpy.ndarray
        In currency, shape (n,): what one purchase of the coupon's items brings, what it takes off.
    match_recency, match_distinct_items, match_category_recency, user_redemption_recency
        Features, each of shape (n,), that `coupon_rec.decisions.reason` puts in words.
    known : bool
        False where nothing is known of the user: a cold start.
    mailed : bool
        False for a user who was mailed no live coupon, and may get any of them.
    version : int
        The user's version, as of which all this holds.
    counted : int
        How many events of all users had been counted when these were ranked.
    """

    campaign_id: Ints
    coupon_id: Ints
    arrays: Arrays
    spend_per_line: Floats
    coupon_discount: NDArray[np.float32]
    match_recency: NDArray[np.float32]
    match_distinct_items: NDArray[np.float32]
    match_category_recency: NDArray[np.float32]
    user_redemption_recency: NDArray[np.float32]
    known: bool
    mailed: bool
    version: int
    counted: int


class Asked(NamedTuple):
    """A user who asks for coupons, and what is known of that user.

    Attributes
    ----------
    known : bool
        False where nothing is known of the user.
    version : int
        Of the user.
    row : int
        The user's row in the snapshot; for someone it does not know -1, the row of all others.
    pair : numpy.ndarray
        The user's offers of live coupons, by their place among all in the snapshot.
    mailed : Mailings
        The campaigns mailed to the user before.
    seen : Seen
        Which coupons came in them.
    past : Past
        What the user did before the day in question.
    """

    known: bool
    version: int
    row: int
    pair: Ints
    mailed: Mailings
    seen: Seen
    past: Past

    @classmethod
    def read(cls, snapshot: Snapshot, row: int | None, past: Past, version: int) -> "Asked":
        """Look up a user, given by row; None for someone without one."""
        return cls(
            known=row is not None or version > 0,
            version=version,
            row=-1 if row is None else row,
            pair=np.arange(0) if row is None else snapshot.offers.pairs(row),
            mailed=snapshot.mailings.of(row),
            seen=snapshot.seen.of(row),
            past=past,
        )


class Shown(NamedTuple):
    """The live coupons of n users, one row each: m rows, sorted by user and coupon.

    Attributes
    ----------
    user, coupon, campaign : numpy.ndarray
        The place among those who ask, among the coupons of the snapshot, and among its campaigns,
        shape (m,).
    pair : numpy.ndarray
        The place among the offers of the snapshot, shape (m,); -1 for what was not mailed.
    joins : numpy.ndarray
        Whether each user was mailed none of the coupons, and is shown all but those that the user
        is held out of, shape (n,).
    """

    user: Ints
    coupon: Ints
    campaign: Ints
    pair: Ints
    joins: NDArray[np.bool_]


def candidates_of(
    snapshot: Snapshot, crowd: Crowd, asked: Sequence[Asked], start: int, counted: int
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
    counted : int
        How many events of all users have been counted.
    """
    pasts, mailed = [one.past for one in asked], [one.mailed for one in asked]
    features = features_of(pasts, mailed, snapshot.items, snapshot.coupons, start)
    coupons, shown = snapshot.coupons, _shown(snapshot, asked, start)
    match = _matches(features, shown, len(coupons.coupon_id))
    match |= known(_ranks(crowd, shown, match))
    user = {name: values.take(shown.user) for name, values in features.user.items()}
    spend_ranks = crowd.spend_ranks(features.user["user_spend_per_week"], start, shown.joins)
    user["user_spend_rank"] = spend_ranks[shown.user, shown.campaign]
    used, times = _redeemed(snapshot, asked, shown)
    rows_of_users = np.array([one.row for one in asked]).take(shown.user)
    arrays = _arrays(snapshot, shown, rows_of_users, user, match, times)
    columns = {
        "spend_per_line": coupons.spend_per_line[shown.coupon],
        "coupon_discount": coupons.discount[shown.coupon],
        "user_redemption_recency": user["user_redemption_recency"].astype("float32"),
    }
    for name in ("match_recency", "match_distinct_items", "match_category_recency"):
        columns[name] = match[name].astype("float32")
    edges = shown.user.searchsorted(np.arange(len(asked) + 1)).tolist()
    found = []
    for one, first, end in zip(asked, edges, edges[1:], strict=False):
        rows: Any = slice(first, end)
        if used[rows].any():
            rows = first + (~used[rows]).nonzero()[0]
        coupon = shown.coupon[rows]
        found.append(
            Candidates(
                campaign_id=coupons.campaign_id[coupon],
                coupon_id=coupons.coupon_id[coupon],
                arrays={name: array[rows] for name, array in arrays.items()},
                known=one.known,
                mailed=len(one.pair) > 0,
                version=one.version,
                counted=counted,
                **{name: column[rows] for name, column in columns.items()},
            )
        )
    return found


def _shown(snapshot: Snapshot, asked: Sequence[Asked], start: int) -> Shown:
    """Find the live coupons that each user was mailed, or all that nobody withheld."""
    offers, coupons = snapshot.offers, snapshot.coupons
    everything = np.arange(len(coupons.coupon_id))
    joins = np.array([not len(one.pair) for one in asked])
    places = [
        np.delete(everything, snapshot.held[one.row]) if joined else offers.coupon[one.pair]
        for one, joined in zip(asked, joins, strict=True)
    ]
    pairs = [
        np.full(len(coupon), -1) if joined else one.pair
        for one, coupon, joined in zip(asked, places, joins, strict=True)
    ]
    pair, coupon = np.concatenate(pairs), np.concatenate(places)
    user = np.arange(len(asked)).repeat([*map(len, pairs)])
    live = (coupons.last_day[coupon] >= start - 1).nonzero()[0]
    return Shown(user[live], coupon[live], coupons.campaign[coupon[live]], pair[live], joins)


def _matches(features: Features, shown: Shown, coupons: int) -> Values:
    """The features of the m matches that are shown."""
    place = shown.user * coupons + shown.coupon
    row = np.full(len(shown.joins) * coupons, -1)
    row[features.pair] = np.arange(len(features.pair))
    row = row[place]
    bought = row >= 0
    match = {name: values[place] for name, values in features.match.items()}
    for name, values in features.bought.items():
        match[name] = np.full(len(place), MISSING[name])
        match[name][bought] = values[row[bought]]
    return match


def _ranks(crowd: Crowd, shown: Shown, match: Values) -> Values:
    """Rank the matches of each user and campaign, and their wallet shares among everyone's.

    A coupon without a purchase ranks below every one with any, and 0 by what was bought.
    """
    group = shown.user * crowd.campaigns + shown.campaign
    size = np.bincount(group)[group]
    last = np.maximum(size - 1, 1)
    decayed, shares, recency = (
        match[name] for name in ("match_decayed_45", "match_wallet_share", "match_recency")
    )
    lower, poorer, sooner = (_below(group, values) for values in (decayed, shares, recency))
    joins = shown.joins[shown.user].astype("int64")
    wallet_ranks = crowd.wallets.of(shown.campaign, shares, joins * poorer, joins * size)
    return {
        "match_rank": lower / last,
        "match_wallet_rank": wallet_ranks,
        "match_recency_rank": sooner / last,
    }


def _below(group: Ints, values: Floats) -> Ints:
    """How many values of the same group are below each."""
    different, place = np.unique(values, return_inverse=True)
    key = group * len(different) + place
    in_order = np.sort(key)
    return np.asarray(in_order.searchsorted(key) - in_order.searchsorted(group * len(different)))


def _arrays(
    snapshot: Snapshot, shown: Shown, row: Ints, user: Values, match: Values, times: Values
) -> Arrays:
    """What a model takes of the m matches that are shown, with the row of each user."""
    encoder = snapshot.encoder
    arrays = {
        name: array.take(shown.coupon, axis=0) for name, array in snapshot.coupons.arrays.items()
    }
    arrays |= {name: codes.take(row, axis=0) for name, codes in snapshot.user_arrays.items()}
    if "user" in encoder.numbers:
        own = snapshot.own_numbers.take(row, axis=0)
        numbers = np.hstack([_side_by_side(user, snapshot.computed["user"]), own])
        arrays["user"] = encoder.scaled("user", numbers)
    if "match" in encoder.numbers:
        numbers = _side_by_side(match, snapshot.computed["match"])
        arrays["match"] = encoder.scaled("match", numbers)
    if "coupon" in arrays:
        for name, counts in times.items():
            arrays["coupon"][:, COUPON_FEATURES.index(name)] = np.log1p(counts)
        _own_terms(snapshot, shown.pair, arrays["coupon"])
    return arrays


def _side_by_side(values: Values, names: Sequence[str]) -> NDArray[np.float32]:
    """Some features as the batch keeps them, one row an offer."""
    return np.array([values[name] for name in names], "float32").T


def _redeemed(
    snapshot: Snapshot, asked: Sequence[Asked], shown: Shown
) -> tuple[NDArray[np.bool_], Values]:
    """Whether each coupon was redeemed in its campaign; how often it came, and was used, before."""
    coupons, n = snapshot.coupons, len(asked)
    ids = len(coupons.ids)
    place = shown.user * ids + coupons.number[shown.coupon]
    user = np.arange(n).repeat([len(one.seen.number) for one in asked])
    number, offered = map(np.concatenate, zip(*[one.seen for one in asked], strict=True))
    came = np.zeros(n * ids)
    came[user * ids + number] = offered
    campaign_id, coupon_id, _ = map(
        np.concatenate, zip(*[one.past.redemptions for one in asked], strict=True)
    )
    user = np.arange(n).repeat([len(one.past.redemptions.day) for one in asked])
    number = coupons.ids.searchsorted(coupon_id)
    live = (coupons.ids.take(number, mode="clip") == coupon_id).nonzero()[0]
    redeemed = user[live] * ids + number[live]
    used = np.zeros(len(place), "bool")
    for its_place, its_campaign in zip(redeemed, campaign_id[live], strict=True):
        used |= (place == its_place) & (coupons.campaign_id[shown.coupon] == its_campaign)
    came, times = came[place], np.bincount(redeemed, minlength=n * ids)[place]
    return used, {
        "coupon_offered_before": came,
        "coupon_redeemed_before": np.where(came > 0, times, 0),
    }


def _own_terms(snapshot: Snapshot, pair: Ints, coupon: NDArray[np.float32]) -> None:
    """Put the terms of users' own offers in place of those of the coupons."""
    if not snapshot.terms:
        return
    own = {name: values[pair] for name, values in snapshot.terms.items()}
    differs = (pair >= 0) & ~np.isnan([*own.values()]).all(axis=0)
    for column, number in enumerate(snapshot.encoder.numbers["coupon"]):
        if number.name in OWN_TERMS:
            term = own.get(number.name, np.full(len(pair), np.nan))[differs]
            term = np.where(np.isnan(term), number.missing, term).astype("float32")
            coupon[differs, column] = np.log1p(term, dtype="float64") if number.log1p else term
