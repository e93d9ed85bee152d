"""A snapshot in memory: plain arrays, so that the features of one user are a few slices away."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.encoder import Arrays, Encoder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NO_ITEM = -1
SEEN = ("coupon_offered_before", "coupon_redeemed_before")
"""Features of a user and a coupon; the other features named after the coupon are its own."""
OWN_TERMS = ("coupon_depth", "coupon_face_value")
"""Features of a coupon that an offer may replace by its own."""


class Lines(NamedTuple):
    """Purchase lines by day (since 1970), then by basket: n of each, money in millionths."""

    item: Ints
    basket_id: Ints
    day: Ints
    quantity: Ints
    amount: Ints
    retail_discount: Ints
    coupon_discount: Ints


class Redemptions(NamedTuple):
    """Coupons used, by day (since 1970)."""

    campaign_id: Ints
    coupon_id: Ints
    day: Ints


class Looks(NamedTuple):
    """Items looked at or clicked, by day (since 1970)."""

    item: Ints
    day: Ints


class Mailings(NamedTuple):
    """Campaigns mailed before, by their first day (since 1970)."""

    day: Ints


class Seen(NamedTuple):
    """Coupons mailed before that are live, by their place among `Coupons.ids`, and how often."""

    number: Ints
    offered: Ints


Rows = TypeVar("Rows", Lines, Redemptions, Looks, Mailings, Seen)
Events = TypeVar("Events", Lines, Redemptions, Looks)


def chosen(rows: Rows, which: Any) -> Rows:
    """Those rows that a mask, a slice or their places choose."""
    return type(rows)(*[column[which] for column in rows])


def before(rows: Events, day: int) -> Events:
    """Those rows that are older than a day."""
    return chosen(rows, slice(int(rows.day.searchsorted(day))))


def ordered(rows: Events) -> Events:
    """The rows by day; those of a day by their second column, as lines are by their basket."""
    return chosen(rows, np.lexsort((rows[1], rows.day)))


class Past(NamedTuple):
    """What one user did."""

    lines: Lines
    redemptions: Redemptions
    views: Looks
    clicks: Looks

    def before(self, day: int) -> "Past":
        """What is older than a day, since 1970."""
        return Past(
            before(self.lines, day),
            before(self.redemptions, day),
            before(self.views, day),
            before(self.clicks, day),
        )


class Links:
    """Which coupons each key (item, category, maker, user) stands for: a sparse matrix by rows.

    Parameters
    ----------
    keys, coupons : numpy.ndarray
        Shape (m,): numbers from 0. A pair of them may come several times.
    size : int
        How many keys there are.

    Attributes
    ----------
    coupon, times : numpy.ndarray
        Of each different pair, its coupon and how often it came; sorted by key and coupon.
    """

    def __init__(self, keys: Ints, coupons: Ints, size: int) -> None:
        several = int(coupons.max(initial=0)) + 1
        pairs, times = np.unique(keys * several + coupons, return_counts=True)
        self.coupon: Ints = pairs % several
        self.times: Ints = times
        self._edges = np.searchsorted(pairs // several, np.arange(size + 1)).astype("int32")

    def __getitem__(self, key: int) -> Ints:
        """The coupons of one key, in order."""
        return self.coupon[self._edges[key] : self._edges[key + 1]]

    def pairs(self, key: int) -> Ints:
        """The pairs of one key."""
        return np.arange(self._edges[key], self._edges[key + 1])

    def of(self, keys: Ints) -> tuple[Ints, Ints]:
        """The pairs of some keys: the position of each in `keys`, and its own."""
        first = self._edges[keys]
        count = self._edges[keys + 1] - first
        position = np.arange(len(keys)).repeat(count)
        skipped = first - count.cumsum() + count
        return position, skipped[position] + np.arange(len(position))


@dataclass(frozen=True)
class Coupons:
    """The live coupons, one row each, sorted by campaign and coupon.

    Attributes
    ----------
    campaign_id, coupon_id, last_day : numpy.ndarray
        Shape (K,).
    ids : numpy.ndarray
        The different coupon ids, sorted: a coupon may be in several campaigns.
    campaign, number : numpy.ndarray
        The place of its campaign among the live ones, and of its id among `ids`; shape (K,).
    spend_per_line, discount, price : numpy.ndarray
        In currency, shape (K,); the price is NaN where it is not known.
    arrays : dict of str to numpy.ndarray
        What a model takes of the items and the coupons, K rows each; features of `coupon` that
        depend on the user are 0.
    items, categories, makers : Links
        What they cover; a category as often as the coupon has items in it.
    covered : numpy.ndarray
        How many items each covers, shape (K,).
    """

    campaign_id: Ints
    coupon_id: Ints
    last_day: Ints
    ids: Ints
    campaign: Ints
    number: Ints
    spend_per_line: Floats
    discount: NDArray[np.float32]
    price: Floats
    arrays: dict[str, NDArray[Any]]
    items: Links
    categories: Links
    makers: Links
    covered: Floats


@dataclass(frozen=True)
class Items:
    """What is sold: the row of an item is its number everywhere in memory."""

    item_id: Ints
    category: Ints
    maker: Ints
    private: NDArray[np.bool_]

    def row(self, item_id: int) -> int:
        """The row of an item, or `NO_ITEM`."""
        row = int(np.searchsorted(self.item_id, item_id))
        return row if row < len(self.item_id) and self.item_id[row] == item_id else NO_ITEM


class Others(NamedTuple):
    """Users of other shards, who are ranked beside those of this one: a row a user and campaign.

    Attributes
    ----------
    campaign, offers : numpy.ndarray
        The place of a live campaign, and how many of its coupons the user was mailed.
    spend, first_day : numpy.ndarray
        What the user spent, in millionths, and the day of the first purchase since 1970.
    """

    campaign: Ints
    offers: Ints
    spend: Ints
    first_day: Ints


class ByUser(Generic[Rows]):
    """Rows sorted by user.

    Parameters
    ----------
    rows : Rows
        Of all users.
    ids, users : numpy.ndarray
        Whose each row is, and all users, sorted.

    Attributes
    ----------
    bounds : tuple of numpy.ndarray
        The first row of each user, and the one after the last.
    """

    def __init__(self, rows: Rows, ids: Ints, users: Ints) -> None:
        self.rows: Rows = rows
        self.bounds = np.searchsorted(ids, users), np.searchsorted(ids, users, side="right")

    def of(self, user: int | None) -> Rows:
        """The rows of a user, given by row; none for someone unknown."""
        first, last = self.bounds
        mine = slice(0, 0) if user is None else slice(first[user], last[user])
        rows: Rows = chosen(self.rows, mine)
        return rows


@dataclass(frozen=True)
class Snapshot:
    """All that `write_snapshot` wrote, as a model reads it.

    Attributes
    ----------
    encoder : Encoder
        Of the model.
    computed : dict of str to list of str
        The features of users and matches that are computed from events, by group.
    user_row : dict of int to int
        The row of each known user; the row after the last one stands for everyone else.
    user_arrays : dict of str to numpy.ndarray
        What a model takes of each user's categories.
    own_numbers : numpy.ndarray
        Columns of the users that the retailer added, one row a user.
    lines, redemptions, views, clicks, mailings, seen : ByUser
        What each user did, and was mailed before.
    offers : Links
        The coupons that each user was mailed.
    held : Links
        The coupons that each user is held out of.
    terms : dict of str to numpy.ndarray
        Terms of the offers that differ by user, one number for each pair of `offers`.
    wallets : tuple of numpy.ndarray
        The wallet shares above 0 of all offers: the place of the campaign, and the share.
    others : Others
        Users of other shards; none in a whole snapshot.
    unseen : dict of str to int
        How many users, or coupons, have a value that the encoder has never seen, by column.
    """

    day: date
    encoder: Encoder
    computed: dict[str, list[str]]
    user_row: dict[int, int]
    user_arrays: Arrays
    own_numbers: Floats
    items: Items
    coupons: Coupons
    lines: ByUser[Lines]
    redemptions: ByUser[Redemptions]
    views: ByUser[Looks]
    clicks: ByUser[Looks]
    mailings: ByUser[Mailings]
    seen: ByUser[Seen]
    offers: Links
    held: Links
    terms: dict[str, Floats]
    wallets: tuple[Ints, Floats]
    others: Others
    unseen: dict[str, int]

    @property
    def start(self) -> int:
        """The first day on which campaigns are taken to start, since 1970: the day after `day`."""
        return (self.day - date(1970, 1, 1)).days + 1

    def past(self, row: int | None) -> Past:
        """What it knows of a user, given by row; None for someone without one."""
        return Past(
            self.lines.of(row), self.redemptions.of(row), self.views.of(row), self.clicks.of(row)
        )
