"""From what happens to rows of tables, of the market and of its truth."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import schema
from scipy.special import ndtri

from coupon_rec.market.references import OFFER
from coupon_rec.market.schema import types
from coupon_rec.odds import sigmoid
from coupon_rec.simulation.campaign import Round
from coupon_rec.simulation.happening import CampaignLines, Happened, Sent
from coupon_rec.simulation.likely import Likely, money
from coupon_rec.simulation.model import DAY, WEEKS, Floats, Ints
from coupon_rec.simulation.nature import Nature
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
PROPENSITIES = ("mailing_propensity", "coupon_propensity")


def market_table(name: str, rows: pa.Table | pd.DataFrame | Mapping[str, Any]) -> pa.Table:
    """Give a table of the market exactly the columns and types of the schema."""
    if isinstance(rows, pd.DataFrame):
        rows = pa.Table.from_pandas(rows, preserve_index=False)
    table = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
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
    world, periods = nature.world, len(rounds) + 1
    coupons, promotions = world.coupons, make_promotions(world)
    nothing = pd.DataFrame({"campaign_id": [], "coupon_id": [], "item_id": []}, dtype="int64")
    if "content" in nature.mechanisms:
        coupons = pd.concat([coupons, nature.content[["text", "image"]]], axis=1)
    frames = {
        "items": world.items,
        "coupons": coupons,
        "coupon_items": pd.concat([nothing, *map(covered, rounds)]),
        "campaigns": world.campaigns.head(len(rounds)),
        "promotions": promotions[promotions["week_start"] < day(clock(periods))],
        "prices": pd.concat([list_prices(nature, period) for period in range(periods)]),
    }
    return {name: market_table(name, frame) for name, frame in frames.items()}


def covered(campaign: Round) -> pd.DataFrame:
    """Which coupon of a campaign covers which item."""
    coupon_id, item = campaign.coupon_id[campaign.pair], campaign.item[campaign.row]
    return pd.DataFrame(
        {"campaign_id": campaign.period, "coupon_id": coupon_id, "item_id": item + 1}
    )


def list_prices(nature: Nature, period: int) -> pd.DataFrame:
    """The list prices that change with a period, and where supply is on the unit costs."""
    columns = {"list_price": nature.prices}
    if "supply" in nature.mechanisms:
        columns["unit_cost"] = nature.unit_cost
    new = np.ones(nature.prices.shape[1], bool)
    if period:
        new = np.any([c[period] != c[period - 1] for c in columns.values()], axis=0)
    now = pd.DataFrame({name: column[period] for name, column in columns.items()})
    now["item_id"] = nature.world.items["item_id"]
    return now[new].assign(date=day(clock(period)))


def user_tables(crowd: Crowd, nature: Nature, period: int) -> Tables:
    """A block of users, what drives them, and the persons behind accounts."""
    users, ids = crowd.users, crowd.user_ids
    if lost := nature.planted("feature", period):
        key = np.random.SeedSequence(nature.settings.seed, spawn_key=(6, crowd.first))
        kept = np.random.default_rng(key).random(len(ids)) >= lost
        users = users.assign(age=users["age"].where(kept, "unknown"))
    drivers = crowd.people.frame()
    if nature.mechanisms:
        drivers = pd.concat([drivers, crowd.traits.frame()], axis=1)
    drivers.insert(0, "user_id", ids)
    tables = {
        "users": market_table("users", users),
        "drivers": pa.Table.from_pandas(drivers, preserve_index=False),
    }
    if {"accounts", "collecting"} & nature.mechanisms:
        accounts = {"user_id": ids, "person_id": ids[crowd.traits.person]}
        tables["accounts"] = market_table("accounts", accounts)
    return tables


def known_tables(happened: Tables, nature: Nature, period: int) -> Tables:
    """What a retailer knows of what happened, at the end of a period; and the truth beside it."""
    names = ("purchases", "views", "clicks", "reviews", "stock")
    tables = {name: market_table(name, happened[name]) for name in names if name in happened}
    redeemed, made = happened["redemptions"], happened["candidates"]
    if "delay" in nature.mechanisms:
        now = pa.scalar(day(clock(period + 1)).item())
        redeemed = redeemed.filter(pc.less(redeemed["reported"], now))
    columns = [*OFFER, *PROPENSITIES]
    if "platforms" in nature.mechanisms:
        columns += ["position", "channel"]
    offers = made.filter(made["offered"]).select(columns)
    return tables | {
        "redemptions": market_table("redemptions", redeemed.drop_columns("reported")),
        "offers": market_table("offers", offers),
        "candidates": made,
    }


# What happens in a campaign


def campaign_tables(
    rng: np.random.Generator,
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    found: Likely,
    happened: Happened,
    sending: tuple[Floats, Floats],
) -> Tables:
    """All that happened in a campaign to a block of users, and the truth beside it."""
    used = redeeming(happened.lines, campaign, happened.sent)
    columns = {
        "purchases": purchases(nature, campaign, happened, used, crowd.user_ids),
        "redemptions": redemptions(campaign, happened, used, crowd.user_ids),
        "candidates": candidates(nature, campaign, crowd, found, happened.sent, sending),
        **looks(rng, nature, campaign, crowd, happened),
    }
    tables = {name: pa.table(table) for name, table in columns.items()}
    if not campaign.period:
        tables["candidates"] = tables["candidates"].slice(0, 0)
    return tables


def redeeming(lines: CampaignLines, campaign: Round, sent: Sent) -> tuple[Ints, Ints]:
    """The lines with which coupons are redeemed, the first of each, and the coupon of each."""
    slots = len(campaign.kinds)
    pair_of = np.full((len(sent.offered), slots + 1), -1)  # the last: lines without any
    who, pair = np.nonzero(sent.offered & sent.redeemed_with)
    pair_of[who, campaign.slot[pair]] = pair
    rows = np.flatnonzero(pair_of[lines.user, lines.slot] >= 0)
    rows = rows[np.argsort(lines.trip[rows], kind="stable")]  # a trip's number tells its time
    _, first = np.unique(lines.user[rows] * slots + lines.slot[rows], return_index=True)
    rows = rows[first]
    return rows, pair_of[lines.user[rows], lines.slot[rows]]


def purchases(
    nature: Nature, campaign: Round, happened: Happened, used: tuple[Ints, Ints], user_ids: Ints
) -> Columns:
    """The lines of the receipts, with what was paid for them."""
    lines, trips = happened.lines, happened.trips
    sale, price = campaign.sale[lines.item], campaign.list_price[lines.item]
    coupon = np.zeros(len(sale))
    rows, pair = used
    coupon[rows] = (campaign.depth[pair] * price[rows] * (1 - sale[rows])).round(2)
    match = (nature.retailers_share * coupon).round(2)
    off = (price * lines.units * sale).round(2)
    shopper = trips.user[lines.trip]
    of_collector = np.where(shopper == lines.user, 0, 500)
    number = lines.trip - trips.first[shopper] + 1 + of_collector
    return {
        "user_id": user_ids[lines.user],
        "item_id": lines.item + 1,
        "basket_id": user_ids[lines.user] * 100_000 + 1000 * campaign.period + number,
        "store_id": trips.store[lines.trip],
        "time": clock(campaign.period, trips.second[lines.trip]),
        "quantity": lines.units,
        "amount": (price * lines.units - off - match).round(2),
        "retail_discount": off,
        "coupon_discount": coupon,
        "coupon_match": match,
    }


def other_luck(luck: Floats) -> Floats:
    """Numbers in [0, 1) from the later digits of others, whose first ones decide something else."""
    return 1000 * luck % 1


def redemptions(
    campaign: Round, happened: Happened, used: tuple[Ints, Ints], user_ids: Ints
) -> Columns:
    """The redemptions, with the day on which each is reported."""
    rows, pair = used
    lines = happened.lines
    date = day(clock(campaign.period, happened.trips.second[lines.trip[rows]]))
    late = np.ceil(-REPORTED_AFTER * np.log1p(-other_luck(lines.luck[rows, 1]))).astype(int)
    return {
        "campaign_id": np.full(len(rows), campaign.period),
        "user_id": user_ids[lines.user[rows]],
        "coupon_id": campaign.coupon_id[pair],
        "date": date,
        "reported": date + late.astype("timedelta64[D]"),
    }


def candidates(
    nature: Nature,
    campaign: Round,
    crowd: Crowd,
    found: Likely,
    sent: Sent,
    sending: tuple[Floats, Floats],
) -> Columns:
    """The truth of each user and coupon of the campaign, whether offered or not.

    Without mechanisms, only what a market has to have: all else follows from the equations.
    """
    mailing, within = sending
    n, pairs = within.shape
    propensities = (np.broadcast_to(mailing[:, None], within.shape), within)
    numbers = dict(zip(PROPENSITIES, propensities, strict=True)) | found.truth
    columns: Columns = {
        "campaign_id": np.full(n * pairs, campaign.period),
        "user_id": np.repeat(crowd.user_ids, pairs),
        "coupon_id": np.tile(campaign.coupon_id, n),
    }
    if nature.mechanisms:
        phone = np.repeat(crowd.traits.phone.astype("int8"), pairs)
        channel = pa.DictionaryArray.from_arrays(phone, list(PLATFORMS)).dictionary_decode()
        columns |= {"channel": channel, "position": found.position[:, campaign.slot].ravel()}
        numbers["noticed"] = found.noticed
        worth = money(nature, campaign, crowd.traits, found)
        numbers |= {name: p for name, p in worth.items() if not name.startswith("margin")}
    return {
        **columns,
        **{name: table.astype("float32").ravel() for name, table in numbers.items()},
        **{name: table.ravel() for name, table in vars(sent).items()},
    }


def looks(
    rng: np.random.Generator, nature: Nature, campaign: Round, crowd: Crowd, happened: Happened
) -> dict[str, Columns]:
    """What users look at, what of it they click, and what they write about their purchases."""
    lines, wishes, people = happened.lines, happened.wishes, crowd.people
    user_ids, period = crowd.user_ids, campaign.period
    at = rng.integers(0, WEEKS * 7 * DAY, wishes.view.sum())
    looked = lines.luck[:, 0] < LOOKED_UP
    bought_at = happened.trips.second[lines.trip]
    before = bought_at[looked] - 60 - (lines.luck[looked, 0] / LOOKED_UP * (DAY - 60)).astype(int)
    user = np.concatenate([wishes.user[wishes.view], lines.user[looked]])
    item = np.concatenate([wishes.item[wishes.view], lines.item[looked]])
    time = clock(period, np.concatenate([at, before]))
    views = {"user_id": user_ids[user], "item_id": item + 1, "time": time}
    logit = crowd.base[user, item] + 3 + PHONE_CLICKS * crowd.traits.phone[user]
    if nature.mechanisms:  # without any, a click does not depend on the day's price
        logit += people.price_sensitivity[user] * campaign.slope[item] + campaign.drift[item]
    clicked = rng.random(len(user)) < sigmoid(logit)
    wrote = lines.luck[:, 1] < REVIEWED
    who, what, luck = lines.user[wrote], lines.item[wrote], lines.luck[wrote]
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


def stock_table(campaign: Round, units: Ints, store: int) -> pa.Table:
    """What was on hand on the first day of each week."""
    week, item = np.divmod(np.arange(units.size), units.shape[1])
    return pa.table(
        {
            "item_id": item + 1,
            "date": day(clock(campaign.period, week * 7 * DAY)),
            "store_id": np.full(units.size, store),
            "units": units.ravel(),
        }
    )
