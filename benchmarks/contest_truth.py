"""The second and the third contest of `PROTOCOL.md`: simulated markets, where the truth is known.

    python benchmarks/contest_truth.py [second | third] [--markets 1 2] [--minutes 8]

Configurations are those that the first contest found. What is done is kept in
`runs/contest_truth` and `runs/contest_again`: a run that was ended goes on from there, and two may
fit different markets at once.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from contest import BLEND, LATER, OWN, RUNS, WITHOUT_TREES, mean_of
from contest_models import OURS, PEERS, TODAY, TODAY_WITHOUT_CHAIN, Data
from ibis import _
from machine import RESULTS, store, use_two_cores

from coupon_rec.decisions import offer_value
from coupon_rec.decisions.value import SHARES
from coupon_rec.evaluation import total
from coupon_rec.features import Encoder, offers_frame
from coupon_rec.odds import best_of_each
from coupon_rec.simulation import MECHANISMS, State, open_market, simulate


class Contest(NamedTuple):
    """Who is judged in five markets, and by which commit these are drawn.

    Attributes
    ----------
    result : str
        The name of its results, and of the folder in `runs` with what is done.
    rules : str
        The commit that added its rules: the seeds follow from it.
    ours : str
        Less which the others are shown.
    models : tuple of str
        In the order in which they are fitted.
    """

    result: str
    rules: str
    ours: str
    models: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return RUNS.with_name(self.result)

    def seeds(self) -> list[int]:
        digits = sha256(self.rules.encode()).hexdigest()
        return [int(digits[8 * k : 8 * k + 8], 16) for k in range(len(MARKETS))]

    def path(self, number: int, campaign: int, name: str) -> Path:
        return self.folder / f"{number}-{campaign}-{name.replace(' ', '-').lower()}.npy"


SECOND = Contest(
    "contest_truth",
    "3e8a5679f317f6b31e8c18dc82567e6cffe21133",
    OURS,
    tuple(name for name, peer in PEERS.items() if not (peer.ranks_only or name in LATER)),
)
"""All that give a probability, and were there when it was held."""

THIRD = Contest(
    "contest_again",
    "5e287ef6bc597dc3f8b4cbded2a965546d7e4dff",
    TODAY,
    (
        *("XGBoost", "LightGBM", "CatBoost", "DCN-V2", "DeepFM", "Wide & Deep", "ESMM"),
        *("set transformer", TODAY_WITHOUT_CHAIN, TODAY),
    ),
)
"""The default of today, and the peers that were not behind ours in all markets of the second."""

SWAPPED = "coupled model with XGBoost's trees"
"""Ours with other trees: made of two models' predictions, after the first market was seen."""

FIRST = json.loads((RESULTS / "contest.json").read_text())
"""The first contest: the configurations that it found, and the peers whose mean was the best."""

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


@lru_cache(2)
def state(contest: Contest, number: int, campaigns: int) -> State:
    """The market after so many campaigns."""
    users, mechanisms, policy = MARKETS[number]
    if campaigns == 0:
        seed = contest.seeds()[number]
        return open_market(users, campaigns=CAMPAIGNS, seed=seed, mechanisms=mechanisms)
    return simulate(state(contest, number, campaigns - 1), policy)


@lru_cache(1)
def data(contest: Contest, number: int, campaign: int) -> tuple[Data, Data]:
    """What was known when a campaign began, and its offers, with the truth."""
    before, after = (state(contest, number, day).simulation() for day in (campaign - 1, campaign))
    known, offers = offers_frame(before.market), offers_frame(after.market)
    sent = after.truth.candidates.filter(_.offered, _.campaign_id == campaign)
    truth = sent.select(*KEY, "redeem", "profit").to_pandas()
    judged = offers[offers["campaign_id"] == campaign].merge(truth, on=KEY)
    encoder = Encoder.fit(known)
    return Data(known, encoder, after.market), Data(judged, encoder, after.market)


def judged_campaigns() -> range:
    return range(CAMPAIGNS - JUDGED + 1, CAMPAIGNS + 1)


def steps(contest: Contest, numbers: Iterable[int]) -> Iterator[str]:
    """Fit and predict what is not there yet, and yield a line after each fit."""
    contest.folder.mkdir(parents=True, exist_ok=True)
    for number, campaign in product(numbers, judged_campaigns()):
        truth = contest.path(number, campaign, "truth").with_suffix(".parquet")
        if not truth.exists():
            columns = [*KEY, "redeem", "profit", "spend_per_line", "discount", *SHARES]
            data(contest, number, campaign)[1].offers[columns].to_parquet(truth)
        for name in contest.models:
            file = contest.path(number, campaign, name)
            if not file.exists():
                best = FIRST["models"][name]
                scores = PEERS[name].fit(
                    *data(contest, number, campaign), best["configuration"], [best["rounds"]], 0
                )
                np.save(file, scores[best["rounds"]])
                yield f"market {number + 1}, campaign {campaign}: {name}"


def predictions(contest: Contest, number: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The judged offers of a market with their truth, and what each model says of them."""
    days = judged_campaigns()
    truths = [contest.path(number, day, "truth").with_suffix(".parquet") for day in days]
    truth = pd.concat([pd.read_parquet(path) for path in truths], ignore_index=True)
    p = {
        name: np.concatenate([np.load(contest.path(number, day, name)) for day in days])
        for name in contest.models
    }
    p[BLEND] = mean(p, FIRST["blended"])
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


def report(contest: Contest) -> dict[str, Any]:
    """Each market, and in it each model's excess, its shares of the oracle's profit, ours less it.

    A share is that of the choices by one worth for all redemptions, the true mean, and by the
    book's assumptions.
    """
    markets: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for number, (size, mechanisms, _policy) in enumerate(MARKETS):
        truth, p = predictions(contest, number)
        redeem, mean_worth = truth["redeem"].to_numpy(), worth(truth)
        market = {"market": number + 1, "seed": contest.seeds()[number], "users": size}
        sizes = {"mechanisms": len(mechanisms), "offers": len(truth), "redeemed": redeem.sum()}
        markets.append({**market, **sizes, "worth": mean_worth})
        if contest is SECOND:
            p[SWAPPED] = mean(p, [WITHOUT_TREES, "XGBoost"])
        p["chance"] = np.full(len(truth), redeem.mean())
        p["truth"] = redeem
        loss = {name: excess(redeem, said) for name, said in p.items()}
        users = truth["user_id"]
        if contest is SECOND:
            markets[-1][f"{SWAPPED}, less XGBoost"] = gap(loss[SWAPPED] - loss["XGBoost"], users)
        rows += [
            {
                "market": number + 1,
                "model": name,
                "excess": float(loss[name].mean()),
                **gap(loss[contest.ours] - loss[name], users),
                "of_oracle": of_oracle(truth, said * mean_worth - CONTACT),
                "by_assumptions": of_oracle(truth, offer_value(truth, said)),
            }
            for name, said in p.items()
        ]
    own = [name for name in (*OWN, SWAPPED) if name in p]
    return {"own": own, "blended": FIRST["blended"], "markets": markets, "rows": rows}


def gap(of_offer: np.ndarray, users: pd.Series) -> dict[str, float]:
    """The mean of a difference, and its interval over users."""
    found = total(of_offer / len(of_offer), users)
    return {"difference": found["value"], "low": found["low"], "high": found["high"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    contests = {"second": SECOND, "third": THIRD}
    parser.add_argument("contest", nargs="?", choices=contests, help="both, if left out")
    every = range(1, len(MARKETS) + 1)
    parser.add_argument("--markets", type=int, nargs="+", choices=every, default=every)
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so many")
    asked = parser.parse_args()
    end = time.monotonic() + 60 * asked.minutes
    use_two_cores()
    for contest in [contests[asked.contest]] if asked.contest else contests.values():
        for line in steps(contest, [number - 1 for number in asked.markets]):
            print(line, flush=True)
            if time.monotonic() > end:
                sys.exit("Not done: run it again to go on.")
        if len(asked.markets) == len(MARKETS):
            store(contest.result, ("keras", "lightgbm", "xgboost", "catboost"), report(contest))


if __name__ == "__main__":
    main()
