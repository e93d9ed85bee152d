"""What a service must know of a market as of one day, written as Parquet by the nightly batch."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import pandas as pd
import pyarrow.parquet as pq
from ibis import Table, _

from coupon_rec.features.batch import offers as batch
from coupon_rec.features.batch.appetite import kind_side
from coupon_rec.features.batch.coupons import COUPON_KEY
from coupon_rec.features.batch.offers import MONEY, Goods, coded_items, purchase_lines
from coupon_rec.features.batch.users import (
    EITHER,
    USER_KEY,
    WALLET,
    answered,
    labels,
    match_tables,
    redeemed_if_bought,
    user_tables,
)
from coupon_rec.features.catalog import HABIT, MISSING, NEVER
from coupon_rec.market import Market, live_campaigns, start_together
from coupon_rec.market.tables import OFFER
from coupon_rec.market.windows import as_date

WEEK = 7


def write_snapshot(market: Market, day: date, folder: str | Path) -> Path:
    """Write what was known before `day` of every user, and of every coupon valid on `day`.

    Holdouts of these coupons are written, too: nobody is given what they are held out of.

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
        If no campaign is valid on `day`, or none of those that are has an offer.
    """
    folder, day = Path(folder), as_date(day)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: name a new folder, or remove it first")
    live = live_campaigns(market, day)
    if not live.count().execute():
        span = market.campaigns.aggregate(first=_.start.min(), last=_.end.max())
        first, last = span.to_pyarrow().to_pylist()[0].values()
        raise ValueError(f"no campaign is valid on {day}: choose a day from {first} to {last}")
    if not market.offers.semi_join(live, "campaign_id").count().execute():
        raise ValueError(f"no campaign that is valid on {day} has an offer: add its `offers` first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".draft-") as draft:
        for name, table in _tables(market, live, day).items():
            pq.write_table(table.to_pyarrow(), Path(draft, f"{name}.parquet"))
        Path(draft, "snapshot.json").write_text(json.dumps({"day": day.isoformat()}))
        Path(draft).chmod(0o755)
        return Path(draft).rename(folder)


def last_day(market: Market) -> date:
    """Give the last day on which purchases are known and coupons are valid for a week to come.

    Where no campaign is that long, its first day.

    Raises
    ------
    ValueError
        If purchases end before the first campaign starts.
    """
    until = market.purchases.time.max().date().to_pyarrow().as_py()
    begun = market.campaigns.filter(_.start <= until)
    a_week_left = ibis.least(begun.end - ibis.interval(days=WEEK - 1), until)
    last: date | None = ibis.greatest(begun.start, a_week_left).max().to_pyarrow().as_py()
    if last is None:
        first = market.campaigns.start.min().to_pyarrow().as_py()
        raise ValueError(
            f"purchases end on {until}, before the first campaign starts on {first}: bring both up "
            "to date"
        )
    return last


def _tables(market: Market, live: Table, day: date) -> dict[str, Table]:
    tonight = start_together(market, live, day)
    lines = purchase_lines(tonight)
    items = coded_items(tonight).mutate(item=ibis.row_number().over(order_by="item_id"))
    past = tonight.campaigns.anti_join(live, "campaign_id")
    offers = tonight.offers.semi_join(live, "campaign_id")
    coupons = (
        offers.select(*COUPON_KEY)
        .distinct()
        .mutate(coupon=ibis.row_number().over(order_by=COUPON_KEY))
    )
    terms = {f"coupon_{name}": offers[name] for name in EITHER if name in offers.columns}
    goods = _goods(tonight, live, lines)

    def numbered(events: Table, *columns: str) -> Table:
        """Events with the number of their item, by user and day."""
        events = events.join(items.select("item_id", "item"), "item_id")
        by = ["user_id", "day", *columns[:1], "item"]
        return events.select("user_id", "item", "day", *columns).order_by(by)

    tables = {
        "users": tonight.users.left_join(_habits(tonight, day), "user_id")
        .drop("user_id_right")
        .order_by("user_id"),
        "items": items.order_by("item_id"),
        "history": numbered(lines.filter(_.day < day), "basket_id", "quantity", *MONEY),
        "kinds": goods.kinds.drop("campaign_id").distinct().order_by("category"),
        "coupons": goods.coupons.join(live.select("campaign_id", last_day="end"), "campaign_id")
        .drop("start", "item_id")
        .order_by(*COUPON_KEY),
        "coupon_items": tonight.coupon_items.join(items.select("item_id", "item"), "item_id")
        .join(coupons, COUPON_KEY)
        .select("coupon", "item")
        .order_by("coupon", "item"),
        "offers": offers.join(coupons, COUPON_KEY)
        .select("user_id", "coupon", **terms)
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
    for name, events in {"views": market.views, "clicks": market.clicks}.items():
        if events is not None:
            first = ibis.literal(day) - ibis.interval(days=int(NEVER))
            dated = events.mutate(day=_.time.date())
            tables[name] = numbered(dated.filter(_.day < day, _.day >= first))
    if market.holdouts is not None:
        tables["holdouts"] = _held(market.holdouts, coupons)
    if market.identifiers:
        kinds = market.identifiers.items()
        named = [table.select("number", "text", kind=ibis.literal(kind)) for kind, table in kinds]
        tables["identifiers"] = ibis.union(*named)
    return tables


def _habits(market: Market, day: date) -> Table:
    """How often each user redeemed what was bought, in campaigns that were over before a day."""
    return redeemed_if_bought(answered(market, labels(market)).filter(_.day < day), ["user_id"])


def _held(holdouts: Table, coupons: Table) -> Table:
    """The live coupons that a user is held out of: one of a campaign, or all of it."""
    if "coupon_id" not in holdouts.columns:
        holdouts = holdouts.mutate(coupon_id=ibis.null("int64"))
    pairs = holdouts.rename(only="coupon_id").join(coupons, "campaign_id")
    held = pairs.filter(_.only.isnull() | (_.only == _.coupon_id))
    return held.select("user_id", "coupon").order_by("user_id", "coupon")


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
    goods = _goods(tonight, live, purchase_lines(tonight))
    goods = goods._replace(coupons=ibis.memtable(goods.coupons.to_pyarrow()))
    offers = batch.build_offers(start_together(market, live, start), goods)
    mine = offers.semi_join(live, "campaign_id").order_by("user_id", *COUPON_KEY)
    frame = mine.to_pyarrow().to_pandas(date_as_object=False)
    # what users did in campaigns that are over is counted at night, late events with the next one
    habit = frame["user_id"].map(_habits(tonight, day).to_pandas().set_index("user_id")[HABIT])
    return frame.assign(**{HABIT: habit.fillna(MISSING[HABIT]).astype("float32")})


def _goods(tonight: Market, live: Table, lines: Table) -> Goods:
    """What is known of kinds, and of coupons, as if the live campaigns started tonight.

    Redemptions in the live campaigns are left out: none of their offers is counted yet either.
    """
    before = tonight.redemptions.anti_join(live, "campaign_id")
    market = replace(tonight, redemptions=before)
    kinds = kind_side(market, lines, market.campaigns.semi_join(live, "campaign_id"))
    return Goods(kinds, batch.coupon_side(market, lines, coded_items(market), kinds))


def _wallets(market: Market, lines: Table) -> Table:
    """The shares above 0 of their spend that users give to the items of a coupon offered them."""
    of_users = user_tables(market, lines, labels(market))
    users = batch.user_side(market, of_users).select(*USER_KEY, *WALLET)
    bought, *_others = match_tables(market, lines, coded_items(market), users)
    bought = batch.tidy(bought).semi_join(market.offers, OFFER)
    share = bought.select("campaign_id", share="match_wallet_share")
    return share.filter(_.share > 0).order_by("campaign_id", "share")
