"""A market of someone else: other words for everything, text for identifiers, other columns.

It is derived from a simulated market by renaming, so that a model can learn as much from it. The
retailer sells in Austria, in 2024, and its own brand is called Gut & Eigen.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from coupon_rec.market.categories import USER_CATEGORIES
from coupon_rec.simulation import simulate_market

SHIFT = pd.Timedelta(weeks=365)
"""From 2017-01-02 to 2024-01-01, both Mondays."""
TRAIN_FROM, VALIDATE_FROM, TEST_FROM = "2024-01-15", "2024-09-01", "2024-10-01"
OWN_BRAND = "Gut & Eigen"
DEPARTMENTS = {
    "GROCERY": "Lebensmittel",
    "DRUG GM": "Drogerie",
    "PRODUCE": "Obst und Gemüse",
    "MEAT": "Fleisch",
    "DELI": "Feinkost",
}
IDENTIFIERS = {
    "user_id": "Kundin-{}",
    "item_id": "ART/{:05}",
    "coupon_id": "GS-{:03}-x",
    "campaign_id": "Aktion {}",
    "basket_id": "B{}",
    "store_id": "Filiale {}",
    "manufacturer_id": "H{}",
}
REGIONS = ("Wien", "Tirol", "Kärnten", "Steiermark", "Vorarlberg")
COLOURS = ("rot", "gelb", "grün")
CSV = ("users", "coupons", "campaigns", "prices", "redemptions")
"""The tables that are written as CSV; the others are Parquet files."""


def strangers_tables(users: int = 1500, seed: int = 0) -> dict[str, pd.DataFrame]:
    """The tables of the market by name.

    Parameters
    ----------
    users : int
        How many there are. With 1,500 there are about 200,000 purchases.
    seed : int
        Of the simulated market behind it.
    """
    market = simulate_market(users=users, seed=seed).market
    tables = {name: table.to_pandas() for name, table in market.tables().items()}
    for name in ("promotions", "views", "clicks", "reviews"):
        del tables[name]
    tables["offers"] = tables["offers"][["campaign_id", "user_id", "coupon_id"]]
    ages = {age: f"{age.replace('+', ' und mehr')} Jahre" for age in USER_CATEGORIES["age"]}
    number = tables["users"]["user_id"].to_numpy()
    tables["users"] = tables["users"][["user_id", "age", "household_size"]].assign(
        age=tables["users"]["age"].map(ages),
        user_region=np.array(REGIONS)[number % len(REGIONS)],
    )
    items = tables["items"]
    own = items["brand"] == "Private"
    tables["items"] = items.assign(
        private_label=own,
        brand=np.where(own, OWN_BRAND, "Marke"),
        department=items["department"].map(DEPARTMENTS),
        category=items["category"].str.replace("CATEGORY", "Warengruppe"),
    )
    number = tables["coupons"]["coupon_id"].to_numpy()
    tables["coupons"]["coupon_colour"] = np.array(COLOURS)[number % len(COLOURS)]
    price = tables["prices"]["list_price"]
    tables["prices"]["unit_cost"] = (0.7 * price).round(2)
    return {name: _renamed(table) for name, table in tables.items()}


def _renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Put text in place of numbers, and seven years on each date."""
    columns = {
        name: table[name].map(pattern.format)
        for name, pattern in IDENTIFIERS.items()
        if name in table
    }
    for name in ("start", "end", "date", "time"):
        if name in table:
            columns[name] = pd.to_datetime(table[name]) + SHIFT
            if name != "time":
                columns[name] = columns[name].dt.date
    return table.assign(**columns)


def write_strangers(folder: Path, users: int = 1500, seed: int = 0) -> Path:
    """Write the market to a folder, some tables as CSV and some as Parquet.

    Parameters
    ----------
    folder : Path
        Created if it does not exist.
    users, seed : int
        As `strangers_tables` takes them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in strangers_tables(users, seed).items():
        if name in CSV:
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder
