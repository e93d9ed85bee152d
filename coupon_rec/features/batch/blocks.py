"""The offers table of a market of any size: users by blocks, in memory that does not grow.

The features of an offer are those of its coupon, which are built once, and those of its user,
who needs no other user, except for two ranks within a campaign. So what is known of each block of
users is put on the disk; then the ranks are counted over all of it, and joined in by campaign.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ibis import Table, _

from coupon_rec.features.batch import events
from coupon_rec.features.batch import offers as all_offers
from coupon_rec.features.catalog import DIGITS
from coupon_rec.market import Market

SPEND, WALLET = "user_spend_per_week", "match_wallet_share"
RANKS = {SPEND: "user_spend_rank", WALLET: "match_wallet_rank"}
"""The features that are ranked among all users of a campaign, and their ranks."""


def write_offers(market: Market, path: str | Path, block: int = 20_000) -> Path:
    """Write the offers table to a Parquet file, some users at a time.

    The rows are those of `coupon_rec.features.build_offers`, in the same order, whatever the
    block; `start` is a timestamp, so that pandas reads what `coupon_rec.features.offers_frame`
    gives.

    Parameters
    ----------
    market : Market
        On DuckDB.
    path : str or Path
        The file. It appears when it is complete. Drafts in a folder beside it, about three times
        its size, are removed in any case.
    block : int
        How many users are computed together, 1 or more. Memory grows with their purchases.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If `block` is below 1.
    """
    if block < 1:
        raise ValueError(f"block must be 1 user or more, not {block}")
    path = Path(path)
    with TemporaryDirectory(dir=path.parent, prefix=".draft-") as draft:
        folder = Path(draft)
        coupons = all_offers.coupon_side(market, events.purchase_lines(market))
        coupons = _stored(coupons, folder / "coupons.parquet")
        for i, part in enumerate(_parts(market, block)):
            offers = all_offers.known_offers(part, coupons).drop(*RANKS.values())
            offers.order_by("campaign_id").to_parquet(folder / f"block-{i}.parquet")
        offers = market.offers.get_backend().read_parquet(folder / "block-*.parquet")
        _merge(offers, folder, market)
        return (folder / "merged.parquet").replace(path)


def _stored(table: Table, file: Path) -> Table:
    table.to_parquet(file)
    return table.get_backend().read_parquet(file)


def _parts(market: Market, block: int) -> Iterator[Market]:
    """The market of each block of users who were mailed, in the order of their identifiers."""
    users = market.offers.select("user_id").distinct().order_by("user_id").to_pandas()["user_id"]
    for start in range(0, len(users), block):
        part = users[start : start + block]
        mine = _.user_id.between(int(part.iloc[0]), int(part.iloc[-1]))
        names = {"users", "offers", "purchases", "redemptions", "views", "clicks"}
        tables = {name: table for name, table in market.tables().items() if name in names}
        yield replace(market, **{name: table.filter(mine) for name, table in tables.items()})


def _merge(offers: Table, folder: Path, market: Market) -> None:
    """Write the offers of all blocks, with their ranks, to one file, sorted by their key."""
    users = offers.select(*all_offers.USER, SPEND).distinct()
    ranks = {
        column: _stored(_ranks(table, column), folder / f"{column}.parquet")
        for column, table in ((SPEND, users), (WALLET, offers))
    }
    campaigns = offers.select("campaign_id").distinct().order_by("campaign_id").to_pandas()
    parts = [folder / f"campaign-{i}.parquet" for i in range(len(campaigns))]
    for campaign, part in zip(campaigns["campaign_id"], parts, strict=True):
        mine = _.campaign_id == int(campaign)
        rows = offers.filter(mine)
        for column, rank in ranks.items():
            rows = rows.left_join(rank.filter(mine).drop("campaign_id"), column)
        rows = all_offers.finished(rows, market).mutate(start=_.start.cast("timestamp"))
        rows.order_by(*events.OFFER).to_parquet(part)
    offers.get_backend().read_parquet(parts).to_parquet(folder / "merged.parquet")


def _ranks(table: Table, column: str) -> Table:
    """The rank, from 0 to 1, of each distinct value of a column within a campaign.

    Values are rounded, so these are far fewer than the rows. No value counts as 0.
    """
    values = table.group_by("campaign_id", _[column].fill_null(0.0).name(column)).aggregate(
        rows=_.count()
    )
    upto = _.rows.sum().over(group_by="campaign_id", order_by=column, rows=(None, 0))
    others = _.rows.sum().over(group_by="campaign_id") - 1
    rank = ((upto - _.rows) / others.nullif(0)).fill_null(0.0).round(DIGITS)
    return values.select("campaign_id", column, rank.name(RANKS[column]))
