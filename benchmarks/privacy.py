"""What privacy costs, and what it stops: the stored figures of chapter 21.

`python benchmarks/privacy.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- attack: membership attacks on a logistic regression, on large trees, and on private models of
  several epsilons, with what each earns on the test campaigns, for several seeds of the noise;
- accountants: epsilons beside those of dp-accounting, which `privacy_peers.py` has stored;
- federated: rounds of eight clients in one process, one of which dies;
- flower: the same rounds by Flower, in an environment of its own (`privacy_flower.py` says how);
- vault: how fast files are sealed and opened, and how fast hashed ids are found out.
"""

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from machine import PEERS, run_parts, stored
from sklearn.linear_model import LogisticRegression

import coupon_rec.book.privately as privately
from coupon_rec.evaluation import average_precision
from coupon_rec.privacy import (
    Client,
    Server,
    Vault,
    fit_private,
    gaussian_epsilon,
    membership,
    new_key,
    sampled_epsilon,
)
from coupon_rec.privacy.federated import newton_step, newton_sums

PACKAGES = ("numpy", "scipy", "scikit-learn", "lightgbm", "cryptography")
EPSILONS = (8.0, 2.5, 1.0, 0.5, 0.2)
SEEDS = 10
CLIENTS, ROUNDS = 8, 8
PEER = Path(__file__).with_name("privacy_flower.py")


def attack() -> dict[str, Any]:
    """Attack and defense, in dollars."""
    people = privately.households()
    members, test = people.members, people.test
    x, x_test = people.columns(members), people.columns(test)
    redeemed = people.redeemed
    x_redeemed = people.columns(redeemed)
    lists = test.groupby(["campaign_id", "user_id"]).ngroups
    fits: dict[str, list[Any]] = {
        "logistic regression": [LogisticRegression(solver="newton-cholesky")],
        "large trees": [privately.boosted(x, members["redeemed"], members["weight"])],
        "clipped, no noise": [None],
    }
    fits["logistic regression"][0].fit(x, members["redeemed"], members["weight"])
    for epsilon in EPSILONS:
        fits[f"epsilon {epsilon:g}"] = [epsilon] * SEEDS
    rows, baseline = [], None
    for name, models in fits.items():
        for seed, model in enumerate(models):
            if model is None or isinstance(model, float):
                model = fit_private(
                    x,
                    members["redeemed"],
                    members["user_id"],
                    model,
                    weights=members["weight"],
                    seed=seed,
                )

            def predict(x: Any, model: Any = model) -> Any:
                return model.predict(x) if hasattr(model, "level") else model.predict_proba(x)[:, 1]

            p = predict(x_test)
            money = privately.earned(test, p)
            baseline = money if baseline is None else baseline
            cents = privately.cents_a_list(test, money)
            less = privately.cents_a_list(test, money - baseline)
            auc = membership(redeemed, predict(x_redeemed))
            rows.append(
                {
                    "model": name,
                    "seed": seed,
                    "AP": average_precision(test["redeemed"], p),
                    "observed over promised": float(test["redeemed"].sum() / p.sum()),
                    "AUC of attack": auc["value"],
                    "AUC low": auc["low"],
                    "AUC high": auc["high"],
                    "cents": cents["value"],
                    "low": cents["low"],
                    "high": cents["high"],
                    "less": less["value"],
                    "less low": less["low"],
                    "less high": less["high"],
                }
            )
    return {"lists": lists, "delta": 1e-4, "users": members["user_id"].nunique(), "rows": rows}


def accountants() -> list[dict[str, Any]]:
    """Our epsilons beside those of the peer, which are stored."""
    rows: list[dict[str, Any]] = stored("privacy")["accountants"]
    for row in rows:
        noise, steps, delta = row["noise"], row["steps"], row["delta"]
        if row["rate"] == 1:
            row["ours"] = gaussian_epsilon(noise, delta, steps)
        else:
            row["ours"] = sampled_epsilon(noise, row["rate"], steps, delta)
    return rows


def shops() -> tuple[list[dict[str, Any]], Any, Any]:
    """Give the rows of each store, and those of the test with what was redeemed."""
    people = privately.households()
    members, test = people.members, people.test
    x, x_test = (np.c_[people.columns(some), np.ones(len(some))] for some in (members, test))
    y, weights = members["redeemed"].to_numpy(), members["weight"].to_numpy()
    of = [members["user_id"].to_numpy() % CLIENTS == each for each in range(CLIENTS)]
    stores = [{"x": x[own], "y": y[own], "weights": weights[own]} for own in of]
    return stores, x_test, test["redeemed"]


def federated() -> dict[str, Any]:
    """Eight clients, one of which dies."""
    stores, x_test, redeemed = shops()
    x, y, weights = (np.concatenate([own[name] for own in stores]) for name in stores[0])
    result: dict[str, Any] = {"clients": CLIENTS, "rounds": ROUNDS}
    central = np.zeros(x.shape[1])
    for _ in range(ROUNDS):
        central = newton_step(central, newton_sums(x, y, weights)(central))
    alone = []
    for own in stores:
        theta = np.zeros(x.shape[1])
        for _ in range(ROUNDS):
            theta = newton_step(theta, newton_sums(**own)(theta))
        alone.append(average_precision(redeemed, x_test @ theta))
    clients = [Client(number, newton_sums(**own)) for number, own in enumerate(stores)]
    server, theta, seconds = Server(clients), np.zeros(x.shape[1]), []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        theta = newton_step(theta, server.sum(theta))
        seconds.append(time.perf_counter() - start)
    result["round_s"] = float(np.median(seconds))
    result["largest_difference"] = float(np.abs(theta - central).max())
    clients[3].alive = False
    start = time.perf_counter()
    server.sum(theta + 1e-9)
    result["round_with_a_death_s"] = time.perf_counter() - start
    result["alive"] = len(server.alive)
    for name, found in (("federated", theta), ("central", central)):
        result[f"AP {name}"] = average_precision(redeemed, x_test @ found)
    result["AP alone"] = float(np.mean(alone))
    return result


def flower() -> dict[str, Any]:
    """Ask a Python that has Flower for the same rounds over the same stores."""
    stores, x_test, redeemed = shops()
    with TemporaryDirectory() as folder:
        for each, own in enumerate(stores):
            np.savez(Path(folder, f"{each}.npz"), **own)
        told = subprocess.run(
            [PEERS, str(PEER), folder, str(ROUNDS)],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PEER.parents[1])},
        )
    peer: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    peer["AP"] = average_precision(redeemed, x_test @ np.array(peer.pop("theta")))
    peer["round_s"] = float(np.median(peer.pop("seconds")))
    return {**peer, "ours": federated()}  # in the same minutes


def vault() -> dict[str, float]:
    """Megabytes a second, and the seconds until all ids are known."""
    safe, data = Vault([new_key()]), os.urandom(2**26)
    start = time.perf_counter()
    sealed = safe.seal(data, "file")
    middle = time.perf_counter()
    safe.open(sealed, "file")
    end = time.perf_counter()
    line, rows = b"x" * 200, 20_000
    for row in range(rows):
        safe.seal(line, str(row))
    small = time.perf_counter()
    hashes = {hashlib.sha256(str(user).encode()).hexdigest() for user in range(1, 2470)}
    found = [n for n in range(10_000_000) if hashlib.sha256(b"%d" % n).hexdigest() in hashes]
    last = time.perf_counter()
    return {
        "seal_MB_s": len(data) / 1e6 / (middle - start),
        "open_MB_s": len(data) / 1e6 / (end - middle),
        "events_s": rows / (small - end),
        "hashes_found": len(found),
        "hashes_tried": 10_000_000,
        "hashes_s": last - small,
    }


PARTS = {"attack": attack, "accountants": accountants, "federated": federated, "flower": flower}
PARTS |= {"vault": vault}


def bars(result: dict[str, Any]) -> dict[str, bool]:
    """What chapter 21 rests on, and whether the parts that were measured hold it."""
    found: dict[str, bool] = {}
    if "attack" in result:
        rows = pd.DataFrame(result["attack"]["rows"])
        auc = rows.groupby("model")["AUC of attack"].mean()
        private = auc[auc.index.str.startswith("epsilon")]
        found["the attack on large trees has an AUC of 0.9"] = auc["large trees"] >= 0.9
        found["that on private models has one of 0.55 at most"] = private.max() <= 0.55
    return found


if __name__ == "__main__":
    usual = [part for part in PARTS if part != "flower" or PEERS]
    run_parts("privacy", PACKAGES, PARTS, usual, bars=bars)
