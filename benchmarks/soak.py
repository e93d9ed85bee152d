"""Replicas that are killed under load: is an accepted event lost, or an answer wrong?

Each replica is a process that always serves the same users. Users buy and ask, each from one
thread, while every so often one replica is killed with SIGKILL and started anew. A client that
finds its replica away tries again. Afterwards

- every event that was accepted is looked for in the log of its replica;
- answers are computed anew, from the snapshot, the first so many events of that log and so many of
  the user's own, and compared with what was answered; and each must have counted all that its user
  had bought before.

`python benchmarks/serving.py MODEL BUNDLE --soak 240 --kill 20` runs it.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event as Signal
from typing import Any
from urllib.request import urlopen

import httpx
import numpy as np
from load import free_port

from coupon_rec.decisions import Economics
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.decision_reader import read_answers
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.feature_store import FeatureStore
from coupon_rec.serving.recommender import Question, Recommender

BUYS = 0.2
"""Share of the requests before which the user buys something."""


class Replica:
    """A process of `python -m coupon_rec serve`, always on the same port."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self.bundle, self.folder, self.port = bundle, folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        folder.mkdir(parents=True)
        self.start()

    def start(self) -> float:
        """Start it, and give the seconds until it is ready."""
        begin = time.monotonic()
        files = ("--log", self.folder / "events", "--decisions", self.folder / "decisions")
        command = ("-m", "coupon_rec", "serve", self.bundle, "--port", self.port, *files)
        with (self.folder / "words").open("ab") as words:
            self.process = subprocess.Popen(
                [sys.executable, *map(str, command)], stdout=words, stderr=words
            )
        while True:
            try:
                urlopen(f"{self.address}/readyz").close()
                return time.monotonic() - begin
            except OSError as error:
                if self.process.poll() is not None:
                    said = (self.folder / "words").read_text()
                    raise RuntimeError(f"a replica does not start: {said}") from error
                time.sleep(0.05)

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """End it, and wait for the end."""
        self.process.send_signal(signum)
        self.process.wait()


@dataclass
class Seen:
    """What one thread was told."""

    accepted: list[str] = field(default_factory=list)
    answers: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    """Each answer, and the last event of its user before it."""
    waits: list[float] = field(default_factory=list)


def post(client: httpx.Client, url: str, body: dict[str, Any]) -> httpx.Response:
    """Ask a replica, and again for two minutes while it is away."""
    deadline = time.monotonic() + 120
    while True:
        try:
            answer = client.post(url, json=body)
            if answer.status_code != 503:
                return answer.raise_for_status()
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} is away for too long")
        time.sleep(0.1)


def shop(
    addresses: Sequence[str],
    users: Sequence[int],
    items: Sequence[int],
    noon: str,
    over: Signal,
    seed: int,
) -> Seen:
    """Buy and ask, one after another, until it is over."""
    client = httpx.Client(timeout=60)
    random, seen, last = np.random.default_rng(seed), Seen(), dict.fromkeys(users, "")
    while not over.is_set():
        user = int(random.choice(users))
        address = addresses[user % len(addresses)]
        if random.random() < BUYS:
            name = f"soak-{seed}-{len(seen.accepted)}"
            event = {"event_id": name, "kind": "purchase", "user_id": user, "time": noon}
            bought = {"basket_id": 10**12 + len(seen.accepted), "amount": 2.5}
            event = {**event, **bought, "item_id": int(random.choice(items))}
            post(client, f"{address}/v1/events", {"events": [event]})
            seen.accepted.append(name)
            last[user] = name
        begin = time.monotonic()
        asked = {"user_id": user, "k": 5, "context": {"time": noon}}
        answer = post(client, f"{address}/v1/recommendations", asked)
        seen.waits.append(time.monotonic() - begin)
        answered = {**answer.json(), "request_id": answer.headers["X-Request-Id"]}
        seen.answers.append((answered, last[user]))
    return seen


def soak(
    bundle: Path,
    scratch: Path,
    seconds: float,
    every: float,
    *,
    count: int = 2,
    threads: int = 4,
    checked: int = 2000,
) -> dict[str, Any]:
    """Kill one replica after another for some seconds, and look at what is left."""
    replicas = [Replica(bundle, scratch / f"replica-{number}") for number in range(count)]
    addresses = [replica.address for replica in replicas]
    store = FeatureStore(bundle / "snapshot", Scorer.load(bundle).encoder)
    noon, users = f"{store.day}T12:00:00", np.array([*store.snapshot.user_row])
    over, restarts = Signal(), []
    try:
        with ThreadPoolExecutor(threads) as pool:
            shopping = [
                pool.submit(
                    *(shop, addresses, users[place::threads].tolist()),
                    *(store.snapshot.items.item_id.tolist(), noon, over, place),
                )
                for place in range(threads)
            ]
            deadline = time.monotonic() + seconds
            while time.monotonic() + every < deadline and not any(s.done() for s in shopping):
                time.sleep(every)
                victim = replicas[len(restarts) % count]
                victim.kill()
                restarts.append(victim.start())
            time.sleep(max(0.0, deadline - time.monotonic()))
            over.set()
            seen = [each.result() for each in shopping]
    finally:
        over.set()
        for replica in replicas:
            replica.kill(signal.SIGTERM)
    waits = np.concatenate([each.waits for each in seen])
    p50, p99, most = np.percentile(waits, [50, 99, 100]) * 1000
    return {
        "seconds": seconds,
        "replicas": count,
        "kills": len(restarts),
        "seconds_to_ready": round(float(np.median(restarts)), 2) if restarts else None,
        "answers": len(waits),
        "p50_ms": round(p50, 2),
        "p99_ms": round(p99, 2),
        "max_ms": round(most, 2),
        **verify(replicas, seen, checked),
    }


def verify(replicas: Sequence[Replica], seen: Sequence[Seen], checked: int) -> dict[str, int]:
    """Count accepted events that are nowhere, and answers that the log does not explain."""
    found = {"accepted": 0, "lost": 0, "checked": 0, "unrecorded": 0, "wrong": 0, "stale": 0}
    accepted = {name for each in seen for name in each.accepted}
    kept: set[str] = set()
    for number, replica in enumerate(replicas):
        log = EventLog(replica.folder / "events")
        events, _ = log.read()
        log.close()
        place = {event.event_id: count for count, event in enumerate(events, start=1)}
        assert len(place) == len(events), "an event is in the log twice"
        kept |= set(place)
        mine = [
            (answer, last)
            for each in seen
            for answer, last in each.answers
            if answer["user_id"] % len(replicas) == number
        ]
        some = np.random.default_rng(number).permutation(len(mine))[: checked // len(replicas)]
        recorded = read_answers(replica.folder / "decisions").set_index("request_id")
        known = [mine[i] for i in some if mine[i][0]["request_id"] in recorded.index]
        found["unrecorded"] += len(some) - len(known)  # a kill takes the last 100 ms of decisions
        scorer = Scorer.load(replica.bundle)
        rests = {answer["request_id"]: recorded.loc[answer["request_id"]] for answer, _ in known}
        order = sorted(
            known, key=lambda each: tuple(rests[each[0]["request_id"]][["counted", "version"]])
        )
        ranked = -1
        for answer, last in order:
            rest, user = rests[answer["request_id"]], answer["user_id"]
            if rest["counted"] != ranked:  # another crowd
                ranked = int(rest["counted"])
                store = FeatureStore(replica.bundle / "snapshot", scorer.encoder)
                store.add(events[:ranked])
                store.rank()
                recommend = Recommender(scorer, store, Economics())
            own = [event for event in events if event.user_id == user]
            store.add(own[: rest["version"]])
            (reply,) = recommend([Question(user, store.day, 5)])
            assert not isinstance(reply, Exception)
            ours = [
                {name: value for name, value in asdict(choice).items() if value not in (None, "")}
                for choice in reply.choices
            ]
            found["checked"] += 1
            found["wrong"] += ours != answer["coupons"]
            seen_then = {event.event_id for event in own[: rest["version"]]}
            found["stale"] += last in place and last not in seen_then
    found["accepted"], found["lost"] = len(accepted), len(accepted - kept)
    return found
