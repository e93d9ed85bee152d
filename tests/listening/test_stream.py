"""`listen` reads streams of any kind, and no kill loses an alert or makes one twice."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread
from urllib.error import URLError

import pandas as pd
import pytest
from receiver import Receiver
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.book import chatter
from coupon_rec.book.chatter import talk
from coupon_rec.listening import Errors, Listener, SourceError, listen, read_lines, read_reviews
from coupon_rec.listening.listener import Alert
from coupon_rec.listening.listening import Memory, post
from coupon_rec.listening.sources import topics_of

ROOT = Path(__file__).parents[2]
MONDAY = datetime(2026, 1, 5)
OPTIONS = ("--days", "14", "--cooldown", "12")


def lines(weeks: int = 3) -> list[str]:
    """Three weeks of opinions with stars about milk, of which the third goes bad twice."""
    found = []
    bad, every = talk(weeks, 11, mean=6)
    for hour, (k, n) in enumerate(zip(bad[0].astype(int), every[0].astype(int), strict=True)):
        worse = 14 * 24 + 40 <= hour < 14 * 24 + 52 or 14 * 24 + 100 <= hour < 14 * 24 + 112
        for number in range(n):
            stars = 1 if number < k or worse else 5
            time = (MONDAY + timedelta(hours=hour, seconds=number)).isoformat()
            row = {"time": time, "topic": "milk", "rating": stars, "text": f"word {hour}"}
            found.append(json.dumps(row) + "\n")
    return found


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The opinions as one file."""
    path = tmp_path_factory.mktemp("stream") / "said.jsonl"
    path.write_text("".join(lines()))
    return path


@pytest.fixture(scope="module")
def undisturbed(stream: Path) -> list[str]:
    """The ids of the alerts when nothing goes wrong."""
    listener = Listener(days=14, cooldown=12)
    alerts = listen(partial(read_lines, stream), stream.with_suffix(".memory"), listener)
    assert len(alerts) >= 2
    return [alert.id for alert in alerts]


def start(stream: Path, memory: Path, hook: Receiver) -> subprocess.Popen[str]:
    """Let `listen` run in a process of its own."""
    command = [sys.executable, "-m", "coupon_rec", "listen", str(stream)]
    options = ["--memory", str(memory), "--hook", hook.address, *OPTIONS]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command, *options], cwd=ROOT, text=True, **pipes)


def kept(memory: Path, sent: bool | None = None) -> list[str]:
    state = Memory(memory)
    try:
        return [alert.id for alert in state.alerts(sent)]
    finally:
        state.close()


# Killed


@pytest.mark.slow
def test_a_run_that_dies_between_any_two_batches_replays_to_the_same_alerts(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    class Death(Exception):
        pass

    def dying(after: int) -> Callable:
        def read(place: dict[str, int]) -> Iterator:
            for number, row in enumerate(read_lines(stream, place)):
                if number == after:
                    raise Death
                yield row

        return read

    memory, listener = tmp_path / "memory", Listener(days=14, cooldown=12)
    for after in (1, 999, 1000, 1001, 400):
        with pytest.raises(Death):
            listen(dying(after), memory, listener)
    alerts = listen(partial(read_lines, stream), memory, listener)
    assert [alert.id for alert in alerts] == undisturbed


def test_an_alert_that_nobody_takes_holds_up_no_other(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    taken: list[str] = []

    def hangs_up(alert: Alert) -> None:
        if alert.id == undisturbed[0]:
            raise ConnectionResetError("the connection was closed")
        taken.append(alert.id)

    def is_away(alert: Alert) -> None:
        asked.append(alert.id)
        raise URLError(ConnectionRefusedError())

    memory, listener, asked = tmp_path / "memory", Listener(days=14, cooldown=12), []
    again = partial(listen, partial(read_lines, stream), memory, listener)
    again(deliver=hangs_up)
    assert taken == undisturbed[1:] == kept(memory, sent=True)
    again(deliver=is_away)
    assert asked == undisturbed[:1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_an_output_that_is_full_loses_no_alert_and_doubles_none(
    stream: Path, undisturbed: list[str], hook: Receiver, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "coupon_rec", "listen", str(stream), *OPTIONS, "--memory"]
    with Path("/dev/full").open("w") as full:
        settings = {"stdout": full, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
        hooked = [*command, str(tmp_path / "hooked"), "--hook", hook.address]
        done = subprocess.run(hooked, **settings)
        assert done.returncode == 0 and "go to the hook alone" in done.stderr
        assert hook.ids == undisturbed
        alone = [*command, str(tmp_path / "alone")]
        done = subprocess.run(alone, **settings)
        assert done.returncode == 2 and "standard output takes no alert" in done.stderr
    done = subprocess.run(alone, capture_output=True, text=True, cwd=ROOT)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == undisturbed


def test_a_file_that_is_no_memory_is_named(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("no database at all, and longer than its header\n" * 20)
    with pytest.raises(SourceError, match="memory is damaged"):
        Memory(tmp_path / "memory")
    sqlite3.connect(tmp_path / "talks").execute("CREATE TABLE turns (words)")
    with pytest.raises(SourceError, match="talks is damaged, or no state of listening"):
        Memory(tmp_path / "talks")


@pytest.mark.parametrize("state", ["{}", '{"errors": {"caught": 1', "[]", '"none"'])
def test_a_memory_whose_state_is_spoiled_is_named(state: str, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory")
    memory._database.execute("REPLACE INTO state VALUES (1, '{}', ?)", [state])
    with pytest.raises(SourceError, match="memory is damaged"):
        memory.read()
    memory.close()


# Streams


def test_what_is_away_is_asked_again_while_we_follow_and_refused_otherwise(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    class Enough(Exception):
        pass

    looks = iter([ConnectionError("nothing answers"), None, Enough()])

    def read(place: dict[str, int]) -> Iterator:
        if trouble := next(looks):
            raise trouble
        yield from read_lines(stream, place)

    def away(place: dict[str, int]) -> Iterator:
        raise ConnectionError("nothing answers")
        yield

    told: list[str] = []
    memory, listener = tmp_path / "memory", Listener(days=14, cooldown=12)
    with pytest.raises(Enough):
        listen(read, memory, listener, say=told.append, follow=0.01)
    assert kept(memory) == undisturbed
    assert told == ["nothing answers; the next look is in 0.01 seconds"]
    with pytest.raises(SourceError, match="nothing answers"):
        listen(away, memory, listener)


def test_items_whose_identifiers_are_written_as_floats_have_topics_too(tmp_path: Path) -> None:
    market = tmp_path / "market"
    shutil.copytree(ROOT / "data" / "sample", market)
    wanted = topics_of(str(market), "department")
    items = pd.read_parquet(market / "items.parquet")
    items.assign(item_id=items["item_id"].astype(float)).to_parquet(market / "items.parquet")
    assert topics_of(str(market), "department") == wanted


def test_items_whose_identifiers_are_texts_have_topics_too(tmp_path: Path) -> None:
    market = tmp_path / "market"
    shutil.copytree(ROOT / "data" / "sample", market)
    wanted = topics_of(str(market), "department")
    for path in market.glob("*.parquet"):
        table = pd.read_parquet(path)
        if "item_id" in table:
            table["item_id"] = table["item_id"].map("item-{}".format)
            table.to_parquet(path, index=False)
    found = topics_of(str(market), "department")
    assert found == {f"item-{item}": topic for item, topic in wanted.items()}
    with pytest.raises(SourceError, match="items have no column shelf"):
        topics_of(str(market), "shelf")


def test_a_pipe_with_a_name_is_read_as_standard_input_is(
    undisturbed: list[str], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=["".join(lines())], daemon=True)
    writer.start()
    listener = Listener(days=14, cooldown=12)
    alerts = listen(partial(read_lines, pipe), tmp_path / "memory", listener)
    writer.join()
    assert [alert.id for alert in alerts] == undisturbed


@pytest.mark.parametrize(
    ("change", "told"),
    [("<&-", "standard input is closed"), (">&-", "standard output takes no alert")],
)
def test_a_stream_of_the_process_that_is_closed_is_named(
    change: str, told: str, stream: Path, tmp_path: Path
) -> None:
    source = "-" if "<" in change else stream
    words = f"{sys.executable} -m coupon_rec listen {source} {' '.join(OPTIONS)}"
    words += f" --memory {tmp_path / 'memory'} {change}"
    done = subprocess.run(words, shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert kept(tmp_path / "memory", sent=True) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_who_cannot_be_told_of_a_bad_line_gets_the_alerts_all_the_same(
    stream: Path, undisturbed: list[str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("nonsense\n" + stream.read_text())
    command = [sys.executable, "-m", "coupon_rec", "listen", bad, *OPTIONS, "--memory"]
    with Path("/dev/full").open("w") as full:
        streams = {"stdout": subprocess.PIPE, "stderr": full}
        done = subprocess.run([*command, tmp_path / "memory"], cwd=ROOT, text=True, **streams)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == undisturbed


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("no json", "is no JSON"),
        ("[1]", "no JSON object but list"),
        ('{"text": "Sour."}', "has no time"),
        ('{"time": "yesterday", "text": "Sour."}', "has no time"),
        ('{"time": "2226-01-05T00:00:00", "text": "Sour."}', "is of the future"),
        ('{"time": "2026-01-05T00:00:00"}', "neither a text nor a rating"),
        ('{"time": "2026-01-05T00:00:00", "rating": true}', "a rating that is no number"),
        ('{"time": "2026-01-05T00:00:00", "text": 5}', "that is no text"),
        ('{"time": "2026-01-05T00:00:00", "topic": "milk", "rating": NaN}', "that is no number"),
        ('{"time": "2026-01-05T00:00:00", "topic": "milk", "rating": -Infinity}', "is no number"),
        ('{"time": "2026-01-05T00:00:00", "topic": null, "rating": 1}', "neither a topic nor"),
        ('{"time": "2026-01-05T00:00:00", "topic": " ", "rating": 1}', "neither a topic nor"),
        ('{"time": "2026-01-05T00:00:00", "text": "Sour.", "rating": 1}', "has no topic or"),
        (
            f'{{"time": "2026-01-05T00:00:00", "topic": "{"m" * 101}", "rating": 1}}',
            "of more than 100 letters",
        ),
        ('{"time": "2026-01-05T00:00:00", "topic": "milk", "text": "Sour."}', "or no stars"),
        ("[" * 100_000, "is no JSON"),
        ('{"time": "9999-12-31T23:59:59-14:00", "text": "Sour."}', "has no time"),
        ('{"time": "2026-01-05T00:00:00", "rating": 0.8, "topic": "milk"}', "stars are 1 to 5"),
        ('{"time": "2026-01-05T00:00:00", "rating": 1, "topic": "a\\nb"}', "nobody can read"),
        ('{"time": "2026-01-05T00:00:00", "rating": 1, "topic": "\\ud800"}', "nobody can read"),
    ],
)
def test_a_line_that_is_no_opinion_is_told_and_skipped(
    line: str, problem: str, tmp_path: Path
) -> None:
    path, said = tmp_path / "said.jsonl", []
    good = {"time": "2026-01-05T00:00:00", "topic": "milk", "rating": 5}
    path.write_text(f"{line}\n{json.dumps(good)}\n")
    listener = Listener(days=14)
    listen(partial(read_lines, path), tmp_path / "memory", listener, say=said.append)
    assert len(said) == 1 and problem in said[0] and f"at {len(line) + 1}:" in said[0]


def test_of_an_opinion_the_first_letters_are_read_and_halves_of_them_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "said.jsonl"
    text = "sour \\ud83d " + "very " * 2000
    path.write_text(f'{{"time": "2026-01-05T00:00:00", "topic": " milk ", "text": "{text}"}}\n')
    ((*_, row),) = read_lines(path, {})
    assert row["topic"] == "milk"
    assert row["text"].startswith("sour ? very") and len(row["text"]) == 5000


def test_an_alert_quotes_the_first_letters_of_long_opinions(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text("".join(lines()).replace("word", "word " * 2000))
    listener = Listener(days=14, cooldown=12)
    alerts = listen(partial(read_lines, path), tmp_path / "memory", listener)
    assert {len(quote) for alert in alerts for quote in alert.quotes} == {500}


@pytest.mark.parametrize("topic", ["молоко", "Men’s wear", "a: b%c", " milk"])
def test_an_alert_about_any_topic_reaches_the_hook(topic: str, hook: Receiver) -> None:
    alert = Alert(
        f"{topic} 9", topic, "2026-11-02T09:00", "2026-11-02T05:00", 9, 8, 0.9, 0.2, 1, "high"
    )
    post(hook.address, alert)
    assert hook.ids == [alert.id]


def test_who_learns_from_a_wrong_first_date_is_told_that_nothing_is_watched(
    stream: Path, tmp_path: Path
) -> None:
    path, said = tmp_path / "said.jsonl", []
    early = {"time": "1998-01-05T09:00:00", "topic": "milk", "rating": 1}
    path.write_text(json.dumps(early) + "\n" + stream.read_text())
    listen(partial(read_lines, path), tmp_path / "memory", Listener(days=14), say=said.append)
    assert sum("none is watched" in words for words in said) == 1


def test_stars_of_a_stream_are_not_corrected_for_the_errors_of_labels(
    stream: Path, tmp_path: Path
) -> None:
    read, same = partial(read_lines, stream), {"days": 14, "cooldown": 12}
    plain = listen(read, tmp_path / "plain", Listener(**same))
    assert listen(read, tmp_path / "memory", Listener(Errors(0.8, 0.1), **same)) == plain != []


def test_times_with_a_zone_are_read_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"time": "2026-01-05T01:30:00+02:00", "rating": 3, "topic": "milk"}\n')
    ((_, _, row),) = read_lines(path, {})
    assert row["time"] == datetime(2026, 1, 4, 23, 30)


def test_a_file_that_has_shrunk_or_is_not_there_is_named(stream: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="shorter than what was read"):
        list(read_lines(stream, {stream.name: 10**9}))
    with pytest.raises(SourceError, match="there is no"):
        list(read_lines(tmp_path / "nothing", {}))


def test_reviews_of_a_market_come_in_order_with_the_topic_of_their_item() -> None:
    sample = str(ROOT / "data" / "sample")
    rows = [row for *_, row in read_reviews(sample, {})]
    assert pd.Series([row["time"] for row in rows]).is_monotonic_increasing
    departments = set(pd.read_parquet(f"{sample}/items.parquet")["department"])
    assert {row["topic"] for row in rows} <= departments
    assert [row for *_, row in read_reviews(sample, {"reviews": 3})] == rows[3:]
    assert (
        max(row["time"] for row in rows) < pd.read_parquet(f"{sample}/reviews.parquet").time.max()
    )
    with pytest.raises(SourceError, match="no column color"):
        next(read_reviews(sample, {}, "color"))


@pytest.fixture
def reviewed(tmp_path: Path) -> Iterator[tuple[str, Callable[..., None]]]:
    """A market, and how to write its reviews, of the hours after a Monday's midnight."""
    market = tmp_path / "market"
    shutil.copytree(ROOT / "data" / "sample", market)
    item = pd.read_parquet(market / "items.parquet")["item_id"].iloc[0]

    def write(*hours: int) -> None:
        reviews = pd.DataFrame({"user_id": range(1, len(hours) + 1), "item_id": item, "rating": 1})
        times = [MONDAY + timedelta(hours=hour) for hour in hours]
        reviews.assign(time=times).to_parquet(market / "reviews.parquet")

    yield str(market), write


def test_reviews_that_come_late_or_are_forgotten_change_nothing_for_the_new_ones(
    reviewed: tuple[str, Callable[..., None]],
) -> None:
    market, write = reviewed

    def read(place: dict[str, int]) -> list[object]:
        rows = []
        for name, where, row in read_reviews(market, place):
            place[name] = where
            hour = row["time"] - MONDAY if isinstance(row, dict) else row
            rows.append(hour // timedelta(hours=1) if isinstance(hour, timedelta) else hour)
        return rows

    place: dict[str, int] = {}
    write(1, 2, 3, 3)
    assert read(place) == [1, 2]
    write(1, 2, 2, 3, 3, 3, 4)
    assert read(place) == ["is one of 1 that came after later ones had been counted", 3, 3, 3]
    assert read(place) == []
    write(3, 3, 4, 5, 5, 6)
    assert read(place) == [4, 5, 5]
    write(5, 6, 7)
    assert read({"reviews": 1}) == [6]  # the place of version 1.0


def test_a_run_that_ends_among_reviews_of_the_same_time_goes_on_there(
    reviewed: tuple[str, Callable[..., None]],
) -> None:
    market, write = reviewed
    write(1, 1, 1, 2)
    (name, where, first), *rest = read_reviews(market, {})
    assert [row for *_, row in read_reviews(market, {name: where})] == [row for *_, row in rest]
    assert first in [row for *_, row in rest] and len(rest) == 2


def test_a_review_of_the_future_is_told_and_skipped(
    reviewed: tuple[str, Callable[..., None]],
) -> None:
    market, write = reviewed
    write(1, 10**6, 10**6 + 1)
    (_, seen, first), (_, after, second) = read_reviews(market, {})
    assert first["time"] == MONDAY + timedelta(hours=1) and "is of the future" in second
    assert seen == after
    write(1, 2, 10**6, 10**6 + 1)
    (*_, first), _ = read_reviews(market, {"reviews": after})
    assert first["time"] == MONDAY + timedelta(hours=2)


# The command


def run(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["listen", *map(str, arguments)])
    return done.exit_code, done.stdout, " ".join(done.stderr.replace("│", " ").split())


def test_texts_without_a_topic_are_labeled_from_sentences(tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text('{"time": "2026-01-05T09:00:00", "text": "Milk went sour."}\n' * 3)
    options = ("--memory", tmp_path / "memory", *OPTIONS)
    code, _, err = run(path, *options)
    assert code == 2 and "name labeled sentences" in err
    labels = ROOT / "data" / "opinions" / "finance.csv"
    code, _, err = run(path, *options, "--labels", labels)
    assert code == 0 and "0 alerts so far" in err
    state = Memory(tmp_path / "memory")
    _, listener = state.read()
    state.close()
    assert listener is not None and set(listener.state()["now"]) == {"products"}


def test_reviews_of_a_market_that_turn_bad_ring_at_the_hook_once(
    hook: Receiver, tmp_path: Path
) -> None:
    market = tmp_path / "market"
    shutil.copytree(ROOT / "data" / "sample", market)
    item = pd.read_parquet(market / "items.parquet").iloc[0]
    said = pd.DataFrame([json.loads(line) for line in lines()])
    reviews = said[["rating"]].assign(
        user_id=1, item_id=item["item_id"], time=pd.to_datetime(said["time"])
    )
    reviews.to_parquet(market / "reviews.parquet")
    options = ("--reviews", "--memory", tmp_path / "memory", "--hook", hook.address, *OPTIONS)
    code, out, err = run(market, *options)
    assert code == 0, err
    alerts = [json.loads(line) for line in out.splitlines()]
    assert alerts and {alert["topic"] for alert in alerts} == {item["department"]}
    assert hook.ids == [alert["id"] for alert in alerts]
    assert run(market, *options)[:2] == (0, "")


@pytest.mark.slow
def test_the_financial_example_runs_as_a_program(hook: Receiver, tmp_path: Path) -> None:
    pytest.importorskip("vaderSentiment")
    source = ROOT / "data" / "opinions" / "finance.csv"
    sentences = pd.read_csv(source)
    began = 4 * 168 + 56
    stream = chatter.said(
        sentences[sentences["half"] == "judge"], 5, 1, topic="products", start=began, negative=4
    )
    path = tmp_path / "said.jsonl"
    path.write_text(stream.to_json(orient="records", lines=True, date_format="iso"))
    options = ("--memory", tmp_path / "memory", "--labels", source, "--days", 28)
    code, out, err = run(path, *options, "--hook", hook.address)
    assert code == 0, err
    alerts = [json.loads(line) for line in out.splitlines()]
    assert hook.ids == [alert["id"] for alert in alerts]
    onset = pd.Timestamp(chatter.BEGIN) + pd.Timedelta(hours=began)
    hours = [
        (pd.Timestamp(alert["at"]) - onset) / pd.Timedelta(hours=1)
        for alert in alerts
        if alert["topic"] == "products"
    ]
    assert any(0 < each <= 24 for each in hours)
    assert all(alert["quotes"] for alert in alerts)


def test_bad_arguments_are_told_in_a_line(stream: Path, tmp_path: Path) -> None:
    memory = ("--memory", tmp_path / "memory")
    assert "can be read again" in run("-", *memory, "--follow", 1)[2]
    assert "there is no" in run(tmp_path / "nothing", *memory)[2]
    sentences = tmp_path / "sentences.csv"
    sentences.write_text("text,topic,sentiment\nSour.,milk,-1\n")
    assert "no column half" in run(stream, *memory, "--labels", sentences)[2]
    sentences.write_text("text,topic,sentiment,half\nSour.,milk,-1,repair\n")
    assert "no row with `judge`" in run(stream, *memory, "--labels", sentences)[2]
    sentences.write_text(
        "text,topic,sentiment,half\nSour.,milk,bad,repair\nGood.,x,1,repair\nOk.,x,1,judge\n"
    )
    assert "must be a number" in run(stream, *memory, "--labels", sentences)[2]
    for wrong, problem in (("bad", "must be a number"), ("", "must be present")):
        sentences.write_text(
            "text,topic,sentiment,half\nSour.,milk,-1,repair\nGood.,x,1,repair\n"
            f"Fair.,x,1,judge\nOk.,x,{wrong},judge\n"
        )
        assert problem in run(stream, *memory, "--labels", sentences)[2]
    nothing, memory = tmp_path / "nothing.jsonl", ("--memory", tmp_path / "untouched")
    nothing.touch()
    for address in ("ftp://here", "shop.example/alerts", "http://", "http://[bad/"):
        code, _, err = run(nothing, *memory, *OPTIONS, "--hook", address)
        assert code == 2 and "a web hook is an address" in err
    for name, value in (("seed", -1), ("growth", "inf"), ("cooldown", 10**22), ("days", 10**9)):
        code, _, err = run(nothing, *memory, f"--{name}", value)
        assert code == 2 and ("growth must be above 1" in err or "days must be 14" in err), err
    assert not (tmp_path / "untouched").exists()
