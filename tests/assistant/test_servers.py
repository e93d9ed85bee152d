"""The assistant over HTTP, its tools over MCP, and its dialogues on disk."""

import asyncio
import json
import math
import os
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import httpx
import pandas as pd
import pytest
from starlette.testclient import TestClient

from coupon_rec.assistant import (
    Assistant,
    Catalog,
    DialogueLog,
    Tools,
    Turn,
    create_app,
    mcp_server,
    names_to_read,
)
from coupon_rec.assistant.tools import LEVELS, _off
from coupon_rec.book import talking
from coupon_rec.content import Ear
from coupon_rec.privacy import Pseudonyms, Vault, new_key
from coupon_rec.serving.http.settings import Settings

CATALOG = Catalog(talking.FACTS)
MINE = talking.MINE[2448]


def tools(user: int | str) -> Tools:
    return Tools(user, lambda user_id: talking.MINE.get(int(user_id), []), CATALOG)


# HTTP


def client(**settings: Any) -> TestClient:
    app = create_app(
        lambda user: Assistant(tools(user), hand_over=lambda *said: None), Settings(**settings)
    )
    return TestClient(app, raise_server_exceptions=False)


def events(answer: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def say(
    to: httpx.Client | httpx.AsyncClient, user: int | str, words: str, dialogue: str = ""
) -> Any:
    body = {"user_id": user, "words": words, "dialogue": dialogue}
    return to.post("/v1/assistant", json=body)


@pytest.mark.parametrize(("recording", "problem"), [("UklGRg==", "no WAV"), ("UklG*%$_", "Base64")])
@pytest.mark.speech
def test_what_is_no_recording_is_refused(recording: str, problem: str) -> None:
    to = TestClient(create_app(lambda user: Assistant(tools(user)), ear=Ear(CATALOG.products)))
    answer = to.post("/v1/assistant", json={"user_id": 2448, "recording": recording})
    assert answer.status_code == 422 and problem in answer.text


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"recording": "UklG"}, "no recordings are heard here"),
        ({"recording": "UklG", "words": "hi"}, "send either"),
        ({"recording": True}, "recording"),
        ({"words": ""}, "send either"),
        ({"words": "x" * 4001}, "4000"),
        ({"words": "hi", "user_id": -1}, "user_id"),
        ([], "body"),
    ],
)
def test_a_bad_request_is_refused_by_its_field(body: Any, problem: str) -> None:
    body = {"user_id": 1, **body} if isinstance(body, dict) else body
    answer = client().post("/v1/assistant", json=body)
    assert answer.status_code == 422 and answer.json()["fields"] and problem in answer.text


def test_no_recording_may_be_null() -> None:
    said = client().post("/v1/assistant", json={"user_id": 7, "words": "hi", "recording": None})
    assert said.status_code == 200


def test_the_conversation_that_was_silent_longest_is_forgotten_and_a_refusal_opens_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coupon_rec.assistant.server.MAX_OPEN", 1)
    to = client()
    first = events(say(to, 17, "hi"))[-1][1]["dialogue"]
    refused = to.post("/v1/assistant", json={"user_id": 2448, "recording": "UklG"})
    assert refused.status_code == 422 and say(to, 17, "hi", first).status_code == 200
    assert say(to, 2448, "hi").status_code == 200
    assert say(to, 17, "hi", first).status_code == 404


class Slow:
    """An assistant over HTTP whose service answers when it is told to."""

    def __init__(self) -> None:
        self.answers, self.log = Event(), DialogueLog(":memory:")

        def recommend(user: int | str) -> list[Any]:
            self.answers.wait(20)
            return []

        self.app = create_app(lambda user: Assistant(Tools(user, recommend, CATALOG), log=self.log))
        self.to = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://here", timeout=60
        )

    async def crowd(self, *messages: tuple[int, str, str]) -> list[asyncio.Task[httpx.Response]]:
        """Send some messages, one after the other, without waiting for the answers."""
        tasks = []
        for message in messages:
            tasks.append(asyncio.create_task(say(self.to, *message)))
            await asyncio.sleep(0.05)
        return tasks

    async def statuses(self, crowd: Sequence[asyncio.Task[httpx.Response]]) -> list[int]:
        self.answers.set()
        return [answer.status_code for answer in await asyncio.gather(*crowd)]


def test_a_slow_service_holds_up_nobody_who_needs_none() -> None:
    async def both() -> None:
        slow = Slow()
        waiting = await slow.crowd(*[(user, "any coupons?", "") for user in range(60)])
        quick = await asyncio.wait_for(say(slow.to, 7, "hello"), 10)
        assert quick.status_code == 200 and not any(each.done() for each in waiting)
        assert await slow.statuses(waiting) == [200] * 60

    asyncio.run(both())


def test_a_crowd_and_an_impatient_customer_are_told_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coupon_rec.assistant.server.MAX_AT_WORK", 4)
    monkeypatch.setattr("coupon_rec.assistant.server.MAX_IN_A_ROW", 2)

    async def many() -> None:
        slow = Slow()
        dialogue = events(await say(slow.to, 7, "hello"))[-1][1]["dialogue"]
        impatient = await slow.crowd(*[(7, "any coupons?", dialogue)] * 3)
        others = await slow.crowd(*[(user, "any coupons?", "") for user in (1, 2, 3)])
        assert await slow.statuses(impatient) == [200, 200, 503]
        assert await slow.statuses(others) == [200, 200, 503]
        assert (await say(slow.to, 3, "any coupons?", "")).status_code == 200

    asyncio.run(many())


def test_a_message_waits_for_the_answer_to_the_one_before_it() -> None:
    async def both() -> None:
        slow = Slow()
        dialogue = events(await say(slow.to, 7, "hello"))[-1][1]["dialogue"]
        first, second = await slow.crowd((7, "any coupons?", dialogue), (7, "thanks", dialogue))
        assert not second.done()
        assert await slow.statuses([first, second]) == [200, 200]
        assert [row["intent"] for row in slow.log.rows()] == ["hello", "coupons", "thanks"]

    asyncio.run(both())


def test_a_turn_is_in_the_log_before_it_is_answered() -> None:
    log = DialogueLog(":memory:")
    to = TestClient(create_app(lambda user: Assistant(tools(user), log=log)))
    for count in (1, 2):
        say(to, 2448, "Stop sending me coupons")
        assert [row["intent"] for row in log.rows()] == ["stop"] * count


def test_what_the_end_of_the_program_cuts_off_or_finds_waiting_is_logged_once() -> None:
    slow = Slow()

    async def end() -> None:
        async with slow.app.router.lifespan_context(slow.app):
            dialogue = events(await say(slow.to, 7, "hello"))[-1][1]["dialogue"]
            words = ("any coupons?", "Stop sending me coupons")
            for each in await slow.crowd(*[(7, said, dialogue) for said in words]):
                each.cancel()
        assert sorted(str(row["intent"]) for row in slow.log.rows()) == ["coupons", "hello", "stop"]
        slow.answers.set()

    asyncio.run(end())
    assert len(slow.log.rows()) == 3


def cancelled(answer: Coroutine[Any, Any, Turn]) -> None:
    """Begin an answer, and cut it off in the middle."""

    async def cut_off() -> None:
        task = asyncio.create_task(answer)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cut_off())


def test_a_turn_that_is_cut_off_at_the_desk_is_logged_as_not_handed_over() -> None:
    log, answers = DialogueLog(":memory:"), Event()
    talk = Assistant(tools(2448), log=log, hand_over=lambda *_: answers.wait(20) and None)
    cancelled(talk.answer("my order is late"))
    answers.set()
    assert [(row["intent"], row["handed_over"]) for row in log.rows()] == [("complaint", 0)]


def test_a_log_that_another_process_holds_stops_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = DialogueLog(tmp_path / "talks")
    other = sqlite3.connect(tmp_path / "talks", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    to = TestClient(create_app(lambda user: Assistant(tools(user), log=log)))
    assert events(say(to, 2448, "any coupons?"))[-1][0] == "turn"
    assert "a turn is lost" in caplog.text
    other.close()


def test_the_desk_is_told_that_words_were_heard_from_a_recording() -> None:
    ear = SimpleNamespace(hear=lambda recording: "do you have my coupons for coffee")
    taken: list[str] = []
    talk = Assistant(tools(2448), hand_over=lambda *said: taken.append(said[-1]))
    to = TestClient(create_app(lambda user: talk, ear=ear))
    events(say(to, 2448, "my order is late"))
    message = {"user_id": 2448, "recording": "UklG", "dialogue": talk.dialogue}
    assert events(to.post("/v1/assistant", json=message))[0][0] == "heard"
    assert taken[1:] == ["heard from a recording: do you have my coupons for coffee"]


# MCP


def over_mcp(lists: Sequence[list[Any]], *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """Call tools whose service gives one list after the other, and the last for ever."""
    mcp = pytest.importorskip("mcp")
    given = chain(lists, repeat(lists[-1]))
    server = mcp_server(Tools(2448, lambda user: next(given), CATALOG))

    async def results() -> list[Any]:
        async with mcp.Client(server) as to:
            answers = [await to.call_tool(name, arguments) for name, arguments in calls]
        return [answer.is_error or answer.structured_content["result"] for answer in answers]

    return asyncio.run(results())


def test_a_place_over_mcp_is_that_of_the_list_that_was_given() -> None:
    every, first, second = ("coupons", {}), ("coupon", {"place": 1}), ("coupon", {"place": 2})
    milk, one = over_mcp([MINE, MINE[::-1]], ("coupons", {"product": "oat milk"}), second)
    assert milk == [one] and (one["product"], one["place"]) == ("oat milk", 2)
    _, gone, there = over_mcp([MINE, MINE[1:]], every, first, second)
    assert gone is None and there["until"] == "2017-12-03"
    assert over_mcp([[], MINE], every, first) == [[], None]
    other, nowhere = over_mcp([MINE], ("coupons", {"product": "shampoo"}), ("coupon", {"place": 9}))
    assert other == [] and nowhere is True


@pytest.mark.parametrize("mailed", [True, False])
def test_a_client_of_mcp_is_told_whether_the_customer_has_the_coupons(mailed: bool) -> None:
    (listed,) = over_mcp([[(*each, mailed) for each in MINE]], ("coupons", {}))
    assert {line["mailed"] for line in listed} == {mailed}


def test_a_client_of_mcp_does_not_learn_what_the_service_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    mcp = pytest.importorskip("mcp")

    def away(user: int | str) -> list[Any]:
        raise ValueError("nothing answers at http://10.0.0.7:8000")

    async def asked() -> list[Any]:
        async with mcp.Client(mcp_server(Tools(2448, away, CATALOG))) as to:
            return [await to.call_tool("coupons", {}), await to.call_tool("coupon", {"place": 1})]

    answers = asyncio.run(asked())
    assert all(answer.is_error for answer in answers)
    assert str(answers).count("cannot be seen at the moment") == 2
    assert "10.0.0.7" not in str(answers) + caplog.text


def test_a_product_of_signs_alone_is_not_every_product() -> None:
    assert tools(2448).coupons("!!!") == []
    assert tools(2448).coupons(" ") == tools(2448).coupons()


# The log

TURN = Turn("d1", "I am Emma of 12 Elm Street", "You have:", "coupons", "rules")


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """The file of a log, alone in its folder."""
    return tmp_path / "talks"


@pytest.fixture
def log(talks: Path) -> Iterator[DialogueLog]:
    """A log without keys."""
    log = DialogueLog(talks)
    yield log
    log.close()


def write(log: DialogueLog, *users: int | str, turn: Turn = TURN) -> None:
    """Log a turn of each, and close the log."""
    for user in users:
        log.add(user, turn)
    log.close()


def age(log: DialogueLog, user: str, days: int = 3000) -> None:
    """Make the turns of somebody so many days old."""
    then = (datetime.now() - timedelta(days=days)).isoformat(timespec="seconds")
    log._base.execute("UPDATE turns SET time = ? WHERE user = ?", [then, user])
    log._base.commit()


def holds(talks: Path, *secrets: str) -> bool:
    """Whether a byte of these is left in any file of the log."""
    kept = b"".join(path.read_bytes() for path in talks.parent.iterdir())
    return any(secret.encode() in kept for secret in secrets)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the keys that words are sealed with."""
    return partial(monkeypatch.setenv, "COUPON_REC_STORAGE_KEYS")


def test_without_keys_words_are_not_kept_and_people_are_pseudonyms(talks: Path) -> None:
    log = DialogueLog(talks, "winter")
    log.add("emma-2448", TURN)
    (row,) = log.rows()
    assert row["user"] == Pseudonyms("winter").of("emma-2448") and row["words"] == ""
    assert not holds(talks, "Elm", "emma")


def test_with_keys_words_are_sealed_and_can_be_read(
    talks: Path, keys: Callable[[str], None]
) -> None:
    keys(new_key())
    log = DialogueLog(talks)
    log.add(1, TURN)
    log.add(1, TURN._replace(words="caf\udce9"))  # half a character, from a terminal
    assert [row["words"] for row in log.rows()] == [TURN.words, "caf?"]
    log.close()
    assert not holds(talks, "Elm")


def test_words_are_sealed_anew_when_the_first_key_changes(
    talks: Path, keys: Callable[[str], None]
) -> None:
    old, new = new_key(), new_key()
    for each in (old, f"{new},{old}"):
        keys(each)
        write(DialogueLog(talks), 1)
    keys(new)
    assert [row["words"] for row in DialogueLog(talks).rows()] == [TURN.words] * 2


def test_who_has_lost_the_storage_key_can_still_forget(
    talks: Path, keys: Callable[[str], None]
) -> None:
    for _ in range(2):
        keys(new_key())
        write(DialogueLog(talks), 7, 8)
    log = DialogueLog(talks)
    age(log, "8")
    assert [row["words"] for row in log.rows()] == ["", "", TURN.words, TURN.words]
    assert (log.forget(7), log.expire(30)) == (2, 2)


def test_who_is_forgotten_while_a_log_is_sealed_anew_does_not_come_back(
    talks: Path, keys: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(), new_key()
    keys(old)
    log, reseal = DialogueLog(talks), Vault.reseal
    for who in ("emma", "ben", "ben"):
        log.add(who, TURN._replace(words=f"words of {who}"))
    forgetting = Thread(target=log.forget, args=("emma",))

    def slowly(self: Vault, *arguments: Any) -> bytes:
        if forgetting.ident is None:
            forgetting.start()
            sleep(0.2)
        return reseal(self, *arguments)

    keys(f"{new},{old}")
    monkeypatch.setattr(Vault, "reseal", slowly)
    again = DialogueLog(talks)
    forgetting.join()
    assert [row["words"] for row in again.rows()] == ["words of ben"] * 2


def test_a_person_is_forgotten_who_was_kept_before_there_was_a_key(talks: Path) -> None:
    for key in ("", "winter"):
        write(DialogueLog(talks, key), 2448)
    assert DialogueLog(talks, "winter").forget(2448) == 2


def test_a_log_that_others_could_read_is_closed_to_them(talks: Path) -> None:
    talks.touch(0o644)
    DialogueLog(talks).close()
    assert talks.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_a_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a database, and long enough to be seen as none " * 20)
    for path in (tmp_path / "nowhere" / "talks", tmp_path / "notes"):
        with pytest.raises(ValueError, match="cannot hold dialogues"):
            DialogueLog(path)


def test_what_is_no_file_is_no_log_and_keeps_its_mode(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o644)
    (tmp_path / "folder").mkdir(0o755)
    for name, mode in (("pipe", 0o644), ("folder", 0o755)):
        with pytest.raises(ValueError, match="it is no plain file"):
            DialogueLog(tmp_path / name)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode


def test_a_log_that_sqlite_has_tables_of_its_own_in_is_still_the_assistants(
    talks: Path, log: DialogueLog
) -> None:
    log._base.execute("ANALYZE")
    write(log, "emma")
    assert DialogueLog(talks).forget("emma") == 1


def test_a_crowd_waits_for_a_log_that_another_process_holds_about_as_long_as_one(
    talks: Path, log: DialogueLog, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = [Thread(target=log.add, args=(user, TURN)) for user in range(40)]
    other = sqlite3.connect(talks, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begin = monotonic()
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert monotonic() - begin < 4
    other.execute("ROLLBACK")
    assert caplog.text.count("a turn is lost") == 40
    log.add(1, TURN)
    assert len(log.rows()) == 1


def test_old_turns_are_removed_at_the_start_and_then_once_in_a_while(
    talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired: list[float] = []
    monkeypatch.setattr(DialogueLog, "expire", lambda _, days: expired.append(days))
    write(DialogueLog(talks, keep=30), 1, 2, 3)
    assert expired == [30]


def test_a_person_is_forgotten_under_each_key_and_no_byte_stays(talks: Path) -> None:
    names = Pseudonyms("spring,winter").all("emma-2448")
    for key in ("winter", "spring,winter"):
        write(DialogueLog(talks, key), "emma-2448", "ben-17")
    log = DialogueLog(talks, "spring,winter")
    assert log.forget("emma-2448") == 2 and len(log.rows()) == 2
    log.close()
    assert not holds(talks, *map(str, names))


@pytest.mark.parametrize("by", ["forget", "expire"])
def test_no_byte_stays_in_a_log_that_another_program_has_spoiled_for_it(
    by: str, talks: Path, log: DialogueLog
) -> None:
    log.add("emma-2448", TURN)
    sqlite3.connect(talks).execute("PRAGMA journal_mode = WAL")
    log.add("emma-2448", TURN)
    if by == "forget":
        assert DialogueLog(talks).forget("emma-2448") == 2
    else:
        age(log, "emma-2448")
        assert log.expire(30) == 2
    assert not holds(talks, "emma")


@pytest.mark.parametrize("table", ["state (one, place)", "turns (user, words)"])
def test_the_database_of_another_program_is_no_log(table: str, talks: Path) -> None:
    sqlite3.connect(talks).execute(f"CREATE TABLE {table}")
    talks.chmod(0o644)
    before = talks.read_bytes()
    with pytest.raises(ValueError, match="the database of another program"):
        DialogueLog(talks)
    assert talks.read_bytes() == before and talks.stat().st_mode & 0o777 == 0o644


def test_turns_go_after_their_days_and_no_byte_stays(talks: Path, log: DialogueLog) -> None:
    for user in ("emma-2448", "ben-17"):
        log.add(user, TURN)
    age(log, "emma-2448", days=30)
    assert (log.expire(31), log.expire(29)) == (0, 1)
    assert [row["user"] for row in log.rows()] == ["ben-17"]
    log.close()
    assert not holds(talks, "emma")
    with pytest.raises(ValueError, match="more than 0"):
        DialogueLog(":memory:").expire(0)


# The catalog


def test_the_terms_are_those_of_the_tables(market: Any) -> None:
    catalog = Catalog.of_market(market, currency="$")
    terms = {coupon: off for (_, coupon), (_, off, _) in catalog.terms.items()}
    assert terms[501].startswith("$1.50 off $5.00 worth of")
    assert terms[502].startswith("25% off") and terms[503].startswith("a coupon for")
    ends = {campaign: until for (campaign, _), (_, _, until) in catalog.terms.items()}
    assert ends[1] == date(2017, 3, 17)


def test_a_coupon_that_covers_a_part_of_a_product_says_so(market: Any) -> None:
    items = market.items.to_pandas()
    covered = market.coupon_items.to_pandas().merge(items, on="item_id")
    found = Catalog.of_market(market, names=items["department"]).terms
    assert {product for product, _, _ in found.values()} <= set(items["department"].str.casefold())
    for (campaign, coupon), (product, off, _) in found.items():
        mine = covered[(covered["campaign_id"] == campaign) & (covered["coupon_id"] == coupon)]
        of_name = items["department"].str.casefold() == product
        all_of_it = set(items[of_name]["item_id"]) <= set(mine["item_id"])
        assert off.endswith(" selected") is not all_of_it


def tables_of(items: pd.DataFrame, covered: Sequence[int] = (1, 2)) -> Any:
    """A market with coupon 7, for the first two items or for others, and 8, for the first."""
    tables = {
        "items": items,
        "coupons": pd.DataFrame({"coupon_id": [7, 8], "depth": [0.25, None]}),
        "campaigns": pd.DataFrame({"campaign_id": [1], "end": [date(2017, 3, 17)]}),
        "coupon_items": pd.DataFrame(
            {"campaign_id": 1, "coupon_id": [7] * len(covered) + [8], "item_id": [*covered, 1]}
        ),
        "offers": pd.DataFrame({"coupon_id": [7]}),
    }

    class Tables:
        def __getattr__(self, name: str) -> Any:
            return SimpleNamespace(to_pandas=lambda: tables[name])

        def named(self, frame: pd.DataFrame) -> pd.DataFrame:
            return frame

    return Tables()


def test_what_goes_with_no_other_coupon_is_that_of_the_tables(market: Any) -> None:
    coupons = market.coupons.to_pandas().query("stackable == False")["coupon_id"]
    assert Catalog.of_market(market).alone == set(coupons)
    assert not Catalog.of_market(
        tables_of(pd.DataFrame({"item_id": [1], **dict.fromkeys(LEVELS)}))
    ).alone


def test_items_without_a_name_are_selected_products() -> None:
    nameless = tables_of(pd.DataFrame({"item_id": [1, 2, 3], **dict.fromkeys(LEVELS)}))
    assert Catalog.of_market(nameless, names=["coffee"]).terms[1, 7] == (
        "selected products",
        "25% off",
        date(2017, 3, 17),
    )
    assert names_to_read(nameless) == []


def test_a_coupon_for_all_of_a_type_is_for_the_type() -> None:
    columns = {"department": "GROCERY", "category": "DRINKS"}
    items = pd.DataFrame({"item_id": [1, 2, 3], "type": ["TEA", "TEA", "COFFEE"], **columns})
    terms = Catalog.of_market(tables_of(items), names=["tea"]).terms
    assert [off for _, off, _ in terms.values()] == ["25% off", "a coupon for selected"]


# Names

PROMISING = """
lifetime coffee supply | coffee gratuit | kostenlos coffee | coffee and cruise tickets | bottomless
coffee | coffee compliments of the house | doubled coffee | coffee twin pack | coffee plus | coffee
sans charge | waived coffee | coffee refundable | winner coffee | coffee lottery | any day coffee |
coffee till june | coffee thru xmas | coffee christmas | coffee weekend | coffee easter | no-cost
coffee | zero-cost coffee | costless coffee | coffee giveaways | prepaid coffee | coffee percentages
| coffees doubles | coffee gratuity | freely coffee | coffee free | coffee fr e e | coffee
ninetypercent off | ninetypercent | coffee halves | coffee halfprice | coffee half-price |
halfpriced coffee | buyone getone coffee | bonuspack coffee | call this number | unicorn |
guaranteed coffee | promised coffee | saved coffee | tripled coffee | expired coffee | refunded
coffee | discounted coffee | vouchered coffee | ignored rules | coffee saving | coffee savings |
coffee discounting | pays coffee | paid coffee | coffee refunding | winning coffee | coffee wins |
coffee deals | coffee offer | coffee special offer | coffee deal | coffee coupons
"""
NAMES = [" ".join(name.split()) for name in PROMISING.split("|")]
"""What passed, or might have passed, a list of words that no name may hold."""


@pytest.mark.parametrize("name", [*NAMES, *talking.CLAIMS])
def test_no_name_is_said_that_nobody_has_released(name: str) -> None:
    levels = {"type": name.upper(), "category": "COFFEE", "department": "DRINKS"}
    market = tables_of(pd.DataFrame({"item_id": [1, 2], **levels}))
    for released, product in (
        ([], "selected products"),
        (["drinks", "tea"], "drinks"),
        (["Coffee", "DRINKS"], "coffee"),
    ):
        catalog = Catalog.of_market(market, names=released)
        talk = Assistant(Tools(1, lambda user: [(1, 7, "you buy these")], catalog))
        reply = talk.reply("any coupons?").reply
        assert reply == f"You have:\n- 25% off {product}, until 17 March 2017"
        known = [each.casefold() for each in released]
        assert not talking.audit(reply, talking.lines_of(talk), known)


@pytest.mark.parametrize("name", [*NAMES, *talking.CLAIMS])
def test_the_auditor_sees_a_name_that_nobody_has_released(name: str) -> None:
    catalog = Catalog({(1, 7): (name, "25% off", date(2017, 3, 17))})
    talk = Assistant(Tools(1, lambda user: [(1, 7, "you buy these")], catalog))
    for words in ("any coupons?", "why?"):
        assert talking.audit(talk.reply(words).reply, talking.lines_of(talk))


def test_a_name_of_two_levels_covers_the_items_of_both() -> None:
    names = {"type": ["COFFEE", "Coffee", "BEANS"], "category": ["COFFEE", "TEA", "COFFEE"]}
    items = pd.DataFrame({"item_id": [1, 2, 3], **names, "department": "DRINKS"})
    for covered, off in (
        ([1], "25% off selected"),
        ([1, 3], "25% off selected"),
        ([1, 2, 3], "25% off"),
    ):
        market = tables_of(items, covered)
        catalog = Catalog.of_market(market, names=["coffee"])
        assert catalog.terms[1, 7][:2] == ("coffee", off)


@pytest.mark.parametrize(
    ("terms", "off"),
    [
        ({"depth": 0.9999999}, "99.99% off"),
        ({"depth": 1 / 3}, "33.33% off"),
        ({"depth": 0.07}, "7% off"),
        ({"face_value": 0.29}, "0.29 off"),
        ({"face_value": 0.995}, "0.99 off"),
        ({"face_value": 0.004}, "a coupon for"),
        ({"face_value": 1.0, "minimum": 4.999}, "1.00 off 5.00 worth of"),
        ({"minimum": 20.0}, "a coupon, from 20.00 on, for"),
        ({"face_value": math.inf}, "a coupon for"),
        ({"depth": 0.25, "minimum": math.inf}, "a coupon for"),
    ],
)
def test_no_amount_is_rounded_to_the_customers_favor(terms: dict[str, float], off: str) -> None:
    assert _off(terms, "") == off


def test_names_to_read_are_those_of_products_with_a_coupon_the_commonest_first() -> None:
    columns = {"department": "DRINKS", "category": ["TEA", None, "WINE"]}
    items = pd.DataFrame({"item_id": [1, 2, 3], "type": ["GREEN TEA", "2% MILK", "RED"], **columns})
    assert names_to_read(tables_of(items)) == ["drinks", "green tea", "tea"]


@pytest.mark.parametrize("name", ["2% milk", "coffee, free", "käse", "x" * 41])
def test_a_name_that_could_be_an_amount_cannot_be_released(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be released"):
        Catalog.of_market(tables_of(pd.DataFrame()), names=["coffee", name])
