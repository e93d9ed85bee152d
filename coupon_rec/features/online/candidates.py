"""The coupons that a user may get, with all their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.catalog import NEVER, feature_names
from coupon_rec.features.encoder import Arrays
from coupon_rec.features.online import user_features
from coupon_rec.features.online.ranks import Crowd, below
from coupon_rec.features.online.snapshot import (
    OWN_TERMS,
    Floats,
    Ints,
    Lines,
    Looks,
    Redemptions,
    Snapshot,
)
from coupon_rec.features.online.sums import Sums
from coupon_rec.features.online.user_features import MISSING, Values, known, rounded

USER_FEATURES, COUPON_FEATURES = feature_names("user"), feature_names("coupon")
BROWSING = {"user_views_7", "match_viewed_7", "match_clicked_7", "match_view_recency"}


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


class Past(NamedTuple):
    """What one user did."""

    lines: Lines
    redemptions: Redemptions
    views: Looks
    clicks: Looks

    @classmethod
    def read(cls, snapshot: Snapshot, row: int | None) -> "Past":
        """What the snapshot knows of it; None for someone without a row."""
        return cls(
            snapshot.lines.where(snapshot.history.slice(row)),
            snapshot.redeemed.where(snapshot.redemptions.slice(row)),
            snapshot.views.where(snapshot.viewed.slice(row)),
            snapshot.clicks.where(snapshot.clicked.slice(row)),
        )

    def before(self, day: int) -> "Past":
        """What is older than a day, since 1970."""
        return Past(
            self.lines.before(day),
            self.redemptions.before(day),
            self.views.before(day),
            self.clicks.before(day),
        )


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
    mailed : numpy.ndarray
        The first days of the campaigns mailed to the user before.
    seen, times : numpy.ndarray
        Which coupons came in them, by their place among `Coupons.ids`, and how often.
    past, sums : Past, Sums
        What the user did before the day in question, and its purchases added up.
    """

    known: bool
    version: int
    row: int
    pair: Ints
    mailed: Ints
    seen: Ints
    times: Ints
    past: Past
    sums: Sums

    @classmethod
    def read(
        cls, snapshot: Snapshot, row: int | None, past: Past, sums: Sums, version: int = 0
    ) -> "Asked":
        """Look up a user, given by row; None for someone without one."""
        seen = snapshot.seen.slice(row)
        return cls(
            known=row is not None or version > 0,
            version=version,
            row=-1 if row is None else row,
            pair=np.arange(0) if row is None else snapshot.offers.pairs(row),
            mailed=snapshot.mailings.columns["start"][snapshot.mailings.slice(row)],
            seen=snapshot.seen.columns["number"][seen],
            times=snapshot.seen.columns["offered"][seen],
            past=past,
            sums=sums,
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


class Bought(NamedTuple):
    """The rows of `Shown` whose coupon has items that the user bought, and their features.

    These are few. Elsewhere, what says something of such purchases is what stands for "nothing
    known".
    """

    row: Ints
    features: Values


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
    coupons, shown = snapshot.coupons, _shown(snapshot, asked, start)
    user, match, bought = _features(snapshot, crowd, asked, shown, start)
    used, times = _redeemed(snapshot, asked, shown)
    arrays = {name: array.take(shown.coupon, axis=0) for name, array in coupons.arrays.items()}
    place = np.array([one.row for one in asked])
    for name, codes in snapshot.user_arrays.items():
        arrays[name] = codes[place].take(shown.user, axis=0)
    if "user" in snapshot.encoder.numbers:
        ranks = crowd.spend_ranks(user["user_spend_per_week"], start, shown.joins)
        arrays["user"] = _user_array(snapshot, place, user).take(shown.user, axis=0)
        arrays["user"][:, USER_FEATURES.index("user_spend_rank")] = ranks[
            shown.user, shown.campaign
        ]
    if "match" in snapshot.encoder.numbers:
        arrays["match"] = _match_array(snapshot, match, bought)
    if "coupon" in arrays:
        for name, counts in times.items():
            arrays["coupon"][:, COUPON_FEATURES.index(name)] = np.log1p(counts)
        _own_terms(snapshot, shown.pair, arrays["coupon"])
    columns = {
        "spend_per_line": coupons.spend_per_line[shown.coupon],
        "coupon_discount": coupons.discount[shown.coupon],
        "match_category_recency": match["match_category_recency"].astype("float32"),
        "user_redemption_recency": user["user_redemption_recency"].astype("float32")[shown.user],
    }
    for name in ("match_recency", "match_distinct_items"):
        columns[name] = np.full(len(used), MISSING[name], "float32")
        columns[name][bought.row] = bought.features[name]
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
    found = [
        np.delete(everything, snapshot.held[one.row]) if joined else offers.coupon[one.pair]
        for one, joined in zip(asked, joins, strict=True)
    ]
    pairs = [
        np.full(len(its), -1) if joined else one.pair
        for one, its, joined in zip(asked, found, joins, strict=True)
    ]
    pair, coupon = np.concatenate(pairs), np.concatenate(found)
    user = np.arange(len(asked)).repeat([*map(len, pairs)])
    live = (coupons.last_day[coupon] >= start - 1).nonzero()[0]
    return Shown(user[live], coupon[live], coupons.campaign[coupon[live]], pair[live], joins)


def _features(
    snapshot: Snapshot, crowd: Crowd, asked: Sequence[Asked], shown: Shown, start: int
) -> tuple[Values, Values, Bought]:
    """The features of n users, those of m matches, and those of the bought among these."""
    coupons, each = snapshot.coupons, len(snapshot.coupons.coupon_id)
    sums = Sums.joined([one.sums for one in asked])
    place, late = shown.user * each + shown.coupon, start - sums.start
    user, weeks, spend = user_features.habits(sums.habits, late)
    mailed = [one.mailed for one in asked]
    user |= user_features.answers([one.past.redemptions for one in asked], mailed, start)
    covered = coupons.covered[shown.coupon]
    near = sums.near.reshape(-1, 4).take(place, axis=0)
    match = user_features.near_match(near, covered, late[shown.user], spend[shown.user])
    if BROWSING & {*snapshot.computed["user"], *snapshot.computed["match"]}:
        views, clicks = [one.past.views for one in asked], [one.past.clicks for one in asked]
        looked, looked_at = user_features.browsing(views, clicks, coupons, start)
        user |= looked
        match |= {name: values[place] for name, values in looked_at.items()}
    row_of = np.full(len(asked) * each, -1)
    row_of[place] = np.arange(len(place))
    row = row_of[np.arange(len(asked)).repeat(sums.pairs) * each + sums.coupon]
    its_sums, row = sums.bought[row >= 0], row[row >= 0]
    whose, price = shown.user[row], coupons.price[shown.coupon[row]]
    bought = known(
        user_features.item_match(its_sums, price, late[whose], weeks[whose], spend[whose])
    )
    ranks, ranks_of_bought = _rank(crowd, shown, row, bought)
    return known(user), known(match) | ranks, Bought(row, bought | ranks_of_bought)


def _rank(crowd: Crowd, shown: Shown, row: Ints, bought: Values) -> tuple[Values, Values]:
    """Rank the matches of each user and campaign: the ranks of all, and those of the bought alone.

    A coupon without a purchase ranks below every one with any, and 0 by what was bought.
    """
    group = shown.user * crowd.campaigns + shown.campaign
    mine, size = group[row], np.bincount(group)
    others = (size - np.bincount(mine, minlength=len(size)))[mine]
    decayed, shares = bought["match_decayed_45"], bought["match_wallet_share"]
    lower, poorer = (
        np.where(values > 0, others + below(mine, values), 0) for values in (decayed, shares)
    )
    joins = shown.joins[shown.user[row]].astype("int64")
    wallet_rank = crowd.wallets.of(shown.campaign[row], shares, joins * poorer, joins * size[mine])
    recency = bought["match_recency"]
    sooner = np.bincount(mine[recency < NEVER], minlength=len(size))[group]
    sooner[row] = below(mine, recency)
    last = np.maximum(size - 1, 1)
    return {"match_recency_rank": rounded(sooner / last[group])}, {
        "match_rank": rounded(lower / last[mine]),
        "match_wallet_rank": wallet_rank,
    }


def _user_array(snapshot: Snapshot, place: Ints, user: Values) -> NDArray[np.float32]:
    """What a model reads of n users, but for their ranks."""
    unranked = {"user_spend_rank": np.zeros(len(place))}
    exact = _exact(user | unranked, snapshot.computed["user"])
    numbers = np.concatenate([exact, snapshot.own_numbers[place]], axis=1)
    return snapshot.encoder.scaled("user", numbers)


def _match_array(snapshot: Snapshot, match: Values, bought: Bought) -> NDArray[np.float32]:
    """What a model reads of m matches."""
    encoder, names = snapshot.encoder, snapshot.computed["match"]
    array = snapshot.no_match.repeat(len(match["match_brand_share"]), axis=0)
    for rows, found in ((slice(None), match), (bought.row[:, None], bought.features)):
        columns = [column for column, name in enumerate(names) if name in found]
        exact = _exact(found, [names[column] for column in columns])
        array[rows, columns] = encoder.scaled("match", exact, columns)
    return array


def _exact(values: Values, names: Sequence[str]) -> NDArray[np.float32]:
    """Some features side by side, one row an offer or a user."""
    joined = np.concatenate([values[name] for name in names])
    return joined.reshape(len(names), -1).T.astype("float32")


def _redeemed(
    snapshot: Snapshot, asked: Sequence[Asked], shown: Shown
) -> tuple[NDArray[np.bool_], Values]:
    """Whether each coupon was redeemed in its campaign; how often it came, and was used, before."""
    coupons, n = snapshot.coupons, len(asked)
    ids = len(coupons.ids)
    place = shown.user * ids + coupons.number[shown.coupon]
    user = np.arange(n).repeat([len(one.seen) for one in asked])
    number, offered = (
        np.concatenate([getattr(one, name) for one in asked]) for name in ("seen", "times")
    )
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
