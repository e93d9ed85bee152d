"""Requests a second and latency of the service, on loopback, beside other ways to answer.

Top 5 of about 200 coupons for one user, features included. The load generator (`load.py`) is a
process of its own beside the server, on the same two cores. Every server is one worker.

- cold: no answer is kept, so every request computes its features and runs the model;
- warm: every answer was given before;
- empty, tutorial: see `serving_peers.py`;
- the parts alone, without HTTP: features of a user from the store; the model on 200 coupons.

`python benchmarks/serving.py [MODEL BUNDLE]` uses a model and its bundle where they exist, and
makes them where not. `--soak SECONDS` sends a steady load instead, and watches the memory.
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

from coupon_rec.serving.scorer import Scorer
from coupon_rec.serving.store import FeatureStore

HERE = Path(__file__).parent
DAY = date(2017, 11, 20)
ROUNDS = 3
SECONDS = 8.0
CONNECTIONS = 16
HALF_LOAD = 400.0
STARTS = 5
EVENTS = 2000


def make(folder: Path) -> tuple[Path, Path]:
    """Train and export as a person would: three commands."""
    offers, model, bundle = folder / "offers", folder / "model.keras", folder / "bundle"
    for words in (
        ("features", offers),
        ("train", offers, model),
        ("export", model, bundle, "--day", DAY),
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


def load(port: int, bodies: list[Any], path: str = "/v1/recommendations", **how: Any) -> Any:
    """Run the load generator in a process of its own."""
    task = {"port": port, "path": path, "bodies": bodies, "seconds": SECONDS, "rate": 0.0}
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
        result["at_400_a_second"] = load(port, bodies, rate=HALF_LOAD, connections=64)
        result["at_half_its_most"] = load(port, bodies, rate=rate / 2, connections=64)
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
    features, scorer = FeatureStore.load(bundle / "snapshot"), Scorer.load(bundle)
    turn = iter(users * 1000)
    found = features.offers(users[0], DAY)
    two_hundred = {
        name: np.resize(array, (200, array.shape[1])) for name, array in found.arrays.items()
    }
    return {
        "coupons_of_a_user": len(found.coupon_id),
        "features_of_a_user_per_second": per_second(lambda: features.offers(next(turn), DAY)),
        "model_on_200_coupons_per_second": per_second(lambda: scorer.predict(two_hundred)),
    }
