"""A market of another trade: a chain of DIY stores in 2024, written from data/SCHEMA.md alone.

Each user likes one of ten categories. They buy mostly there, and redeem coupons of it far more
often than others. The tills say nothing about coupons, so what one takes off is its face value.
"""

from pathlib import Path

import numpy as np
import pandas as pd

CATEGORIES = np.array(
    ["Schrauben", "Bohrer", "Lacke", "Böden", "Licht", "Sägen", "Dübel", "Zäune", "Öfen", "Gärten"]
)
CSV = ("users", "coupons", "campaigns", "prices", "redemptions")
"""The tables that are written as CSV; the others are Parquet files."""
FIRST = np.datetime64("2024-01-01")
CAMPAIGNS, ITEMS, COUPONS = 8, 120, 24
EACH = 8
"""Coupons of a campaign."""
FACE_VALUES = np.array([2.0, 3.0, 5.0, 8.0])
REGIONS = np.array(["Köln/Süd", "Zürich", "Wien 3"])


def named(pattern: str, numbers: np.ndarray) -> np.ndarray:
    """Identifiers as text, such as `Kundin Ä/7`."""
    return np.array([pattern.format(number) for number in numbers.tolist()])


def chance_to_redeem(user: np.ndarray, coupon: np.ndarray) -> np.ndarray:
    """The truth: with what probability users redeem coupons, both by number."""
    liked = user % len(CATEGORIES) == coupon % len(CATEGORIES)
    odds = -4.5 + 3.0 * liked + 0.1 * FACE_VALUES[coupon % len(FACE_VALUES)]
    return 1 / (1 + np.exp(-odds))


def market(users: int = 300, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The tables by name."""
    rng = np.random.default_rng(seed)
    user, item, coupon, campaign = map(np.arange, (users, ITEMS, COUPONS, CAMPAIGNS))
    likes, price = user % len(CATEGORIES), 2.0 + item % 17
    value = FACE_VALUES[coupon % len(FACE_VALUES)]
    start = FIRST + 60 + 30 * campaign  # each lasts for three weeks
    user_id, item_id = named("Kundin Ä/{}", user), named("ART {:03} é", item)
    coupon_id, campaign_id = named("{} € / Gutschein", coupon), named("Aktion/{} ß", campaign)

    def bought(who: np.ndarray, what: np.ndarray, day: np.ndarray) -> pd.DataFrame:
        units = rng.integers(1, 4, len(who))
        seconds = rng.integers(8 * 3600, 20 * 3600, len(who)).astype("timedelta64[s]")
        return pd.DataFrame(
            {
                "user_id": user_id[who],
                "item_id": item_id[what],
                "basket_id": named("Bon {}", who * 1000 + (day - FIRST).astype(int)),
                "store_id": REGIONS[who % len(REGIONS)],
                "time": day.astype("datetime64[s]") + seconds,
                "quantity": units,
                "amount": (units * price[what]).round(2),
            }
        )

    who = np.repeat(user, 40)
    liked = rng.random(len(who)) < 0.6
    category = np.where(liked, likes[who], rng.integers(0, len(CATEGORIES), len(who)))
    what = category + len(CATEGORIES) * rng.integers(0, ITEMS // len(CATEGORIES), len(who))
    lines = bought(who, what, FIRST + rng.integers(0, 300, len(who)))

    sent = np.stack([rng.permutation(COUPONS)[:EACH] for _ in campaign])
    chance = np.where(user % 2, 0.9, 0.7)
    mailed = np.argwhere(rng.random((CAMPAIGNS, users)) < chance)
    when, who = np.repeat(mailed, EACH, axis=0).T
    which = sent[mailed[:, 0]].ravel()
    used = rng.random(len(who)) < chance_to_redeem(who, which)
    offers = pd.DataFrame(
        {
            "campaign_id": campaign_id[when],
            "user_id": user_id[who],
            "coupon_id": coupon_id[which],
            "mailing_propensity": chance[who],
        }
    )
    day = start[when[used]] + rng.integers(0, 21, used.sum())
    redeemed = offers[used].drop(columns="mailing_propensity").assign(date=day)
    covered = which[used] % len(CATEGORIES) + len(CATEGORIES) * rng.integers(0, 5, used.sum())
    left = np.argwhere(~np.isin(campaign[:, None] * users + user, mailed @ [users, 1]))
    of = np.repeat(campaign, EACH * 5)
    what = np.repeat(sent.ravel(), 5)
    return {
        "users": pd.DataFrame(
            {
                "user_id": user_id,
                "age": np.array(["bis 40 Jahre", "über 40 Jahre"])[user % 2],
                "user_region": REGIONS[user % len(REGIONS)],
                "user_years": user % 7 + 0.5,
            }
        ),
        "items": pd.DataFrame(
            {
                "item_id": item_id,
                "manufacturer_id": named("Gebrüder Öz/{}", item % 12),
                "department": np.array(["Werkzeug", "Wohnen", "Außen"])[item % 3],
                "brand": np.array(["Eigen", "Marke"])[item % 2],
                "category": CATEGORIES[item % len(CATEGORIES)],
                "type": "unknown",
                "package_size": "1 Stück",
                "private_label": item % 2 == 0,
            }
        ),
        "coupons": pd.DataFrame(
            {
                "coupon_id": coupon_id,
                "face_value": value,
                "minimum": 2 * value,
                "coupon_colour": np.array(["rot", "grün"])[coupon % 2],
            }
        ),
        "coupon_items": pd.DataFrame(
            {
                "campaign_id": campaign_id[of],
                "coupon_id": coupon_id[what],
                "item_id": item_id[
                    what % len(CATEGORIES) + len(CATEGORIES) * np.tile(np.arange(5), len(of) // 5)
                ],
            }
        ),
        "campaigns": pd.DataFrame(
            {
                "campaign_id": campaign_id,
                "campaign_type": np.array(["B", "C"])[campaign % 2],
                "start": start,
                "end": start + 20,
            }
        ),
        "offers": offers,
        "purchases": pd.concat([lines, bought(who[used], covered, day)], ignore_index=True),
        "redemptions": redeemed,
        "holdouts": pd.DataFrame(
            {
                "campaign_id": campaign_id[left[:, 0]],
                "user_id": user_id[left[:, 1]],
                "propensity": 1 - chance[left[:, 1]],
            }
        ),
        "prices": pd.DataFrame(
            {
                "item_id": item_id,
                "date": FIRST,
                "list_price": price,
                "unit_cost": (0.7 * price).round(2),
            }
        ),
        "stock": pd.DataFrame({"item_id": item_id, "date": FIRST, "units": 40 + item % 9}),
    }


def write(folder: Path, users: int = 300, seed: int = 0) -> Path:
    """Write the market to a folder, some tables as CSV and some as Parquet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in market(users, seed).items():
        if name in CSV:
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
