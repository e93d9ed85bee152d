"""The contest by the rules of `PROTOCOL.md`: the book's model and its peers, on Complete Journey.

What is done is kept in `runs/contest`, so that a run that was killed goes on; `--minutes 8` ends a
run early, to be gone on with. Delete the folder to start anew, as after a change of the features.
The configurations that were found are also kept in `contest_tuning.json`; `--tuned` takes
them from there, and searches only for the models that it lacks.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest_models import (
    OURS,
    PEERS,
    TODAY,
    TODAY_WITHOUT_CHAIN,
    WITHOUT_CHAIN,
    Configuration,
    Data,
    Scores,
    log_odds,
    sigmoid,
)
from machine import store, use_two_cores
from scipy.stats import norm

from coupon_rec import load_complete_journey
from coupon_rec.evaluation import compare, evaluate, log_loss, ndcg, platt
from coupon_rec.features import Encoder, offers_frame

RUNS = Path(__file__).parents[1] / "runs" / "contest"
TUNED = Path(__file__).parent / "contest_tuning.json"
TRAIN_FROM, JUDGE_FROM, DATA_UNTIL = "2017-01-01", "2017-10-01", "2017-12-31"
TUNING_DAYS = ("2017-05-31", "2017-06-28", "2017-07-12", "2017-08-08")
BUDGET = 12
BLEND = "mean of the best peers"
WITHOUT_TREES = "coupled model, network"
LATER = (TODAY, TODAY_WITHOUT_CHAIN)
"""Made after both contests, of what they had shown."""
OWN = (OURS, WITHOUT_CHAIN, WITHOUT_TREES, *LATER)
METRICS = ("log loss", "NDCG@10", "average precision")
CLUSTERS = ("user_id", "coupon_id")
REPLICATES = 200
PACKAGES = ("catboost", "keras", "keras-rs", "lightgbm", "scikit-learn", "tensorflow", "xgboost")


# The days


@cache
def offers_table() -> pd.DataFrame:
    """The offers of 2017, with the last day of their campaign, one list after the other."""
    path = RUNS / "offers.parquet"
    if not path.exists():
        RUNS.mkdir(parents=True, exist_ok=True)
        market = load_complete_journey()
        ends = market.campaigns.to_pandas().set_index("campaign_id")["end"]
        offers = offers_frame(market)
        offers = offers.assign(end=pd.to_datetime(offers["campaign_id"].map(ends)))
        offers = offers[offers["start"] >= TRAIN_FROM]
        offers.sort_values(["campaign_id", "user_id", "coupon_id"]).to_parquet(path, index=False)
    return pd.read_parquet(path)


def judging_days() -> list[str]:
    days = offers_table()["start"]
    return sorted(days[days >= JUDGE_FROM].dt.strftime("%Y-%m-%d").unique())


def offers_of(days: Sequence[str]) -> pd.DataFrame:
    offers = offers_table()
    return pd.concat([offers[offers["start"] == day] for day in days], ignore_index=True)


def fits(days: Sequence[str]) -> list[list[str]]:
    """Put the days together between which no campaign ended: one fit serves them all."""
    known: dict[int, list[str]] = {}
    for day in days:
        known.setdefault(int((offers_table()["end"] < day).sum()), []).append(day)
    return list(known.values())


@cache
def data_of(days: tuple[str, ...]) -> tuple[Data, Data]:
    """The offers whose outcomes were known on the first of the days, and those of the days."""
    offers = offers_table()
    train = offers[offers["end"] < days[0]]
    encoder, market = Encoder.fit(train), load_complete_journey()
    return Data(train, encoder, market), Data(offers_of(days), encoder, market)


# Tuning


def tune(name: str) -> Iterator[str]:
    """Climb the ladders from their middles to a configuration without a better neighbor."""
    peer = PEERS[name]
    at = {ladder: len(rungs) // 2 for ladder, rungs in peer.ladders.items()}
    best = tried(name, at)
    yield described(best)
    moved = True
    while moved:
        moved = False
        for ladder, rungs in peer.ladders.items():
            for step in (1, -1):
                while 0 <= at[ladder] + step < len(rungs):
                    there = {**at, ladder: at[ladder] + step}
                    if not kept(name, there).exists() and spent(name) == BUDGET:
                        break
                    found = tried(name, there)
                    yield described(found)
                    if found["loss"] >= best["loss"]:
                        break
                    at, best, moved = there, found, True
    found = {**best, "spent": spent(name), "at_an_end": ends(name, at, best["rounds"])}
    keep(folder(name) / "best.json", found)
    keep(TUNED, {**found_before(), name: found})


def found_before() -> dict[str, dict[str, Any]]:
    """The best configurations of earlier runs, by model."""
    return json.loads(TUNED.read_text()) if TUNED.exists() else {}


def taken_over(name: str, found: dict[str, Any]) -> str:
    """Fit a configuration that was found before, for its scores of the tuning days."""
    rungs = Path(found["file"]).stem.split("-")[1:]
    again = tried(name, dict(zip(PEERS[name].ladders, map(int, filter(None, rungs)), strict=True)))
    keep(folder(name) / "best.json", found)
    return described(again)


def spent(name: str) -> int:
    return len(list(folder(name).glob("at-*.json")))


def ends(name: str, at: dict[str, int], rounds: int) -> list[str]:
    """The ladders on which a neighbor of the best configuration is missing or was not tried.

    "rounds" is among them if the best number of rounds is the first or the last.
    """
    tried_rounds = PEERS[name].rounds
    at_an_end = len(tried_rounds) > 1 and rounds in (tried_rounds[0], tried_rounds[-1])
    return ["rounds"] * at_an_end + [
        ladder
        for ladder, rungs in PEERS[name].ladders.items()
        if not all(
            0 <= rung < len(rungs) and kept(name, {**at, ladder: rung}).exists()
            for rung in (at[ladder] - 1, at[ladder] + 1)
        )
    ]


def kept(name: str, at: dict[str, int]) -> Path:
    return folder(name) / f"at-{'-'.join(map(str, at.values()))}.json"


def tried(name: str, at: dict[str, int]) -> dict[str, Any]:
    """Score a configuration on the tuning days after each number of rounds, and keep the best."""
    path, peer = kept(name, at), PEERS[name]
    if not path.exists():
        configuration = {ladder: rungs[at[ladder]] for ladder, rungs in peer.ladders.items()}
        scores = predicted(name, configuration, TUNING_DAYS, peer.rounds, seed=0)
        losses = {rounds: loss(name, score) for rounds, score in scores.items()}
        best = min(losses, key=losses.__getitem__)
        keep(path, {"configuration": configuration, "rounds": best, "loss": losses[best]})
        np.save(path.with_suffix(".npy"), scores[best].astype("float32"))
    return {"name": name, "file": path.name, **json.loads(path.read_text())}


def loss(name: str, score: np.ndarray) -> float:
    judged = offers_of(TUNING_DAYS)
    if PEERS[name].ranks_only:
        group = judged.groupby(["campaign_id", "user_id"]).ngroup()
        return -float(ndcg(judged["redeemed"], score, group))
    return float(log_loss(judged["redeemed"], score))


def predicted(
    name: str, configuration: Configuration, days: Sequence[str], rounds: Sequence[int], seed: int
) -> Scores:
    """The scores of the offers of some days, by fits to what was known on each."""
    parts = [
        PEERS[name].fit(*data_of(tuple(fit)), configuration, rounds, seed) for fit in fits(days)
    ]
    return {n: np.concatenate([part[n] for part in parts]) for n in rounds}


def described(found: dict[str, Any]) -> str:
    return f"{found['name']:26} {found['loss']:.6f} {found['rounds']:4} {found['configuration']}"


# Judging


def judge(name: str) -> Iterator[str]:
    """Fit the best configuration with each seed, and predict the days of the contest."""
    best = best_of(name)
    for seed in range(PEERS[name].seeds):
        path = folder(name) / f"seed-{seed}.npy"
        if not path.exists():
            start = time.perf_counter()
            rounds = [best["rounds"]]
            scores = predicted(name, best["configuration"], judging_days(), rounds, seed)
            np.save(path, scores[best["rounds"]].astype("float32"))
            seconds = time.perf_counter() - start
            keep(path.with_suffix(".json"), {"seconds": seconds})
            yield f"{name:26} seed {seed} {seconds:.0f} s"


def probabilities(name: str) -> np.ndarray:
    """The predictions of the days of the contest, shape (offers, seeds)."""
    if name == BLEND:
        return mean_of([probabilities(each) for each in blended()])
    scores = [np.load(path).astype("float64") for path in sorted(folder(name).glob("seed-*.npy"))]
    return np.stack([as_probability(name, score) for score in scores], axis=1)


def mean_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Mean in log odds; a part with one seed serves each seed of the others."""
    seeds = max(part.shape[-1] for part in parts)
    wide = [np.broadcast_to(log_odds(part), (len(part), seeds)) for part in parts]
    return sigmoid(np.mean(wide, axis=0))


def tuned(name: str) -> np.ndarray:
    """The predictions of the tuning days by the best configuration, shape (offers, 1)."""
    return as_probability(name, tuning_score(name))[:, None]


def as_probability(name: str, score: np.ndarray) -> np.ndarray:
    """A score that only ranks gets a line to a probability, fitted on the tuning days."""
    if not PEERS[name].ranks_only:
        return score
    line = tuning_line(name)
    return sigmoid(line.intercept + line.slope * np.clip(score, -30, 30))


@cache
def tuning_line(name: str) -> Any:
    return platt(offers_of(TUNING_DAYS)["redeemed"], sigmoid(tuning_score(name)))


def best_of(name: str) -> dict[str, Any]:
    """The configuration that tuning found."""
    found: dict[str, Any] = json.loads((folder(name) / "best.json").read_text())
    return found


def tuning_score(name: str) -> np.ndarray:
    """The scores of the tuning days by the best configuration."""
    file = folder(name) / best_of(name)["file"]
    return np.load(file.with_suffix(".npy")).astype("float64")


@cache
def blended() -> list[str]:
    """The best k peers by their loss on the tuning days, of which the mean is best there."""
    y = offers_of(TUNING_DAYS)["redeemed"]
    peers = [name for name in PEERS if name not in OWN]
    order = sorted(peers, key=lambda name: log_loss(y, tuned(name)[:, 0]))
    means = [mean_of([tuned(name) for name in order[:k]]) for k in range(2, len(order) + 1)]
    losses = [log_loss(y, mean[:, 0]) for mean in means]
    return order[: 2 + int(np.argmin(losses))]


# The report


def report() -> dict[str, Any]:
    """Each model's measures, ours less each, chance, what gap counts, and today's default."""
    judged = offers_of(judging_days())
    names = [*PEERS, BLEND]
    others = [name for name in names if name not in (OURS, *LATER)]
    before_it = [OURS, TODAY_WITHOUT_CHAIN, "XGBoost", BLEND]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        values = pd.concat(
            dict(zip(names, pool.map(measured, names), strict=True)), names=["model"]
        )
        gaps, later = (
            pd.concat(
                dict(zip(them, pool.map(partial(gap, ours), them), strict=True)), names=["peer"]
            )
            for ours, them in ((OURS, others), (TODAY, before_it))
        )
    return {
        "judged_from": JUDGE_FROM,
        "days": judging_days(),
        "tuning_days": TUNING_DAYS,
        "budget": BUDGET,
        "seeds": PEERS[OURS].seeds,
        "offers": {name: int(part.sum()) for name, part in slices(judged).items()},
        "redeemed": {
            name: int(judged["redeemed"][part].sum()) for name, part in slices(judged).items()
        },
        "blended": blended(),
        "models": {name: chosen(name) for name in PEERS},
        "values": rows(values[["value", "low", "high"]]),
        "gaps": rows(corrected(gaps)),
        "later": rows(later),
        "chance": chance(judged),
    }


def measured(name: str) -> pd.DataFrame:
    judged = offers_of(judging_days())
    return evaluate(judged, probabilities(name), **asked(judged))


def gap(ours: str, name: str) -> pd.DataFrame:
    """One of ours less another model."""
    judged = offers_of(judging_days())
    return compare(judged, probabilities(ours), probabilities(name), **asked(judged))


def asked(judged: pd.DataFrame) -> dict[str, Any]:
    return {
        "metrics": METRICS,
        "slices": slices(judged),
        "clusters": CLUSTERS,
        "replicates": REPLICATES,
    }


def slices(judged: pd.DataFrame) -> dict[str, np.ndarray]:
    a = (judged["campaign_type"] == "A").to_numpy()
    over = (judged["end"] <= DATA_UNTIL).to_numpy()
    return {
        "all": np.full(len(judged), True),
        "A": a,
        "B and C": ~a,
        "complete": over,
        "cut short": ~over,
    }


def corrected(gaps: pd.DataFrame) -> pd.DataFrame:
    """Add p-values, corrected by Holm over the peers, and the gap found four times in five."""
    error = (gaps["high"] - gaps["low"]) / (2 * norm.ppf(0.975))
    gaps = gaps.assign(
        p=2 * norm.sf((gaps["difference"] / error).abs()),
        detectable=(norm.ppf(0.975) + norm.ppf(0.8)) * error,
    )
    peers = [name for name in gaps.index.unique("peer") if name not in OWN]
    for _, some in gaps.loc[peers].groupby(["slice", "metric"]):
        order = some["p"].sort_values()
        steps = (order * np.arange(len(order), 0, -1)).cummax().clip(upper=1)
        gaps.loc[steps.index, "p_holm"] = steps
    return gaps


def chance(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """What the base rate of each campaign type scores, in an order by chance."""
    random = np.random.default_rng(0)
    offers = offers_table()
    known = offers[offers["end"] < JUDGE_FROM]
    rate = judged["campaign_type"].map(known.groupby("campaign_type")["redeemed"].mean())
    p = rate.to_numpy("float64") * (1 + 1e-6 * random.random(len(rate)))
    return rows(evaluate(judged, p, **{**asked(judged), "replicates": 1})[["value"]])


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.reset_index().to_dict("records")


def chosen(name: str) -> dict[str, Any]:
    best = best_of(name)
    seconds = [json.loads(path.read_text())["seconds"] for path in folder(name).glob("seed-*.json")]
    keys = ("configuration", "rounds", "loss", "spent", "at_an_end")
    return {key: best[key] for key in keys} | {"seconds": round(min(seconds), 1)}


def keep(path: Path, found: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=2) + "\n")
    draft.replace(path)


def folder(name: str) -> Path:
    path = RUNS / name.replace(" ", "-").replace(",", "").lower()
    path.mkdir(parents=True, exist_ok=True)
    return path


def steps(names: Sequence[str], before: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name in names:
        if (folder(name) / "best.json").exists():
            continue
        if name in before:
            yield taken_over(name, before[name])
        else:
            yield from tune(name)
    for name in names:
        yield from judge(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so many")
    parser.add_argument("--tuned", action="store_true", help="with the configurations of before")
    parser.add_argument("--only", choices=list(PEERS), nargs="*", help="these models, no report")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    use_two_cores()
    before = found_before() if options.tuned else {}
    for line in steps(options.only or list(PEERS), before):
        print(line, flush=True)
        if time.monotonic() > end:
            sys.exit("Not done: run it again to go on.")
    if options.only:
        return
    store("contest", PACKAGES, report())


if __name__ == "__main__":
    main()
