"""Requests a second and latency of the service, on loopback, beside other ways to answer.

Top 5 of about 200 coupons for one user, features included. The load generator (`load.py`) is a
process of its own beside the server, on the same two cores. Every server is one worker.

- cold: no features are kept, so every request computes all of them from the sums of the user's
  purchases and runs the model (more users take turns than the store keeps features for);
- ready: the store has the users' features ready, the model runs for every request;
- warm: every answer was given before;
- unlogged: ready and warm once more, without the decision log;
- empty, tutorial: see `serving_peers.py`;
- the parts alone, without HTTP: features of a user from the store; the model on 200 coupons.

`python benchmarks/serving.py [MODEL BUNDLE]` uses a model and its bundle where they exist, and
makes them where not. With both it takes about five minutes, on a machine that does nothing else.
`--soak SECONDS --kill SECONDS` sends a steady load instead, and kills a replica so often: see
`soak.py`.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import numpy as np
import pyarrow.parquet as pq
from load import free_port
from machine import store, use_two_cores
from soak import soak

from coupon_rec.book import SPLIT
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.feature_store import FeatureStore

HERE = Path(__file__).parent
DAY = date(2017, 11, 20)
ROUNDS = 3
SECONDS = 5.0
LATENCY_SECONDS = 20.0
CONNECTIONS = 16
HALF_LOAD = 400.0
STARTS = 5
READY = 900
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "keras", "bentoml")


def make(folder: Path) -> tuple[Path, Path]:
    """Train and export as a person would: three commands."""
    offers, model, bundle = folder / "offers", folder / "model.keras", folder / "bundle"
    dates = ["--train-from", SPLIT[0], "--validate-from", SPLIT[1], "--test-from", SPLIT[2]]
    for words in (
        ("features", offers),
        ("train", offers, model, *dates),
        ("export", model, bundle, "--day", DAY, *dates[2:]),
    ):
        subprocess.run([sys.executable, "-m", "coupon_rec", *map(str, words)], check=True)
    return model, bundle


@contextmanager
def server(*command: object) -> Iterator[tuple[int, float, subprocess.Popen[bytes]]]:
    """Start a server on the port that follows `command`; give the port and the seconds it took."""
    port = free_port()
    begin = time.perf_counter()
    words = [sys.executable, *map(str, command)]
    process = subprocess.Popen([word.replace("PORT", str(port)) for word in words])
    try:
        while True:
            try:
                urlopen(f"http://127.0.0.1:{port}/readyz").close()
                break
            except OSError as error:
                if getattr(error, "code", 0) == 404:
                    break
                assert process.poll() is None
                time.sleep(0.005)
        yield port, time.perf_counter() - begin, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def load(port: int, bodies: list[Any], **how: Any) -> Any:
    """Run the load generator in a process of its own."""
    requests = [("/v1/recommendations", body) for body in bodies]
    task = {"port": port, "requests": requests, "seconds": SECONDS, "rate": 0.0}
    task |= {"connections": CONNECTIONS, **how}
    words = [sys.executable, str(HERE / "load.py")]
    done = subprocess.run(words, input=json.dumps(task).encode(), capture_output=True, check=True)
    return json.loads(done.stdout)


def measure(port: int, bodies: list[Any]) -> dict[str, Any]:
    """The most requests a second, in several rounds, and the latency at a fixed rate."""
    load(port, bodies, seconds=2.0)
    most = [load(port, bodies) for _ in range(ROUNDS)]
    rate = statistics.median(each["per_second"] for each in most)
    result = {"per_second": rate, "failed": sum(each["failed"] for each in most)}
    if rate > HALF_LOAD:
        result["at_400_a_second"] = load(
            port, bodies, seconds=LATENCY_SECONDS, rate=HALF_LOAD, connections=64
        )
        result["at_half_its_most"] = load(
            port, bodies, seconds=LATENCY_SECONDS, rate=rate / 2, connections=64
        )
    else:
        result["one_at_a_time"] = load(port, bodies, connections=1)
    return result


def per_second(call: Callable[[], object]) -> float:
    """How often a call completes in a second, the median of several rounds."""
    rates = []
    for _ in range(ROUNDS):
        number, begin = 0, time.perf_counter()
        while time.perf_counter() < begin + 2:
            call()
            number += 1
        rates.append(number / (time.perf_counter() - begin))
    return round(statistics.median(rates), 1)


def parts(bundle: Path, users: list[int]) -> dict[str, Any]:
    """The work without HTTP, in this process."""
    scorer = Scorer.load(bundle)
    features = FeatureStore.load(bundle / "snapshot", scorer.encoder)
    turn = iter(users * 1000)
    found = features.offers(users[0], DAY)
    two_hundred = {
        name: np.resize(array, (200, array.shape[1])) for name, array in found.arrays.items()
    }
    names = list(scorer.calibration)
    inputs = {name: two_hundred[name] for name in scorer.encoder.arrays}
    return {
        "coupons_of_a_user": len(found.coupon_id),
        "features_of_a_user_per_second": per_second(lambda: features.offers(next(turn), DAY)),
        "model_on_200_coupons_per_second": per_second(lambda: scorer.predict(two_hundred)),
        "onnx_runtime_alone_per_second": per_second(lambda: scorer.session.run(names, inputs)),
    }


def ours(bundle: Path, log: Path, cached: int, name: str = "ours") -> tuple[object, ...]:
    """The command that starts our service with a cache of so many answers."""
    return HERE / "serving_peers.py", name, "PORT", bundle, log, cached


def compare(model: Path, bundle: Path, scratch: Path) -> dict[str, Any]:
    """Measure every way to answer, one after another."""
    users = pq.read_table(bundle / "snapshot" / "offers.parquet")["user_id"].unique().to_pylist()
    time_of_day = {"time": f"{DAY}T09:30:00"}
    bodies = [{"user_id": user_id, "context": time_of_day, "k": 5} for user_id in users]
    result: dict[str, Any] = {"users": len(users), "parts": parts(bundle, users)}
    starts = []
    for _ in range(STARTS):
        command = ("-m", "coupon_rec", "serve", bundle, "--port", "PORT", "--log", scratch / "log")
        with server(*command) as (_, seconds, _):
            starts.append(seconds)
    result["seconds_to_ready"] = round(statistics.median(starts), 2)
    ways = {
        "cold": ours(bundle, scratch / "cold", 0),
        "ready": ours(bundle, scratch / "ready", 0),
        "warm": ours(bundle, scratch / "warm", 10_000),
        "ready unlogged": ours(bundle, scratch / "ready-unlogged", 0, "unlogged"),
        "warm unlogged": ours(bundle, scratch / "warm-unlogged", 10_000, "unlogged"),
        "empty": (HERE / "serving_peers.py", "empty", "PORT"),
        "tutorial": (HERE / "serving_peers.py", "tutorial", "PORT", model, DAY),
        "bentoml": (HERE / "serving_bentoml.py", "PORT", bundle),
    }
    result["ways"] = {}
    for name, command in ways.items():
        with server(*command) as (port, _, _):
            result["ways"][name] = measure(port, bodies[:READY] if "ready" in name else bodies)
        print(name, result["ways"][name], flush=True)
    return result


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("bundle", type=Path, nargs="?")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    parser.add_argument("--kill", type=float, metavar="SECONDS", default=20.0)
    asked = parser.parse_args()
    use_two_cores()
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        model, bundle = (asked.model, asked.bundle) if asked.bundle else make(scratch)
        if asked.soak:
            store("killed", PACKAGES, soak(bundle, scratch, asked.soak, asked.kill))
        else:
            store("serving", PACKAGES, compare(model, bundle, scratch))


if __name__ == "__main__":
    main()
