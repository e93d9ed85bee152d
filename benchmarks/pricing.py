"""Prices and stock: Ta Feng's margin, simulated worlds, and coupons that know the stock at scale.

`stock`: users may get two of 20 coupons that draw on ten shelves, beside a fund. "Together" is one
call of `allocate`; "then struck" allocates under the fund alone, and then takes the least valuable
coupons for a unit from each shelf that is promised too much. Each size has a process of its own.

`worlds` and `stores`: what chapter 14 shows of one simulated market, for several: prices and orders
where only prices move sales, and coupons where shelves run short. `estimated`: coupons under a fund
and a stock by effects and demand learned from a pilot, beside those that know the truth. `depth`:
whether a depth for each user, learned from a log in which depths were drawn by chance, earns more
than one for all. `weaker`: the same where mail and coupons move people three tenths as much, and
not at all.

`ta_feng`: the elasticity within items of a chain of grocers beside its margin. The receipts are
read from a wheel, as `prices.py` does; only what they come to is stored.

`juice`: the forecast of chapter 14 against the same week of the year before, in the weekly sales of
orange juice at Dominick's, a chain of grocers near Chicago. Debian's package r-cran-bayesm (GPL)
holds them; it is downloaded for that file alone, never installed. This part needs `apt-get`, after
its `update`; all others run without.

Usage: `python benchmarks/pricing.py [PART ...]` measures all parts or some and keeps the rest;
`measured` says of which day and of which code each one is.
"""

import subprocess
import sys
import time
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from machine import alone, peak_gib, run_parts
from prices import WHEEL, ta_feng
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from coupon_rec.book.pilot import KNOWN, run_pilot
from coupon_rec.book.pilot_rules import (
    effect_log,
    effect_model,
    face_values,
    in_dollars,
    redemption,
)
from coupon_rec.book.shelves import earned, expected_units, store_demand, weekly_sales
from coupon_rec.decisions import (
    Budget,
    allocate,
    best_prices,
    elasticity,
    fit_demand,
    fit_forecast,
    newsvendor,
    sales_rows,
    stock_budgets,
)
from coupon_rec.evaluation import from_sums
from coupon_rec.simulation import MECHANISMS, State, open_market, simulate

Arrays = tuple[np.ndarray, ...]
SIZES = (1_000, 10_000, 100_000, 1_000_000)
COUPONS, SHELVES = 20, 10
SEEDS = range(5)
CONTACT = 0.005
JUICE, READER = "r-cran-bayesm", ("rdata==1.1.0", "xarray==2026.9.0")
YEAR, FIRST, AHEAD = 52, 92, 4
"""Weeks of a year, the first one with a year behind it, and how long a fit is kept."""
PILOT = ("book/pilot.py", "book/pilot_rules.py")
ROOMS = ("decisions", "simulation", "effects", "evaluation", "book/shelves.py", *PILOT)
FUND, MORE = 10.0, 1.1
"""Dollars that a store may give away, and stock of a short shelf over what sells anyway."""
UNITS = 1.6
"""A guess of the units that one more purchase adds; the market's usual purchase has 1.3."""


# Coupons and stock, at scale


def case(users: int) -> tuple[np.ndarray, np.ndarray, Budget, np.ndarray, np.ndarray]:
    """Draw values and units, a fund that binds, and shelves of which most run short."""
    rng = np.random.default_rng(0)
    p = rng.exponential(0.02, size=(users, COUPONS)).clip(0, 1).astype("float32")
    value = rng.random((users, COUPONS), "float32")
    value *= 3 * p
    value -= np.float32(CONTACT)
    units = 1.4 * p * rng.random((users, COUPONS), "float32")
    shelf = np.arange(COUPONS) % SHELVES
    wanted = 0.02 * users * np.linspace(0.1, 1.9, SHELVES)
    p *= rng.uniform(0.5, 5, COUPONS).astype("float32")
    return value, units, Budget(0.06 * users, p), wanted / 10, shelf


def strike(
    sent: np.ndarray, value: np.ndarray, units: np.ndarray, left: np.ndarray, shelf: np.ndarray
) -> np.ndarray:
    """Take the least valuable coupons for a unit from shelves that are promised too much."""
    sent = sent.copy()
    for number, rest in enumerate(left):
        user, coupon = np.nonzero(sent & (shelf == number))
        takes = np.maximum(units[user, coupon], 1e-9)
        order = np.argsort(-value[user, coupon] / takes)
        over = np.cumsum(takes[order], dtype=float) > max(rest, 0)
        sent[user[order][over], coupon[order][over]] = False
    return sent


def measured(users: int) -> dict[str, float]:
    """Allocate in both ways, in this process."""
    value, units, fund, left, shelf = case(users)
    start = time.perf_counter()
    limits = [fund, *stock_budgets(left, units, shelf)]
    found = allocate(value, limits, k=2, groups=shelf, method="dual")
    seconds = time.perf_counter() - start
    memory = peak_gib()
    assert (found.spent <= [limit.amount for limit in limits]).all()
    first = allocate(value, fund, k=2, groups=shelf, method="dual")
    struck = strike(first.chosen, value, units, left, shelf)
    return {
        "users": users,
        "seconds": round(seconds, 2),
        "GiB": round(memory, 2),
        "value": round(found.value, 2),
        "gap": float(f"{found.gap:.2g}"),
        "coupons first, then struck": round(float(value[struck].sum(dtype=float)), 2),
    }


# One world after the other


def joint(seed: int, users: int = 8000, per_store: int = 500) -> dict[str, float]:
    """What three ways to send coupons earn in stores where half of the shelves run short."""
    on = [name for name in MECHANISMS if name != "supply"]
    state = simulate(open_market(users=users, seed=seed, mechanisms=on), campaigns=2)
    shelf, shape = state.campaign.slot, (users, len(state.campaign.slot))
    value = (state.truth["profit"].to_numpy() - CONTACT).reshape(shape)
    before, after = (
        state.truth[f"units_{life}"].to_numpy().reshape(shape) for life in ("without", "with")
    )
    adds, shop = np.maximum(after - before, 0), np.arange(users) // per_store
    first = np.unique(shelf, return_index=True)[1]
    usual = pd.DataFrame(before[:, first]).groupby(shop).sum().to_numpy()
    stock = np.where(np.arange(len(first)) % 2 == 0, np.round(1.05 * usual), np.inf)
    left = stock - usual
    sent = {name: np.zeros(shape, bool) for name in ("none", "first", "struck", "together")}
    for number in np.unique(shop):
        rows = shop == number
        limits = stock_budgets(left[number], adds[rows], shelf)
        plain = allocate(value[rows], k=2, groups=shelf, method="dual").chosen
        sent["first"][rows] = plain
        sent["struck"][rows] = strike(plain, value[rows], adds[rows], left[number], shelf)
        known = allocate(value[rows], limits, k=2, groups=shelf, method="dual")
        sent["together"][rows] = known.chosen
    kept = {name: earned(state, each, stock).sum() for name, each in sent.items()}
    depth = pd.Series(state.campaign.depth)
    pays = pd.DataFrame(value.clip(0)).T.groupby([depth, pd.Series(shelf)]).first().T
    one = pays.T.groupby(level=0).sum().sum(axis=1)
    each = pays.T.groupby(level=1).max().sum().sum()
    return {
        **{f"{name} - none": kept[name] - kept["none"] for name in ("first", "struck", "together")},
        "depth each over best": float(each / one.max() - 1),
        "depth each over drawn": float(each / one.mean() - 1),
    }


def estimated(seed: int, users: int = 5000, per_store: int = 500) -> dict[str, float]:
    """What coupons earn under a fund and a stock, by estimates from a pilot and by the truth."""
    pilot = run_pilot(users=users, seed=seed)
    log, coming, state = pilot.log, pilot.coming, pilot.state
    shelf, shape = state.campaign.slot, (users, len(state.campaign.slot))
    shop, first = np.arange(users) // per_store, np.unique(shelf, return_index=True)[1]
    effect = effect_model("t").fit(log[KNOWN], effect_log(log, "units")).predict(coming[KNOWN])
    p, face = redemption(log, coming), face_values(log, coming)
    truth = {
        name: state.truth[name].to_numpy().reshape(shape)
        for name in ("profit", "discount", "units_with", "units_without")
    }

    usual = pd.DataFrame(truth["units_without"][:, first]).groupby(shop).sum().to_numpy()
    stock = np.where(np.arange(len(first)) % 2 == 0, np.round(MORE * usual), np.inf)
    said = in_dollars(coming, effect, p, face).reshape(shape)
    adds, spends = effect.reshape(shape), (p * face).reshape(shape)
    guess = store_demand(state, len(usual))
    real = truth["profit"] - CONTACT
    more = truth["units_with"] - truth["units_without"]

    def sent(value: np.ndarray, cost: np.ndarray, adds: np.ndarray, left: Any) -> np.ndarray:
        chosen = np.zeros(shape, bool)
        for number in np.unique(shop):
            rows = shop == number
            limits = [Budget(FUND, cost[rows])]
            if left is not None:
                limits += stock_budgets(left[number], adds[rows], shelf)
            found = allocate(value[rows], limits, k=2, groups=shelf, method="dual")
            chosen[rows] = found.chosen
        return chosen

    ways = {
        "none": np.zeros(shape, bool),
        "first": sent(said, spends, adds, None),
        "together": sent(said, spends, adds, stock - guess),
        "truth": sent(real, truth["discount"], more, stock - usual),
    }
    kept = {name: earned(state, each, stock).sum() for name, each in ways.items()}
    return {
        **{f"{name} - none": kept[name] - kept["none"] for name in ("first", "together", "truth")},
        "first promised": said[ways["first"]].sum(),
        "together promised": said[ways["together"]].sum(),
        "together discounts": truth["discount"][ways["together"]].sum(),
        "fund": FUND * users / per_store,
        "demand off": abs(guess - usual).sum() / usual.sum(),
    }


def shelves(seed: int) -> dict[str, float]:
    """Elasticity, prices and orders in a world where only prices move sales."""
    size = {"users": 600, "items": 300, "coupons": 3, "campaigns": 30}
    shop, years = weekly_sales(open_market(**size, seed=seed, mechanisms="elasticity"), 26)
    years = years[years.groupby("item_id")["units"].transform("mean") >= 3]
    drawn = elasticity(years).loc["price", "value"]
    analytic = elasticity(years.assign(units=years["expected"])).loc["price", "value"]
    model = fit_demand(years)
    ids = model.items.index
    now = shop.world.prices[ids - 1]
    cost = shop.nature.unit_cost[shop.campaign.period][ids - 1]

    def profit(prices: np.ndarray) -> np.ndarray:
        every = shop.world.prices.copy()
        every[ids - 1] = prices
        return (prices - cost) * expected_units(shop, every)[ids - 1]

    def priced(slope: Any) -> float:
        slope = np.minimum(slope, -0.1)
        return float(profit(best_prices(cost, slope, 0.8 * now, 1.25 * now)).sum())

    ours = priced(model.items["elasticity"].to_numpy())
    others = {
        "one elasticity": priced(drawn),
        "each alone": priced(model.items["alone"].fillna(model.mean).to_numpy()),
    }
    today = profit(now).sum()
    oracle = np.max([profit(f * now) for f in np.linspace(0.8, 1.25, 46)], axis=0).sum()
    rng = np.random.default_rng(seed)
    usual = years.groupby("item_id")["units"].transform("mean")
    stock = np.ceil(usual * rng.uniform(0.7, 1.8, len(years)))
    sold = years.assign(units=np.minimum(years["units"], stock))
    sold["sold_out"] = years["units"] >= stock
    _, ahead = weekly_sales(shop, 3)
    ahead = ahead[ahead["item_id"].isin(ids)]
    under, over = (ahead["price"] - ahead["cost"]).clip(lower=0.01), 0.25 * ahead["cost"]

    def lost(mean: Any, dispersion: float) -> float:
        order = newsvendor(mean, under, over, dispersion)
        short = under * np.maximum(ahead["units"] - order, 0)
        return float((short + over * np.maximum(order - ahead["units"], 0)).sum())

    scatter = ((years["units"] - years["expected"]) ** 2 / years["expected"]).mean()
    ideal, found = lost(ahead["expected"], scatter), {}
    for name, sales in {
        "seen": years,
        "aware": sold,
        "naive": sold.drop(columns="sold_out"),
    }.items():
        fitted = fit_demand(sales)
        mean = fitted.expected(ahead["item_id"], ahead["price"])
        found[f"order {name} over oracle"] = lost(mean, fitted.dispersion) / ideal - 1
    return {
        "elasticity over analytic": drawn / analytic - 1,
        "profit of oracle": ours / oracle,
        "gain of oracle": (ours - today) / (oracle - today),
        **{f"gain, {name}": (each - today) / (oracle - today) for name, each in others.items()},
        **found,
    }


# A depth for each user, learned


def columns(state: State, redeemed: np.ndarray) -> pd.DataFrame:
    """What the retailer knows of each offer to come."""
    offers = state.offers
    known = pd.DataFrame(
        {
            "rate": np.log(offers["lines"] / (state.period + 1) + 0.5),
            "trips": np.log1p(offers["trips"]),
            "away": offers["trips"] == 0,
            "bought": np.log1p(offers["bought"]),
            "thrift": (offers["on_sale"] + 5) / (offers["lines"] + 20),
            "mail": offers["mailings"],
            "redeemed": np.log1p(redeemed[offers["user_id"] - 1]),
        },
        dtype=float,
    )
    kinds = pd.get_dummies(pd.Categorical(offers["type"], np.unique(state.world.coupons["type"])))
    return pd.concat([known, known[["rate", "bought"]].pow(2).add_suffix("2"), kinds], axis=1)


def answered(known: pd.DataFrame, depth: np.ndarray) -> np.ndarray:
    """Beside what is known, each depth and its products with who the user is."""
    own = known.iloc[:, :7].to_numpy(float)
    steps = [
        np.column_stack([np.ones(len(own)), own]) * (depth >= d)[:, None] for d in (0.1, 0.25, 0.5)
    ]
    return np.column_stack([known.to_numpy(float), *steps])


def learned_depth(
    seed: int, strength: float = 1.0, users: int = 3000, campaigns: int = 4
) -> dict[str, float]:
    """True profit of a depth for each user and of half off for all, by learned effects."""
    state = open_market(users=users, seed=seed, strength=strength)
    redeemed = np.zeros(users)
    rows, bought, used, sent = [], [], [], []
    for _ in range(campaigns):
        known, offers = columns(state, redeemed), state.offers
        state = simulate(state, lambda each: np.full(len(each), 0.25))
        made = state.history[-1]["candidates"].to_pandas()
        made = made.sort_values(["user_id", "coupon_id"], kind="stable")
        offered = made["offered"].to_numpy()
        place = offers.groupby(["user_id", "type"]).ngroup().to_numpy()
        kept = offered | ((np.bincount(place, offered)[place] == 0) & (offers["depth"] == 0.1))
        rows.append(answered(known[kept], np.where(offered, offers["depth"], 0)[kept]))
        happened = np.where(offered, made["bought_with"], made["bought_without"])
        with_it = offered & made["redeemed_with"].to_numpy()
        bought.append(happened[kept])
        used.append(with_it[kept])
        sent.append(offered[kept])
        redeemed += np.bincount(made["user_id"] - 1, with_it, users)
    x, offered = np.vstack(rows), np.concatenate(sent)
    settings = {"C": 0.02, "solver": "newton-cholesky"}
    buying = make_pipeline(StandardScaler(), LogisticRegression(**settings))
    buying.fit(x, np.concatenate(bought))
    redeeming = make_pipeline(StandardScaler(), LogisticRegression(**settings))
    redeeming.fit(x[offered], np.concatenate(used)[offered])
    known, offers = columns(state, redeemed), state.offers
    depth = offers["depth"].to_numpy()
    with_it, none = answered(known, depth), answered(known, np.zeros(len(depth)))
    effect = buying.predict_proba(with_it)[:, 1] - buying.predict_proba(none)[:, 1]
    price, cost = offers["price"], offers["cost"]
    off = redeeming.predict_proba(with_it)[:, 1] * depth * price
    said = pd.DataFrame({"said": UNITS * effect * (price - cost) - off - CONTACT})
    said["true"] = state.truth["profit"].to_numpy() - CONTACT
    said[["depth", "user_id", "type"]] = offers[["depth", "user_id", "type"]]
    best = said.loc[said.groupby(["user_id", "type"])["said"].idxmax()]
    half = said[said["depth"] == 0.5]
    return {
        "each": best.loc[best["said"] > 0, "true"].sum(),
        "half off": half.loc[half["said"] > 0, "true"].sum(),
        "oracle": (state.oracle(CONTACT) * said["true"]).sum(),
    }


# A chain of grocers


def grocer() -> dict[str, Any]:
    """The elasticity within items of Ta Feng, and the margin that it would imply."""
    lines = ta_feng()
    lines = lines[(lines["units"] > 0) & (lines["amount"] > 0)]
    week = (lines["time"] - lines["time"].min()).dt.days // 7
    by = lines.assign(week=week, price=lines["amount"] / lines["units"]).groupby(
        ["item_id", "week"]
    )
    weekly = by[["units", "amount", "cost"]].sum()
    weekly["usual"] = by["price"].median()
    often = weekly.groupby("item_id")["units"].transform("size") >= 17
    sales = weekly[often].reset_index()
    found = elasticity(sales.assign(price=sales["amount"] / sales["units"])).loc["price"]
    usual = elasticity(sales.assign(price=sales["usual"])).loc["price"]
    return {
        "wheel": WHEEL,
        "weeks": int(week.max()) + 1,
        "items": int(sales["item_id"].nunique()),
        "elasticity": round(found["value"], 3),
        "low": round(found["low"], 3),
        "high": round(found["high"], 3),
        "elasticity of median prices": round(usual["value"], 3),
        "implied_margin": round(-1 / found["value"], 4),
        "margin": round(1 - lines["cost"].sum() / lines["amount"].sum(), 4),
        "margin of these items": round(1 - sales["cost"].sum() / sales["amount"].sum(), 4),
    }


# Two years of orange juice


def orange_juice() -> tuple[str, pd.DataFrame]:
    """Download what each store sold of each brand in each week, and name the package."""
    with TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "--quiet", JUICE], cwd=folder, check=True)
        (package,) = Path(folder).glob("*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*pip, *READER], check=True)
        sys.path.append(folder)
        from rdata import read_rda

        (file,) = Path(folder).rglob("orangeJuice.rda")
        sales = read_rda(file)["orangeJuice"]["yx"].astype(float)
        sys.path.remove(folder)
    whole = sales[["store", "brand", "week"]].astype(int)
    sales = whole.assign(
        item_id=100 * whole["store"] + whole["brand"],
        units=np.exp(sales["logmove"]) / 64,  # of 64 ounces
        feature=sales["feat"],
        deal=sales["deal"],
    )
    return package.name, sales


def juice() -> dict[str, Any]:
    """How far forecasts of next week are off, in weeks that have a year behind them.

    In a week that the record of a store lacks, it is taken to have sold what it sold the week
    before; such a week is neither learned from nor tested. Stores that open later are left out. The
    plan is what was featured and on deal, as it happened.
    """
    package, sales = orange_juice()
    sales = sales[sales.groupby("store")["week"].transform("min") < 44]
    kinds = ["feature", "deal"]
    tables = {
        name: sales.pivot(index="week", columns="item_id", values=name)
        for name in ("units", *kinds)
    }
    whole = pd.concat({name: each.ffill().bfill().stack() for name, each in tables.items()}, axis=1)
    there = sales[["item_id", "week", "store", "brand"]]
    past = whole["units"].unstack()
    test = there[there["week"] >= FIRST].merge(sales[["item_id", "week", "units"]])
    for name, promotions in {"forecast": kinds, "without the plan": []}.items():
        rows = sales_rows(whole.reset_index(), promotions).merge(there[["item_id", "week"]])
        parts = []
        for start in range(FIRST, rows["week"].max() + 1, AHEAD):
            fitted = fit_forecast(rows[rows["week"] < start])
            ahead = rows[rows["week"].between(start, start + AHEAD - 1)]
            parts.append(ahead[["item_id", "week"]].assign(**{name: fitted.expected(ahead)}))
        test = test.merge(pd.concat(parts))
    for name, wide in {
        "a year ago": tables["units"].shift(YEAR),
        "last week": past.shift(1),
        "mean of eight weeks": past.shift(1).rolling(8).mean(),
    }.items():
        test = test.merge(wide.stack().dropna().rename(name).reset_index())
    off = test.loc[:, "forecast":].sub(test["units"], axis=0).abs()
    by_brand = off.groupby(test["brand"]).sum()

    def less(worse: str, better: str) -> dict[str, float]:
        """How much less one is off than another, in points, by brands and weeks drawn anew."""
        found = from_sums(
            pd.DataFrame({"more": off[worse] - off[better], "units": test["units"]}),
            test["brand"],
            lambda sums: 100 * sums["more"] / sums["units"],
            test["week"],
        )
        return {end: round(float(each), 2) for end, each in found.items()}

    pairs = (
        ("a year ago", "forecast"),
        ("a year ago", "without the plan"),
        ("mean of eight weeks", "without the plan"),
    )
    return {
        "package": package,
        **{name: int(test[name].nunique()) for name in ("store", "brand", "week")},
        "rows": len(test),
        "off, %": (100 * off.sum() / test["units"].sum()).round(2).to_dict(),
        **{f"{worse} - {better}": less(worse, better) for worse, better in pairs},
        "brands behind": int((by_brand["forecast"] > by_brand["a year ago"]).sum()),
    }


def rounded(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{name: round(float(x), 4) for name, x in row.items()} for row in rows]


PARTS: dict[str, Any] = {
    "stock": lambda: [alone(measured, users) for users in SIZES],
    "ta_feng": grocer,
    "worlds": lambda: rounded([{"seed": n, **shelves(n)} for n in SEEDS]),
    "stores": lambda: rounded([{"seed": n, **joint(n)} for n in SEEDS]),
    "estimated": lambda: rounded([{"seed": n, **estimated(n)} for n in SEEDS]),
    "depth": lambda: rounded([{"seed": n, **learned_depth(n)} for n in range(3)]),
    "weaker": lambda: rounded(
        [{"strength": s, "seed": n, **learned_depth(n, s)} for s in (0.0, 0.3) for n in range(3)]
    ),
    "juice": juice,
}


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 14 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "worlds" in result:
        worlds = pd.DataFrame(result["worlds"])
        off = worlds["elasticity over analytic"].abs()
        found["elasticities are within 5% of the analytic ones"] = off.max() <= 0.05
        found["prices keep 90% of the oracle's profit"] = worlds["profit of oracle"].min() >= 0.9
        found["orders cost 2% more than the oracle's in the mean"] = (
            worlds["order seen over oracle"].mean() <= 0.02
        )
    if "stores" in result:
        stores = pd.DataFrame(result["stores"])
        for way in ("first", "struck"):
            more = stores["together - none"] > stores[f"{way} - none"]
            found[f"knowing the stock earns more than coupons first, {way}"] = more.all()
    if "estimated" in result:
        worlds = pd.DataFrame(result["estimated"])
        more = worlds["together - none"] > worlds["first - none"]
        found["estimates that know the stock earn more than those that do not"] = more.all()
    if "juice" in result:
        for forecast in ("forecast", "without the plan"):
            off = result["juice"][f"a year ago - {forecast}"]
            found[f"the {forecast} is closer than sales a year ago"] = off["low"] > 0
    if "stock" in result:
        runs = pd.DataFrame(result["stock"]).set_index("users")
        seconds = runs["seconds"]
        found["allocations are within 0.5% of their bound"] = runs["gap"].max() <= 0.005
        found["ten times the users take 15 times as long at most"] = (
            seconds[1_000_000] < 15 * seconds[100_000]
        )
    return found


if __name__ == "__main__":
    run_parts(
        "pricing",
        ("numpy", "scipy", "pandas", "scikit-learn"),
        PARTS,
        [part for part in PARTS if part != "juice" or which("apt-get")],
        bars=bars,
        script=__file__,
        rooms=ROOMS,
    )
