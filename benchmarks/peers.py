"""The contest: the book's coupled model and its peers on the offers of Complete Journey.

All have the same features and the same split. Each has six configurations (the count has none to
choose). A configuration is fitted to the campaigns that start before July and judged on those of
July to September: by log loss, and LambdaMART by NDCG@10. The validation campaigns of September
alone hold too few redemptions to choose by. There, too, it is seen how many epochs or trees it
takes, and a score that only ranks learns its line to a probability. The best configuration is
then fitted to all training campaigns with five seeds (where chance has a part in it), and scored
once on the test campaigns.

The coupled model is made of networks and trees, and its six are the first three of each. How the
models were designed is not counted: the coupled model was designed on July to September too, and
so was DCN-V2 a second time, after its first design had lost to a mere count on the test.

Metrics are means over the seeds. For the paired intervals, a model's five predictions are averaged
in log odds, for all alike. Seconds are of one fit on two cores.

A second, rolling evaluation asks whether the ranking is an accident of one split: each campaign
from July on is predicted by the configurations found above, fitted to the campaigns that had ended
before it starts. Those of July to September were tuned on; the others are of the test.

What is done is kept in `runs/peers`, so that a run that was killed goes on; `--minutes 8` ends a
run early, to be gone on with. Delete the folder to start anew, as after a change of the features.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from machine import store, use_two_cores
from peer_models import PEERS, Configuration, Data, Peer

from coupon_rec import load_complete_journey
from coupon_rec.book import SPLIT
from coupon_rec.evaluation import compare, evaluate, log_loss, ndcg, platt
from coupon_rec.features import Arrays, Encoder, offers_frame, split
from coupon_rec.market import move_campaigns
from coupon_rec.training import examples

OURS = "coupled model"
TRAIN_FROM, VALIDATE_FROM, TEST_FROM = SPLIT
TUNE_FROM = "2017-07-01"
SHIFTS = (-84, -56, -28, 28, 56, 84)
WINDOWS_OF_TYPE_A = 200_000
ROLLED = ("logistic regression", "LightGBM", "XGBoost", "Wide & Deep", OURS)
PACKAGES = ("keras", "keras-rs", "lightgbm", "scikit-learn", "tensorflow", "xgboost")
METRICS = ["AUC", "average precision", "log loss", "NDCG@10"]
LINE = ["calibration intercept", "calibration slope"]
LOWER_IS_BETTER = {"log loss"}
RUNS = Path(__file__).parents[1] / "runs" / "peers"


@cache
def offers_table() -> pd.DataFrame:
    path = RUNS / "offers.parquet"
    if not path.exists():
        RUNS.mkdir(parents=True, exist_ok=True)
        offers_frame(load_complete_journey()).to_parquet(path)
    return pd.read_parquet(path)


@cache
def windows_table() -> pd.DataFrame:
    """Offers as if their campaigns had started earlier or later, of those not redeemed."""
    path = RUNS / "windows.parquet"
    if not path.exists():
        market = load_complete_journey()
        frames = []
        for days in SHIFTS:
            moved = move_campaigns(market, days)
            ends = moved.campaigns.to_pandas().set_index("campaign_id")["end"]
            frame = offers_frame(moved)
            frame["end"] = pd.to_datetime(frame["campaign_id"].map(ends))
            inside = (frame["start"] >= TRAIN_FROM) & (frame["end"] < TEST_FROM)
            frames.append(frame[inside & (frame["redeemed"] == 0)])
        pd.concat(frames, ignore_index=True).to_parquet(path)
    return pd.read_parquet(path)


@cache
def parts(validate_from: str) -> tuple[dict[str, pd.DataFrame], dict[str, Data]]:
    """Offers and data for training, validation and test."""
    frames = split(offers_table(), TRAIN_FROM, validate_from, TEST_FROM)._asdict()
    encoder = Encoder.fit(frames["train"])
    data = {name: as_data(frame, encoder) for name, frame in frames.items()}
    before = TUNE_FROM if validate_from == TUNE_FROM else TEST_FROM
    windows = windows_of(frames["train"], before, encoder)
    data["train"] = replace(data["train"], windows=windows)
    return frames, data


def windows_of(
    train: pd.DataFrame, before: str, encoder: Encoder
) -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Windows of the training campaigns that had ended before a day, not too many of type A.

    No others: that an offer was not redeemed is known of these only.
    """
    more = windows_table()
    more = more[more["campaign_id"].isin(train["campaign_id"]) & (more["end"] < before)]
    a = more["campaign_type"] == "A"
    more = pd.concat([more[~a], more[a].sample(WINDOWS_OF_TYPE_A, random_state=0)])
    return encoder.encode(more), more["bought"].to_numpy(), weights(more)


def as_data(offers: pd.DataFrame, encoder: Encoder) -> Data:
    inputs, labels = examples(offers, encoder)
    lists = offers.groupby(["campaign_id", "user_id"], sort=True).size().to_numpy()
    return Data(encoder, inputs, labels, lists, weights(offers))


def weights(offers: pd.DataFrame) -> np.ndarray:
    """Weights for the purchase trees of the coupled model, as type A would drown out the rest."""
    return np.where(offers["campaign_type"] == "A", 1.0, 4.0)


def sigmoid(score: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(score, -30, 30).astype("float64")))


def tune(peer: Peer, configuration: Configuration) -> dict[str, Any]:
    """Judge a configuration on the campaigns of July to September."""
    frames, data = parts(TUNE_FROM)
    fitted = peer.fit(data["train"], data["validation"], configuration, None, 0)
    judged, score = frames["validation"], fitted.score(data["validation"].arrays)
    found = {"configuration": configuration, "rounds": fitted.rounds}
    if not peer.ranks_only:
        return {**found, "loss": log_loss(judged["redeemed"], score)}
    group = judged.groupby(["campaign_id", "user_id"]).ngroup()
    line = platt(judged["redeemed"], sigmoid(score))
    loss = -ndcg(judged["redeemed"], score, group)
    return {**found, "loss": loss, "line": [line.intercept, line.slope]}


def final(peer: Peer, tuned: dict[str, Any], seed: int) -> dict[str, Any]:
    """Fit the best configuration to the training campaigns and predict the test campaigns."""
    frames, data = parts(VALIDATE_FROM)
    start = time.perf_counter()
    fitted = peer.fit(
        data["train"], data["validation"], tuned["configuration"], tuned["rounds"], seed
    )
    seconds = time.perf_counter() - start
    p = fitted.score(data["test"].arrays)
    if peer.ranks_only:
        intercept, slope = tuned["line"]
        p = sigmoid(intercept + slope * p)
    measured = evaluate(frames["test"], p, metrics=METRICS + LINE, replicates=1)["value"]
    return {
        "p": np.asarray(p, "float32"),
        "metrics": {name: measured.loc[name].to_dict() for name in measured.index.unique("slice")},
        "seconds": seconds,
        "size": fitted.size,
        "unit": fitted.unit,
    }


def steps() -> Iterator[str]:
    """Do what is not done yet, and yield a line after each step."""
    for name, peer in PEERS.items():
        folder(name).mkdir(exist_ok=True)
        for number, configuration in enumerate(peer.configurations, start=1):
            path = folder(name) / f"tune-{number}.json"
            if not path.exists():
                found = tune(peer, configuration)
                keep(path, found)
                yield f"{name:24} configuration {number}: {found['loss']:.5f}"
        tuned = best(name)
        for seed in range(peer.seeds):
            path = folder(name) / f"seed-{seed}.json"
            if not path.exists():
                found = final(peer, tuned, seed)
                np.save(folder(name) / f"seed-{seed}.npy", found.pop("p"))
                keep(path, found)
                yield f"{name:24} seed {seed}: {found['seconds']:.1f} s"


def rolling_steps() -> Iterator[str]:
    """Fit what is not fitted yet of the rolling evaluation."""
    (RUNS / "rolling").mkdir(exist_ok=True)
    for start in starts():
        for name in ROLLED:
            path = rolled(name, start)
            if not path.exists():
                tuned = best(name)
                data, judged = rolling_data(start)
                fitted = PEERS[name].fit(data, data, tuned["configuration"], tuned["rounds"], 0)
                p = fitted.score(data.encoder.encode(judged))
                np.save(path, np.asarray(p, "float32"))
                yield f"{start} {name:24} on {len(judged)} offers"


def starts() -> list[str]:
    """The days from July on when a campaign starts."""
    days = offers_table()["start"]
    return sorted(days[days >= TUNE_FROM].dt.strftime("%Y-%m-%d").unique())


@lru_cache(1)
def rolling_data(start: str) -> tuple[Data, pd.DataFrame]:
    """Data of the campaigns that ended before a day, and the offers of those that start then."""
    offers = offers_table()
    campaigns = load_complete_journey().campaigns.to_pandas().set_index("campaign_id")
    ended = offers["campaign_id"].map(campaigns["end"]) < pd.Timestamp(start)
    train = offers[ended & (offers["start"] >= TRAIN_FROM)]
    encoder = Encoder.fit(train)
    data = replace(as_data(train, encoder), windows=windows_of(train, start, encoder))
    return data, offers[offers["start"] == start]


def rolled(name: str, start: str) -> Path:
    return RUNS / "rolling" / f"{start}-{name.replace(' ', '-').lower()}.npy"


def rolling() -> list[dict[str, Any]]:
    """Each month's metrics of each model, and ours less the peer's over all months, paired."""
    offers = offers_table()
    judged = pd.concat([offers[offers["start"] == start] for start in starts()], ignore_index=True)
    p = {n: np.concatenate([np.load(rolled(n, start)) for start in starts()]) for n in ROLLED}
    months = judged["start"].dt.strftime("%Y-%m")
    slices = {month: (months == month).to_numpy() for month in months.unique()}
    slices |= {
        "all": np.full(len(judged), True),
        "B and C": judged["campaign_type"].ne("A").to_numpy(),
    }
    rows = []
    for name, values in p.items():
        table = evaluate(judged, values, metrics=METRICS, slices=slices)
        gaps = compare(judged, p[OURS], values, metrics=METRICS, slices=slices)
        both = table[["value", "redeemed"]].join(gaps[["difference", "low", "high"]]).round(6)
        rows += [{"model": name, **row} for row in both.reset_index().to_dict("records")]
    return rows


def keep(path: Path, found: dict[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=2) + "\n")
    draft.replace(path)


def best(name: str, first: int | None = None) -> dict[str, Any]:
    """The best of a model's (first) configurations and its rounds; of one made of others, theirs.

    These others share the budget: each gives as many of its configurations.
    """
    if parts := PEERS[name].made_of:
        share = len(PEERS[parts[0]].configurations) // len(parts)
        found = {part: best(part, share) for part in parts}
        configuration = {part: of["configuration"] for part, of in found.items()}
        return {"configuration": configuration, "rounds": found[parts[0]]["rounds"]}
    tried = [json.loads(path.read_text()) for path in sorted(folder(name).glob("tune-*.json"))]
    return min(tried[:first], key=lambda found: found["loss"])


def folder(name: str) -> Path:
    return RUNS / name.replace(" ", "-").lower()


def row(name: str) -> dict[str, Any]:
    """A model's line of the table: means and standard deviations over the seeds."""
    runs = [json.loads(path.read_text()) for path in sorted(folder(name).glob("seed-*.json"))]
    values = pd.DataFrame(
        {
            (part, metric): [run["metrics"][part][metric] for run in runs]
            for part, metrics in runs[0]["metrics"].items()
            for metric in metrics
        }
    )
    tuned = best(name)
    return {
        "configuration": tuned["configuration"],
        "rounds": tuned["rounds"],
        "seconds": round(min(run["seconds"] for run in runs), 1),
        "size": runs[0]["size"],
        "unit": runs[0]["unit"],
        "mean": nested(values.mean()),
        "deviation": nested(values.std(ddof=0)),
    }


def nested(values: pd.Series) -> dict[str, dict[str, float]]:
    return {
        part: values[part].round(6).to_dict() for part in values.index.get_level_values(0).unique()
    }


def averaged(name: str) -> np.ndarray:
    """A model's predictions, averaged over the seeds in log odds."""
    return mean_in_log_odds([np.load(path) for path in sorted(folder(name).glob("seed-*.npy"))])


def mean_in_log_odds(predictions: Sequence[np.ndarray]) -> np.ndarray:
    p = np.clip(np.stack(predictions).astype("float64"), 1e-9, 1 - 1e-9)
    return sigmoid(np.log(p / (1 - p)).mean(axis=0))


def contest(test: pd.DataFrame) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The averaged models' metrics with intervals, and ours less the best peer, paired."""
    p = {name: averaged(name) for name in PEERS}
    tables = {name: evaluate(test, values, metrics=METRICS) for name, values in p.items()}
    value = pd.DataFrame({name: table["value"] for name, table in tables.items()})
    rivals = [name for name in PEERS if not name.startswith(OURS)]
    differences = []
    for key, others in value[rivals].iterrows():
        rival = others.idxmin() if key[1] in LOWER_IS_BETTER else others.idxmax()
        gap = compare(test, p[OURS], p[rival], metrics=[key[1]]).loc[key]
        differences.append({"slice": key[0], "metric": key[1], "rival": rival, **gap.round(6)})
    rows = {
        name: {
            part: table.loc[part][["value", "low", "high"]].round(6).to_dict("index")
            for part in table.index.unique("slice")
        }
        for name, table in tables.items()
    }
    return rows, differences


def main() -> None:
    parser = argparse.ArgumentParser(description="The book's model and its peers.")
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after so many")
    end = time.monotonic() + 60 * parser.parse_args().minutes
    use_two_cores()
    for line in chain(steps(), rolling_steps()):
        print(line, flush=True)
        if time.monotonic() > end:
            sys.exit("Not done: run it again to go on.")
    rows, differences = contest(parts(VALIDATE_FROM)[0]["test"])
    result = {
        "seeds": PEERS[OURS].seeds,
        "configurations": len(PEERS["LightGBM"].configurations),
        "tuned_from": TUNE_FROM,
        "rows": {name: row(name) for name in PEERS},
        "averages": rows,
        "differences": differences,
        "rolling": rolling(),
    }
    store("peers", PACKAGES, result)
    table = pd.DataFrame({n: pd.Series(r["mean"]["all"]) for n, r in result["rows"].items()}).T
    print(table.round(4).to_string())
    print(pd.DataFrame(differences).to_string(index=False))


if __name__ == "__main__":
    main()
