"""From what happens to rows of tables, of the market and of its truth."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import schema
from scipy.special import ndtri

from coupon_rec.market.schema import UNKNOWN, types
from coupon_rec.market.tables import OFFER
from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.likely import money
from coupon_rec.simulation.model import DAY, WEEKS, Floats, Ints
from coupon_rec.simulation.nature import Nature
from coupon_rec.simulation.shopping import Happened
from coupon_rec.simulation.users import PLATFORMS, Crowd
from coupon_rec.simulation.world import FIRST_DAY, make_promotions

Tables = dict[str, pa.Table]
Columns = dict[str, np.ndarray | pa.Array]
LOOKED_UP, REVIEWED = 0.2, 0.02
"""Shares of purchase lines that are viewed on the day before, and reviewed in the week after."""
REPORTED_AFTER = 14.0
"""Mean days until a redemption is reported, where delay is on."""
PHONE_CLICKS = -0.8
"""What a phone adds to the logit of clicking what is viewed."""
OF_OFFERS = [*OFFER, "mailing_propensity", "coupon_propensity"]


def market_table(name: str, rows: pa.Table | pd.DataFrame) -> pa.Table:
    """Give a table of the market exactly the columns and types of the schema."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows, preserve_index=False)
    exact = schema(types(name, table.column_names)).to_pyarrow()
    return table.select(exact.names).cast(exact)


def joined(parts: Iterable[Tables]) -> Tables:
    """Put tables one below the other; a table may be missing from some of the parts."""
    parts = list(parts)
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: pa.concat_tables([p[name] for p in parts if name in p]) for name in names}


def clock(period: int, second: Ints | int = 0) -> np.ndarray:
    """The wall-clock time so many seconds after a period began."""
    seconds = np.asarray(period * WEEKS * 7 * DAY + second)
    return np.datetime64(FIRST_DAY, "us") + seconds.astype("timedelta64[s]")


def day(time: np.ndarray) -> np.ndarray:
    """The day of each time."""
    return time.astype("datetime64[D]")


# What does not depend on users, and what does not happen


def world_tables(nature: Nature, rounds: Sequence[Round]) -> Tables:
    """The tables of a market that do not depend on its users, after these campaigns."""
    world = nature.world
    coupons = world.coupons.assign(shop_share=nature.retailers_share)
    if "content" in nature.mechanisms:
        coupons = coupons.join(nature.content[["text", "image"]])
    columns = ["campaign_id", "coupon_id", "item_id"]
    covered = [
        np.stack([np.full(len(c.pair), c.period), c.coupon[c.pair] + 1, c.item[c.row] + 1])
        for c in rounds
    ]
    frames = {
        "items": world.items,
        "coupons": coupons,
        "coupon_items": pd.DataFrame(np.hstack([np.zeros((3, 0), int), *covered]).T, None, columns),
        "campaigns": world.campaigns.head(len(rounds)),
        "promotions": make_promotions(world, len(rounds) + 1),
        "prices": pd.concat([list_prices(nature, k) for k in range(len(rounds) + 1)]),
    }
    return {name: market_table(name, frame) for name, frame in frames.items()}


def list_prices(nature: Nature, period: int) -> pd.DataFrame:
    """The list prices that change with a period, and where supply is on the unit costs."""
    columns = {"list_price": nature.prices}
    if "supply" in nature.mechanisms:
        columns["unit_cost"] = nature.unit_cost
    now, before = (
        pd.DataFrame({name: column[k] for name, column in columns.items()})
        for k in (period, period - 1)
    )
    new = (now != before).any(axis=1) | (period == 0)
    return now.assign(item_id=nature.world.items["item_id"], date=day(clock(period)))[new]


def user_tables(crowd: Crowd, nature: Nature, period: int) -> Tables:
    """A block of users, what drives them, and the persons behind accounts."""
    users, ids = crowd.users, crowd.user_ids
    if lost := nature.planted("feature", period):
        key = np.random.SeedSequence(nature.settings.seed, spawn_key=(6, crowd.first))
        kept = np.random.default_rng(key).random(len(ids)) >= lost
        users = users.assign(age=users["age"].where(kept, UNKNOWN))
    drivers = crowd.people.frame()
    if nature.mechanisms:
        drivers = drivers.join(pd.DataFrame(vars(crowd.traits)).drop(columns="person"))
    drivers.insert(0, "user_id", ids)
    tables = {
        "users": market_table("users", users),
        "drivers": pa.Table.from_pandas(drivers, preserve_index=False),
    }
    if {"accounts", "collecting"} & nature.mechanisms:
        accounts = pa.table({"user_id": ids, "person_id": ids[crowd.traits.person]})
        tables["accounts"] = market_table("accounts", accounts)
    return tables


def known_tables(happened: Tables, nature: Nature, period: int) -> Tables:
    """What a retailer knows of what happened, at the end of a period; and the truth beside it."""
    seen, candidates = dict(happened), happened["candidates"]
    if "delay" in nature.mechanisms:
        now = pa.scalar(day(clock(period + 1)).item())
        reported = pc.less(happened["redemptions"]["reported"], now)
        seen["redemptions"] = happened["redemptions"].filter(reported)
    shown = ["position", "channel"] if "platforms" in nature.mechanisms else []
    seen["offers"] = candidates.filter(candidates["offered"]).select(OF_OFFERS + shown)
    del seen["candidates"]
    tables = {name: market_table(name, table) for name, table in seen.items()}
    return tables | {"candidates": candidates}


# What happens in a campaign


def campaign_tables(
    rng: np.random.Generator,
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    happened: Happened,
    stock: Ints | None,
) -> Tables:
    """All that happened in a campaign to a block of users, and the truth beside it."""
    columns = receipts(nature, campaign, crowd, happened)
    columns["candidates"] = candidates(nature, campaign, crowd, happened)
    columns |= looks(rng, nature, campaign, crowd, happened)
    if stock is not None:
        week, item = np.divmod(np.arange(stock.size), stock.shape[1])
        columns["stock"] = {
            "item_id": item + 1,
            "date": day(clock(campaign.period, week * 7 * DAY)),
            "store_id": np.full(stock.size, crowd.usual_store[0]),
            "units": stock.ravel(),
        }
    tables = {name: pa.table(table) for name, table in columns.items()}
    if not campaign.period:
        tables["candidates"] = tables["candidates"].slice(0, 0)
    return tables


def other_luck(luck: Floats) -> Floats:
    """Numbers in [0, 1) from the later digits of others, whose first ones decide something else."""
    return 1000 * luck % 1


def receipts(
    nature: Nature, campaign: Round, crowd: Crowd, happened: Happened
) -> dict[str, Columns]:
    """The lines of the receipts, with what was paid for them, and the redemptions.

    A coupon is redeemed with the first line that it covers. It is reported on a later day.
    """
    trips, ids, period = happened.trips, crowd.user_ids, campaign.period
    names = ("user", "trip", "item", "units", "slot")
    user, trip, item, units, slot = (happened.lines[name] for name in names)
    used = happened.used[user, slot]
    rows = np.argsort(trip, kind="stable")  # a trip's number tells its time
    rows = rows[used[rows] >= 0]
    key = user[rows] * happened.used.shape[1] + slot[rows]
    rows = rows[np.unique(key, return_index=True)[1]]
    pair, time = used[rows], clock(period, trips.second[trip])
    sale, price = campaign.sale[item], campaign.list_price[item]
    coupon = np.zeros(len(sale))
    coupon[rows] = (campaign.depth[pair] * price[rows] * (1 - sale[rows])).round(2)
    match = (nature.retailers_share * coupon).round(2)
    off = (price * units * sale).round(2)
    shopper = trips.user[trip]
    number = trip - trips.first[shopper] + 1 + np.where(shopper == user, 0, 500)
    purchases = {
        "user_id": ids[user],
        "item_id": item + 1,
        "basket_id": ids[user] * 100_000 + 1000 * period + number,
        "store_id": trips.store[trip],
        "time": time,
        "quantity": units,
        "amount": (price * units - off - match).round(2),
        "retail_discount": off,
        "coupon_discount": coupon,
        "coupon_match": match,
    }
    late = np.ceil(-REPORTED_AFTER * np.log1p(-other_luck(happened.lines["luck"][rows, 1])))
    redemptions = {
        "campaign_id": np.full(len(rows), period),
        "user_id": ids[user[rows]],
        "coupon_id": campaign.coupon[pair] + 1,
        "date": day(time[rows]),
        "reported": day(time[rows]) + late.astype("timedelta64[D]"),
    }
    return {"purchases": purchases, "redemptions": redemptions}


def candidates(nature: Nature, campaign: Round, crowd: Crowd, happened: Happened) -> Columns:
    """The truth of each user and coupon of the campaign, whether offered or not.

    Without mechanisms, only what a market has to have: all else follows from the equations.
    """
    likely, (n, pairs) = happened.likely, happened.within.shape
    numbers = {
        "mailing_propensity": np.repeat(happened.mailing, pairs),
        "coupon_propensity": happened.within,
        **likely.truth,
    }
    columns: Columns = {
        "campaign_id": np.full(n * pairs, campaign.period),
        "user_id": np.repeat(crowd.user_ids, pairs),
        "coupon_id": np.tile(campaign.coupon + 1, n),
    }
    if nature.mechanisms:
        phone = pa.array(np.repeat(crowd.traits.phone.astype("int8"), pairs))
        channel = pa.DictionaryArray.from_arrays(phone, list(PLATFORMS)).dictionary_decode()
        columns |= {"channel": channel, "position": likely.position[:, campaign.slot].ravel()}
        numbers |= {"noticed": likely.noticed, **money(nature, campaign, crowd, likely)}
    columns |= {name: table.astype("float32").ravel() for name, table in numbers.items()}
    return columns | {name: table.ravel() for name, table in happened.sent.items()}


def looks(
    rng: np.random.Generator, nature: Nature, campaign: Round, crowd: Crowd, happened: Happened
) -> dict[str, Columns]:
    """What users look at, what of it they click, and what they write about their purchases."""
    people, user_ids, period = crowd.people, crowd.user_ids, campaign.period
    buyer, bought, luck = (happened.lines[name] for name in ("user", "item", "luck"))
    bought_at = happened.trips.second[happened.lines["trip"]]
    ahead = 60 + (luck[:, 0] / LOOKED_UP * (DAY - 60)).astype(int)
    looked_up = np.stack([buyer, bought, bought_at - ahead])[:, luck[:, 0] < LOOKED_UP]
    user, item, second = np.hstack([happened.views, looked_up])
    views = {"user_id": user_ids[user], "item_id": item + 1, "time": clock(period, second)}
    logit = crowd.base[user, item] + 3 + PHONE_CLICKS * crowd.traits.phone[user]
    if nature.mechanisms:  # without any, a click does not depend on the day's price
        logit += people.price_sensitivity[user] * campaign.slope[item] + campaign.drift[item]
    clicked = rng.random(len(user)) < sigmoid(logit)
    wrote = luck[:, 1] < REVIEWED
    who, what, luck = buyer[wrote], bought[wrote], luck[wrote]
    later = DAY + (6 * DAY * luck[:, 1] / REVIEWED).astype(int)
    taste = (people.tastes[who] * nature.world.tastes[what]).sum(axis=1)
    stars = 3.3 + 0.6 * taste + 0.8 * ndtri(other_luck(luck[:, 0]))
    reviews = {
        "user_id": user_ids[who],
        "item_id": what + 1,
        "time": clock(period, bought_at[wrote] + later),
        "rating": stars.round().clip(1, 5).astype(int),
    }
    clicks = {name: column[clicked] for name, column in views.items()}
    return {"views": views, "clicks": clicks, "reviews": reviews}
