"""What the explanations of chapter 19 are worth: how faithful, how stable, and what they cost.

`python benchmarks/explain.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- fidelity: ways to share the credit among 63 features of the network, beside sampled Shapley
  values, and what deleting the features that they name does;
- seeds: whether three seeds of the default model agree on the top topic, and on the top feature;
- monotone: a model that keeps its promises beside the default one, over two seeds;
- graph: what a graph of items (item, type, category, department) adds to the monotone model, on
  all test offers and on those of whose items the user has bought none;
- service: milliseconds of an answer with and without reasons, and of a whole account;
- shap: exact credit among topics, and sampled credit among features, beside the package `shap`,
  in an environment of its own: `python -m venv SHAP; SHAP/bin/pip install shap onnxruntime`, then
  `PEERS=SHAP/bin/python python benchmarks/explain.py shap`.
"""

import json
import subprocess
import time
import warnings
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as hour
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from machine import PEERS, mean, run_parts
from scipy.sparse import coo_array
from scipy.stats import spearmanr

import coupon_rec.book.prelude as prelude
import coupon_rec.serving.recommender as answering
from coupon_rec import load_complete_journey
from coupon_rec.book import SPLIT
from coupon_rec.decisions import Economics, best_coupon, offer_value
from coupon_rec.evaluation import compare, total
from coupon_rec.explain import (
    contrast,
    deletion,
    expected_gradients,
    features_of,
    sampled_credit,
    topics_of,
)
from coupon_rec.features import NEVER, Arrays, Encoder, split
from coupon_rec.features.encoder import UnseenWarning
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.models import (
    PROMISES,
    boosted,
    inputs_of,
    monotone_model,
    network_of,
    predict,
    with_trees,
)
from coupon_rec.odds import best_of_each
from coupon_rec.serving.bundle import export
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.recommender import Question, Recommender
from coupon_rec.training import examples, fit

PACKAGES = ("numpy", "tensorflow", "keras", "onnxruntime", "lightgbm")
CAMPAIGN, DAY = 18, date(2017, 11, 20)
OFFERS, OTHERS = 40, 50
PEER = Path(__file__).with_name("explain_peer.py")


def log_p(model: Any) -> Callable[[Arrays], Any]:
    """A score: log p(a, r) of a model."""
    return lambda arrays: np.log(model.predict_on_batch(arrays)["redeemed"][:, 0])


def rows_of(arrays: Arrays, rows: Any) -> Arrays:
    """Some rows of each array."""
    return {name: array[rows] for name, array in arrays.items()}


def sent(model: Any, offers: pd.DataFrame, most: int, seed: int = 0) -> Any:
    """Rows of coupons worth sending, drawn, and the rows of the other coupons of each user."""
    value = offer_value(offers, predict(model, offers)["redeemed"])
    users = offers["user_id"].to_numpy()
    best = pd.Series(value).groupby(users).idxmax().to_numpy()
    best = best[value[best] > 0]
    rows = np.sort(np.random.default_rng(seed).choice(best, min(most, len(best)), replace=False))
    return rows, [np.setdiff1d(np.flatnonzero(users == users[row]), [row]) for row in rows]


def november() -> pd.DataFrame:
    """The largest test campaign."""
    test = split(prelude.offers(), *SPLIT)[2]
    return test[test["campaign_id"] == CAMPAIGN].reset_index(drop=True)


def fidelity() -> dict[str, Any]:
    """Compare ways to share credit with sampled Shapley values, on coupons that would be sent."""
    offers, model = november(), prelude.model().served
    network = network_of(model)
    score, players = log_p(network), features_of(network.encoder)
    arrays = inputs_of(network, offers)
    rows, _ = sent(model, offers, OFFERS)
    draw = np.random.default_rng(1).choice(len(offers), OTHERS, replace=False)
    others = rows_of(arrays, draw)
    usual = {
        name: array.mean(axis=0, keepdims=True) if array.dtype == np.float32 else array[:1] * 0
        for name, array in others.items()
    }

    def sampled(seed: int) -> Any:
        how = {"orders": 1000, "seed": seed}
        return lambda offer: sampled_credit(score, offer, others, players, **how).credit

    def gradients(start: Arrays, paths: int) -> Any:
        return lambda offer: expected_gradients(network, offer, start, paths=paths)[0]

    def leave_one_out(offer: Arrays) -> Any:
        curves = [deletion(score, offer, others, players, [name]) for name in players]
        return np.array([whole - without for whole, without in curves])

    chance = np.random.default_rng(2)
    ways = {
        "sampled Shapley": sampled(0),
        "the same, other draws": sampled(1),
        "expected gradients": gradients(others, 200),
        "integrated gradients from the mean": gradients(usual, 50),
        "leave one out": leave_one_out,
        "random": lambda offer: chance.normal(size=len(players)),
    }
    found, spent, picked = {}, {}, [rows_of(arrays, [row]) for row in rows]
    for name, way in ways.items():
        way(picked[0])
        start = time.perf_counter()
        found[name] = np.stack([way(offer) for offer in picked])
        spent[name] = (time.perf_counter() - start) / len(rows)
    names, reference = [*players], found["sampled Shapley"]
    result: dict[str, Any] = {}
    for way, credit in found.items():
        order = np.argsort(-credit, axis=1)
        top = [set(a[:3]) & set(b[:3]) for a, b in zip(order, np.argsort(-reference), strict=True)]
        curves = np.stack(
            [
                deletion(score, offer, others, players, [names[i] for i in its[:20]])
                for offer, its in zip(picked, order, strict=True)
            ]
        )
        result[way] = {
            "ms": round(1000 * spent[way], 1),
            "spearman": mean([spearmanr(a, b)[0] for a, b in zip(credit, reference, strict=True)]),
            "top_3": mean([len(both) / 3 for both in top]),
            "after_5": mean(curves[:, 0] - curves[:, 5]),
            "after_20_mean": mean(curves[:, :1] - curves[:, 1:]),
        }
    result["offers"] = len(rows)
    of_mean = float(score(usual)[0])
    result["mean_offer"] = {"log_p": of_mean, "mean_log_p": float(score(others).mean())}
    return result


def seeds() -> dict[str, Any]:
    """Ask three seeds of the default model for the top topic, and the top feature, of offers."""
    offers = november()
    models = [prelude.model(seed).served for seed in range(3)]
    topics, features = topics_of(models[0].encoder), features_of(models[0].encoder)
    arrays = inputs_of(models[0], offers)
    rows, rivals = sent(models[0], offers, 200)
    tops: dict[str, list[list[str]]] = {"topic": [], "topic of the best ten": [], "feature": []}
    for model in models:
        score = log_p(model)
        p = score(arrays)
        near = [its[np.argsort(-p[its])][:10] for its in rivals]
        for name, others in (("topic", rivals), ("topic of the best ten", near)):
            found = [
                contrast(score, arrays, [row], [its], topics)[0]
                for row, its in zip(rows, others, strict=True)
            ]
            tops[name].append([each.top for each in found])
        tops["feature"].append(
            [
                sampled_credit(
                    score, rows_of(arrays, [row]), rows_of(arrays, its), features, orders=200
                ).top
                for row, its in zip(rows[:60], rivals, strict=False)
            ]
        )
    return {
        name: {
            "offers": len(of[0]),
            "agree": mean([np.array(of[0]) == np.array(other) for other in of[1:]]),
            "tops": pd.Series(of[0]).value_counts(normalize=True).round(3).to_dict(),
        }
        for name, of in tops.items()
    }


def monotone() -> dict[str, Any]:
    """Compare the default model with one that keeps promises, on the test offers."""
    train, validation, test = split(prelude.offers(), *SPLIT)
    scores: dict[str, list[Any]] = {"default": [], "monotone": []}
    broken: dict[str, list[dict[str, float]]] = {"default": [], "monotone": []}
    some, seconds = test.sample(4000, random_state=0), []
    for seed in (0, 1):
        default = prelude.model(seed).served
        arrays, labels = examples(train, default.encoder)
        start = time.perf_counter()
        network = monotone_model(default.encoder, seed=seed)
        fit(network, (arrays, labels), examples(validation, default.encoder), seed=seed)
        trees = boosted(default.encoder, arrays, labels["redeemed"], promises=PROMISES, seed=seed)
        seconds.append(round(time.perf_counter() - start))
        models = {"default": default, "monotone": with_trees(network, trees)}
        if not seed:
            events = lowered(models)
        for name, model in models.items():
            scores[name].append(predict(model, test)["redeemed"].to_numpy())
            before = predict(model, some)["redeemed"]
            share = {}
            for feature, sign in PROMISES.items():
                more = 0.5 if sign < 0 else 1.5
                step = 0.0 if sign < 0 else 0.1 * some[feature].quantile(0.95)
                moved = predict(model, some.assign(**{feature: some[feature] * more + step}))
                share[feature] = mean(moved["redeemed"] - before < -1e-6 * before)
            broken[name].append(share)
    choice = {name: best_coupon(test, of[0])["coupon_id"] for name, of in scores.items()}
    worth = {}
    for name, of in scores.items():
        value = offer_value(test, of[0])
        lists = test.groupby(["campaign_id", "user_id"]).ngroup().to_numpy()
        best = best_of_each(lists, value, test["coupon_id"].to_numpy())
        earned = offer_value(test, test["redeemed"].astype(float))
        sent_ = np.zeros(len(test))
        sent_[best] = np.where(value[best] > 0, earned[best], 0.0)
        worth[name] = sent_
    gain = total(worth["monotone"] - worth["default"], test["user_id"], test["coupon_id"])
    table = compare(
        test,
        np.stack(scores["monotone"], axis=1),
        np.stack(scores["default"], axis=1),
        clusters=("user_id", "coupon_id"),
    ).loc["all"]
    return {
        "seconds": seconds,
        "difference": table.round(6).to_dict("index"),
        "broken": broken,
        "same_choice": mean(choice["default"].fillna(-1) == choice["monotone"].fillna(-1)),
        "lists": len(choice["default"]),
        "earned": {name: round(float(of.sum()), 2) for name, of in worth.items()},
        "gain": {name: round(float(gain[name]), 2) for name in ("value", "low", "high")},
        "events": events,
        "offers": len(some),
    }


def lowered(models: dict[str, Any]) -> dict[str, Any]:
    """How often one more purchase of its items today lowers p, and the recency halved alone."""
    market = load_complete_journey()
    covered = market.coupon_items.to_pandas().groupby("coupon_id")["item_id"].agg(set)
    bought = market.purchases.filter(market.purchases.time.date() < DAY).to_pandas()
    rng, found = np.random.default_rng(0), {name: [] for name in models}
    with TemporaryDirectory() as folder:
        snapshot = Path(folder, "snapshot")
        write_snapshot(market, DAY, snapshot)
        encoder = next(iter(models.values())).encoder
        shop = FeatureStore.load(snapshot, encoder)
        users = pd.read_parquet(snapshot / "offers.parquet")["user_id"].unique()
    recency = [number.name for number in encoder.numbers["match"]].index("match_recency")
    for user in rng.choice(users, 200, replace=False).tolist():
        now = shop.offers(user, DAY)
        place = int(rng.choice(np.argsort(-log_p(models["default"])(now.arrays))[:3]))
        coupon = int(now.coupon_id[place])
        mine = bought[(bought["user_id"] == user) & bought["item_id"].isin(covered[coupon])]
        item = mine["item_id"].mode()[0] if len(mine) else min(covered[coupon])
        amount = float(mine["amount"].median()) if len(mine) else 3.0
        noon = datetime.combine(DAY, hour(12))
        event = Event("one", user, noon, "purchase", int(item), 10**12, amount=amount)
        then = shop.supposing(user, DAY, [event])
        there = np.flatnonzero(
            (then.coupon_id == coupon) & (then.campaign_id == now.campaign_id[place])
        )
        halved = {name: array[[place]].copy() for name, array in now.arrays.items()}
        halved["match"][:, recency] = np.log1p(np.expm1(halved["match"][:, recency]) / 2)
        for name, model in models.items():
            score = log_p(model)
            before = score(now.arrays)[place]
            moved = score(then.arrays)[there[0]] - before, score(halved)[0] - before
            found[name].append(moved)
    return {
        name: {
            "offers": len(of),
            "event_lowers": mean([event < -1e-6 for event, _ in of]),
            "event_ratio": np.exp(np.percentile([event for event, _ in of], [5, 50, 95]))
            .round(3)
            .tolist(),
            "recency_lowers": mean([halved < -1e-6 for _, halved in of]),
        }
        for name, of in found.items()
    }


GRAPH = {"match_near_type": 1, "match_near_category": 1, "match_near_department": 1}
"""Walks in the graph of items, and what is promised of them."""


def walked(offers: pd.DataFrame) -> pd.DataFrame:
    """Add a column for each level of the graph: a user's purchases before the campaign, decayed
    over 45 days, of other items that are as near to one of the coupon's items as that level."""
    market = load_complete_journey()
    items = market.items.to_pandas().set_index("item_id")
    lines = market.purchases.select("user_id", "item_id", "time").to_pandas()
    starts = market.campaigns.to_pandas().set_index("campaign_id")["start"]
    covered = market.coupon_items.to_pandas()
    found = []
    for campaign, its in offers.groupby("campaign_id"):
        start = pd.Timestamp(starts[campaign])
        past = lines[(lines["time"] < start) & lines["user_id"].isin(its["user_id"])]
        weight = np.exp(-(start - past["time"]).dt.days / 45).to_numpy()
        users, user = np.unique(past["user_id"], return_inverse=True)
        mine = covered[covered["campaign_id"] == campaign]
        coupons, coupon = np.unique(mine["coupon_id"], return_inverse=True)
        of_user, of_coupon = {}, {}
        for level in ("item", "type", "category", "department"):
            name = items.index.to_series() if level == "item" else items[level]
            codes, names = pd.factorize(name)
            code = pd.Series(codes, items.index)
            bought, held = code.reindex(past["item_id"]), code.reindex(mine["item_id"])
            shape, covers = (len(users), len(names)), np.ones(len(mine))
            of_user[level] = coo_array((weight, (user, bought)), shape).tocsr()
            shape = (len(coupons), len(names))
            of_coupon[level] = coo_array((covers, (coupon, held)), shape).tocsr()
            of_coupon[level].data[:] = 1
        rows = np.searchsorted(users, its["user_id"]).clip(max=len(users) - 1)
        known = users[rows] == its["user_id"]
        columns = np.searchsorted(coupons, its["coupon_id"])
        near = {
            level: known * (bought @ of_coupon[level].T).toarray()[rows, columns]
            for level, bought in of_user.items()
        }
        walks = {
            f"match_near_{level}": np.log1p(np.maximum(near[level] - near[closer], 0))
            for closer, level in pairwise(near)
        }
        found.append(pd.DataFrame(walks, its.index))
    return offers.join(pd.concat(found))


def graph() -> dict[str, Any]:
    """Compare the monotone model with and without the graph, both trained here."""
    train, validation, test = (walked(part) for part in split(prelude.offers(), *SPLIT))
    p, slowest = {}, {}
    for name, extra in (("without", {}), ("with", GRAPH)):
        encoder = Encoder.fit(train, extra=tuple(extra))
        arrays, labels = examples(train, encoder)
        network = monotone_model(encoder, {**PROMISES, **extra})
        fit(network, (arrays, labels), examples(validation, encoder))
        trees = boosted(encoder, arrays, labels["redeemed"], promises={**PROMISES, **extra})
        model = with_trees(network, trees)
        p[name] = predict(model, test)["redeemed"].to_numpy()
        some = test.sample(4000, random_state=0)
        before = predict(model, some)["redeemed"]
        for feature in extra:
            after = predict(model, some.assign(**{feature: some[feature] + 0.5}))["redeemed"]
            slowest[feature] = float((after < before * (1 - 1e-6)).mean())
    never = (test["match_recency"] >= NEVER).to_numpy()
    clusters, metrics = ("user_id", "coupon_id"), ["average precision", "log loss", "NDCG@10"]
    result: dict[str, Any] = {"broken": slowest}
    for name, rows in {"all": np.ones(len(test), bool), "never bought": never}.items():
        table = compare(
            test[rows], p["with"][rows], p["without"][rows], metrics=metrics, clusters=clusters
        ).loc["all"]
        result[name] = {
            "offers": int(rows.sum()),
            "redeemed": int(test.loc[rows, "redeemed"].sum()),
            **table.round(6).to_dict("index"),
        }
    return result


def service() -> dict[str, Any]:
    """Time answers of one process, without HTTP, each to a user who was not asked about before."""
    validation, market = split(prelude.offers(), *SPLIT)[1], load_complete_journey()
    with TemporaryDirectory() as folder:
        bundle = export(
            prelude.model().served,
            Path(folder, "bundle"),
            validation,
            snapshot=lambda path: write_snapshot(market, DAY, path),
        )
        scorer = Scorer.load(bundle)
        store_ = FeatureStore.load(bundle / "snapshot", scorer.encoder)
        users = pd.read_parquet(bundle / "snapshot" / "offers.parquet")["user_id"].unique()

    def silent(*asked: Any) -> list[str]:
        *_, chosen, _lists, _players = asked
        return [""] * len(chosen)

    def spent(k: int, explain: bool, most: int) -> float:
        answer, rounds = Recommender(scorer, store_, Economics()), []
        for _ in range(3):
            start = time.process_time()
            for user in users[:most].tolist():
                answer([Question(user, store_.day, k, None, explain)])
            rounds.append(1000 * (time.process_time() - start) / most)
        return round(min(rounds), 2)

    def timed(k: int) -> dict[str, float]:
        with patch.object(answering, "leading_topics", silent):
            without = spent(k, False, 300)
        return {
            "without": without,
            "reasons": spent(k, False, 300),
            "account": spent(k, True, 20),
        }

    return {f"k={k}": timed(k) for k in (1, 5)}


def shap() -> dict[str, Any]:
    """Give the same offers, others and model to the package `shap`, and compare."""
    offers, model = november(), prelude.model().served
    validation = split(prelude.offers(), *SPLIT)[1]
    rows, rivals = sent(model, offers, 10)
    arrays, topics, features = (
        inputs_of(model, offers),
        topics_of(model.encoder),
        features_of(model.encoder),
    )
    with TemporaryDirectory() as folder:
        scorer = Scorer.load(export(model, Path(folder, "bundle"), validation))

        def score(some: Arrays) -> Any:
            return np.log(scorer.predict(some, ["redeemed"])["redeemed"])

        widths = {name: array.shape[1] for name, array in arrays.items()}
        places = {
            name: {array: columns.tolist() for array, columns in of.items()}
            for name, of in topics.items()
        }
        side = Path(folder, "side.npz")
        np.savez(
            side,
            widths=json.dumps(widths),
            topics=json.dumps(places),
            whole=np.hstack([arrays[name] for name in widths]).astype("float64"),
            rows=rows,
            rivals=np.stack([its[:OTHERS] for its in rivals]),
        )
        told = subprocess.run(
            [PEERS, str(PEER), str(side), str(Path(folder, "bundle", "model.onnx"))],
            check=True,
            stdout=subprocess.PIPE,
        )
    peer = json.loads(told.stdout)
    start = time.perf_counter()
    mine = [
        contrast(score, arrays, [row], [its[:OTHERS]], topics)[0].credit
        for row, its in zip(rows, rivals, strict=True)
    ]
    exact = (time.perf_counter() - start) / len(rows)
    start = time.perf_counter()
    sampled = [
        sampled_credit(
            score, rows_of(arrays, [row]), rows_of(arrays, its[:OTHERS]), features, orders=200
        ).credit
        for row, its in zip(rows, rivals, strict=True)
    ]
    by_feature = (time.perf_counter() - start) / len(rows)
    agree = [spearmanr(a, b)[0] for a, b in zip(sampled, peer["features"], strict=True)]
    return {
        "version": peer["version"],
        "offers": len(rows),
        "largest_difference_of_topics": float(np.abs(np.array(mine) - peer["topics"]).max()),
        "topics_ms": {"ours": round(1000 * exact, 1), "shap": round(peer["topics_ms"], 1)},
        "features_ms": {"ours": round(1000 * by_feature, 1), "shap": round(peer["features_ms"], 1)},
        "features_spearman": mean(agree),
    }


PARTS = {"fidelity": fidelity, "seeds": seeds, "monotone": monotone, "graph": graph}
PARTS |= {"service": service, "shap": shap}

if __name__ == "__main__":
    warnings.simplefilter("ignore", UnseenWarning)
    run_parts("explain", PACKAGES, PARTS, [name for name in PARTS if name != "shap" or PEERS])
