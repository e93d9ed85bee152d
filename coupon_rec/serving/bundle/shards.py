"""A bundle in parts, each with the features of its own users, for as many replicas."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from coupon_rec.features.online.ranks import NOT_YET
from coupon_rec.serving.bundle.manifest import NAME, BundleError, seal, verified, version_of
from coupon_rec.serving.hashing import shard_of

OF_USERS = (
    "users",
    "history",
    "offers",
    "holdouts",
    "mailings",
    "seen",
    "redemptions",
    "views",
    "clicks",
)
"""Tables of a snapshot with a row for each thing that a user did, was sent, or is held out of."""


def write_shards(bundle: str | Path, folder: str | Path, shards: int) -> list[Path]:
    """Divide a bundle by users: each part holds the model, and the features of its users.

    A replica that is started with a part answers for its users, as one with the whole bundle
    would, and refuses all others. Only the ranks of a user among all differ, during the day: there,
    the users of other parts stand where they stood when the bundle was written.

    Parameters
    ----------
    bundle : str or pathlib.Path
        As `python -m coupon_rec export` writes it.
    folder : str or pathlib.Path
        Where to write the parts, named from 0 on. It must not be there yet.
    shards : int
        How many, 2 or more: `coupon_rec.serving.hashing.shard_of` says which is whose.

    Returns
    -------
    list of pathlib.Path
        The parts. The manifest of each has its place, `shard`, and the version of the `whole`.

    Raises
    ------
    BundleError
        If the bundle cannot be used, has no snapshot, or is a part itself.
    ValueError
        If `shards` is below 2, or the folder is there.
    """
    bundle, folder = Path(bundle), Path(folder)
    if shards < 2:
        raise ValueError(f"shards is {shards}: divide a bundle into 2 or more")
    if folder.exists():
        raise ValueError(f"{folder} is there already: name another folder, or delete it")
    manifest = verified(bundle)
    if "shard" in manifest or not any(name.startswith("snapshot/") for name in manifest["files"]):
        raise BundleError(f"{bundle}: a part, or without a snapshot; divide a whole bundle")
    keep = ("created", "packages", "differences")
    facts = {name: manifest[name] for name in keep if name in manifest}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        for shard in range(shards):
            part = Path(draft, "parts", str(shard))
            shutil.copytree(bundle, part, ignore=shutil.ignore_patterns(NAME))
            _keep_users(part / "snapshot", shard, shards)
            place = {"shard": [shard, shards], "whole": version_of(manifest)}
            seal(part, {**facts, **place})
        Path(draft, "parts").rename(folder)
    return [folder / str(shard) for shard in range(shards)]


def _keep_users(snapshot: Path, shard: int, shards: int) -> None:
    """Leave the users of one shard in a snapshot, and of the others what ranks need."""
    names = _names(snapshot)

    def mine(table: pa.Table) -> pa.Table:
        users, place = np.unique(table["user_id"].to_numpy(), return_inverse=True)
        own = [shard_of(names.get(user, user), shards) == shard for user in users.tolist()]
        return pa.array(np.asarray(own, bool)[place])

    _write_others(snapshot, mine)
    for name in OF_USERS:
        path = snapshot / f"{name}.parquet"
        if path.exists():
            table = pq.read_table(path)
            pq.write_table(table.filter(mine(table)), path)


def _names(snapshot: Path) -> dict[int, str]:
    """The texts by which the market names its users, if it has texts."""
    path = snapshot / "identifiers.parquet"
    if not path.exists():
        return {}
    table = pq.read_table(path).filter(pc.field("kind") == "user_id")
    return dict(zip(table["number"].to_pylist(), table["text"].to_pylist(), strict=True))


def _write_others(snapshot: Path, mine: Callable[[pa.Table], pa.Array]) -> None:
    """Write what the ranks of a shard's users need of everyone else, without saying who they are.

    Wallet shares are written without their users as they are, and stay whole.
    """

    def others(name: str, *columns: str) -> pd.DataFrame:
        table = pq.read_table(snapshot / f"{name}.parquet", columns=["user_id", *columns])
        return table.filter(pc.invert(mine(table))).to_pandas(date_as_object=False)

    campaign = pq.read_table(snapshot / "coupons.parquet")["campaign_id"].to_numpy()
    mailed = others("offers", "coupon")
    mailed["campaign_id"] = campaign[mailed.pop("coupon")]
    table = mailed.groupby(["user_id", "campaign_id"]).size().reset_index(name="offers")
    lines = others("history", "amount", "day")
    lines["day"] = lines["day"].to_numpy("datetime64[D]").astype("int64")
    bought = lines.groupby("user_id").agg(spend=("amount", "sum"), first_day=("day", "min"))
    table = table.join(bought, on="user_id").fillna({"spend": 0, "first_day": NOT_YET})
    table = table.drop(columns="user_id").astype("int64").sort_values([*table.columns[1:]])
    table.to_parquet(snapshot / "others.parquet", index=False)
