"""The coupons that a user may get, with all their features."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.catalog import feature_names
from coupon_rec.features.encoder import Arrays
from coupon_rec.features.online import user_features
from coupon_rec.features.online.ranks import Crowd, within
from coupon_rec.features.online.snapshot_reader import (
    OWN_TERMS,
    Floats,
    Ints,
    Lines,
    Looks,
    Redemptions,
    Snapshot,
)

USER, MATCH, COUPON = feature_names("user"), feature_names("match"), feature_names("coupon")


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
    version : int
        The user's version, as of which all this holds.
    counted : int
        How many events of all users had been counted when these were ranked; -1 before that.
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
    version: int
    counted: int


Parts = list[tuple[int, slice]]


class Past(NamedTuple):
    """What one user did."""

    lines: Lines
    redemptions: Redemptions
    views: Looks
    clicks: Looks

    def before(self, day: int) -> "Past":
        """What is older than a day, since 1970."""
        return Past(
            self.lines.before(day),
            self.redemptions.before(day),
            self.views.before(day),
            self.clicks.before(day),
        )


class Draft(NamedTuple):
    """Candidates, and what it takes to rank them again when other users have moved.

    Attributes
    ----------
    candidates : Candidates
        With the ranks among other users as of `counted`.
    start : int
        The day on which the campaigns are taken to start, since 1970.
    mailed : bool
        Whether the user was mailed these coupons.
    parts : list of (int, slice)
        The campaigns, and where the coupons of each are before those redeemed are dropped.
    shares, kept : numpy.ndarray
        The wallet share of each of these coupons, and whether it is a candidate.
    rate : float
        The user's spend a week.
    """

    candidates: Candidates
    start: int
    mailed: bool
    parts: Parts
    shares: Floats
    kept: NDArray[np.bool_]
    rate: float


def draft(snapshot: Snapshot, user_id: int, past: Past, start: int, version: int) -> Draft:
    """Compute all features of a user's candidates, but for the ranks among other users.

    Parameters
    ----------
    snapshot : Snapshot
        What the nightly batch wrote.
    user_id : int
        Anyone.
    past : Past
        What the user did; nothing from `start` on counts.
    start : int
        Day, since 1970.
    version : int
        Of the user.
    """
    coupons, row = snapshot.coupons, snapshot.user_row.get(user_id)
    past = past.before(start)
    offered = snapshot.offers[row] if row is not None else np.arange(0)
    rows = offered if len(offered) else np.arange(len(coupons.coupon_id))
    rows = rows[coupons.last_day[rows] >= start - 1]
    campaigns = coupons.campaign_id[rows]
    parts = _parts(campaigns)
    user, match = _user_and_match(snapshot, row, past, start, rows, parts)
    shares = match[:, MATCH.index("match_wallet_share")]
    rate = float(user[USER.index("user_spend_per_week")])
    kept = ~_used(past.redemptions, campaigns, coupons.coupon_id[rows])
    rows = rows[kept]
    size, coupon_id = len(rows), coupons.coupon_id[rows]
    exact_user, exact_match = user.astype("float32"), match[kept].astype("float32")
    place = -1 if row is None else row
    arrays = {name: array[rows] for name, array in coupons.arrays.items()}
    for name, codes in snapshot.user_arrays.items():
        arrays[name] = np.repeat(codes[place][None], size, axis=0)
    numbers = {
        "user": np.concatenate([exact_user, snapshot.own_numbers[place]])[None],
        "match": exact_match,
    }
    for group, values in numbers.items():
        if group in snapshot.encoder.numbers:
            scaled = snapshot.encoder.scaled(group, values)
            arrays[group] = np.repeat(scaled, size, axis=0) if group == "user" else scaled
    if "coupon" in arrays:
        seen = _seen_before(snapshot, row, past.redemptions, coupon_id)
        for name, counts in seen.items():
            arrays["coupon"][:, COUPON.index(name)] = np.log1p(counts)
        if row is not None:
            _own_terms(snapshot, row, offered, rows, arrays["coupon"])
    candidates = Candidates(
        campaign_id=campaigns[kept],
        coupon_id=coupon_id,
        arrays=arrays,
        spend_per_line=coupons.spend_per_line[rows],
        coupon_discount=coupons.discount[rows],
        match_recency=exact_match[:, MATCH.index("match_recency")],
        match_distinct_items=exact_match[:, MATCH.index("match_distinct_items")],
        match_category_recency=exact_match[:, MATCH.index("match_category_recency")],
        user_redemption_recency=np.full(size, exact_user[USER.index("user_redemption_recency")]),
        known=row is not None or version > 0,
        version=version,
        counted=-1,
    )
    return Draft(candidates, start, len(offered) > 0, parts, shares, kept, rate)


def ranked(answer: Draft, crowd: Crowd, counted: int) -> Draft:
    """Fill in the ranks among other users, when so many events have been counted."""
    joins = not answer.mailed

    def spend(campaign: int, shares: Floats) -> Floats:
        rank = crowd.spend_rank(campaign, answer.rate, answer.start, joins)
        return np.full(len(shares), rank)

    def wallet(campaign: int, shares: Floats) -> Floats:
        return crowd.wallet_ranks(campaign, shares, joins)

    arrays = answer.candidates.arrays
    if answer.candidates.counted >= 0:  # someone may be reading these
        arrays = {name: array.copy() for name, array in arrays.items()}
    for group, names, name, rank in [
        ("user", USER, "user_spend_rank", spend),
        ("match", MATCH, "match_wallet_rank", wallet),
    ]:
        if group not in arrays:
            continue
        ranks = _by_campaign(rank, answer.parts, answer.shares)
        arrays[group][:, names.index(name)] = ranks[answer.kept]
    return answer._replace(candidates=replace(answer.candidates, arrays=arrays, counted=counted))


def _user_and_match(
    snapshot: Snapshot,
    row: int | None,
    past: Past,
    start: int,
    rows: Ints,
    parts: Parts,
) -> tuple[Floats, Floats]:
    """The features of the user, shape (d,), and of the matches with some coupons, (n, d)."""
    items, coupons, lines = snapshot.items, snapshot.coupons, past.lines
    mailed = snapshot.mailings.columns["start"][snapshot.mailings.slice(row)]
    habits = user_features.habits(lines, items, start)
    looked, match_looked = user_features.browsing(past.views, past.clicks, coupons, start)
    user = habits | user_features.answers(past.redemptions, mailed, start) | looked
    weeks, spend = habits.get("weeks", 1.0), habits.get("spend", 0.0)
    match = {
        **user_features.item_match(lines, coupons, start, weeks, spend),
        **user_features.category_match(lines, items, coupons, start, spend),
        **user_features.brand_match(lines, items, coupons, spend),
        **match_looked,
    }
    names = snapshot.computed["match"]
    ranks = np.zeros(len(coupons.coupon_id))
    columns = np.concatenate([match.get(name, ranks) for name in names]).reshape(len(names), -1)
    values = user_features.known(names, columns[:, rows].T)
    for rank, name in [
        ("match_rank", "match_decayed_45"),
        ("match_recency_rank", "match_recency"),
    ]:
        values[:, MATCH.index(rank)] = _by_campaign(
            lambda _, ours: within(ours), parts, values[:, MATCH.index(name)]
        )
    names = snapshot.computed["user"]
    return user_features.known(names, [user.get(name, np.nan) for name in names]), values


def _parts(campaigns: Ints) -> Parts:
    """Say where each campaign is; they are sorted."""
    starts = (np.flatnonzero(campaigns[1:] != campaigns[:-1]) + 1).tolist()
    edges = [0, *starts, len(campaigns)] if len(campaigns) else []
    return [(int(campaigns[first]), slice(first, end)) for first, end in pairwise(edges)]


def _by_campaign(rank: Callable[[int, Floats], Floats], parts: Parts, values: Floats) -> Floats:
    """Rank the values of each campaign by themselves."""
    ranks = np.zeros(len(values))
    for campaign, here in parts:
        ranks[here] = rank(campaign, values[here])
    return ranks


def _used(redemptions: Redemptions, campaigns: Ints, coupons: Ints) -> NDArray[np.bool_]:
    """Whether the user has redeemed each coupon in its campaign."""
    if not len(redemptions.day):
        return np.zeros(len(coupons), "bool")
    same = (redemptions.campaign_id[:, None] == campaigns) & (
        redemptions.coupon_id[:, None] == coupons
    )
    return np.asarray(same.any(axis=0))


def _seen_before(
    snapshot: Snapshot, row: int | None, redemptions: Redemptions, coupons: Ints
) -> dict[str, Floats]:
    """Earlier campaigns that offered this user the coupons, and the answers to them."""
    mine = snapshot.seen.slice(row)
    ids, counts = (snapshot.seen.columns[name][mine] for name in ("coupon_id", "offered"))
    place = ids.searchsorted(coupons)
    place[place == len(ids)] = 0
    offered = counts[place] * (ids[place] == coupons) if len(ids) else np.zeros(len(coupons))
    redeemed = (redemptions.coupon_id[:, None] == coupons).sum(axis=0)
    return {
        "coupon_offered_before": offered,
        "coupon_redeemed_before": np.where(offered > 0, redeemed, 0),
    }


def _own_terms(
    snapshot: Snapshot, row: int, offered: Ints, rows: Ints, coupon: NDArray[np.float32]
) -> None:
    """Put the terms of a user's own offers in place of those of the coupons."""
    own = {name: values[snapshot.offers.pairs(row)] for name, values in snapshot.terms.items()}
    differs = ~np.isnan(list(own.values())).all(axis=0) if own else np.zeros(len(offered), "bool")
    mine = np.isin(rows, offered[differs])
    place = np.searchsorted(offered, rows[mine])
    for column, number in enumerate(snapshot.encoder.numbers["coupon"]):
        if number.name in OWN_TERMS:
            term = own.get(number.name, np.full(len(offered), np.nan))[place]
            term = np.where(np.isnan(term), number.missing, term).astype("float32")
            coupon[mine, column] = np.log1p(term, dtype="float64") if number.log1p else term
