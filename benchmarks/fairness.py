"""Who gets the coupons, by group and by seed, and what limits cost: the figures of chapter 22.

`python benchmarks/fairness.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- seeds: how often two seeds of the book's model choose the same coupon, and two ensembles of three;
- blind: two models without the demographic columns beside two with them;
- seen: what a purchase, made to be seen, brings a user to whom nothing is sent, and what it costs;
- limits: allocations under a limit on groups beside HiGHS, on the test campaigns;
- curves: what a band's lists are worth, the best first, for the live figure;
- coverage: how often our interval of a group's rate holds it; `fairness_peers.py` adds fairlearn's.
"""

import os
import time
from datetime import date, datetime
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from fairness_cases import DRAWS, drawn
from machine import run_parts, stored
from numpy.typing import NDArray
from scipy.optimize import milp
from scipy.sparse import coo_array, csr_array, hstack, vstack

import coupon_rec.book.fairly as fairly
import coupon_rec.book.prelude as prelude
from coupon_rec.book import SPLIT
from coupon_rec.decisions import (
    Budget,
    Economics,
    GroupLimit,
    allocate,
    expected_discount,
    offer_value,
)
from coupon_rec.evaluation import agreement, auc, group_gap, group_means
from coupon_rec.features import split

PACKAGES = ("numpy", "scipy", "keras", "tensorflow", "lightgbm")
SEEDS = 6
DEMOGRAPHICS = ["age", "income", "home", "marital_status", "household_size", "household_comp"]
DEMOGRAPHICS += ["kids"]
DAY = date(2017, 11, 20)
USERS = 300


def promised(seed: int) -> NDArray[np.float64]:
    """What the book's model of a seed promises for each offer of the test campaigns."""
    from coupon_rec.models import predict

    return predict(prelude.model(seed).served, fairly.test())["redeemed"].to_numpy()


def seeds() -> dict[str, Any]:
    """Agreement of single models and of ensembles, over all ways to cut six into two threes."""
    lists, p = fairly.lists(), [promised(seed) for seed in range(SEEDS)]
    users = lists.users
    single = [lists.choice(each) for each in p]
    sent = [each >= 0 for each in single]
    parts = [part for part in combinations(range(SEEDS), 3) if 0 in part]
    pairs, sending = [], []
    for part in parts:
        halves = [part, [seed for seed in range(SEEDS) if seed not in part]]
        chosen = [lists.choice(np.mean([p[seed] for seed in half], axis=0)) for half in halves]
        pairs.append(chosen[0] == chosen[1])
        sending.append((chosen[0] >= 0) == (chosen[1] >= 0))
    same = np.mean([a == b for a, b in combinations(single, 2)], axis=0)
    whether = np.mean([a == b for a, b in combinations(sent, 2)], axis=0)
    once = pd.Series(np.mean(sent, axis=0))
    gaps = [group_gap(each, lists.band, users, between=fairly.FAR)["value"] for each in sent]
    return {
        "seeds": SEEDS,
        "AUC": [auc(fairly.test()["redeemed"], each) for each in p],
        "gap": gaps,
        "single": agreement(single, users).to_dict(),
        "ensemble": mean(np.mean(pairs, axis=0), users),
        "more": mean(np.mean(pairs, axis=0) - same, users),
        "sends, single": mean(whether, users),
        "sends, ensemble": mean(np.mean(sending, axis=0), users),
        "depends on the seed": mean(((once > 0) & (once < 1)).to_numpy(float), users),
        "gap by group": fairly.by_band(((once > 0) & (once < 1)).to_numpy(float)),
    }


def mean(values: Any, users: Any) -> dict[str, float]:
    """Give the mean over lists, with its interval over users."""
    table = group_means(values, np.full(len(values), "all"), users)
    return table.loc["all", ["value", "low", "high"]].to_dict()


def blind() -> dict[str, Any]:
    """Fit models with and without the demographic columns, and compare what they send."""
    from coupon_rec.features import Encoder
    from coupon_rec.models import boosted, coupled_model, predict, with_trees
    from coupon_rec.training import examples, fit

    lists, test = fairly.lists(), fairly.test()
    train, validation, _ = split(prelude.offers(), *SPLIT)
    hidden = [each.assign(**dict.fromkeys(DEMOGRAPHICS, "unknown")) for each in (train, validation)]
    found: dict[str, Any] = {"rows": []}
    sent = {}
    for seed in range(2):
        encoder = Encoder.fit(hidden[0])
        network = coupled_model(encoder, seed=seed)
        arrays, labels = examples(hidden[0], encoder)
        fit(network, (arrays, labels), examples(hidden[1], encoder), seed=seed)
        model = with_trees(network, boosted(encoder, arrays, labels["redeemed"], seed=seed))
        unseen = test.assign(**dict.fromkeys(DEMOGRAPHICS, "unknown"))
        without = predict(model, unseen)["redeemed"].to_numpy()
        for name, p in (("with", promised(seed)), ("without", without)):
            choice = sent[name, seed] = lists.choice(p)
            rates = fairly.by_band((choice >= 0).astype(float))
            gap = group_gap(choice >= 0, lists.band, lists.users, between=fairly.FAR)
            row = {"columns": name, "seed": seed, "AUC": auc(test["redeemed"], p)}
            found["rows"].append(row | {"rates": rates, "gap": gap.to_dict()})
    change = [
        (sent["without", seed] >= 0).astype(float) - (sent["with", seed] >= 0) for seed in range(2)
    ]
    found["change of the gap"] = group_gap(
        np.mean(change, axis=0), lists.band, lists.users, between=fairly.FAR
    ).to_dict()
    return found


def seen() -> dict[str, Any]:
    """Suppose that users to whom nothing is sent buy one item of their best coupon."""
    from coupon_rec import load_complete_journey
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.serving.events.event import Event
    from coupon_rec.serving.events.feature_store import FeatureStore

    model, market = prelude.model().served, load_complete_journey()
    covered = market.coupon_items.to_pandas().groupby("coupon_id")["item_id"].agg(list)
    lines = market.purchases.filter(market.purchases.time < datetime(2017, 11, 20)).to_pandas()
    price = lines.assign(each=lines["amount"] / lines["quantity"].clip(lower=1))
    price = price[price["each"] > 0].groupby("item_id")["each"].median()
    economics = Economics()
    with TemporaryDirectory() as folder:
        write_snapshot(market, DAY, Path(folder, "snapshot"))
        snapshot = FeatureStore.load(Path(folder, "snapshot"), model.encoder)
        offered = market.offers.to_pandas()
        users = np.sort(offered["user_id"].unique())
        rng, rows = np.random.default_rng(0), []
        facts = prelude.offers().drop_duplicates("coupon_id", keep="last").set_index("coupon_id")

        def valued(candidates: Any) -> pd.Series:
            p = np.asarray(model.predict_on_batch(candidates.arrays)["redeemed"]).ravel()
            known = facts.reindex(candidates.coupon_id)
            spend, discount = (known[name].to_numpy() for name in ("spend_per_line", "discount"))
            value = economics.profit(p, spend, discount)
            return pd.DataFrame({"p": p, "value": value}, candidates.coupon_id)

        for user in rng.permutation(users):
            live = snapshot.offers(int(user), DAY)
            if not len(live.coupon_id):
                continue
            now = valued(live).dropna()
            if not len(now) or now["value"].max() > 0:
                continue
            coupon = now["value"].idxmax()
            items = [item for item in covered[coupon] if item in price.index]
            if not items:
                continue
            item = price.loc[items].idxmin()
            row = {"user": int(user), "cost": float(price[item])}
            for times in (1, 3):
                bought = int(user), datetime(2017, 11, 20, 12), "purchase", int(item)
                amount = float(price[item])
                events = [
                    Event(f"{user}-{k}", *bought, 10**12 + k, amount=amount) for k in range(times)
                ]
                then = valued(snapshot.supposing(int(user), DAY, events)).dropna()
                gone = coupon not in then.index
                row[f"ratio {times}"] = np.nan if gone else then["p"][coupon] / now["p"][coupon]
                row[f"sent {times}"] = bool(then["value"].max() > 0) if len(then) else False
                won = facts.loc[then["value"].idxmax()] if row[f"sent {times}"] else None
                row[f"face {times}"] = np.nan if won is None else float(won["discount"])
            rows.append(row)
            if len(rows) == USERS:
                break
    table = pd.DataFrame(rows)
    found: dict[str, Any] = {"users": len(table)}
    for times in (1, 3):
        sent, face = table[f"sent {times}"].to_numpy(float), table[f"face {times}"]
        cost = times * table["cost"]
        found |= {
            f"sent {times}": mean(sent, table["user"]),
            f"cost {times}": mean(cost, table["user"]),
            f"face {times}": mean(face.dropna(), table["user"][face.notna()]),
            f"brings {times}": mean(face.fillna(0.0), table["user"]),
            f"gain {times}": mean(face.fillna(0.0) - cost, table["user"]),
            f"pays {times}": float((face > cost)[sent > 0].mean()),
            f"ratio {times}": float(table[f"ratio {times}"].median()),
        }
    gain = table["face 1"].fillna(0.0) - table["cost"]
    cheap = table["cost"] <= table["cost"].median()
    return found | {
        "cost, median": float(table["cost"].median()),
        "gain 1, cheaper half": mean(gain[cheap], table["user"][cheap]),
    }


def limits() -> dict[str, Any]:
    """Allocate under limits on groups, by prices and by HiGHS."""
    lists, test = fairly.lists(), fairly.test()
    p = promised(0)
    value = lists.places.fill(offer_value(test, p), -np.inf)
    cost = lists.places.fill(expected_discount(test, p), 0.0)
    rows = []
    best = np.argsort(-value, axis=1)[:, :5]
    some = np.take_along_axis(value, best, 1), np.take_along_axis(cost, best, 1)
    for budget, gap in ((None, 0.1), (None, 0.02), (20.0, 0.1), (20.0, 0.02)):
        limit = GroupLimit(lists.band, gap)
        funds = [] if budget is None else [Budget(budget, some[1])]
        start = time.perf_counter()
        found = allocate(some[0], funds, group_limit=limit, method="dual")
        middle = time.perf_counter()
        bound = highs(*some, lists.band, gap, budget)
        rates = limit.rates(found.chosen).values()
        rows.append(
            {
                "budget": budget,
                "limit": gap,
                "gap": max(rates) - min(rates),
                "value": found.value,
                "HiGHS": bound,
                "below, %": 100 * (1 - found.value / bound),
                "seconds": middle - start,
                "HiGHS seconds": time.perf_counter() - middle,
            }
        )
    return {"rows": rows}


def highs(value: Any, cost: Any, band: Any, gap: float, budget: float | None) -> float:
    """Solve the same with one variable for the lowest rate: the bound of whole coupons."""
    row, column = np.nonzero(np.isfinite(value))
    size = len(row)
    group = np.unique(band, return_inverse=True)[1]
    people = np.bincount(group)
    once = coo_array((np.ones(size), (row, np.arange(size))), shape=(len(value), size))
    share = coo_array((1 / people[group[row]], (group[row], np.arange(size))))
    level = csr_array(np.ones((len(people), 1)))
    matrix = [hstack([once, csr_array((len(value), 1))])]
    matrix += [hstack([share, -level]), hstack([-share, level])]
    most = [np.ones(len(value)), np.full(len(people), gap), np.zeros(len(people))]
    if budget is not None:
        matrix.append(csr_array(np.append(cost[row, column], 0.0)[None]))
        most.append(np.array([budget]))
    found = milp(
        -np.append(value[row, column], 0.0),
        integrality=np.arange(size + 1) < size,
        bounds=(0, 1),
        constraints=(vstack(matrix), -np.inf, np.concatenate(most)),
        options={"time_limit": 60, "mip_rel_gap": 1e-4},
    )
    return float(-found.mip_dual_bound if found.mip_dual_bound is not None else -found.fun)


def coverage() -> dict[str, Any]:
    """How often the interval of a group's rate holds it, where users have many offers each."""
    held, widths, values = [], [], []
    for seed in range(DRAWS):
        data = drawn(seed)
        columns = data["y"], data["group"], data["user"]
        rate = group_means(*columns, replicates=200).loc["a"]
        held.append(rate["low"] <= data["truth"] <= rate["high"])
        widths.append(rate["high"] - rate["low"])
        values.append(rate["value"])
    old = stored("fairness").get("coverage", {})
    kept = {name: old[name] for name in old if name.startswith("fairlearn")}
    return {
        "draws": DRAWS,
        "ours": float(np.mean(held)),
        "ours width": float(np.mean(widths)),
        "values": values,
        **kept,
    }


def curves() -> dict[str, Any]:
    """Cents of profit if the best 0%, 1%, ..., 100% of each band are sent their best coupon."""
    lists = fairly.lists()
    value = lists.places.fill(offer_value(fairly.test(), promised(0)), -np.inf).max(axis=1)
    found = {}
    for band in fairly.BANDS:
        best = 100 * np.sort(value[lists.band == band])[::-1]
        sums = np.append(0.0, np.cumsum(best))
        found[band] = np.interp(np.arange(101) / 100 * len(best), np.arange(len(sums)), sums)
    return {band: each.round(2).tolist() for band, each in found.items()}


PARTS = {"seeds": seeds, "blind": blind, "seen": seen, "limits": limits}
PARTS |= {"coverage": coverage, "curves": curves}


if __name__ == "__main__":
    os.environ.setdefault("TQDM_DISABLE", "1")
    run_parts("fairness", PACKAGES, PARTS)
