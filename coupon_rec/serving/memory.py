"""A snapshot in memory: plain arrays, so that the features of one user are a few slices away."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from coupon_rec.features import COUPON_CATEGORIES, USER_CATEGORIES, feature_names

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NO_ITEM = -1


class Lines(NamedTuple):
    """Purchase lines in the order of their days (since 1970): n of each, money in millionths."""

    item: Ints
    basket_id: Ints
    day: Ints
    quantity: Ints
    amount: Ints
    retail_discount: Ints
    coupon_discount: Ints

    def where(self, chosen: Any) -> "Lines":
        """Those lines that a mask or a slice chooses."""
        return Lines(*(column[chosen] for column in self))


class Redemptions(NamedTuple):
    """Coupons used, and when, in days since 1970."""

    campaign_id: Ints
    coupon_id: Ints
    day: Ints

    def where(self, chosen: Any) -> "Redemptions":
        """Those redemptions that a mask or a slice chooses."""
        return Redemptions(*(column[chosen] for column in self))


class Links:
    """Which coupons each key (item, category, maker, user) stands for: a sparse matrix by rows.

    Parameters
    ----------
    keys, coupons : numpy.ndarray
        The pairs, shape (m,): numbers from 0. A pair may come several times.
    size : int
        How many keys there are.
    """

    def __init__(self, keys: Ints, coupons: Ints, size: int) -> None:
        several = int(coupons.max(initial=0)) + 1
        pairs, times = np.unique(keys * several + coupons, return_counts=True)
        self._coupons: Ints = pairs % several
        self._times: Ints = times
        self._first = np.searchsorted(pairs // several, np.arange(size + 1))
        self.linked = np.diff(self._first) > 0

    def __getitem__(self, key: int) -> Ints:
        """The coupons of one key, in order."""
        return self._coupons[self._first[key] : self._first[key + 1]]

    def of(self, keys: Ints) -> tuple[Ints, Ints]:
        """All pairs of some keys, each once, as the position in `keys` and the coupon."""
        position, pair = self._pairs(keys)
        return position, self._coupons[pair]

    def times(self, keys: Ints) -> tuple[Ints, Ints, Ints]:
        """What `of` gives, and how often each pair came."""
        position, pair = self._pairs(keys)
        return position, self._coupons[pair], self._times[pair]

    def _pairs(self, keys: Ints) -> tuple[Ints, Ints]:
        first = self._first[keys]
        counts = self._first[keys + 1] - first
        position = np.repeat(np.arange(len(keys)), counts)
        shift = np.repeat(np.cumsum(counts) - counts - first, counts)
        return position, np.arange(len(position)) - shift


@dataclass(frozen=True)
class Coupons:
    """The live coupons, one row each, sorted by campaign and coupon.

    Attributes
    ----------
    campaign_id, coupon_id, last_day : numpy.ndarray
        Shape (K,).
    spend_per_line, discount, price : numpy.ndarray
        In currency, shape (K,).
    features : dict of str to numpy.ndarray
        The features of the groups item and coupon, float64 of shape (K, features); those of
        `coupon` that depend on the user are 0.
    category : numpy.ndarray
        The category codes, int32 of shape (K, columns).
    items, categories, makers : Links
        What they cover; a category as often as the coupon has items in it.
    covered : numpy.ndarray
        How many items each covers, shape (K,).
    """

    campaign_id: Ints
    coupon_id: Ints
    last_day: Ints
    spend_per_line: Floats
    discount: Floats
    price: Floats
    features: dict[str, Floats]
    category: NDArray[np.int32]
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


class ByUser:
    """Columns sorted by user, and where each user's rows begin."""

    def __init__(self, table: dict[str, NDArray[Any]], users: Ints) -> None:
        self.columns = table
        ids = table["user_id"]
        self.bounds = np.searchsorted(ids, users), np.searchsorted(ids, users, side="right")

    def slice(self, user: int | None) -> slice:
        """The rows of a user, given by row; none for someone unknown."""
        first, last = self.bounds
        return slice(0, 0) if user is None else slice(first[user], last[user])


@dataclass(frozen=True)
class Snapshot:
    """All that `write_snapshot` wrote."""

    day: date
    user_row: dict[int, int]
    user_category: NDArray[np.int32]
    items: Items
    coupons: Coupons
    lines: Lines
    redeemed: Redemptions
    history: ByUser
    redemptions: ByUser
    mailings: ByUser
    seen: ByUser
    offers: Links
    wallets: dict[int, Floats]


def read_snapshot(folder: str | Path) -> Snapshot:
    """Read a snapshot.

    Raises
    ------
    ValueError
        If the folder is no snapshot. It names the file.
    """
    folder = Path(folder)
    try:
        day = date.fromisoformat(json.loads((folder / "snapshot.json").read_text())["day"])
        users, history = _read(folder, "users"), _read(folder, "history")
        redemptions, offers = _read(folder, "redemptions"), _read(folder, "offers")
        items, wallets = _items(_read(folder, "items")), _read(folder, "wallets")
        coupons = _coupons(folder, items)
        mailings, seen = _read(folder, "mailings"), _read(folder, "seen")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} is no snapshot ({error}): write it again") from error
    ids = users["user_id"]
    unknown = np.cumsum([0, *(len(values) + 1 for values in USER_CATEGORIES.values())])[:-1]
    known = np.stack([users[name] for name in USER_CATEGORIES], axis=1)
    redemptions["day"] = redemptions.pop("date")
    return Snapshot(
        day=day,
        user_row={user: row for row, user in enumerate(ids.tolist())},
        user_category=np.vstack([known, unknown]).astype("int32"),
        items=items,
        coupons=coupons,
        lines=Lines(*(history[name] for name in Lines._fields)),
        redeemed=Redemptions(*(redemptions[name] for name in Redemptions._fields)),
        history=ByUser(history, ids),
        redemptions=ByUser(redemptions, ids),
        mailings=ByUser(mailings, ids),
        seen=ByUser(seen, ids),
        offers=Links(np.searchsorted(ids, offers["user_id"]), offers["coupon"], len(ids)),
        wallets={
            campaign: wallets["share"][wallets["campaign_id"] == campaign]
            for campaign in np.unique(coupons.campaign_id).tolist()
        },
    )


def _read(folder: Path, name: str) -> dict[str, NDArray[Any]]:
    """Read the columns of a table; days as whole numbers."""
    table = pq.read_table(folder / f"{name}.parquet")
    columns = {column: table[column].to_numpy() for column in table.column_names}
    return {
        column: _whole_days(values) if values.dtype.kind == "M" else values
        for column, values in columns.items()
    }


def _whole_days(values: NDArray[np.datetime64]) -> Ints:
    return values.astype("datetime64[D]").astype("int64")


def _items(table: dict[str, NDArray[Any]]) -> Items:
    maker = np.unique(table["manufacturer_id"], return_inverse=True)[1]
    return Items(table["item_id"], table["category"], maker, table["private"])


def _coupons(folder: Path, items: Items) -> Coupons:
    table, covers = _read(folder, "coupons"), _read(folder, "coupon_items")
    item, coupon = covers["item"], covers["coupon"]
    n = len(table["coupon_id"])
    zeros = np.zeros(n)
    made = np.unique(np.stack([items.maker[item], coupon]), axis=1)
    return Coupons(
        campaign_id=table["campaign_id"],
        coupon_id=table["coupon_id"],
        last_day=table["last_day"],
        spend_per_line=table["spend_per_line"],
        discount=table["coupon_discount"],
        price=table["item_price"],
        features={
            group: np.stack([table.get(name, zeros) for name in feature_names(group)], axis=1)
            for group in ("item", "coupon")
        },
        category=np.stack([table[name] for name in COUPON_CATEGORIES], axis=1),
        items=Links(item, coupon, len(items.item_id)),
        categories=Links(items.category[item], coupon, items.category.max() + 1),
        makers=Links(made[0], made[1], items.maker.max() + 1),
        covered=np.bincount(coupon, minlength=n).astype("float64"),
    )
