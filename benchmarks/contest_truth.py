"""The second contest of `PROTOCOL.md`: five simulated markets, where the truth is known.

Run `contest.py` first: configurations are those that it found. What is done is kept in
`runs/contest_truth`; `--minutes 8` ends a run early, to be gone on with.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import BLEND, LATER, OWN, RUNS, WITHOUT_TREES, blended, chosen, mean_of
from contest_models import OURS, PEERS, Data
from ibis import _
from machine import store, use_two_cores

from coupon_rec.decisions import offer_value
from coupon_rec.evaluation import total
from coupon_rec.features import Encoder, offers_frame
from coupon_rec.odds import best_of_each
from coupon_rec.simulation import MECHANISMS, State, open_market, simulate

PROTOCOL = "3e8a5679f317f6b31e8c18dc82567e6cffe21133"
"""The commit that added `PROTOCOL.md`."""

MODELS = [name for name, peer in PEERS.items() if not (peer.ranks_only or name in LATER)]
"""Those that give a probability, and were there when it was held."""

SWAPPED = "coupled model with XGBoost's trees"
"""Ours with other trees: made of two models' predictions, after the first market was seen."""

FOLDER = RUNS.with_name("contest_truth")
CAMPAIGNS, JUDGED = 13, 4
CONTACT = 0.005
KEY = ["campaign_id", "user_id", "coupon_id"]
HIDDEN, MOVING = ("delay", "accounts"), ("drift", "novelty")
USUAL = tuple(name for name in MECHANISMS if name not in (*HIDDEN, *MOVING))


def at_random(offers: pd.DataFrame) -> pd.DataFrame:
    """Mail one user in two; one coupon of each type, by chance."""
    of_type = offers.groupby(["user_id", "type"])["coupon_id"].transform("size")
    return pd.DataFrame({"mailing": 0.5, "coupon": 1 / of_type})


def by_past(offers: pd.DataFrame) -> pd.DataFrame:
    """Mail all; the oftener a user bought a type, the likelier its coupon."""
    of_type = offers.groupby(["user_id", "type"])["coupon_id"].transform("size")
    wanted = 1 - np.exp(-0.1 - offers["bought"] / 4)
    return pd.DataFrame({"mailing": 1.0, "coupon": wanted / of_type})


Policy = Callable[[pd.DataFrame], pd.DataFrame]
MARKETS: list[tuple[int, tuple[str, ...], Policy | None]] = [
    (20_000, USUAL, None),
    (10_000, USUAL, at_random),
    (20_000, (*USUAL, *HIDDEN), None),
    (20_000, (*USUAL, *MOVING), None),
    (30_000, USUAL, by_past),
]


def seeds() -> list[int]:
    digits = sha256(PROTOCOL.encode()).hexdigest()
    return [int(digits[8 * k : 8 * k + 8], 16) for k in range(len(MARKETS))]


@lru_cache(2)
def state(number: int, campaigns: int) -> State:
    """The market after so many campaigns."""
    users, mechanisms, policy = MARKETS[number]
    if campaigns == 0:
        return open_market(users, campaigns=CAMPAIGNS, seed=seeds()[number], mechanisms=mechanisms)
    return simulate(state(number, campaigns - 1), policy)


@lru_cache(1)
def data(number: int, campaign: int) -> tuple[Data, Data]:
    """What was known when a campaign began, and its offers, with the truth."""
    before, after = state(number, campaign - 1).simulation(), state(number, campaign).simulation()
    known, offers = offers_frame(before.market), offers_frame(after.market)
    sent = after.truth.candidates.filter(_.offered, _.campaign_id == campaign)
    truth = sent.select(*KEY, "redeem", "profit").to_pandas()
    judged = offers[offers["campaign_id"] == campaign].merge(truth, on=KEY)
    encoder = Encoder.fit(known)
    return Data(known, encoder, after.market), Data(judged, encoder, after.market)


def path(number: int, campaign: int, name: str) -> Path:
    return FOLDER / f"{number}-{campaign}-{name.replace(' ', '-').lower()}.npy"


def judged_campaigns() -> range:
    return range(CAMPAIGNS - JUDGED + 1, CAMPAIGNS + 1)


def steps() -> Iterator[str]:
    """Fit and predict what is not there yet, and yield a line after each fit."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number in range(len(MARKETS)):
        for campaign in judged_campaigns():
            truth = path(number, campaign, "truth").with_suffix(".parquet")
            if not truth.exists():
                columns = [*KEY, "redeem", "profit", "spend_per_line", "coupon_discount"]
                data(number, campaign)[1].offers[columns].to_parquet(truth)
            for name in MODELS:
                file = path(number, campaign, name)
                if not file.exists():
                    best = chosen(name)
                    scores = PEERS[name].fit(
                        *data(number, campaign), best["configuration"], [best["rounds"]], 0
                    )
                    np.save(file, scores[best["rounds"]])
                    yield f"market {number + 1}, campaign {campaign}: {name}"


def predictions(number: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The judged offers of a market with their truth, and what each model says of them."""
    days = judged_campaigns()
    truth = pd.concat(
        [pd.read_parquet(path(number, day, "truth").with_suffix(".parquet")) for day in days],
        ignore_index=True,
    )
    p = {
        name: np.concatenate([np.load(path(number, day, name)) for day in days]) for name in MODELS
    }
    p[BLEND] = mean(p, [name for name in blended() if name in p])
    return truth, p


def mean(p: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """The mean in log odds of what some models say."""
    return mean_of([p[name][:, None] for name in names])[:, 0]


def excess(truth: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The expected log loss of each prediction over that of the truth."""
    p = np.clip(p, 1e-9, 1 - 1e-9)
    t = np.clip(truth, 1e-12, 1 - 1e-12)
    return np.asarray(t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p)))


def worth(truth: pd.DataFrame) -> float:
    """What the offers earn by the truth, for each redemption."""
    return float(truth.loc[truth["redeem"] > 0, "profit"].sum() / truth["redeem"].sum())


def of_oracle(truth: pd.DataFrame, value: np.ndarray) -> float:
    """The share of the oracle's profit that a choice by value keeps, one coupon or none a user."""
    lists = truth.groupby(["campaign_id", "user_id"]).ngroup().to_numpy()
    profit = truth["profit"].to_numpy() - CONTACT

    def earned(value: np.ndarray) -> float:
        best = best_of_each(lists, value, truth["coupon_id"].to_numpy())
        return float(profit[best[value[best] > 0]].sum())

    return earned(value) / earned(profit)


def report() -> dict[str, Any]:
    """Each market, and in it each model's excess, its shares of the oracle's profit, ours less it.

    A share is that of the choices by one worth for all redemptions, the true mean, and by the
    book's assumptions.
    """
    markets: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, (size, mechanisms, _policy) in enumerate(MARKETS):
        truth, p = predictions(number)
        redeem, mean_worth = truth["redeem"].to_numpy(), worth(truth)
        market = {"market": number + 1, "seed": seeds()[number], "users": size}
        sizes = {"mechanisms": len(mechanisms), "offers": len(truth), "redeemed": redeem.sum()}
        markets.append({**market, **sizes, "worth": mean_worth})
        p[SWAPPED] = mean(p, [WITHOUT_TREES, "XGBoost"])
        p["chance"] = np.full(len(truth), redeem.mean())
        p["truth"] = redeem
        loss = {name: excess(redeem, said) for name, said in p.items()}
        users = truth["user_id"]
        markets[-1][f"{SWAPPED}, less XGBoost"] = gap(loss[SWAPPED] - loss["XGBoost"], users)
        rows += [
            {
                "market": number + 1,
                "model": name,
                "excess": float(loss[name].mean()),
                **gap(loss[OURS] - loss[name], users),
                "of_oracle": of_oracle(truth, said * mean_worth - CONTACT),
                "by_assumptions": of_oracle(truth, offer_value(truth, said)),
            }
            for name, said in p.items()
        ]
    own = [*(name for name in OWN if name in MODELS), SWAPPED]
    return {"own": own, "blended": blended(), "markets": markets, "rows": rows}


def gap(of_offer: np.ndarray, users: pd.Series) -> dict[str, float]:
    """The mean of a difference, and its interval over users."""
    found = total(of_offer / len(of_offer), users)
    return {"difference": found["value"], "low": found["low"], "high": found["high"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so many")
    end = time.monotonic() + 60 * parser.parse_args().minutes
    use_two_cores()
    for line in steps():
        print(line, flush=True)
        if time.monotonic() > end:
            sys.exit("Not done: run it again to go on.")
    store("contest_truth", ("keras", "lightgbm", "xgboost", "catboost"), report())


if __name__ == "__main__":
    main()
