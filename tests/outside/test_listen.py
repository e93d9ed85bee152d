"""`listen` rings when talk about a topic turns bad, once, whatever happens to it meanwhile."""

import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from receiver import Receiver
from shop import DAY, PATIENCE, ROOT, SAMPLE, Service, attempt, refusal, until

MONDAY = datetime(2026, 1, 5)
OPTIONS = ("--days", "14", "--cooldown", "12")
SPOILED = (14 * 24 + 40, 14 * 24 + 100)
"""When milk is bad for twelve hours, in hours after the first Monday."""


def opinions(spoiled: Iterable[int] = SPOILED, begin: datetime = MONDAY) -> pd.DataFrame:
    """Three weeks of stars about milk and bread, of which one in five is negative."""
    rng = np.random.default_rng(7)
    hours = np.repeat(np.arange(21 * 24), rng.poisson(12, 21 * 24))
    topic = rng.choice(["milk", "bread"], len(hours))
    bad = np.any([(first <= hours) & (hours < first + 12) for first in (*spoiled, 10**6)], axis=0)
    stars = np.where((bad & (topic == "milk")) | (rng.random(len(hours)) < 0.2), 1, 5)
    seconds = pd.Series(hours).groupby(hours).cumcount()
    time = begin + pd.to_timedelta(hours * 3600 + seconds, unit="s")
    text = [f"said in hour {hour}" for hour in hours]
    return pd.DataFrame({"time": time, "topic": topic, "rating": stars, "text": text})


def written(said: pd.DataFrame, path: Path) -> Path:
    """Write opinions as JSON lines."""
    path.write_text(said.to_json(orient="records", lines=True, date_format="iso"))
    return path


def process(source: object, memory: Path, *options: object, **pipes: Any) -> subprocess.Popen[str]:
    """Let `listen` run in a process of its own."""
    words = ["listen", source, "--memory", memory, *OPTIONS, *options]
    command = [sys.executable, "-m", "coupon_rec", *map(str, words)]
    every = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen(command, **{**every, **pipes})


def rung(source: object, memory: Path, *options: object, said: str | None = None) -> list[str]:
    """Listen to the end, and give the ids of the alerts that were printed."""
    listening = process(source, memory, *options, stdin=subprocess.PIPE)
    out, err = listening.communicate(said, timeout=PATIENCE)
    assert listening.returncode == 0, err
    return [json.loads(line)["id"] for line in out.splitlines()]


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Opinions of which those about milk turn bad twice."""
    return written(opinions(), tmp_path_factory.mktemp("stream") / "said.jsonl")


@pytest.fixture(scope="module")
def alerts(stream: Path) -> list[dict[str, Any]]:
    """What rings when nothing goes wrong."""
    listening = process(stream, stream.with_suffix(".memory"))
    out, err = listening.communicate(timeout=PATIENCE)
    assert listening.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def ids(alerts: list[dict[str, Any]]) -> list[str]:
    return [alert["id"] for alert in alerts]


@pytest.fixture
def hook() -> Iterator[Receiver]:
    hook = Receiver()
    yield hook
    hook.close()


def received(hook: Receiver) -> list[str]:
    return [alert["id"] for alert in hook.received]


# What rings


def test_it_rings_soon_after_talk_turns_bad_with_the_evidence(
    alerts: list[dict[str, Any]],
) -> None:
    assert {alert["topic"] for alert in alerts} == {"milk"}
    said = opinions().query("topic == 'milk'")
    for alert, first in zip(alerts, SPOILED, strict=True):
        began = MONDAY + timedelta(hours=first)
        at, since = (datetime.fromisoformat(alert[name]) for name in ("at", "since"))
        assert began < at <= began + timedelta(hours=12) and since <= began + timedelta(hours=6)
        heard = said[(said["time"] >= since) & (said["time"] < at)]
        assert alert["opinions"] == len(heard)
        assert alert["negatives"] == (heard["rating"] <= 2).sum()
        assert alert["share"] == pytest.approx(alert["negatives"] / alert["opinions"], abs=1e-3)
        assert alert["usual"] == pytest.approx(0.2, abs=0.03)
        assert {*alert["quotes"]} <= {*heard["text"]} and alert["quotes"]


@pytest.mark.slow
def test_nothing_rings_where_nothing_changes_and_bad_lines_are_named_and_skipped(
    hook: Receiver, tmp_path: Path
) -> None:
    bad = {
        "no JSON": "no json at all",
        "no time": '{"topic": "milk", "rating": 1}',
        "yesterday": '{"time": "yesterday", "topic": "milk", "rating": 1}',
        "future": '{"time": "2226-01-05T00:00:00", "topic": "milk", "rating": 1}',
        "rating": '{"time": "2026-01-05T00:00:00", "topic": "milk", "rating": "one"}',
        "stars": '{"time": "2026-01-05T00:00:00", "topic": "milk", "rating": 99}',
        "topic": '{"time": "2026-01-05T00:00:00", "topic": 5, "rating": 1}',
        "JSON": "[" * 100_000,
    }
    said = written(opinions(spoiled=()), tmp_path / "said.jsonl")
    quiet = said.read_text()
    said.write_text("".join(f"{line}\n" for line in bad.values()) + quiet)
    words = ("listen", said, "--memory", tmp_path / "memory", *OPTIONS, "--hook", hook.address)
    done = attempt(*words)
    assert (done.returncode, done.stdout, hook.received) == (0, "", [])
    assert done.stderr.count(said.name) >= len(bad), "each is named"


# Whatever happens meanwhile


def test_killed_in_the_middle_it_loses_no_alert_and_makes_none_twice(
    stream: Path, ids: list[str], hook: Receiver, tmp_path: Path
) -> None:
    memory, to_desk = tmp_path / "memory", ("--hook", hook.address)
    listening = process(stream, memory, *to_desk)
    until(memory.exists)
    listening.kill()  # somewhere in the stream
    listening.communicate()
    before = len(hook.received)

    listening = process(stream, memory, *to_desk)
    hook.first = listening.kill  # the alert is sent, and nothing can be noted any more
    listening.communicate(timeout=PATIENCE)
    hook.first = lambda: None
    assert listening.returncode == -signal.SIGKILL and len(hook.received) == before + 1

    rung(stream, memory, *to_desk)
    assert list(dict.fromkeys(received(hook))) == ids
    assert len(hook.received) == len(ids) + 1, "the one that was sent, and not yet noted"
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_an_alert_that_nobody_takes_is_kept_and_sent_again(
    stream: Path, ids: list[str], hook: Receiver, tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    with Path("/dev/full").open("w") as full:
        listening = process(stream, memory, stdout=full)
        _, err = listening.communicate(timeout=PATIENCE)
    assert listening.returncode == 2 and "output" in err and "Traceback" not in err
    hook.status = 503
    assert rung(stream, memory, "--hook", hook.address) == []
    hook.status = 204
    hook.received.clear()
    assert rung(stream, memory, "--hook", hook.address) == ids == received(hook)


@pytest.mark.slow
def test_a_folder_that_grows_is_read_on_and_what_is_half_written_waits(
    stream: Path, ids: list[str], tmp_path: Path
) -> None:
    every = stream.read_text().splitlines(keepends=True)
    parts, memory = tmp_path / "parts", tmp_path / "memory"
    parts.mkdir()
    (parts / "2026-01.jsonl").write_text("".join(every[:3000]))
    (parts / "2026-02.jsonl").write_text(f"{''.join(every[3000:4800])}{every[4800][:20]}")
    printed = rung(parts, memory)
    with (parts / "2026-02.jsonl").open("a") as file:
        file.write(every[4800][20:] + "".join(every[4801:]))
    assert [*printed, *rung(parts, memory)] == ids
    (parts / "2026-02.jsonl").write_text(every[3000])
    shorter = refusal("listen", parts, "--memory", memory, *OPTIONS)
    assert "2026-02.jsonl" in shorter and "shorter" in shorter


@pytest.mark.slow
def test_a_pipe_gives_its_alerts_while_it_is_open_and_skips_what_was_read_before(
    stream: Path, ids: list[str], tmp_path: Path
) -> None:
    memory = tmp_path / "memory"
    listening = process("-", memory, stdin=subprocess.PIPE)
    assert listening.stdin and listening.stdout
    listening.stdin.write(stream.read_text())
    listening.stdin.flush()
    assert [json.loads(listening.stdout.readline())["id"] for _ in ids] == ids
    second = refusal("listen", stream, "--memory", memory, *OPTIONS)
    assert str(memory) in second and "another process" in second
    listening.communicate(timeout=PATIENCE)
    assert rung("-", memory, said=stream.read_text()) == []


# Other sources


@pytest.mark.slow
def test_reviews_that_a_service_was_sent_ring_while_it_is_followed(
    service: Service, hook: Receiver, tmp_path: Path
) -> None:
    first = datetime.fromisoformat(DAY)
    said = opinions(begin=first).query("topic == 'milk'")
    items = pd.read_parquet(SAMPLE / "items.parquet")
    item = items.iloc[0]
    events = [
        {
            "event_id": f"review-{number}",
            "kind": "review",
            "user_id": 10**6 + number,
            "time": time.isoformat(),
            "item_id": int(item["item_id"]),
            "rating": int(stars),
        }
        for number, (time, stars) in enumerate(zip(said["time"], said["rating"], strict=True))
    ]
    half = len(events) // 2

    def send(some: list[dict[str, Any]]) -> None:
        for place in range(0, len(some), 1000):
            assert service.send(*some[place : place + 1000]).is_success

    send(events[:half])
    address = f"http://127.0.0.1:{service.port}"
    followed = ("--market", SAMPLE, "--follow", 0.2, "--hook", hook.address)
    listening = process(address, tmp_path / "memory", *followed)
    until((tmp_path / "memory").exists)
    send(events[half:])
    until(lambda: len(hook.received) >= len(SPOILED))
    listening.terminate()
    listening.communicate(timeout=PATIENCE)
    assert {alert["topic"] for alert in hook.received} == {item["department"]}
    times = [datetime.fromisoformat(alert["at"]) - first for alert in hook.received]
    for at, began in zip(times, SPOILED, strict=True):
        assert 0 < at / timedelta(hours=1) - began <= 12


@pytest.mark.slow
def test_words_without_a_topic_are_understood_by_labeled_sentences(
    hook: Receiver, tmp_path: Path
) -> None:
    pytest.importorskip("vaderSentiment")
    labels = ROOT / "data" / "opinions" / "finance.csv"
    spoken = pd.read_csv(labels).query("half == 'judge'")
    rng = np.random.default_rng(3)
    hours = np.repeat(np.arange(16 * 24), 8)
    worse = hours >= 15 * 24
    bad = rng.random(len(hours)) < np.where(worse, 0.8, 0.2)
    products = spoken[spoken["topic"] == "products"]
    text = np.where(
        bad,
        rng.choice(products.query("sentiment < 0")["text"], len(hours)),
        rng.choice(products.query("sentiment > 0")["text"], len(hours)),
    )
    time = MONDAY + pd.to_timedelta(hours, unit="h")
    said = written(pd.DataFrame({"time": time, "text": text}), tmp_path / "said.jsonl")
    assert "label" in refusal("listen", said, "--memory", tmp_path / "none", *OPTIONS)
    rung(said, tmp_path / "memory", "--labels", labels, "--hook", hook.address)
    alert = hook.received[-1]
    assert alert["topic"] == "products" and {*alert["quotes"]} <= {*text[worse & bad]}
    assert alert["share"] == pytest.approx(0.8, abs=0.25)


@pytest.mark.slow
def test_the_stars_of_a_markets_reviews_ring(tmp_path: Path) -> None:
    market = Path(shutil.copytree(SAMPLE, tmp_path / "market"))
    item = pd.read_parquet(market / "items.parquet").iloc[0]
    said = opinions().query("topic == 'milk'")[["time", "rating"]]
    reviews = said.assign(user_id=1, item_id=item["item_id"])
    reviews.to_parquet(market / "reviews.parquet", index=False)
    topics = [name.split()[0] for name in rung(market, tmp_path / "memory", "--reviews")]
    assert topics == [item["department"]] * len(SPOILED)


# What is refused


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere.jsonl",), "nowhere.jsonl"),
        (("said.jsonl", "--hook", "ftp://here"), "ftp://here"),
        (("said.jsonl", "--labels", "labels.csv"), "half"),
        (("said.jsonl", "--memory", "labels.csv"), "labels.csv"),
    ],
)
def test_what_cannot_be_listened_to_is_named(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    (tmp_path / "said.jsonl").touch()
    sentences = "text,topic,sentiment\nSour.,milk,-1\n" * 50
    (tmp_path / "labels.csv").write_text(sentences)
    here = [tmp_path / word if word.endswith(("jsonl", "csv")) else word for word in words]
    assert told in refusal("listen", "--memory", tmp_path / "memory", *here)
    assert (tmp_path / "labels.csv").read_text() == sentences
