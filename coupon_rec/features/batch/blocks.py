"""The offers table of a market of any size: by blocks of users, or by the tasks of Spark.

The features of an offer are those of its coupon, which are built once, and those of its user,
who needs no other user, except for two ranks within a campaign. So what is known of each block of
users is put on the disk; then the ranks are counted over all of it, and joined in by campaign.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from ibis import Table, _

from coupon_rec.features.batch.offers import (
    RANKS,
    coded_items,
    finished,
    known_goods,
    known_offers,
    purchase_lines,
    ranks_of_values,
)
from coupon_rec.features.batch.users import USER_KEY
from coupon_rec.kinds import KEY, mark, said_of
from coupon_rec.market import Market
from coupon_rec.market.identifiers import exchanged
from coupon_rec.market.sources import read_parquet
from coupon_rec.market.tables import OFFER


def write_offers(market: Market, path: str | Path, block: int = 20_000) -> Path:
    """Write the offers table as Parquet: on DuckDB some users at a time, on Spark by its tasks.

    The rows are those of `coupon_rec.features.build_offers`, in the same order, whatever the
    block; `start` is a timestamp, so that pandas reads what `coupon_rec.features.offers_frame`
    gives. Identifiers that were text are text again, since a file may outlive their numbers.

    Parameters
    ----------
    market : Market
        On DuckDB or Spark.
    path : str or Path
        The file; on Spark a folder of files, which all of its workers must see under this name.
        It appears when it is complete, and so does the folder that it is in. Drafts beside it,
        about three times its size, are removed in any case.
    block : int
        How many users are computed together on DuckDB, 1 or more. Memory grows with their
        purchases.

    Returns
    -------
    Path
        The file, or the folder.

    Raises
    ------
    ValueError
        If `block` is below 1.
    """
    if block < 1:
        raise ValueError(f"block must be 1 user or more, not {block}")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".draft-") as draft:
        if market.offers.get_backend().name == "pyspark":
            written = _by_tasks(market, Path(draft))
        else:
            written = _by_blocks(market, Path(draft), block)
        if path.is_dir():
            rmtree(path)
        return written.replace(path)


def _by_tasks(market: Market, folder: Path) -> Path:
    """Let Spark write the offers, each part that others build on first, and once."""
    offers = known_offers(market, keep=lambda part, name: _stored(part, folder / f"{name}.parquet"))
    _rows(offers, market).to_parquet(folder / "offers.parquet")
    mark(folder / "offers.parquet", "offers")
    return folder / "offers.parquet"


def _by_blocks(market: Market, folder: Path, block: int) -> Path:
    """Let DuckDB write what is known of each block of users, then the ranks, then the offers."""
    goods = known_goods(market, purchase_lines(market), coded_items(market))
    goods = goods._replace(coupons=_stored(goods.coupons, folder / "coupons.parquet"))
    blocks = folder / "blocks"
    blocks.mkdir()
    for i, part in enumerate(_parts(market, block)):
        of_block = known_offers(part, goods).drop(*RANKS.values())
        of_block.order_by("campaign_id").to_parquet(blocks / f"{i}.parquet")
    offers = read_parquet(market.offers.get_backend(), blocks)
    users = offers.select(*USER_KEY, "user_spend_per_week").distinct()
    ranks = {
        column: _stored(ranks_of_values(table, column, table), folder / f"{column}.parquet")
        for column, table in (("user_spend_per_week", users), ("match_wallet_share", offers))
    }
    campaigns = offers.select("campaign_id").distinct().order_by("campaign_id").to_pandas()
    files = [folder / f"campaign-{i}.parquet" for i in range(len(campaigns))]
    for campaign, file in zip(campaigns["campaign_id"], files, strict=True):
        mine = _.campaign_id == int(campaign)
        rows = offers.filter(mine)
        for column, rank in ranks.items():
            rows = rows.left_join(rank.filter(mine).drop("campaign_id"), column)
        _rows(rows, market).to_parquet(file)
    merged = folder / "merged.parquet"
    of_file = {KEY: json.dumps(said_of("offers"))}
    read_parquet(offers.get_backend(), *files).to_parquet(merged, kv_metadata=of_file)
    return merged


def _parts(market: Market, block: int) -> Iterator[Market]:
    """The market of each block of users who were mailed, in the order of their identifiers."""
    users = market.offers.select("user_id").distinct().order_by("user_id").to_pandas()["user_id"]
    for start in range(0, len(users), block):
        part = users[start : start + block]
        mine = _.user_id.between(int(part.iloc[0]), int(part.iloc[-1]))
        names = {"users", "offers", "purchases", "redemptions", "views", "clicks"}
        tables = {name: table for name, table in market.tables().items() if name in names}
        yield replace(market, **{name: table.filter(mine) for name, table in tables.items()})


def _rows(offers: Table, market: Market) -> Table:
    """The rows of a file, in order."""
    rows = finished(offers, market).mutate(start=_.start.cast("timestamp"))
    named = exchanged(rows, market.identifiers, put="text", instead="number")
    return named.order_by(*OFFER)


def _stored(table: Table, file: Path) -> Table:
    table.to_parquet(file)
    return read_parquet(table.get_backend(), file)
