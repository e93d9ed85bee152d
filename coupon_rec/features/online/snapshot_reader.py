"""A snapshot from its files, with what the model that is served reads of it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from coupon_rec.features.catalog import APPETITE_NAMES, HABIT, MISSING, TASTES, USUAL
from coupon_rec.features.columns import values_of
from coupon_rec.features.encoder import Arrays, Encoder
from coupon_rec.features.online.snapshot import (
    OWN_TERMS,
    SEEN,
    Coupons,
    Grouped,
    Ints,
    Items,
    Rows,
    Snapshot,
    Tastes,
)

UNKNOWN = "unknown"
MONEY = ("amount", "retail_discount", "coupon_discount")
OF_USERS = {
    "lines": ("history", "item", "basket_id", "day", "quantity", *MONEY),
    "redemptions": ("redemptions", "campaign_id", "coupon_id", "date"),
    "views": ("views", "item", "day"),
    "clicks": ("clicks", "item", "day"),
    "mailings": ("mailings", "start"),
    "seen": ("seen", "coupon_id", "offered"),
    "offers": ("offers", "coupon", *OWN_TERMS),
    "held": ("holdouts", "coupon"),
}
"""Each table by user in memory: its file, and the columns of it beside `user_id`."""
MAY_LACK = {"views", "clicks", "holdouts", *OWN_TERMS}
"""The tables, and the columns, that not every snapshot has."""
MONEY_OF_COUPONS = ("spend_per_line", "discount", "margin", "shop_share")
IN_MEMORY = {"date": "day", "start": "day"}
COMPUTED = {name for name in MISSING if name.startswith("user_")} - {HABIT} | {*SEEN, *OWN_TERMS}
"""The features of users and coupons that the tables need not have. A habit they must have: it is of
campaigns that are over, of which the tables know no more."""


def read_snapshot(folder: str | Path, encoder: Encoder) -> Snapshot:
    """Read a snapshot.

    Parameters
    ----------
    folder : str or pathlib.Path
        As `write_snapshot` wrote it.
    encoder : Encoder
        Of the model that is to be served.

    Raises
    ------
    ValueError
        If the folder is no snapshot, or lacks a column that the model reads. It names both.
    """
    folder = Path(folder)
    try:
        return _read_all(folder, encoder)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} is no snapshot to serve ({error}): write it again") from error


def _read_all(folder: Path, encoder: Encoder) -> Snapshot:
    users, coupons = (pd.read_parquet(folder / f"{name}.parquet") for name in ("users", "coupons"))
    ids = users["user_id"].to_numpy()
    tables = {}
    for name, (stored, *columns) in OF_USERS.items():
        user = ids.searchsorted(_read(folder, stored, "user_id")["user_id"])
        tables[name] = Grouped(_read(folder, stored, *columns), user, len(ids) + 1)
    _check_matches(encoder)
    of_user, of_coupon = _part(encoder, "user"), _part(encoder, "item", "coupon")
    named = {each.name for some in of_user.categories.values() for each in some}
    nothing = {name: [UNKNOWN if name in named else np.nan] for name in of_user.columns}
    nobody = _encoded("users", pd.DataFrame(nothing), of_user)
    of_users = _encoded("users", users, of_user)
    items = _items(_read(folder, "items", "item_id", "category", "manufacturer_id", "private"))
    unseen = pd.concat([of_user.unseen(users), of_coupon.unseen(coupons)])
    return Snapshot(
        day=date.fromisoformat(json.loads((folder / "snapshot.json").read_text())["day"]),
        encoder=encoder,
        user_row={user: row for row, user in enumerate(ids.tolist())},
        of_users={name: np.vstack([of_users[name], nobody[name]]) for name in nobody},
        of_coupons=_encoded("coupons", coupons, of_coupon),
        items=items,
        coupons=_coupons(coupons, items, _read(folder, "coupon_items", "coupon", "item")),
        wallets=_read(folder, "wallets", "campaign_id", "share"),
        tastes=_tastes(folder, coupons, items) if {*encoder.columns} & {*APPETITE_NAMES} else None,
        unseen=dict(zip(unseen["column"], unseen["rows"].tolist(), strict=True)),
        **tables,
    )


def _read(folder: Path, name: str, *columns: str) -> Rows:
    """Read columns of a table."""
    path = folder / f"{name}.parquet"
    if name in MAY_LACK and not path.exists():
        return np.empty(0, [(column, "int64") for column in columns])
    table = pq.read_table(path)
    arrays = {
        IN_MEMORY.get(column, column): table[column].to_numpy()
        for column in columns
        if column not in MAY_LACK or column in table.column_names
    }
    dtypes = {column: "int64" if v.dtype.kind == "M" else v.dtype for column, v in arrays.items()}
    rows = np.empty(len(table), [*dtypes.items()])
    for column, values in arrays.items():
        rows[column] = values
    return rows


def _check_matches(encoder: Encoder) -> None:
    """Refuse a model that reads of a user and a coupon what nothing here computes."""
    numbers, names = encoder.numbers.get("match", ()), encoder.categories.get("match_category", ())
    read = [*(number.name for number in numbers), *(category.name for category in names)]
    if own := [name for name in read if name not in MISSING]:
        raise ValueError(
            f"the model reads {own[0]}, a column of a user and a coupon that is no feature of the "
            "catalog: a service cannot compute it; train without it"
        )


def _part(encoder: Encoder, *kinds: str) -> Encoder:
    """The part of an encoder that reads of users, or of coupons and their items."""
    arrays = [*encoder.numbers, *encoder.categories]
    return encoder.only(*(name for name in arrays if name.startswith(kinds)))


def _encoded(name: str, table: pd.DataFrame, encoder: Encoder) -> Arrays:
    """What a model takes of the rows of a table; zeros in place of what is computed."""
    computed = [column for column in COMPUTED if column not in table]
    table = table.assign(**dict.fromkeys(computed, 0.0))
    table = table.astype({name: "float32" for name in MISSING if name in table})
    for column in encoder.columns:
        if column not in table:
            raise ValueError(f"{name}.parquet lacks {column}, which the model reads")
    numbers = {
        group: encoder.scaled(group, values_of(table, some))
        for group, some in encoder.numbers.items()
    }
    return numbers | {group: encoder.codes(group, table) for group in encoder.categories}


def _items(table: Rows) -> Items:
    maker = np.unique(table["manufacturer_id"], return_inverse=True)[1].astype("int32")
    category = table["category"].astype("int32")
    return Items(table["item_id"].copy(), category, maker, table["private"].copy())


def _tastes(folder: Path, coupons: pd.DataFrame, items: Items) -> Tastes:
    kinds = _read(folder, "kinds", "category", *TASTES)
    of_kinds = np.zeros((int(items.category.max()) + 1, len(TASTES)))
    of_kinds[kinds["category"]] = np.stack([kinds[name] for name in TASTES], axis=1)
    return Tastes(of_kinds, coupons[[*TASTES]].to_numpy(), coupons[USUAL].to_numpy())


def _coupons(table: pd.DataFrame, items: Items, covers: Rows) -> Coupons:
    if "discount" not in table:  # snapshots of 1.0 knew no terms
        unknown: dict[str, Any] = dict.fromkeys(["margin", "shop_share", "list_price"], np.nan)
        unknown["discount_from"] = "receipts"
        table = table.assign(discount=table["coupon_discount"], **unknown)
    item, coupon = covers["item"], covers["coupon"]
    place = np.lexsort((coupon, item))
    ids, number = np.unique(table["coupon_id"], return_inverse=True)
    return Coupons(
        campaign_id=table["campaign_id"].to_numpy(),
        coupon_id=table["coupon_id"].to_numpy(),
        last_day=table["last_day"].to_numpy("datetime64[D]").astype("int64"),
        ids=ids,
        campaign=np.unique(table["campaign_id"], return_inverse=True)[1],
        number=number,
        price=table["item_price"].replace(0.0, np.nan).to_numpy(),
        **{name: table[name].to_numpy(float) for name in (*MONEY_OF_COUPONS, "list_price")},
        discount_from=table["discount_from"].value_counts().to_dict(),
        items=Grouped(coupon[place], item[place], len(items.item_id)),
        categories=_counted(items.category, item, coupon),
        makers=_counted(items.maker, item, coupon),
        covered=np.bincount(coupon, minlength=len(table)),
    )


def _counted(kinds: Ints, items: Ints, coupons: Ints) -> Grouped:
    """The different coupons of each kind of item, and how often each comes."""
    pairs = np.stack([kinds[items], coupons])
    (kind, coupon), times = np.unique(pairs, axis=1, return_counts=True)
    rows = np.empty(len(times), [("coupon", "int64"), ("times", "int64")])
    rows["coupon"], rows["times"] = coupon, times
    return Grouped(rows, kind, int(kinds.max()) + 1)
