"""What the monitors of chapter 17 find, how soon, how often wrongly, and what watching costs.

`python benchmarks/monitoring.py [PART ...]` measures some of these parts, or all, and keeps the
others as they were:

- delays: markets whose truth is known, in which redemptions fall by a half or a fifth, or do not;
  and how well observed over expected finds the fall when a part of the campaign has passed;
- service: the time of an answer with and without the histogram of scores, and 100 rollbacks while
  requests come in.

The delays take half a minute for each seed, fifteen of them eight minutes, and that is why there
are no more. A world that never rings counts as ringing on the last day of its twelve campaigns. The
limit of a monitor that only looks at scores is set with the quiet worlds of the other markets; the
sums and z are tuned to the market's own past.
"""

import json
import statistics
import sys
import threading
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from machine import alone, run_parts
from scipy.stats import binomtest

import coupon_rec.book.prelude as prelude
from coupon_rec.book.watched import DAYS, Model, Past, open_shop
from coupon_rec.evaluation import log_loss
from coupon_rec.monitoring import (
    Cusum,
    Maturity,
    Registry,
    null_paths,
    observed_expected,
    psi,
)
from coupon_rec.simulation import plant

DAY = date(2017, 11, 20)
WARM, TRAIN, REFERENCE, WATCH = 4, 8, 8, 12
FALLS = {"half": -1.05, "fifth": -0.33}
PARTS_OF_TIME = (0.25, 0.5, 1.0)
PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "prometheus-client")
ROLLBACKS, RATE, SEEDS = 100, 100.0, 15


def market(seed: int) -> dict[str, Any]:
    """One market: what each monitor says on each day, of a world that falls and of one that stays.

    Promises are those of a model that learned from the market (p), or the truth before the fall.
    """
    shop, _ = open_shop(seed=seed, campaigns=WARM + TRAIN + REFERENCE + WATCH).campaigns(WARM)
    shop, learned = shop.campaigns(TRAIN)
    model = Model(learned)
    shop, reference = shop.campaigns(REFERENCE)
    reference["p"] = model(reference)
    worlds = {"none": shop.campaigns(WATCH)[1]}
    for name, size in FALLS.items():
        change = plant("redemption", shop.state.period + 1, size)
        worlds[name] = shop.breaks(change).campaigns(WATCH)[1]
    for rows in worlds.values():
        rows["p"] = model(rows)
    fall = {name: rows["true"].sum() for name, rows in worlds.items()}
    found: dict[str, Any] = {
        "seed": seed,
        "fall": {name: round(float(fall[name] / fall["none"]), 3) for name in FALLS},
    }
    for name in FALLS:  # what the truth promised before the fall
        before = worlds["none"]
        same = worlds[name].merge(
            before[["campaign_id", "user_id", "coupon_id", "true"]],
            on=["campaign_id", "user_id", "coupon_id"],
            how="left",
            suffixes=("", "_before"),
        )
        worlds[name]["promised"] = same["true_before"].fillna(same["true"]).to_numpy()
    worlds["none"]["promised"] = worlds["none"]["true"]
    reference["promised"] = reference["true"]
    for promise in ("p", "promised"):
        past = Past.of(reference, promise)
        found[promise] = {
            "expected": round(float(reference["redeemed"].sum() / REFERENCE), 1),
            "design_effect": round(past.design_effect, 3),
            "spread": round(past.spread, 3),
        }
        for kind, wide in (("cusum", 0.0), ("careful cusum", past.spread)):
            paths = null_paths(past.observed, past.campaigns, campaigns=WATCH, spread=wide)
            cusum = Cusum.tuned(*paths)
            found[promise][kind] = {
                name: cusum.alarm(*past.days(rows, promise)) for name, rows in worlds.items()
            }
        paths = null_paths(past.observed, past.campaigns, campaigns=WATCH)
        lowest = float(np.quantile(z_of(*paths).min(axis=1), 0.05))
        found[promise]["z"] = {
            name: end_of(z_of(*past.days(rows, promise))[0] <= lowest)
            for name, rows in worlds.items()
        }
    found["scores"] = {name: per_campaign(reference, rows) for name, rows in worlds.items()}
    found["young"] = {name: young(reference, worlds[name]) for name in FALLS}
    return found


def z_of(observed: Any, expected: Any) -> Any:
    """Standard scores of whole campaigns."""
    o = np.atleast_2d(observed).reshape(-1, WATCH, DAYS).sum(axis=2)
    e = np.atleast_2d(expected).reshape(-1, WATCH, DAYS).sum(axis=2)
    return (o - e) / np.sqrt(e)


def end_of(rings: Any) -> int | None:
    """The last day of the first campaign that rings."""
    campaigns = np.flatnonzero(rings)
    return int(DAYS * (campaigns[0] + 1) - 1) if campaigns.size else None


def per_campaign(reference: pd.DataFrame, rows: pd.DataFrame) -> dict[str, list[float]]:
    """PSI of the scores, and how far the log loss is above the one that the scores promise."""

    def excess(part: pd.DataFrame) -> float:
        p = part["p"]
        own = -(p * np.log(p) + (1 - p) * np.log1p(-p)).mean()
        return float(log_loss(part["redeemed"], p) / own - 1)

    parts = [part for _, part in rows.groupby("campaign_id")]
    return {
        "psi": [round(psi(reference["p"], part["p"]), 4) for part in parts],
        "excess log loss": [round(excess(part), 4) for part in parts],
    }


def young(reference: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Any]:
    """Observed over expected of the first campaign, raw and adjusted, while it runs."""
    used = reference[reference["redeemed"] == 1]
    known = Maturity.of((used["day"] + 1) / DAYS, used["campaign_id"])
    part = rows[rows["campaign_id"] == rows["campaign_id"].min()]
    truth = part["true"].sum() / part["promised"].sum()
    found: dict[str, Any] = {"truth": round(float(truth), 3)}
    for share in PARTS_OF_TIME:
        so_far = part["day"] + 1 <= share * DAYS
        at = observed_expected(
            so_far.astype(float),
            part["promised"],
            part["user_id"],
            known=known(share),
            known_spread=known.spread(share),
        )
        found[str(share)] = [round(float(at[name]), 3) for name in ("ratio", "low", "high")]
        found[str(share)].append(round(float(at["ratio"] * known(share)), 3))
    return found


def delays() -> dict[str, Any]:
    """The delays of all markets, and shares of alarms."""
    markets = [alone(market, seed) for seed in range(SEEDS)]
    rows = []
    for promise in ("p", "promised"):
        for monitor in ("cusum", "careful cusum", "z"):
            rows.append(summary(promise, monitor, [each[promise][monitor] for each in markets]))
    for monitor in ("psi", "excess log loss"):
        highest = [max(each["scores"]["none"][monitor]) for each in markets]
        limits = [np.quantile(np.delete(highest, k), 0.95) for k in range(len(markets))]
        found = [
            {name: end_of(np.array(v[monitor]) > limit) for name, v in each["scores"].items()}
            for each, limit in zip(markets, limits, strict=True)
        ]
        rows.append(summary("p", monitor, found))
    return {"markets": markets, "monitors": rows, "young": summary_of_young(markets)}


def summary(promise: str, monitor: str, found: list[dict[str, int | None]]) -> dict[str, Any]:
    """In how many markets it rang, that share with its interval, and the mean and median day."""
    row: dict[str, Any] = {"promise": promise, "monitor": monitor, "markets": len(found)}
    for name in ("none", *FALLS):
        alarms = [day for each in found if (day := each[name]) is not None]
        rang, never = len(alarms), len(found) - len(alarms)
        days = [*(day + 1 for day in alarms), *never * [WATCH * DAYS]]
        share = binomtest(rang, len(found)).proportion_ci()
        row[f"{name}_rang"] = rang
        row[f"{name}_low"], row[f"{name}_high"] = round(share.low, 3), round(share.high, 3)
        row[f"{name}_mean"] = round(statistics.mean(days), 1)
        row[f"{name}_median"] = statistics.median(days)
    return row


def summary_of_young(markets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How near the truth the ratios are, and how often the intervals hold it."""
    rows = []
    for name in FALLS:
        for share in PARTS_OF_TIME:
            found = np.array([each["young"][name][str(share)] for each in markets])
            truth = np.array([each["young"][name]["truth"] for each in markets])
            rows.append(
                {
                    "fall": name,
                    "share_of_time": share,
                    "truth": round(float(truth.mean()), 3),
                    "adjusted": round(float(found[:, 0].mean()), 3),
                    "raw": round(float(found[:, 3].mean()), 3),
                    "covered": float(((found[:, 1] <= truth) & (truth <= found[:, 2])).mean()),
                }
            )
    return rows


def bundles(folder: Path) -> tuple[Path, Path]:
    """A bundle, and the same with another calibration."""
    import shutil

    import coupon_rec.serving.bundle.exporting as exporting
    from coupon_rec.book import SPLIT
    from coupon_rec.features import split
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.market import load_complete_journey
    from coupon_rec.serving.bundle.manifest import NAME, seal

    _, validation, _ = split(prelude.offers(), *SPLIT)
    good = exporting.export(
        prelude.model().served,
        folder / "good",
        validation,
        snapshot=lambda place: write_snapshot(load_complete_journey(), DAY, place),
    )
    other = Path(shutil.copytree(good, folder / "other"))
    lines = json.loads((other / "calibration.json").read_text())
    lines["redeemed"] = {"intercept": 1.0, "slope": 1.0}
    (other / "calibration.json").write_text(json.dumps(lines))
    (other / NAME).unlink()
    seal(other, {"created": "", "packages": {}, "differences": {}})
    return good, other


def service() -> dict[str, Any]:
    """What watching costs an answer, and rollbacks under load."""
    from serving import load, server

    from coupon_rec.serving.http.metrics import Metrics
    from coupon_rec.serving.recommender import Choice

    metrics = Metrics()
    choices = [Choice(1, k, p, 1.0, "") for k, p in enumerate((0.1, 0.05, 0.02, 0.01, 0.005))]
    begin = time.perf_counter()
    for _ in range(100_000):
        metrics.see(choices)
    result: dict[str, Any] = {"microseconds_to_see": round((time.perf_counter() - begin) * 10, 2)}
    with TemporaryDirectory() as place:
        folder = Path(place)
        good, other = alone(bundles, folder)
        users = pd.read_parquet(good / "snapshot" / "offers.parquet", columns=["user_id"])
        bodies = [
            {"user_id": int(user), "context": {"time": f"{DAY}T09:30:00"}, "k": 5}
            for user in users["user_id"].unique()[:900]
        ]
        waits: dict[str, list[float]] = {"watched": [], "unwatched": []}
        for turn in range(3):
            for name in waits:
                log = folder / f"{name}{turn}"
                with server(HERE, "--serve", name, good, "PORT", log) as (port, _, _):
                    load(port, bodies, seconds=2.0)
                    told = load(port, bodies, seconds=15.0, rate=RATE)
                    waits[name].append(told["p99_ms"])
        result["p99_ms"] = waits
        result["rollbacks"] = rollbacks(folder, good, other, bodies)
    return result


HERE = Path(__file__)


def serve(name: str, bundle: str, port: str, log: str) -> None:
    """Serve, with or without the histogram of scores."""
    from coupon_rec.serving.http.metrics import Metrics
    from coupon_rec.serving.http.server import serve as run
    from coupon_rec.serving.http.settings import Settings

    if name == "unwatched":
        Metrics.see = lambda *_: None  # type: ignore[method-assign]
    settings = Settings(Path(log), decisions=Path(f"{log}.decisions"))
    run(bundle, "127.0.0.1", int(port), settings)


def rollbacks(folder: Path, good: Path, other: Path, bodies: list[Any]) -> dict[str, Any]:
    """Promote and roll back again and again, while requests come in."""
    from serving import load, server

    registry = Registry(folder / "registry")
    first, second = registry.add(good), registry.add(other)
    registry.promote(first)
    with server("-m", "coupon_rec", "serve", registry.live, "--port", "PORT") as (port, _, _):
        registry.services = (f"http://127.0.0.1:{port}",)
        over, told, spent = threading.Event(), [], []

        def ask() -> None:
            while not over.is_set():
                told.append(load(port, bodies, seconds=10.0, rate=RATE))

        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(ROLLBACKS):
            registry.promote(second)
            begin = time.perf_counter()
            registry.roll_back()
            spent.append(time.perf_counter() - begin)
        over.set()
        asking.join()
    return {
        "rollbacks": ROLLBACKS,
        "requests": round(sum(10 * each["per_second"] for each in told)),
        "failed": sum(each["failed"] for each in told),
        "seconds_each": round(statistics.median(spent), 2),
    }


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(*sys.argv[2:])
    else:
        run_parts("monitoring", PACKAGES, {"service": service, "delays": delays})
