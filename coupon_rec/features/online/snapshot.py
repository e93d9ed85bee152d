"""A snapshot in memory: plain arrays, so that the features of one user are a few slices away."""

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from coupon_rec.features.encoder import Arrays, Encoder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Rows = NDArray[np.void]
"""Rows of a table with named columns, all of them numbers; days are whole, since 1970."""
SEEN = ("coupon_offered_before", "coupon_redeemed_before")
"""Features of a user and a coupon; the other features named after the coupon are its own."""
OWN_TERMS = ("coupon_depth", "coupon_face_value")
"""Features of a coupon that an offer may replace by its own."""


class Past(NamedTuple):
    """What one user did, by day; the lines of a day by their basket, money in millionths."""

    lines: Rows
    redemptions: Rows
    views: Rows
    clicks: Rows

    def before(self, day: int) -> "Past":
        """What is older than a day, since 1970."""
        return Past(*(rows[: rows["day"].searchsorted(day)] for rows in self))


class Grouped:
    """Rows sorted by a key (a user, an item, ...), so that those of a key are a slice.

    Parameters
    ----------
    rows : numpy.ndarray
        Shape (m,).
    keys : numpy.ndarray
        The key of each, a number from 0, in order; shape (m,).
    size : int
        How many keys there are.
    """

    def __init__(self, rows: NDArray[Any], keys: Ints, size: int) -> None:
        self.rows = rows
        self._edges = keys.searchsorted(np.arange(size + 1))

    def __getitem__(self, key: int) -> NDArray[Any]:
        """The rows of one key."""
        return self.rows[self._edges[key] : self._edges[key + 1]]

    def of(self, keys: Ints) -> tuple[Ints, Ints]:
        """The rows of some keys, by number: whose each is, by position in `keys`, and which."""
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
    spend_per_line, discount, price, list_price : numpy.ndarray
        In currency, shape (K,); the prices are NaN where they are not known.
    margin, shop_share : numpy.ndarray
        Of spend and discount, shape (K,); NaN where the market does not say.
    discount_from : dict of str to int
        How many coupons' discounts are known by which term or history.
    items, categories, makers : Grouped
        The coupons of each item; of each category and maker, in the column `coupon`, with how many
        items of it the coupon covers, `times`.
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
    discount: Floats
    price: Floats
    list_price: Floats
    margin: Floats
    shop_share: Floats
    discount_from: dict[str, int]
    items: Grouped
    categories: Grouped
    makers: Grouped
    covered: Ints


class Items(NamedTuple):
    """What is sold: the row of an item is its number everywhere in memory."""

    item_id: Ints
    category: Ints
    maker: Ints
    private: NDArray[np.bool_]

    def row(self, item_id: int) -> int | None:
        """The row of an item, if it is known."""
        row = int(self.item_id.searchsorted(item_id))
        return row if item_id in self.item_id[row : row + 1] else None


class Tastes(NamedTuple):
    """Where m kinds of items, and K coupons, lie in d directions in which users' tastes differ.

    Attributes
    ----------
    of_kinds, of_coupons : numpy.ndarray
        Shape (m, d) and (K, d).
    usual : numpy.ndarray
        The share of each coupon in all that is bought, shape (K,).
    """

    of_kinds: Floats
    of_coupons: Floats
    usual: Floats


@dataclass(frozen=True)
class Snapshot:
    """All that `write_snapshot` wrote, as a model reads it.

    Attributes
    ----------
    day : datetime.date
        Of the snapshot.
    encoder : Encoder
        Of the model.
    user_row : dict of int to int
        The row of each known user; the row after the last one stands for everyone else.
    of_users, of_coupons : dict of str to numpy.ndarray
        What a model takes of each user, and of each coupon. Features that depend on what happens
        are placeholders.
    lines, redemptions, views, clicks, mailings, seen, offers, held : Grouped
        By user: what each did; when each was mailed campaigns that are over; how often live
        coupons came before; the live coupons that each was mailed, and is held out of.
    wallets : numpy.ndarray
        The wallet shares above 0 of all offers: columns `campaign_id` and `share`.
    tastes : Tastes, optional
        If the model reads them.
    unseen : dict of str to int
        How many users, or coupons, have a value that the encoder has never seen, by column.
    """

    day: date
    encoder: Encoder
    user_row: dict[int, int]
    of_users: Arrays
    of_coupons: Arrays
    items: Items
    coupons: Coupons
    lines: Grouped
    redemptions: Grouped
    views: Grouped
    clicks: Grouped
    mailings: Grouped
    seen: Grouped
    offers: Grouped
    held: Grouped
    wallets: Rows
    tastes: Tastes | None
    unseen: dict[str, int]

    @property
    def start(self) -> int:
        """The first day on which campaigns are taken to start, since 1970: the day after `day`."""
        return (self.day - date(1970, 1, 1)).days + 1

    def row(self, user: int) -> int:
        """The row of a user; of one whom it does not know, the row that stands for all others."""
        return self.user_row.get(user, len(self.user_row))

    def past(self, row: int) -> Past:
        """What it knows of a user, given by row."""
        return Past(self.lines[row], self.redemptions[row], self.views[row], self.clicks[row])
