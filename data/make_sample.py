"""Write data/sample, a tiny market for tests and first tries: `python data/make_sample.py`.

Sixty users, two hundred items and four campaigns in half a year, invented with a fixed seed.
Nothing in it is learned from anybody's data.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from coupon_rec.market import Market, validate
from coupon_rec.market.schema import CAMPAIGN_TYPES, types

SAMPLE = Path(__file__).parent / "sample"
FIRST_DAY = date(2017, 1, 1)
DAYS = 181
USERS, SHOPPERS, DESCRIBED = 60, 55, 40
ITEMS, CATEGORIES, STORES = 200, 20, 4
ADULTS = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
DEPARTMENTS = ("GROCERY", "DRUG GM", "PRODUCE", "MEAT", "NUTRITION")


def make_users(rng: np.random.Generator) -> pd.DataFrame:
    """Users 1 to 60; the last twenty are not described."""

    def answers(*values: str) -> list[str]:
        said = rng.choice(values, DESCRIBED)
        return [*map(str, said), *["unknown"] * (USERS - DESCRIBED)]

    return pd.DataFrame(
        {
            "user_id": range(1, USERS + 1),
            "age": answers(*ADULTS),
            "income": answers("Under 15K", "25-34K", "50-74K", "100-124K"),
            "home": answers("Homeowner", "Renter", "unknown"),
            "marital_status": answers("Married", "Unmarried", "unknown"),
            "household_size": answers("1", "2", "3", "4", "5+"),
            "household_comp": answers("1 Adult Kids", "2 Adults Kids", "2 Adults No Kids"),
            "kids": answers("0", "1", "2", "3+", "unknown"),
        }
    )


def make_items() -> pd.DataFrame:
    """Items 1001 to 1200: ten in each category, four categories in each department."""
    index = np.arange(ITEMS)
    category = index % CATEGORIES
    return pd.DataFrame(
        {
            "item_id": 1001 + index,
            "manufacturer_id": 1 + index % 17,
            "department": [DEPARTMENTS[number % len(DEPARTMENTS)] for number in category],
            "brand": np.where(index % 4 == 0, "Private", "National"),
            "category": [f"CATEGORY {number + 1:02}" for number in category],
            "type": [f"TYPE {number + 1:02}" for number in index % (3 * CATEGORIES)],
            "package_size": np.where(index % 5 == 0, "unknown", "12 OZ"),
            "private_label": index % 4 == 0,
            "text": [f"Number {number + 1:02} of its category" for number in index // CATEGORIES],
        }
    )


def make_campaigns() -> pd.DataFrame:
    """Four campaigns; the second and the third overlap."""
    starts = [date(2017, 2, 15), date(2017, 3, 20), date(2017, 4, 5), date(2017, 5, 22)]
    kinds = ["B", "C", "A", "B"]
    assert set(kinds) == set(CAMPAIGN_TYPES)
    return pd.DataFrame(
        {
            "campaign_id": range(1, 5),
            "campaign_type": kinds,
            "start": starts,
            "end": [start + timedelta(days=30) for start in starts],
        }
    )


def make_coupon_items(rng: np.random.Generator) -> pd.DataFrame:
    """Twenty coupons, 6 to 10 a campaign, each for one category and one item outside of it.

    Coupon 501 stands in campaigns 1 and 4 with other items; the categories of two coupons of a
    campaign may be the same, so an item can have several coupons.
    """
    rows = []
    members = {
        1: range(501, 507),
        2: range(507, 513),
        3: range(511, 521),
        4: (501, *range(502, 509)),
    }
    for campaign, coupons in members.items():
        for coupon in coupons:
            category = (coupon + campaign) % 8
            own = 1001 + category + CATEGORIES * rng.permutation(10)[: rng.integers(2, 8)]
            other = 1001 + rng.integers(ITEMS)
            rows += [(campaign, coupon, int(item)) for item in {*own, other}]
    columns = ["campaign_id", "coupon_id", "item_id"]
    return pd.DataFrame(rows, columns=columns).sort_values(columns, ignore_index=True)


def make_purchases(rng: np.random.Generator) -> pd.DataFrame:
    """Baskets of the users 1 to 55: mostly from a user's few favorite items, so they repeat."""
    rows = []
    basket = 1
    price = 0.99 + rng.integers(0, 900, ITEMS) / 100
    for user in range(1, SHOPPERS + 1):
        favorites = rng.permutation(ITEMS)[: rng.integers(8, 25)]
        for _visit in range(rng.integers(4, 40)):
            day, second = rng.integers(DAYS), rng.integers(7 * 3600, 22 * 3600)
            time = datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(
                days=int(day), seconds=int(second)
            )
            store = 1 + int(rng.integers(STORES))
            for _line in range(rng.integers(1, 9)):
                favorite = rng.random() < 0.8
                item = int(rng.choice(favorites) if favorite else rng.integers(ITEMS))
                quantity = int(rng.choice([1, 1, 1, 2, 3]))
                full = price[item] * quantity
                discount = full * rng.choice([0, 0, 0, 0.1, 0.25])
                rows.append((user, 1001 + item, basket, store, time, quantity, full, discount))
            basket += 1
    columns = ["user_id", "item_id", "basket_id", "store_id", "time", "quantity", "full", "off"]
    table = pd.DataFrame(rows, columns=columns)
    off = table.off.round(2)
    return table.drop(columns=["full", "off"]).assign(
        amount=(table.full - off).round(2),
        retail_discount=off,
        coupon_discount=0.0,
        coupon_match=0.0,
    )


def make_redemptions(rng: np.random.Generator, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Some of the purchases of a coupon's items within its campaign, and no others."""
    bought = (
        tables["offers"]
        .merge(tables["coupon_items"])
        .merge(tables["purchases"].assign(date=tables["purchases"].time.dt.date))
        .merge(tables["campaigns"])
        .query("start <= date <= end")
        .sort_values(["campaign_id", "user_id", "coupon_id", "time"])
        .drop_duplicates(["campaign_id", "user_id", "coupon_id"])
    )
    used = bought[rng.random(len(bought)) < 0.3]
    return used[["campaign_id", "user_id", "coupon_id", "date"]].reset_index(drop=True)


def make_prices() -> pd.DataFrame:
    """A list price and a cost of each item, and another price from April on for some."""
    index = np.arange(ITEMS)
    price = (1.49 + index % 40 / 8).round(2)
    first = pd.DataFrame(
        {
            "item_id": 1001 + index,
            "date": FIRST_DAY,
            "list_price": price,
            "unit_cost": (0.7 * price).round(2),
        }
    )
    some = first[index % 10 == 0]
    dearer = some.assign(date=date(2017, 4, 1), list_price=some.list_price + 0.5)
    return pd.concat([first, dearer], ignore_index=True)


def make_coupons(coupon_items: pd.DataFrame) -> pd.DataFrame:
    """The coupons with their terms: a third take off a share, a third an amount."""
    coupons = coupon_items[["coupon_id"]].drop_duplicates(ignore_index=True)
    kind = coupons.index % 3
    return coupons.assign(
        face_value=np.where(kind == 0, 1.5, np.nan),
        depth=np.where(kind == 1, 0.25, np.nan),
        minimum=np.where(kind == 0, 5.0, np.nan),
        stackable=kind == 2,
    )


def make_browsing(rng: np.random.Generator, purchases: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Views, clicks and reviews around some of the purchases."""
    seen = purchases[rng.random(len(purchases)) < 0.1][["user_id", "item_id", "time"]]
    seen = seen.assign(channel=rng.choice(["web", "app"], len(seen)))
    before = pd.to_timedelta(rng.integers(60, 3 * 86400, len(seen)), "s")
    views = seen.assign(time=seen.time - before)
    wrote = seen[rng.random(len(seen)) < 0.2]
    after = pd.to_timedelta(rng.integers(86400, 5 * 86400, len(wrote)), "s")
    stars = rng.integers(1, 6, len(wrote))
    return {
        "views": views,
        "clicks": views[rng.random(len(views)) < 0.5],
        "reviews": wrote.assign(time=wrote.time + after, rating=stars),
    }


def make_holdouts(offers: pd.DataFrame) -> pd.DataFrame:
    """Of those not mailed a campaign, every second user was held out."""
    pairs = [(c, u) for c in range(1, 5) for u in range(2, USERS + 1, 2) if not (u + c) % 5]
    held = pd.DataFrame(pairs, columns=["campaign_id", "user_id"]).assign(propensity=0.1)
    assert held.merge(offers).empty
    return held


def make_promotions(rng: np.random.Generator) -> pd.DataFrame:
    """Twelve items a store and week, some of them twice, on two displays."""
    rows = [
        (1001 + int(item), store, FIRST_DAY + timedelta(weeks=week), str(display), mailer)
        for week in range(26)
        for store in range(1, STORES + 1)
        for item in rng.permutation(ITEMS)[:12]
        for display, mailer in [
            (rng.integers(8), str(rng.choice(["0", "A", "D"]))),
            *([(9, "0")] if rng.random() < 0.1 else []),
        ]
    ]
    return pd.DataFrame(rows, columns=["item_id", "store_id", "week_start", "display", "mailer"])


def make_sample(seed: int = 7) -> Market:
    """The whole market, in DuckDB.

    Parameters
    ----------
    seed : int
        The same seed gives the same market.
    """
    rng = np.random.default_rng(seed)
    tables = {
        "users": make_users(rng),
        "items": make_items(),
        "campaigns": make_campaigns(),
        "coupon_items": make_coupon_items(rng),
    }
    tables["coupons"] = make_coupons(tables["coupon_items"])
    tables["purchases"] = make_purchases(rng)
    mailed = pd.DataFrame(
        [
            (campaign, user)
            for campaign in range(1, 5)
            for user in range(1, USERS + 1)
            if (user + campaign) % 5
        ],
        columns=["campaign_id", "user_id"],
    )
    pairs = tables["coupon_items"][["campaign_id", "coupon_id"]].drop_duplicates()
    tables["offers"] = mailed.merge(pairs)
    tables["redemptions"] = make_redemptions(rng, tables)
    tables["promotions"] = make_promotions(rng)
    tables["holdouts"] = make_holdouts(tables["offers"])
    tables["prices"] = make_prices()
    tables["stock"] = tables["items"][["item_id"]].assign(date=FIRST_DAY, units=range(ITEMS))
    tables |= make_browsing(rng, tables["purchases"])
    tables["accounts"] = pd.DataFrame({"user_id": range(1, 9), "person_id": [1, 1, *range(2, 8)]})
    connection = ibis.duckdb.connect()
    exact = {
        name: connection.create_table(
            name, ibis.memtable(table[list(types(name, table))]).cast(types(name, table))
        )
        for name, table in tables.items()
    }
    return validate(Market(**exact))


if __name__ == "__main__":
    make_sample().write(SAMPLE)
