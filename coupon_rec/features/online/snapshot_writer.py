"""What a service must know of a market as of one day, written as Parquet by the nightly batch."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import Table, _

from coupon_rec.features import COUPON_CATEGORIES, feature_names
from coupon_rec.features.batch import offers as batch
from coupon_rec.features.batch import sides
from coupon_rec.features.encode import codes
from coupon_rec.features.input_schema import fingerprint
from coupon_rec.features.online.snapshot_reader import SEEN
from coupon_rec.market import Market, live_campaigns, start_together
from coupon_rec.market.categories import USER_CATEGORIES

COUPON = ("campaign_id", "coupon_id")


def write_snapshot(market: Market, day: date, folder: str | Path) -> Path:
    """Write what was known before `day` of every user, and of every coupon valid on `day`.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    day : datetime.date
        Events of this day and later are left out, whether or not the market has them.
    folder : str or pathlib.Path
        A new folder. It appears only when all files in it are written.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    FileExistsError
        If there is something by that name.
    ValueError
        If no campaign is valid on `day`.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: name a new folder, or remove it first")
    live = live_campaigns(market, day)
    if not live.count().execute():
        span = market.campaigns.aggregate(first=_.start.min(), last=_.end.max())
        first, last = span.to_pyarrow().to_pylist()[0].values()
        raise ValueError(f"no campaign is valid on {day}: choose a day from {first} to {last}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        for name, table in _tables(market, live, day).items():
            rows = table if isinstance(table, pa.Table) else table.to_pyarrow()
            pq.write_table(rows, Path(draft, f"{name}.parquet"))
        Path(draft, "snapshot.json").write_text(
            json.dumps({"day": day.isoformat(), "features": fingerprint()})
        )
        Path(draft).chmod(0o755)
        return Path(draft).rename(folder)


def _tables(market: Market, live: Table, day: date) -> dict[str, Table | pa.Table]:
    tonight = start_together(market, live, day)
    lines = sides.purchase_lines(tonight)
    items = sides.coded_items(tonight).mutate(item=ibis.row_number().over(order_by="item_id"))
    past = tonight.campaigns.anti_join(live, "campaign_id")
    offers = tonight.offers.semi_join(live, "campaign_id")
    coupons = (
        offers.select(*COUPON).distinct().mutate(coupon=ibis.row_number().over(order_by=COUPON))
    )
    return {
        "users": _users(tonight),
        "items": items.order_by("item_id"),
        "history": lines.filter(_.day < day)
        .join(items.select("item_id", "item"), "item_id")
        .select("user_id", "item", "basket_id", "day", "quantity", *sides.MONEY)
        .order_by("user_id", "day", "basket_id", "item"),
        "coupons": _coupons(tonight, live, lines),
        "coupon_items": tonight.coupon_items.semi_join(live, "campaign_id")
        .join(items.select("item_id", "item"), "item_id")
        .join(coupons, COUPON)
        .select("coupon", "item")
        .order_by("coupon", "item"),
        "offers": offers.join(coupons, COUPON)
        .select("user_id", "coupon")
        .order_by("user_id", "coupon"),
        "mailings": tonight.offers.select("campaign_id", "user_id")
        .distinct()
        .join(past, "campaign_id")
        .select("user_id", "start")
        .order_by("user_id", "start"),
        "seen": tonight.offers.semi_join(past, "campaign_id")
        .semi_join(offers, "coupon_id")
        .group_by("user_id", "coupon_id")
        .aggregate(offered=_.count())
        .order_by("user_id", "coupon_id"),
        "redemptions": tonight.redemptions.filter(_.date < day).order_by("user_id", "date"),
        "wallets": _wallets(replace(tonight, offers=offers), lines),
    }


def _users(market: Market) -> pa.Table:
    users = market.users.order_by("user_id").to_pandas()
    coded = codes(users, USER_CATEGORIES)
    columns = dict(zip(USER_CATEGORIES, coded.T, strict=True))
    return pa.table({"user_id": users["user_id"].to_numpy(), **columns})


def offers_as_of(
    market: Market, day: date, start: date, nightly: Market | None = None
) -> pd.DataFrame:
    """What the batch says of the offers that a store serves from a snapshot of `day`.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    day : datetime.date
        Of the snapshot: it says which campaigns are live. The features of items and coupons are as
        of this day.
    start : datetime.date
        The day on which the live campaigns are taken to start. The features of users and matches
        are as of this day: a store asked on `start` less one day says the same.
    nightly : Market, optional
        What the snapshot was made from, if events of earlier days have come in late since.

    Returns
    -------
    pandas.DataFrame
        Rows and columns of `coupon_rec.features.offers_frame`, sorted by user, campaign, coupon.
    """
    live = live_campaigns(market, day)
    tonight = start_together(nightly or market, live, day)
    coupons = _coupon_side(tonight, live, sides.purchase_lines(tonight)).to_pyarrow()
    offers = batch.build_offers(start_together(market, live, start), ibis.memtable(coupons))
    mine = offers.semi_join(live, "campaign_id").order_by("user_id", *COUPON)
    return mine.to_pyarrow().to_pandas(date_as_object=False)


def _coupon_side(tonight: Market, live: Table, lines: Table) -> Table:
    """The coupons with their own features, as if the live campaigns started tonight.

    Redemptions in the live campaigns are left out: none of their offers is counted yet either.
    """
    before = tonight.redemptions.anti_join(live, "campaign_id")
    return batch.coupon_side(replace(tonight, redemptions=before), lines)


def _coupons(tonight: Market, live: Table, lines: Table) -> pa.Table:
    """The live coupons with their own features, and the last day on which they are valid."""
    coupons = _coupon_side(tonight, live, lines)
    last_day = live.select("campaign_id", last_day="end")
    names = [name for name in feature_names("coupon") if name not in SEEN]
    frame = (
        coupons.join(last_day, "campaign_id")
        .select(
            *COUPON,
            "last_day",
            "spend_per_line",
            *COUPON_CATEGORIES,
            *feature_names("item"),
            *names,
        )
        .order_by(*COUPON)
        .to_pandas()
    )
    coded = dict(zip(COUPON_CATEGORIES, codes(frame, COUPON_CATEGORIES).T, strict=True))
    return pa.Table.from_pandas(frame.assign(**coded), preserve_index=False)


def _wallets(market: Market, lines: Table) -> Table:
    """The shares above 0 of their spend that users give to the items of a coupon offered them."""
    users = batch.user_side(market, lines)
    items = batch.item_side(market, lines, users).semi_join(market.offers, batch.OFFER)
    share = items.select("campaign_id", share="match_wallet_share")
    return share.filter(_.share > 0).order_by("campaign_id", "share")
