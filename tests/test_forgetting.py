"""After forgetting, no byte of a person is in any file of a service, and everyone else stays."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.assistant import DialogueLog, Turn
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import load_market
from coupon_rec.monitoring import Registry
from coupon_rec.privacy import Vault, VaultError, new_key
from coupon_rec.privacy.vault import SEAL_PLAIN, VARIABLE, opened
from coupon_rec.serving.bundle.manifest import seal, verified, version_of
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.decision_reader import place_of, read_answers, read_outcomes
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.event_log import EventLog
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.forgetting import forget
from coupon_rec.serving.recommender import Decision, Question, Reply

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
DAY, NOON = date(2017, 6, 1), datetime(2017, 6, 1, 12)
NAME = "household-{:03}-of-quince-lane"
ZELDA, BEN = NAME.format(5), NAME.format(6)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle without a model, of a market whose users have names that are nowhere else."""
    folder = tmp_path_factory.mktemp("named")
    (folder / "market").mkdir()
    for path in SAMPLE.glob("*.parquet"):
        table = pd.read_parquet(path)
        if "user_id" in table:
            table["user_id"] = table["user_id"].map(NAME.format)
        table.to_parquet(folder / "market" / path.name, index=False)
    write_snapshot(load_market(folder / "market"), DAY, folder / "bundle" / "snapshot")
    seal(folder / "bundle", {"created": "", "packages": {}, "differences": {}})
    return folder / "bundle"


@pytest.fixture
def bundle(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "bundle"))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(SEAL_PLAIN, raising=False)
    yield


def view(who: str, number: int = 0) -> Event:
    return Event(f"of-{who}-{number}", who, NOON, "view", item_id=number)


def record(bundle: Path, key: str = "", first: int = 0) -> None:
    """What a service writes about two people: events, answers, shadows and what followed."""
    log = EventLog(bundle.with_name("bundle.events"))
    decisions = DecisionLog(bundle.with_name("bundle.decisions"), key)
    names = Identifiers.read(bundle / "snapshot")
    empty = np.empty(0)
    none = Decision(*[np.empty(0, "int64")] * 2, *[empty] * 3, np.empty(0, "int16"), names)
    for number in range(first, first + 4):
        for who in (ZELDA, BEN):
            event = view(who, number)
            log.append([event])
            reply = Reply((), none, True, "", 0, 0, "0123456789ab")
            asked = Question(who, DAY, 1)
            given = decisions.record_answer(asked, NOON, reply, degraded=False, cached=False)
            decisions.record_shadow(given, asked, NOON, reply, degraded=False, cached=False)
            decisions.record_outcomes([event], names)
    decisions.close()
    log.close()


def holding(folder: Path, name: str) -> set[str]:
    """The files in which a name stands, packed or unpacked, sealed or not."""
    vault, found = Vault.from_environment(), set()
    for path in folder.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data = opened(data, place_of(path), vault if "/day=" in str(path) else None)
            data += str(pq.read_table(pa.BufferReader(data)).to_pydict()).encode()
        if name.encode() in data:
            found.add(path.relative_to(folder).as_posix().split("/day=")[0])
    return found


def test_the_snapshot_loses_their_rows_and_keeps_its_version(bundle: Path) -> None:
    before = verified(bundle)
    number = Identifiers.read(bundle / "snapshot").number("user_id", ZELDA)
    tables = {path.stem: pd.read_parquet(path) for path in (bundle / "snapshot").glob("*.parquet")}
    of_them = {
        name: int((table["user_id"] == number).sum())
        for name, table in tables.items()
        if "user_id" in table
    }
    assert of_them["users"] == 1 and of_them["history"] > 0
    done = forget([ZELDA], [bundle])
    assert done.snapshot[str(bundle)] == sum(of_them.values()) + 1
    for name, rows in of_them.items():
        left = pd.read_parquet(bundle / "snapshot" / f"{name}.parquet")
        assert len(left) == len(tables[name]) - rows
        assert number not in set(left["user_id"])
    after = verified(bundle)
    assert after["version"] != before["version"]
    assert version_of(after) == before["version"]
    assert any("train" in words for words in done.due)
    assert not [*bundle.parent.glob(".*")]


def test_every_bundle_of_a_registry_is_gone_through(bundle: Path, tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry")
    first = registry.add(bundle)
    (bundle / "manifest.json").unlink()
    (bundle / "card.md").write_text("another")
    second_version = seal(bundle, {"created": "", "packages": {}, "differences": {}})
    second = registry.add(bundle)
    registry.promote(second)
    forget([ZELDA], [registry.folder])
    assert holding(registry.folder, ZELDA) == set()
    assert len(holding(registry.folder, BEN)) == 2
    assert registry.version == second == second_version
    for version in (first, second):
        assert version_of(verified(registry.folder / "versions" / version)) == version


def test_a_call_that_was_cut_short_can_be_made_again(bundle: Path) -> None:
    bundle.rename(bundle.with_name(".before-bundle"))  # killed between the two renames
    bundle.with_name(".draft-bundle").mkdir()
    assert forget([ZELDA], [bundle]).snapshot[str(bundle)] > 0
    verified(bundle)
    assert not [*bundle.parent.glob(".*")]


def test_a_registry_whose_call_was_cut_short_is_gone_through_again(
    bundle: Path, tmp_path: Path
) -> None:
    registry = Registry(tmp_path / "registry")
    version = registry.add(bundle)
    registry.promote(version)
    place = registry.folder / "versions" / version
    place.rename(place.with_name(f".before-{version}"))  # killed between the two renames
    shutil.copytree(bundle, place.with_name(".draft-x") / version)  # and once while one was added
    assert forget([ZELDA], [registry.folder]).snapshot[str(place)] > 0
    assert holding(registry.folder, ZELDA) == set()
    verified(registry.live)
    assert [path.name for path in place.parent.iterdir()] == [version]


def test_the_command_says_what_is_gone_and_what_is_due(bundle: Path, tmp_path: Path) -> None:
    record(bundle)
    result = CliRunner().invoke(app, ["forget", ZELDA, "--bundle", str(bundle)])
    assert result.exit_code == 0
    assert "removed 4 events, 12 answers and outcomes, and " in result.stdout
    assert "due: the weights of the model" in result.stdout
    assert holding(tmp_path, ZELDA) == set()
    wrong = CliRunner().invoke(app, ["forget", ZELDA, "--bundle", str(tmp_path)])
    assert wrong.exit_code == 2 and "no bundle" in wrong.stderr


def test_the_dialogues_of_the_assistant_are_forgotten_by_the_same_command(
    bundle: Path, tmp_path: Path
) -> None:
    record(bundle)
    talks = DialogueLog(tmp_path / "talks")
    for who in (ZELDA, BEN):
        talks.add(who, Turn(f"of-{who}", "hello", "Hello!", "hello", "rules"))
    talks.close()
    command = ["forget", ZELDA, "--bundle", str(bundle), "--dialogues", str(tmp_path / "talks")]
    assert "removed 1 turns of dialogues" in CliRunner().invoke(app, command).stdout
    assert holding(tmp_path, ZELDA) == set()
    assert [row["user"] for row in DialogueLog(tmp_path / "talks").rows()] == [BEN]


def test_a_redis_that_is_away_is_named(bundle: Path) -> None:
    with pytest.raises(ValueError, match="Redis cannot be reached"):
        forget([ZELDA], [bundle], redis="redis://127.0.0.1:9")


# Encrypted files

pytest.importorskip("cryptography")


def test_with_keys_no_name_is_readable_in_the_logs_and_all_is_read_back(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, new_key())
    record(bundle)
    for path in tmp_path.glob("bundle.*/**/*"):
        assert not path.is_file() or ZELDA.encode() not in path.read_bytes()
    assert ZELDA.encode() not in (tmp_path / "bundle.events").read_bytes()
    assert set(read_answers(tmp_path / "bundle.decisions")["user_id"]) == {ZELDA, BEN}
    done = forget([ZELDA], [bundle])
    assert (done.events, done.decisions) == (4, 12)
    assert holding(tmp_path, ZELDA) == set()
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(ValueError, match=f"is encrypted; set {VARIABLE}"):
        read_answers(tmp_path / "bundle.decisions")
    log = EventLog(tmp_path / "bundle.events")
    with pytest.raises(ValueError, match=f"is encrypted; set {VARIABLE}"):
        log.read()
    log.close()


def test_with_keys_what_nobody_sealed_is_refused_and_sealed_only_if_that_is_asked_for(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(bundle)  # in the clear, as somebody would forge it
    monkeypatch.setenv(VARIABLE, new_key())
    answers = tmp_path / "bundle.decisions"
    plain = {path: path.read_bytes() for path in answers.glob("*/**/*.parquet")}
    for _ in range(2):
        with pytest.raises(VaultError, match=f"not encrypted.*{SEAL_PLAIN}=1"):
            EventLog(tmp_path / "bundle.events")
    DecisionLog(answers).close()
    assert {path: path.read_bytes() for path in plain} == plain
    with pytest.raises(VaultError, match="not encrypted"):
        read_answers(answers)
    monkeypatch.setenv(SEAL_PLAIN, "1")
    EventLog(tmp_path / "bundle.events").close()
    DecisionLog(answers).close()
    monkeypatch.delenv(SEAL_PLAIN)
    assert len(read_answers(answers)) == 8
    log = EventLog(tmp_path / "bundle.events")
    assert len(log.read()[0]) == 8
    log.close()


def test_files_swapped_between_buckets_and_days_are_noticed_and_hide_nobody(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, new_key())
    record(bundle)
    answers = tmp_path / "bundle.decisions"
    first, second = sorted((answers / "answers").glob("*/*/*.parquet"))
    assert first.parent != second.parent
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    with pytest.raises(VaultError, match=r"answers/day=\d.*/bucket=\d\d/.*: was changed"):
        read_answers(answers)
    with pytest.raises(VaultError, match="was changed"):
        forget([ZELDA], [bundle])


def test_an_event_that_is_put_under_another_person_or_place_is_noticed(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, new_key())
    record(bundle)
    path = tmp_path / "bundle.events"
    for change in ("user = (SELECT user FROM events WHERE position = 2)", "position = 99"):
        whole = path.read_bytes()
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(f"UPDATE events SET {change} WHERE position = 1")
        log = EventLog(path)
        with pytest.raises(VaultError, match="was changed"):
            log.read()
        log.close()
        path.write_bytes(whole)


def test_sealed_lines_open_in_their_order_and_in_their_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, opens = tmp_path / "bundle.decisions", tmp_path / "bundle.decisions" / "open"

    def written() -> tuple[Path, bytes]:
        log = DecisionLog(folder)
        log.record_outcomes([view(ZELDA), view(BEN)], Identifiers())
        (path,) = opens.glob("outcomes-*.jsonl")
        lines = path.read_bytes()
        log.close()
        shutil.rmtree(folder / "outcomes")
        return path, lines

    _, plain = written()
    monkeypatch.setenv(VARIABLE, new_key())
    path, sealed = written()
    assert ZELDA.encode() in plain and ZELDA.encode() not in sealed
    path.write_bytes(sealed + sealed[:40])  # a kill cut the third one off
    assert read_outcomes(folder)["user_id"].to_list() == [ZELDA, BEN]
    first, second = sealed.splitlines(keepends=True)
    for name, forged, words in (
        (path.name, second + first, "was changed"),
        (path.name, second, "was changed"),
        ("outcomes-1-0.jsonl", sealed, "was changed"),
        (path.name, plain, "not encrypted"),
    ):
        path.unlink(missing_ok=True)
        (opens / name).write_bytes(forged)
        with pytest.raises(VaultError, match=words):
            read_outcomes(folder)
        (opens / name).unlink()
