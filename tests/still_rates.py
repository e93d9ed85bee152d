"""How users of a simulated market shop and answer, period by period, beside version 1.0's engine.

`tests/data/still_rates.json` holds what version 1.0 gave: the mean over the markets of `SEEDS`, and
the spread over markets of two dozen other seeds. Made with it, once:

PYTHONPATH=tests .venv/bin/python tests/still_rates.py
"""

import json
from pathlib import Path

import pandas as pd

from coupon_rec.market import Market
from coupon_rec.simulation import simulate_market

STORED = Path(__file__).parent / "data/still_rates.json"
USERS, SEEDS, OTHERS = 1000, range(5), range(200, 224)
FIRST_DAY = pd.Timestamp("2017-01-02")


def period_of(time: pd.Series) -> pd.Series:
    """The period of four weeks that each time lies in, from 0."""
    return (pd.to_datetime(time) - FIRST_DAY).dt.days // 28


def rates(market: Market) -> pd.DataFrame:
    """Rates and moments of a market's tables; a row a rate, a column a period.

    Views of the first and the last day of a period may stand in the one before, or after.
    """
    users = int(market.users.count().execute())
    lines = market.purchases.to_pandas()
    lines["period"] = period_of(lines["time"])
    shelf = lines["amount"] + lines["coupon_match"]
    lines["shelf price"] = shelf / lines["quantity"]
    lines["hour"] = lines["time"].dt.hour + lines["time"].dt.minute / 60
    found = {**_trips(lines, users), **_money(lines), **_looks(market, lines, users)}
    table = pd.DataFrame({**found, **_answers(market, lines, users)}).sort_index().T
    return table.loc[:, 0:12]


def _trips(lines: pd.DataFrame, users: int) -> dict[str, pd.Series]:
    trips = lines.groupby(["period", "user_id", "basket_id"]).agg(
        size=("item_id", "size"), hour=("hour", "first"), store=("store_id", "first")
    )
    usual = trips.groupby("user_id")["store"].transform(lambda store: store.mode().iloc[0])
    trips["away"] = trips["store"] != usual
    size, by_period = trips["size"], trips.groupby("period")
    a_user = by_period.size() / users
    per_user = trips.groupby(["period", "user_id"]).size()
    return {
        "trips a user": a_user,
        "users who shop": per_user.groupby("period").size() / users,
        "trips a user, spread": per_user.groupby("period").std(),
        "lines a trip": by_period["size"].mean(),
        "lines a trip, spread": by_period["size"].std(),
        "trips of one line": (size == 1).groupby("period").mean(),
        "trips of 2 to 5 lines": size.between(2, 5).groupby("period").mean(),
        "trips of over 20 lines": (size > 20).groupby("period").mean(),
        "hour of a trip": by_period["hour"].mean(),
        "hour of a trip, spread": by_period["hour"].std(),
        "trips to another store": by_period["away"].mean(),
    }


def _money(lines: pd.DataFrame) -> dict[str, pd.Series]:
    by_period = lines.groupby("period")
    off = lines["retail_discount"] > 0
    coupon = lines[lines["coupon_discount"] > 0].groupby("period")
    return {
        "units a line": by_period["quantity"].mean(),
        "units a line, spread": by_period["quantity"].std(),
        "shelf price": by_period["shelf price"].mean(),
        "shelf price, spread": by_period["shelf price"].std(),
        "amount a line": by_period["amount"].mean(),
        "amount a line, spread": by_period["amount"].std(),
        "lines on sale": off.groupby(lines["period"]).mean(),
        "retail discount a line": by_period["retail_discount"].mean(),
        "retail discount, spread": by_period["retail_discount"].std(),
        "discount of a coupon": coupon["coupon_discount"].mean(),
        "match of a coupon": coupon["coupon_match"].mean(),
        "items sold": by_period["item_id"].nunique(),
    }


def _looks(market: Market, lines: pd.DataFrame, users: int) -> dict[str, pd.Series]:
    views, clicks, reviews = (
        table.to_pandas() for table in (market.views, market.clicks, market.reviews)
    )
    counts = {
        name: events.groupby(period_of(events["time"])).size().loc[0:]
        for name, events in (("views", views), ("clicks", clicks), ("reviews", reviews))
    }
    stars = reviews.groupby(period_of(reviews["time"]))["rating"]
    return {
        "views a user": counts["views"] / users,
        "clicks a view": counts["clicks"] / counts["views"],
        "reviews a line": counts["reviews"] / lines.groupby("period").size(),
        "stars": stars.mean(),
        "stars, spread": stars.std(),
    }


def _answers(market: Market, lines: pd.DataFrame, users: int) -> dict[str, pd.Series]:
    offers, redeemed = market.offers.to_pandas(), market.redemptions.to_pandas()
    sent = offers.groupby("campaign_id")
    mailed = offers.drop_duplicates(["campaign_id", "user_id"]).groupby("campaign_id")
    covered = lines.merge(
        market.coupon_items.to_pandas(),
        left_on=["period", "item_id"],
        right_on=["campaign_id", "item_id"],
    )
    key = ["campaign_id", "user_id", "coupon_id"]
    bought = covered[key].drop_duplicates().merge(offers[key], on=key).groupby("campaign_id")
    used = redeemed.groupby("campaign_id").size()
    found = {
        "users mailed": mailed.size() / users,
        "offers a user": sent.size() / users,
        "mailing propensity": sent["mailing_propensity"].mean(),
        "coupon propensity": sent["coupon_propensity"].mean(),
        "covered lines": covered.groupby("campaign_id").size() / lines.groupby("period").size(),
        "offers bought": bought.size() / sent.size(),
        "offers redeemed": used / sent.size(),
        "bought offers redeemed": used / bought.size(),
    }
    return {name: column.loc[1:] for name, column in found.items()}


def means(seeds: range) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean and spread of each rate in each period, over the markets of some seeds."""
    tables = [rates(simulate_market(USERS, seed=seed).market) for seed in seeds]
    values = pd.concat(tables, keys=seeds).groupby(level=1)
    return values.mean(), values.std()


def main() -> None:
    """Write what is compared."""
    stored = {"mean": means(SEEDS)[0], "spread": means(OTHERS)[1]}
    lists = {name: table.round(5).T.to_dict("list") for name, table in stored.items()}
    STORED.write_text(json.dumps(lists, indent=1).replace("NaN", "null") + "\n")


if __name__ == "__main__":
    main()
