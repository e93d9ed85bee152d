"""Every answer and outcome is found again, whatever becomes of process and disk."""

import os
import shutil
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from coupon_rec.market import load_market
from coupon_rec.serving.events import decision_log
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.decision_reader import (
    logged_offers,
    read_answers,
    read_decisions,
    read_outcomes,
)
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.recommender import Choice, Decision, Question, Reply

ROOT = Path(__file__).parents[1]
DAY = date(2017, 6, 1)
NOON = datetime(2017, 6, 1, 12)
WHOLE = Identifiers()
TEXTS = Identifiers(
    {
        "campaign_id": {"spring": 3, "summer": 4},
        "coupon_id": {f"coupon-{number}": number for number in range(100)},
        "user_id": {"ada": 0, "bob": 1},
    }
)


def reply(size: int, chosen: int = 2, identifiers: Identifiers = WHOLE, seed: int = 0) -> Reply:
    """An answer that chose the first few of some candidates."""
    random = np.random.default_rng(seed)
    position = np.full(size, -1, "int16")
    position[:chosen] = np.arange(min(chosen, size))
    decision = Decision(
        np.repeat([3, 4], [size - size // 2, size // 2]),
        np.arange(size),
        random.uniform(size=size),
        random.normal(size=size),
        (position >= 0).astype("float32"),
        position,
        identifiers,
    )
    choices = tuple(Choice(3, row, 0.5, 1.0, "why") for row in range(min(chosen, size)))
    return Reply(choices, decision, True, "", 3, 17, "0123456789ab")


def record(
    log: DecisionLog, user: int | str, answer: Reply, day: date = DAY, cached: bool = False
) -> str:
    moment = datetime.combine(day, NOON.time())
    return log.record_answer(Question(user, day, 2), moment, answer, degraded=False, cached=cached)


def event(name: str, user: int | str, kind: Any = "click", **fields: Any) -> Event:
    return Event(name, user, NOON, kind, **{"item_id": 1003, **fields})


# All is found again


@pytest.mark.parametrize("closed", [False, True], ids=["while it is written", "when it is closed"])
def test_every_answer_is_found_again_as_offers_with_propensities(
    tmp_path: Path, closed: bool
) -> None:
    log = DecisionLog(tmp_path)
    answers = {
        record(log, user, reply(user % 7 * 10, seed=user), cached=user % 2 == 0): user
        for user in range(100)
    }
    if closed:
        log.close()
    found = read_decisions(tmp_path)
    assert list(found.columns[:12]) == [
        *("campaign_id", "user_id", "coupon_id", "mailing_propensity", "coupon_propensity"),
        *("position", "chosen", "probability", "value", "time", "request_id", "bundle"),
    ]
    assert len(found) == sum(user % 7 * 10 for user in range(100))
    for request_id, own in found.groupby("request_id"):
        user = answers[str(request_id)]
        decision = reply(user % 7 * 10, seed=user).decision
        assert set(own["user_id"]) == {user}
        assert set(own["cached"]) == {user % 2 == 0}
        for name in ("campaign_id", "coupon_id", "probability", "value"):
            np.testing.assert_allclose(own[name], getattr(decision, name), rtol=1e-6)
        assert own["position"].dropna().to_list() == [0, 1]
        assert own["chosen"].to_list() == (decision.position >= 0).tolist()
    assert found.groupby("request_id")["coupon_propensity"].sum().eq(2).all()
    assert found["mailing_propensity"].eq(1).all()
    assert set(found["time"]) == {pd.Timestamp(NOON)}
    assert set(found["bundle"]) == {"0123456789ab"}
    assert len(read_answers(tmp_path)) == 100, "those without candidates too"
    if not closed:
        log.close()


def test_what_was_sent_is_a_table_of_offers_that_a_market_takes(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "log")
    answers = [(1, [0, 1, -1]), (2, [1, -1, 0]), (1, [-1, 0, 1])]
    for days, (user, position) in enumerate(answers):
        decision = reply(3).decision._replace(
            campaign_id=np.full(3, 1),
            coupon_id=np.array([501, 502, 503]),
            propensity=np.where(np.array(position) < 0, 0.0, 0.75),
            position=np.array(position, "int16"),
        )
        record(log, user, reply(3)._replace(decision=decision), DAY + timedelta(days=days))
    log.close()
    offers = logged_offers(tmp_path / "log")
    place = shutil.copytree(ROOT / "data" / "sample", tmp_path / "market")
    offers.to_parquet(place / "offers.parquet")
    used = offers.head(1)[["campaign_id", "user_id", "coupon_id"]]
    used.assign(date=date(2017, 3, 1)).to_parquet(place / "redemptions.parquet")
    found = load_market(place).offers.to_pandas()
    position = found.set_index(["user_id", "coupon_id"])["position"].to_dict()
    assert position == {(1, 501): 1, (1, 502): 2, (1, 503): 2, (2, 501): 2, (2, 503): 1}
    assert set(found["coupon_propensity"]) == {0.75}


def test_every_outcome_is_found_again_once(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    bought = event("b", 5, "purchase", basket_id=7, quantity=2, amount=3.5)
    used = Event("r", 5, NOON, "redemption", coupon_id=8, campaign_id=3)
    sent = [event("v", 5, "view", channel="app"), event("c", 6), bought, used]
    for _ in range(2):
        log.record_outcomes(sent, WHOLE)
    log.close()
    found = read_outcomes(tmp_path).set_index("event_id")
    assert set(found.index) == {"v", "c", "b", "r"}
    assert found["kind"].to_dict() == {each.event_id: each.kind for each in sent}
    assert found.loc["b", ["user_id", "basket_id", "quantity", "amount"]].to_list() == [
        5,
        7,
        2,
        3.5,
    ]
    assert found.loc["r", ["campaign_id", "coupon_id"]].to_list() == [3, 8]
    assert found.loc["v", "channel"] == "app"


def test_a_bundle_with_numbers_and_one_with_texts_may_follow_each_other(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    record(log, 1, reply(10))
    record(log, "ada", reply(10, identifiers=TEXTS))
    log.seal()
    record(log, 1, reply(10))
    log.close()
    found = read_decisions(tmp_path)
    assert Counter(found["campaign_id"]) == {"3": 10, "4": 10, "spring": 5, "summer": 5}
    assert set(found["user_id"]) == {"1", "ada"}


def test_nothing_recorded_reads_as_nothing(tmp_path: Path) -> None:
    DecisionLog(tmp_path / "decisions").close()
    assert read_decisions(tmp_path / "decisions").empty
    assert read_outcomes(tmp_path / "decisions").empty
    assert logged_offers(tmp_path / "decisions").empty
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        read_decisions(tmp_path / "nowhere")


# The files


def test_one_person_is_removed_by_rewriting_their_files_alone(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    for user in range(100):
        record(log, user, reply(3), DAY + timedelta(days=user % 2))
        log.record_outcomes([event(str(user), user)], WHOLE)
    log.seal()
    record(log, 7, reply(3))
    files = {*tmp_path.glob("*/day=*/bucket=*/*.parquet")}
    theirs = {path for path in files if 7 in pq.ParquetFile(path).read()["user_id"].to_pylist()}
    before = {path: path.stat().st_mtime_ns for path in files - theirs}
    assert len(theirs) == 2 and log.forget(7) == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    log.close()
    assert sorted(read_answers(tmp_path)["user_id"]) == [user for user in range(100) if user != 7]
    assert 7 not in set(read_outcomes(tmp_path)["user_id"])


# What a kill leaves


def die(log: DecisionLog) -> None:
    """Let go of the folder as a killed process does, and write nothing more."""
    log._closing.set()
    log._thread.join()
    os.close(log._owner)


def test_a_kill_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    recorded = {record(log, user, reply(3)) for user in range(50)}
    log.record_outcomes([event("c", 5)], WHOLE)
    die(log)
    for _ in range(2):
        assert set(read_answers(tmp_path)["request_id"]) == recorded
        assert read_outcomes(tmp_path)["event_id"].to_list() == ["c"]
        DecisionLog(tmp_path).close()


def test_a_file_cut_anywhere_is_read_up_to_its_last_whole_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = DecisionLog(tmp_path / "whole")
    for _ in range(12):
        record(log, 1, reply(5))
    die(log)
    (whole,) = (tmp_path / "whole" / "open").glob("answers-*.jsonl")
    lines = whole.read_bytes()
    for size in range(0, len(lines), 97):
        folder = Path(shutil.copytree(tmp_path / "whole", tmp_path / str(size)))
        os.truncate(folder / "open" / whole.name, size)
        begun = lines[:size].rpartition(b"\n")[2]
        whole_row = begun.endswith(b"}")
        found = lines[:size].count(b"\n") + whole_row
        caplog.clear()
        DecisionLog(folder).close()
        torn = begun and not whole_row
        assert (f"{whole.name}, line {found + 1} is cut off" in caplog.text) == bool(torn)
        assert len(read_answers(folder)) == found


def test_a_damaged_line_is_left_out_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = DecisionLog(tmp_path)
    for user in range(3):
        record(log, user, reply(5))
    die(log)
    (path,) = (tmp_path / "open").glob("answers-*.jsonl")
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:40] + b"\xff\n" + third)
    assert read_answers(tmp_path)["user_id"].to_list() == [0, 2]
    assert f"{path}, line 2 is cut off or damaged" in caplog.text


def test_what_a_killed_service_of_version_1_0_left_open_is_not_passed_over(tmp_path: Path) -> None:
    DecisionLog(tmp_path).close()
    (tmp_path / "open" / "answers-1-0.arrow").touch()
    for call in (DecisionLog, read_answers, DecisionLog):
        with pytest.raises(ValueError, match=r"answers-1-0\.arrow: .* start and stop that version"):
            call(tmp_path)


def test_a_kill_between_parquet_and_the_end_of_its_segment_doubles_no_row(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "log")
    recorded = {record(log, user, reply(3)) for user in range(50)}
    die(log)
    (segment,) = (tmp_path / "log" / "open").glob("answers-*.jsonl")
    shutil.copy(segment, tmp_path)
    DecisionLog(tmp_path / "log").close()
    shutil.copy(tmp_path / segment.name, segment)
    for _ in range(2):
        found = read_answers(tmp_path / "log")["request_id"]
        assert (len(found), set(found)) == (50, recorded)
        DecisionLog(tmp_path / "log").close()


# A disk that takes none


def refuse(*_: object) -> int:
    raise OSError("no space left on device")


def test_a_full_disk_fails_no_answer_and_what_waited_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = DecisionLog(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(decision_log.os, "write", refuse)
        recorded = {record(log, user, reply(3)) for user in range(50)}
        assert read_answers(tmp_path).empty
    log.close()
    assert set(read_answers(tmp_path)["request_id"]) == recorded
    assert log.lost["answers"] == 0


def test_what_cannot_be_written_in_the_end_is_counted_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("no")

    monkeypatch.setattr(decision_log, "MAX_WAITING_ROWS", 10)
    monkeypatch.setattr(decision_log, "RETRY_SECONDS", 0.0)
    log = DecisionLog(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(decision_log.os, "write", refuse)
        for user in range(11):
            record(log, user, reply(3))
    with monkeypatch.context() as patched:
        patched.setattr(decision_log, "to_json", broken)
        record(log, 11, reply(3))
    assert log.lost["answers"] == 12
    record(log, 50, reply(3))
    log.close()
    assert read_answers(tmp_path)["user_id"].to_list() == [50]
