"""A snapshot from its files, with what the model that is served reads of it."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from coupon_rec.features.catalog import MISSING, feature_names
from coupon_rec.features.columns import Category, Number, values_of
from coupon_rec.features.encoder import Arrays, Encoder
from coupon_rec.features.online.snapshot import (
    OWN_TERMS,
    SEEN,
    ByUser,
    Coupons,
    Floats,
    Ints,
    Items,
    Lines,
    Links,
    Looks,
    Mailings,
    Others,
    Redemptions,
    Rows,
    Seen,
    Snapshot,
)

UNKNOWN = "unknown"


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
        day = date.fromisoformat(json.loads((folder / "snapshot.json").read_text())["day"])
        users, history = pd.read_parquet(folder / "users.parquet"), _read(folder, "history")
        redemptions, offers = _read(folder, "redemptions"), _read(folder, "offers")
        items, wallets = _items(_read(folder, "items")), _read(folder, "wallets")
        terms = pd.read_parquet(folder / "coupons.parquet")
        coupons = _coupons(folder, terms, items, encoder)
        mailings, seen = _read(folder, "mailings"), _read(folder, "seen")
        views, clicks = (
            _if_there(folder, name, "user_id", "item", "day") for name in ("views", "clicks")
        )
        others = _others(folder, coupons)
        held = _if_there(folder, "holdouts", "user_id", "coupon")
        user_arrays, own_numbers = _user_arrays(users, encoder), _own_numbers(users, encoder)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} is no snapshot to serve ({error}): write it again") from error
    ids = users["user_id"].to_numpy()
    live = np.isin(seen["coupon_id"], coupons.ids)
    seen = {name: column[live] for name, column in seen.items()}
    seen["number"] = coupons.ids.searchsorted(seen["coupon_id"])
    redemptions["day"], mailings["day"] = redemptions.pop("date"), mailings.pop("start")

    def by_user(rows: type[Rows], table: dict[str, NDArray[Any]]) -> ByUser[Rows]:
        return ByUser(rows(*[table[name] for name in rows._fields]), table["user_id"], ids)

    return Snapshot(
        day=day,
        encoder=encoder,
        computed={group: _computed(group, encoder) for group in ("user", "match")},
        user_row={user: row for row, user in enumerate(ids.tolist())},
        user_arrays=user_arrays,
        own_numbers=own_numbers,
        items=items,
        coupons=coupons,
        lines=by_user(Lines, history),
        redemptions=by_user(Redemptions, redemptions),
        views=by_user(Looks, views),
        clicks=by_user(Looks, clicks),
        mailings=by_user(Mailings, mailings),
        seen=by_user(Seen, seen),
        offers=Links(np.searchsorted(ids, offers["user_id"]), offers["coupon"], len(ids)),
        held=Links(np.searchsorted(ids, held["user_id"]), held["coupon"], len(ids)),
        wallets=(
            np.unique(coupons.campaign_id).searchsorted(wallets["campaign_id"]),
            wallets["share"],
        ),
        others=others,
        terms={name: offers[name] for name in offers if name not in ("user_id", "coupon")},
        unseen=_unseen(encoder, users, user_arrays) | _unseen(encoder, terms, coupons.arrays),
    )


def _others(folder: Path, coupons: Coupons) -> Others:
    """Read the users of other shards."""
    table = _if_there(folder, "others", "campaign_id", *Others._fields[1:])
    campaign = np.unique(coupons.campaign_id).searchsorted(table.pop("campaign_id"))
    return Others(campaign, **table)


def _if_there(folder: Path, name: str, *columns: str) -> dict[str, NDArray[Any]]:
    """Read a table that not every snapshot has; without it, there are no rows."""
    if (folder / f"{name}.parquet").exists():
        return _read(folder, name)
    return dict.fromkeys(columns, np.empty(0, "int64"))


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
    category = table["category"].astype("int32")
    return Items(table["item_id"], category, maker.astype("int32"), table["private"])


def _computed(group: str, encoder: Encoder) -> list[str]:
    """The features of a group that are computed, in the order of its array."""
    names = [number.name for number in encoder.numbers.get(group, ())]
    own = [name for name in names if name not in MISSING]
    own += [category.name for category in encoder.categories.get("match_category", ())]
    if group == "match" and own:
        raise ValueError(
            f"the model reads {own[0]}, a column of a user and a coupon that is no feature of the "
            "catalog: a service cannot compute it; train without it"
        )
    return [name for name in names if name in MISSING] or feature_names(group)


def _check(name: str, table: pd.DataFrame, columns: Sequence[Number | Category]) -> None:
    """Name the first column that a table of the snapshot lacks."""
    for column in columns:
        if column.name.split("[")[0] not in table:
            raise ValueError(f"{name}.parquet lacks {column.name}, which the model reads")


def _user_arrays(users: pd.DataFrame, encoder: Encoder) -> Arrays:
    """The categories of each user; of everyone else, nothing is known."""
    arrays: Arrays = {}
    for name in encoder.categories:
        if name.startswith("user"):
            _check("users", users, encoder.categories[name])
            columns = [category.name for category in encoder.categories[name]]
            rows = {column: [*users[column], UNKNOWN] for column in columns}
            arrays[name] = encoder.codes(name, rows)
    return arrays


def _own_numbers(users: pd.DataFrame, encoder: Encoder) -> Floats:
    """The numbers of each user that are no features of the catalog; missing for everyone else."""
    own = [each for each in encoder.numbers.get("user", ()) if each.name not in MISSING]
    _check("users", users, own)
    values = values_of(users, own) if own else np.empty((len(users), 0))
    return np.vstack([values, [number.missing for number in own]])


def _unseen(encoder: Encoder, table: pd.DataFrame, arrays: Arrays) -> dict[str, int]:
    """Count a table's values that the encoder does not tell apart, by column."""
    codes = {name: arrays[name][: len(table)] for name in encoder.categories if name in arrays}
    found = encoder.only(*codes).unseen(table, codes)
    return dict(zip(found["column"], found["rows"].tolist(), strict=True))


def _coupons(folder: Path, table: pd.DataFrame, items: Items, encoder: Encoder) -> Coupons:
    covers = _read(folder, "coupon_items")
    item, coupon = covers["item"], covers["coupon"]
    n = len(table["coupon_id"])
    made = np.unique(np.stack([items.maker[item], coupon]), axis=1)
    ids, number = np.unique(table["coupon_id"], return_inverse=True)
    arrays: Arrays = {}
    for group in encoder.numbers:
        if group in ("item", "coupon"):
            exact = {name: "float32" for name in MISSING if name in table.columns}
            of_users = [*SEEN, *(name for name in OWN_TERMS if name not in table)]
            known = table.astype(exact).assign(**dict.fromkeys(of_users, 0.0))
            _check("coupons", known, encoder.numbers[group])
            arrays[group] = encoder.scaled(group, values_of(known, encoder.numbers[group]))
    for name in encoder.categories:
        if name.startswith(("item", "coupon")):
            _check("coupons", table, encoder.categories[name])
            arrays[name] = encoder.codes(name, table)
    return Coupons(
        campaign_id=table["campaign_id"].to_numpy(),
        coupon_id=table["coupon_id"].to_numpy(),
        last_day=_whole_days(pd.to_datetime(table["last_day"]).to_numpy()),
        campaign=np.unique(table["campaign_id"], return_inverse=True)[1],
        ids=ids,
        number=number,
        spend_per_line=table["spend_per_line"].to_numpy(),
        discount=table["coupon_discount"].to_numpy("float32"),
        price=table["item_price"].replace(0.0, np.nan).to_numpy(),
        arrays=arrays,
        items=Links(item, coupon, len(items.item_id)),
        categories=Links(items.category[item], coupon, int(items.category.max()) + 1),
        makers=Links(made[0], made[1], int(items.maker.max()) + 1),
        covered=np.bincount(coupon, minlength=n).astype("float64"),
    )
