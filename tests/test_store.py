"""A feature store loses no event that it accepted, counts none twice, and stays within bounds."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import ibis
import numpy as np
import pytest

from coupon_rec import load_market
from coupon_rec.features import Encoder, offers_frame
from coupon_rec.features.online.candidates import Candidates
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.serving.events import feature_store as store_module
from coupon_rec.serving.events.event import Event, events_of
from coupon_rec.serving.events.event_log import EventLog, LogError
from coupon_rec.serving.events.feature_store import FeatureStore, StoreFullError
from coupon_rec.serving.events.identifiers import UNKNOWN, Identifiers

ROOT = Path(__file__).parents[1]
DAY = date(2017, 4, 10)
NOON = datetime(2017, 4, 10, 12)
USER = 5
TOMORROW = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Path]:
    """What was known of the small market on one day, and on the next two."""
    market, folder = load_market(ROOT / "data" / "sample"), tmp_path_factory.mktemp("snapshots")
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=9)]
    return {day: write_snapshot(market, day, folder / day.isoformat()) for day in days}


@pytest.fixture(scope="module")
def snapshot(snapshots: dict[date, Path]) -> Path:
    return snapshots[DAY]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    log = EventLog(tmp_path / "events")
    yield log
    log.close()


def purchase(name: str, user: int = USER, time: datetime = NOON, item: int = 1003) -> Event:
    return Event(name, user, time, "purchase", item, 9_000_000, quantity=2, amount=3.5)


@cache
def encoder() -> Encoder:
    """Learned from the offers of the small market."""
    return Encoder.fit(offers_frame(load_market(ROOT / "data" / "sample")))


def load(folder: Path, log: EventLog | None = None) -> FeatureStore:
    """A store whose features a model of the small market reads."""
    return FeatureStore.load(folder, encoder(), log)


def same(one: Candidates, other: Candidates) -> bool:
    return all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


# Events move features


def test_an_event_moves_the_features_of_its_user_on_the_next_request(snapshot: Path) -> None:
    store = load(snapshot)
    before, other = store.offers(USER, DAY), store.offers(6, DAY)
    coupons = store.snapshot.coupons
    covering = coupons.items[store.snapshot.items.row(1003)]
    assert store.add([purchase("a")]) == 1
    after = store.offers(USER, DAY)
    offers = [(coupons.campaign_id[row], coupons.coupon_id[row]) for row in covering]
    bought = [key in offers for key in zip(after.campaign_id, after.coupon_id, strict=True)]
    assert any(bought)
    assert (after.match_recency[bought] == 1).all()
    assert (after.version, store.offers(6, DAY).version) == (before.version + 1, other.version)
    np.testing.assert_array_equal(store.offers(6, DAY).match_recency, other.match_recency)


def test_others_move_an_answer_when_all_are_ranked_again_and_not_before(snapshot: Path) -> None:
    store = load(snapshot)
    before = store.offers(USER, DAY)
    store.add([purchase(f"{user}", user) for user in range(20, 50)])
    assert same(store.offers(USER, DAY), before)
    store.rank()
    after = store.offers(USER, DAY)
    assert not same(after, before)
    assert (before.ranked, after.ranked) == (0, 30)


def test_users_who_ask_together_get_what_each_gets_alone(snapshot: Path) -> None:
    bought = [purchase("a"), purchase("b", user=999)]
    alone, together = load(snapshot), load(snapshot)
    for store in (alone, together):
        store.add(bought)
    asked = [(user, day) for user in (1, USER, 1, 999, 7, 10**6) for day in (DAY, TOMORROW)]
    asked.append((USER, DAY + timedelta(days=9)))
    found = together.offers_of(asked)
    assert all(same(one, alone.offers(*each)) for one, each in zip(found, asked, strict=True))


def test_a_campaign_that_is_over_is_offered_no_more(snapshot: Path) -> None:
    store = load(snapshot)
    assert set(store.offers(USER, date(2017, 4, 19)).campaign_id) == {2, 3}
    assert set(store.offers(USER, date(2017, 4, 20)).campaign_id) == {3}
    assert len(store.offers(USER, date(2017, 5, 6)).coupon_id) == 0


@pytest.mark.parametrize("coupon", [None, 503])
def test_who_is_held_out_is_shown_the_other_coupons_alone(
    tmp_path: Path, coupon: int | None
) -> None:
    held = {"campaign_id": [4, 4], "user_id": [6, 6], "coupon_id": [coupon, 504]}
    holdouts = ibis.memtable(held, schema=dict.fromkeys(held, "int64"))
    market, june = load_market(ROOT / "data" / "sample"), date(2017, 6, 1)
    named = replace(market, holdouts=holdouts)
    store = load(write_snapshot(named, june, tmp_path / "snapshot"))
    shown, every = (store.offers(user, june).coupon_id.tolist() for user in (6, 10**6))
    assert {503, 504} < set(every)
    assert shown == [each for each in every if coupon and each not in (coupon, 504)]


def test_a_redeemed_coupon_is_offered_no_more(snapshot: Path) -> None:
    store = load(snapshot)
    first = store.offers(USER, DAY)
    campaign, coupon = int(first.campaign_id[0]), int(first.coupon_id[0])
    event = Event("r", USER, NOON, "redemption", coupon_id=coupon, campaign_id=campaign)
    assert store.add([event]) == 1
    after = store.offers(USER, DAY)
    assert len(after.coupon_id) == len(first.coupon_id) - 1
    assert (campaign, coupon) not in set(zip(after.campaign_id, after.coupon_id, strict=True))
    assert (after.user_redemption_recency == 1).all()


def test_yesterday_is_refused(snapshot: Path) -> None:
    with pytest.raises(ValueError, match="ask as of that day or later"):
        load(snapshot).offers(USER, DAY - timedelta(days=1))


def test_an_event_of_tomorrow_counts_from_tomorrow(snapshot: Path) -> None:
    store = load(snapshot)
    before = store.offers(USER, DAY).match_recency
    store.add([purchase("a", time=NOON + timedelta(days=1))])
    np.testing.assert_array_equal(store.offers(USER, DAY).match_recency, before)
    assert (store.offers(USER, DAY + timedelta(days=1)).match_recency == 1).any()


# Identifiers may be texts


def test_numbers_are_found_by_the_texts_that_spell_them_and_the_other_way_round() -> None:
    whole, texts = Identifiers(), Identifiers({"user_id": {"7": 0, "07": 1}})
    assert [whole.number("user_id", value) for value in (7, "7", "07")] == [7, 7, UNKNOWN]
    assert [texts.number("user_id", value) for value in (7, "7", "07")] == [0, 0, 1]
    assert texts.names("user_id", np.array([1, 0, 1])).to_pylist() == ["07", "7", "07"]
    assert whole.number("user_id", "9" * 30) == UNKNOWN
    assert [whole.named("user_id", value) for value in ("ada", "07", "7", 7)] == ["ada", "07", 7, 7]


# Each event counts once


def test_a_retry_counts_once_within_a_call_across_calls_and_across_a_restart(
    snapshot: Path, log: EventLog
) -> None:
    store = load(snapshot, log)
    assert store.add([purchase("a"), purchase("a")]) == 1
    assert store.add([purchase("a"), purchase("b")]) == 1
    again = load(snapshot, log)
    assert again.add([purchase("b")]) == 0
    assert again.version(USER) == 2
    assert len(log.read()[0]) == 2


def test_events_that_a_later_snapshot_holds_are_not_counted_again(
    snapshots: dict[date, Path], log: EventLog
) -> None:
    events = events_of(load_market(ROOT / "data" / "sample"), DAY)
    assert {event.kind for event in events} == {"purchase", "redemption"} or len(events) > 10
    load(snapshots[DAY], log).add([*events, purchase("late")])
    tomorrow = DAY + timedelta(days=1)
    store, fresh = (load(snapshots[tomorrow], each) for each in (log, None))
    assert sum(store.version(event.user_id) for event in events if event.user_id != USER) == 0
    assert store.version(USER) == 1, "an event that missed the nightly batch counts"
    fresh.add([purchase("late")])
    fresh.rank()
    for user in range(1, 61):
        assert same(store.offers(user, tomorrow), fresh.offers(user, tomorrow))


# Nothing accepted is lost


def test_a_log_gives_back_what_was_appended(log: EventLog) -> None:
    events = [purchase("a"), Event("ü\n", 1, NOON, "redemption", coupon_id=1, campaign_id=2)]
    log.append(events[:1])
    _, position = log.read()
    log.append(events[1:])
    assert log.read()[0] == events
    assert log.read(position)[0] == events[1:]


def test_a_call_that_a_crash_interrupts_leaves_none_of_its_events(tmp_path: Path) -> None:
    """The end of a write never reached the disk: the log holds the calls before it, whole."""
    log = EventLog(tmp_path / "log")
    log.append([purchase("a")])
    written = (tmp_path / "log-wal").read_bytes()
    log.append([purchase("b"), purchase("c")])
    more = (tmp_path / "log-wal").read_bytes()
    for size in range(len(written), len(more), 512):
        crashed = tmp_path / f"crashed-{size}"
        shutil.copy(log.path, crashed)
        (tmp_path / f"{crashed.name}-wal").write_bytes(more[:size])
        again = EventLog(crashed)
        assert [event.event_id for event in again.read()[0]] == ["a"]
        assert again.append([purchase("d")]) == (1, 2)
        again.close()
    log.close()


@pytest.mark.parametrize("place", [0, 4096], ids=["header", "page"])
def test_a_damaged_log_is_named(tmp_path: Path, place: int) -> None:
    log = EventLog(tmp_path / "log")
    log.append([purchase(str(number)) for number in range(100)])
    log.close()
    data = bytearray((tmp_path / "log").read_bytes())
    data[place : place + 100] = b"\xff" * 100
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(LogError, match=f"{tmp_path}/log is damaged, .*: put back a copy"):
        EventLog(tmp_path / "log")


def test_a_damaged_event_is_named(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    log.append([purchase(str(number)) for number in range(100)])
    log.close()
    data = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(data.replace(b'"event_id":"49"', b"\xff" * 15))
    log = EventLog(tmp_path / "log")
    with pytest.raises(LogError, match=f"{tmp_path}/log, position 50 of table events: no event"):
        log.read()
    log.close()


def test_a_text_that_spells_no_number_is_forgotten_alone(log: EventLog) -> None:
    hashed = str(2**64 - 1)
    names = [hashed, 7, "007", "7"]
    log.append([Event(f"e{k}", who, NOON, "view", 1003) for k, who in enumerate(names)])
    assert log.forget(hashed) == 1
    assert log.forget("007") == 1
    assert log.forget(7) == 2, "the number, and the text that spells it"


def test_only_old_events_that_the_snapshot_holds_leave_the_log(
    snapshots: dict[date, Path], log: EventLog
) -> None:
    events = events_of(load_market(ROOT / "data" / "sample"), DAY)
    old = load(snapshots[DAY], log)
    old.add([*events, purchase("late"), *events_of(load_market(ROOT / "data" / "sample"), DAY)])
    load(snapshots[DAY + timedelta(days=1)], log).shorten_log()
    assert len(log.read()[0]) == len(events) + 1, "an older snapshot may come back"
    new = load(snapshots[DAY + timedelta(days=9)], log)
    new.shorten_log()
    assert [event.event_id for event in log.read()[0]] == ["late"]
    assert new.version(USER) == 1
    assert old.add([purchase("x", user=6)]) == 1, "the store that is replaced still takes events"
    assert new.catch_up() == 1
    assert (old.version(6), new.version(6)) == (1 + sum(e.user_id == 6 for e in events), 1)


def test_an_event_that_no_table_ever_holds_keeps_no_other_in_the_log_and_leaves_it_in_the_end(
    snapshots: dict[date, Path], log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    voided = [purchase("stranger", 999_999), purchase("unknown", item=99_999_999)]
    load(snapshots[DAY], log).add([*voided, *events_of(load_market(ROOT / "data" / "sample"), DAY)])
    new = load(snapshots[DAY + timedelta(days=9)], log)
    new.shorten_log()
    assert [event.event_id for event in log.read()[0]] == ["stranger", "unknown"]
    monkeypatch.setattr(store_module, "DAYS_UNHELD", 8)
    new.shorten_log()
    assert not log.read()[0]


# Bounds


def test_a_full_store_refuses_and_takes_nothing_in(
    snapshot: Path, log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_EVENTS", 2)
    store = load(snapshot, log)
    with pytest.raises(StoreFullError, match="load a new one"):
        store.add([purchase("a"), purchase("b"), purchase("c")])
    assert log.read()[0] == []
    assert store.add([purchase("a"), purchase("b")]) == 2


def test_a_question_waits_for_the_events_of_one_user_at_most(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, begun = load(snapshot), threading.Event()
    move = store._move

    def slow(user_id: int, events: list[Event]) -> None:
        move(user_id, events)
        begun.set()
        time.sleep(0.02)

    monkeypatch.setattr(store, "_move", slow)
    events = [purchase(str(user_id), user_id) for user_id in range(1, 51)]
    adding = threading.Thread(target=store.add, args=[events])
    adding.start()
    begun.wait()
    store.offers(USER, DAY)
    counted = store.counted
    adding.join()
    assert 0 < counted < store.counted == 50


def test_threads_may_add_and_ask_at_the_same_time(snapshot: Path, log: EventLog) -> None:
    store = load(snapshot, log)
    errors: list[Exception] = []

    def work(task: Callable[[int], object]) -> None:
        try:
            for i in range(100):
                task(i)
        except Exception as error:
            errors.append(error)

    tasks: list[Callable[[int], object]] = [
        *(lambda i, n=n: store.add([purchase(f"{n}-{i}", 1 + i % 60)]) for n in range(3)),
        *(lambda i: store.offers(1 + i % 60, DAY) for _ in range(3)),
        lambda _: store.catch_up(),
    ]
    threads = [threading.Thread(target=work, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(store.version(user) for user in range(1, 61)) == 300
    again = load(snapshot, log)
    store.rank()
    for user in range(1, 61):
        assert same(store.offers(user, DAY), again.offers(user, DAY))


# Bad input


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": -1}, "user_id"),
        ({"user_id": 2**63}, "user_id"),
        ({"item_id": None}, "item_id"),
        ({"basket_id": 1.5}, "basket_id"),
        ({"amount": float("nan")}, "amount"),
        ({"retail_discount": 1e300}, "retail_discount"),
        ({"time": datetime.fromisoformat("2017-04-10T12:00:00+00:00")}, "time"),
    ],
)
def test_a_bad_event_names_its_field(change: dict[str, object], field: str) -> None:
    good = {"event_id": "a", "user_id": 1, "time": NOON, "kind": "purchase"}
    fields = {**good, "item_id": 1, "basket_id": 1, **change}
    with pytest.raises(ValueError, match=field):
        Event(**fields)  # type: ignore[arg-type]


def test_a_folder_that_is_no_snapshot_is_named(snapshot: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no snapshot"):
        load(tmp_path)
    shutil.copy(snapshot / "snapshot.json", tmp_path)
    (tmp_path / "users.parquet").write_bytes((snapshot / "users.parquet").read_bytes()[:100])
    with pytest.raises(ValueError, match="is no snapshot"):
        load(tmp_path)


def test_a_day_without_a_live_campaign_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    market = load_market(ROOT / "data" / "sample")
    with pytest.raises(ValueError, match="choose a day from 2017-02-15 to 2017-06-21"):
        write_snapshot(market, date(2017, 1, 3), tmp_path / "snapshot")
    with pytest.raises(FileExistsError):
        write_snapshot(market, DAY, tmp_path)
    assert list(tmp_path.iterdir()) == []


# Start-up


def test_a_store_and_a_scorer_need_no_database_and_no_network_library() -> None:
    """What takes seconds to import stays out of the service."""
    heavy = ("ibis", "duckdb", "pandera", "tensorflow", "keras", "matplotlib", "sklearn", "redis")
    code = (
        "import sys, coupon_rec, coupon_rec.serving.events.feature_store;"
        "import coupon_rec.serving.bundle.scorer;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"
