"""`listen` reads streams of any kind, and no kill loses an alert or makes one twice."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from receiver import Receiver
from shell import refusal

from coupon_rec.book.chatter import talk
from coupon_rec.listening import (
    Alert,
    Errors,
    Listener,
    SourceError,
    listen,
    read_lines,
    read_reviews,
)
from coupon_rec.listening.listening import Memory
from coupon_rec.listening.sources import MAX_TEXT, OpinionRow, opinion_of, topics_of
from coupon_rec.outgoing import Unreachable

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"
MONDAY = datetime(2026, 1, 5)
OPTIONS = ("--days", "14", "--cooldown", "12")
FULL = Path("/dev/full")
GOOD = {"time": "2026-01-05T00:00:00", "topic": "milk", "rating": 5}


def lines() -> list[str]:
    """Three weeks of opinions with stars about milk, of which the third goes bad twice."""
    found = []
    bad, every = talk(3, 11, mean=6)
    for hour, (k, n) in enumerate(zip(bad[0].astype(int), every[0].astype(int), strict=True)):
        worse = 14 * 24 + 40 <= hour < 14 * 24 + 52 or 14 * 24 + 100 <= hour < 14 * 24 + 112
        for number in range(n):
            stars = 1 if number < k or worse else 5
            time = (MONDAY + timedelta(hours=hour, seconds=number)).isoformat()
            row = {"time": time, "topic": "milk", "rating": stars, "text": f"word {hour}"}
            found.append(json.dumps(row) + "\n")
    return found


def fresh() -> Listener:
    return Listener(days=14, cooldown=12)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The opinions as one file."""
    path = tmp_path_factory.mktemp("stream") / "said.jsonl"
    path.write_text("".join(lines()))
    return path


@pytest.fixture(scope="module")
def undisturbed(stream: Path) -> list[str]:
    """The ids of the alerts when nothing goes wrong."""
    alerts = listen(partial(read_lines, stream), stream.with_suffix(".memory"), fresh())
    assert len(alerts) >= 2
    return [alert.id for alert in alerts]


def kept(memory: Path, condition: str = "true") -> list[str]:
    with closing(Memory(memory)) as state:
        return [alert.id for alert in state.alerts(condition)]


def skipped(path: Path, *rows: str) -> list[str]:
    """What is said of rows when they are listened to, with a good one after them."""
    said: list[str] = []
    path.write_text("".join(f"{row}\n" for row in (*rows, json.dumps(GOOD))))
    listen(partial(read_lines, path), path.with_suffix(".memory"), fresh(), say=said.append)
    return said


# What a kill, a hook or a pipe that is closed leave


def test_an_alert_that_nobody_takes_holds_up_no_other(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    taken, asked = [], []

    def hangs_up(alert: Alert) -> None:
        if alert.id == undisturbed[0]:
            raise ConnectionResetError("the connection was closed")
        taken.append(alert.id)

    def is_away(alert: Alert) -> None:
        asked.append(alert.id)
        raise Unreachable

    memory = tmp_path / "memory"
    again = partial(listen, partial(read_lines, stream), memory, fresh())
    again(deliver=hangs_up)
    assert taken == undisturbed[1:] == kept(memory, "sent")
    again(deliver=is_away)
    assert asked == undisturbed[:1]


@pytest.mark.skipif(not FULL.exists(), reason="there is no full device")
def test_an_output_that_is_full_stops_neither_the_hook_nor_the_other_output(
    stream: Path, undisturbed: list[str], hook: Receiver, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("nonsense\n" + stream.read_text())
    command = [sys.executable, "-m", "coupon_rec", "listen", bad, *OPTIONS, "--memory"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with FULL.open("w") as full:
        hooked = [*command, tmp_path / "hooked", "--hook", hook.address]
        done = subprocess.run(hooked, cwd=ROOT, text=True, **{**pipes, "stdout": full})
        assert done.returncode == 0 and "go to the hook alone" in done.stderr
        assert hook.ids == undisturbed
        alone = [*command, tmp_path / "alone"]
        done = subprocess.run(alone, cwd=ROOT, text=True, **{**pipes, "stderr": full})
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == undisturbed


def test_a_memory_that_was_there_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    path.touch(0o644)
    Memory(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_database_of_another_program_is_no_memory(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "talks").execute("CREATE TABLE turns (words)")
    with pytest.raises(SourceError, match=r"talks is damaged.*other tables"):
        Memory(tmp_path / "talks")


@pytest.mark.parametrize("state", ["{}", '{"errors": {"caught": 1', '{"watches": {}}', '"none"'])
def test_a_memory_whose_state_is_spoiled_or_of_another_version_is_named(
    state: str, tmp_path: Path
) -> None:
    with closing(Memory(tmp_path / "memory")) as memory:
        memory._database.execute("REPLACE INTO state VALUES (1, '[]', ?)", [state])
        with pytest.raises(SourceError, match="memory is damaged"):
            memory.read(fresh())


def test_what_is_away_is_asked_again_while_we_follow_and_refused_otherwise(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    looks = iter([ConnectionError("nothing answers"), None, KeyboardInterrupt()])

    def read(place: dict[str, int]) -> Iterator:
        if trouble := next(looks):
            raise trouble
        yield from read_lines(stream, place)

    told: list[str] = []
    memory = tmp_path / "memory"
    with pytest.raises(KeyboardInterrupt):
        listen(read, memory, fresh(), say=told.append, follow=0.01)
    assert kept(memory) == undisturbed
    assert told == ["nothing answers; the next look is in 0.01 seconds"]
    looks = iter([ConnectionError("nothing answers")])
    with pytest.raises(SourceError, match="nothing answers"):
        listen(read, memory, fresh())


# Lines


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ("no json", "is no JSON"),
        ("[1]", "is no opinion"),
        ({"time": "1793523600"}, "wrong time"),
        ({"time": 1793523600}, "wrong time"),
        ({"time": None}, "wrong time"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "wrong time"),
        ({"rating": None}, "there is no text"),
        ({"rating": True}, "wrong rating"),
        ({"rating": 0.8}, "wrong rating"),
        ({"rating": float("nan")}, "wrong rating"),
        ({"text": 5}, "wrong text"),
        ({"topic": "m" * 101}, "wrong topic"),
        ({"topic": "a\nb"}, "wrong topic"),
        ({"topic": "\ud800"}, "wrong topic"),
        ({"topic": " "}, "there is no text"),
        ({"topic": None, "text": "Sour."}, "has no topic or"),
        ({"rating": None, "text": "Sour."}, "or no stars"),
    ],
)
def test_a_line_that_is_no_opinion_is_told_and_skipped(
    facts: str | dict, problem: str, tmp_path: Path
) -> None:
    line = facts if isinstance(facts, str) else json.dumps({**GOOD, **facts})
    (said,) = skipped(tmp_path / "said.jsonl", line)
    assert problem in said and f"said.jsonl, at {len(line) + 1}:" in said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-05T01:30+02:00", datetime(2026, 1, 4, 23, 30)),
        ("2026-01-05", datetime(2026, 1, 5)),
        ("20260105", datetime(2026, 1, 5)),
        ("20260105T093000", datetime(2026, 1, 5, 9, 30)),
    ],
)
def test_times_are_read_in_utc(written: str, meant: datetime) -> None:
    row = opinion_of(json.dumps({**GOOD, "time": written}))
    assert isinstance(row, OpinionRow) and row.time == meant


def test_a_text_is_read_up_to_a_length_and_with_halves_of_characters_replaced() -> None:
    row = opinion_of(json.dumps({**GOOD, "text": "half \ud83d" + "o" * 10**6}))
    assert isinstance(row, OpinionRow)
    assert str(row.text).startswith("half ?o") and len(str(row.text)) == MAX_TEXT


def test_a_file_with_a_mark_of_its_bytes_and_a_long_line_is_read_whole(tmp_path: Path) -> None:
    long = json.dumps({**GOOD, "text": "o" * 10**6})
    path = tmp_path / "said.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{long}\n", "utf-8-sig")
    rows = [row for batch in read_lines(path, {}) for *_, row in batch]
    assert [type(row) for row in rows] == [OpinionRow, OpinionRow]


def test_who_learns_from_a_wrong_first_date_is_told_that_nothing_is_watched(
    stream: Path, tmp_path: Path
) -> None:
    early = json.dumps({**GOOD, "time": "1998-01-05T09:00:00"})
    said = skipped(tmp_path / "said.jsonl", early, *stream.read_text().splitlines())
    assert sum("none is watched" in words for words in said) == 1


def test_stars_of_a_stream_are_not_corrected_for_the_errors_of_labels(
    stream: Path, tmp_path: Path
) -> None:
    read = partial(read_lines, stream)
    plain = listen(read, tmp_path / "plain", fresh())
    erring = Listener(Errors(0.8, 0.1), days=14, cooldown=12)
    assert listen(read, tmp_path / "memory", erring) == plain != []


def test_a_pipe_with_a_name_is_read_as_standard_input_is(
    undisturbed: list[str], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=["".join(lines())], daemon=True)
    writer.start()
    alerts = listen(partial(read_lines, pipe), tmp_path / "memory", fresh())
    writer.join()
    assert [alert.id for alert in alerts] == undisturbed


# Reviews of a market


@pytest.mark.parametrize("kind", [float, "item-{}".format])
def test_items_have_topics_however_their_identifiers_are_written(
    kind: Callable, tmp_path: Path
) -> None:
    market = tmp_path / "market"
    shutil.copytree(SAMPLE, market)
    items = pd.read_parquet(market / "items.parquet").set_index("item_id")["department"]
    for path in market.glob("*.parquet"):
        table = pd.read_parquet(path)
        if "item_id" in table:
            table["item_id"] = table["item_id"].map(kind)
            table.to_parquet(path, index=False)
    name = str if kind is float else kind
    assert topics_of(str(market), "department") == {name(i): topic for i, topic in items.items()}
    with pytest.raises(SourceError, match="items have no column shelf"):
        topics_of(str(market), "shelf")


def test_reviews_of_a_market_come_in_order_with_the_topic_of_their_item() -> None:
    rows = [row for *_, row in chain(*read_reviews(str(SAMPLE), {}))]
    assert pd.Series([row.time for row in rows]).is_monotonic_increasing
    departments = set(pd.read_parquet(SAMPLE / "items.parquet")["department"])
    assert {row.topic for row in rows} <= departments
    newest = pd.read_parquet(SAMPLE / "reviews.parquet")["time"].max()
    assert max(row.time for row in rows) < newest
    with pytest.raises(SourceError, match="no column color"):
        next(read_reviews(str(SAMPLE), {}, "color"))


@pytest.fixture
def reviewed(tmp_path: Path) -> Callable[..., Callable[..., list]]:
    """Write a market's reviews, of the hours after a Monday's midnight, and give their reader."""
    market = tmp_path / "market"
    shutil.copytree(SAMPLE, market)
    item = pd.read_parquet(market / "items.parquet")["item_id"].iloc[0]

    def write(*hours: int) -> Callable[..., list]:
        reviews = pd.DataFrame({"user_id": range(1, len(hours) + 1), "item_id": item, "rating": 1})
        times = [MONDAY + timedelta(hours=hour) for hour in hours]
        reviews.assign(time=times).to_parquet(market / "reviews.parquet")
        return read

    def read(place: dict[str, int]) -> list:
        """Hours of the opinions after a place, which moves; and what is said of others."""
        rows = []
        for name, where, row in chain(*read_reviews(str(market), place)):
            place[name] = where
            hour = timedelta(hours=1)
            rows.append((row.time - MONDAY) // hour if isinstance(row, OpinionRow) else row)
        return rows

    return write


def test_reviews_that_come_late_or_are_forgotten_change_nothing_for_the_new_ones(
    reviewed: Callable[..., Callable[..., list]],
) -> None:
    place: dict[str, int] = {}
    assert reviewed(1, 2, 3, 3)(place) == [1, 2]
    late = "is one of 1 that came after later ones had been counted"
    read = reviewed(1, 2, 2, 3, 3, 3, 4)
    assert read(place) == [late, 3, 3, 3]
    assert read(place) == []
    assert reviewed(3, 3, 4, 5, 5, 6)(place) == [4, 5, 5]
    assert reviewed(3, 5, 6, 7, 10**6, 10**6 + 1)(place)[-1] == 6, "what is of the future waits"


# The command


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("follow", 1, "can be read again"),
        ("growth", "inf", "growth must be above 1"),
        ("cooldown", 10**22, "growth must be above 1"),
        ("days", 10**9, "days must be 14"),
    ],
)
def test_bad_arguments_are_told_in_a_line_and_touch_nothing(
    option: str, value: object, told: str, tmp_path: Path
) -> None:
    assert told in refusal("listen", "-", "--memory", tmp_path / "memory", f"--{option}", value)
    assert not (tmp_path / "memory").exists()


TAUGHT = "Sour.,milk,-1,repair\nGood.,x,1,repair\n"


@pytest.mark.parametrize(
    ("sentences", "told"),
    [
        (f"text,topic,sentiment,half\n{TAUGHT}", "no column half with"),
        (f"text,topic,sentiment,half\n{TAUGHT}Oh.,x,bad,repair\nOk.,x,1,judge\n", "hold numbers"),
        (f"text,topic,sentiment,half\n{TAUGHT}Fair.,x,1,judge\nOk.,x,,judge\n", "be present"),
    ],
)
def test_sentences_that_teach_nothing_are_told(
    sentences: str, told: str, stream: Path, tmp_path: Path
) -> None:
    (tmp_path / "sentences.csv").write_text(sentences)
    options = ("--memory", tmp_path / "memory", "--labels", tmp_path / "sentences.csv")
    assert told in refusal("listen", stream, *options)
    assert not (tmp_path / "memory").exists()
