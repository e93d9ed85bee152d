"""After `forget`, no byte of a person is in any file of a service, and everyone else stays."""

import base64
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from shop import (
    DATES,
    DAY,
    SAMPLE,
    Redis,
    Service,
    command,
    logged,
    purchase,
    question,
    recorded,
    refusal,
    until,
)

NAME = "household-{:03}-of-quince-lane"
ZELDA, BEN = NAME.format(5), NAME.format(7)
WANDA = "wanda-of-plum-street"
"""Somebody of whom no table knows, and the events alone."""
User = int | str


@pytest.fixture(scope="session")
def named(model: Path, once: Callable[..., Path]) -> Path:
    """A bundle of the sample, whose users have names that are nowhere else."""

    def make(folder: Path) -> None:
        market = folder / "market"
        market.mkdir(parents=True)
        for path in SAMPLE.glob("*.parquet"):
            table = pd.read_parquet(path)
            if "user_id" in table:
                table["user_id"] = table["user_id"].map(NAME.format)
            table.to_parquet(market / path.name, index=False)
        command("export", model, folder / "bundle", "--market", market, *DATES, "--day", DAY)

    return once("named", make) / "bundle"


class Shop:
    """A bundle with its logs, all in one folder, and the options of its service."""

    def __init__(
        self, bundle: Path, folder: Path, people: Sequence[User], *options: object, **keys: str
    ) -> None:
        self.people, self.options, self.keys = people, options, keys
        self.folder = folder
        self.bundle = Path(shutil.copytree(bundle, folder / "bundle"))
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.opened = ExitStack()

    def start(self) -> Service:
        """Start the service."""
        service = Service(self.bundle, self.logs, *self.options, **self.keys)
        self.opened.callback(service.close)
        return service

    def trade(self) -> tuple[Service, dict[User, str]]:
        """Let three people buy and ask; give the service, and the id of each one's last answer."""
        service, answered = self.start(), {}
        for number, who in enumerate([*self.people] * 2):
            viewed = {**purchase(f"view-{number}-{sign(who)}", who), "kind": "view"}
            said = {**viewed, "event_id": f"said-{number}-{sign(who)}", "kind": "review"}
            for event in (viewed, said):
                del event["amount"], event["basket_id"]
            bought = purchase(f"{number}-{sign(who)}", who)
            assert service.send(bought, viewed, {**said, "rating": 2}).is_success
            answer = service.client.post("/v1/recommendations", json=question(who))
            answered[who] = answer.headers["X-Request-Id"]
        return service, answered

    def places(self) -> tuple[object, ...]:
        """What `forget` is told of the files."""
        logs = ("--log", self.logs / "events", "--decisions", self.logs / "decisions")
        redis = self.options if "--redis" in self.options else ()
        return ("--bundle", self.bundle, *logs, *redis)

    def forget(self, *users: User) -> str:
        """Forget people."""
        return command("forget", *users, *self.places(), **self.keys)

    def answers(self, service: Service | None = None) -> dict[User, Any]:
        """Ask for all three, of a service that is started for it if none runs, and stop it."""
        service = service or self.start()
        found = {who: service.ask(who, k=100) for who in self.people}
        service.stop()
        return found

    def holding(self, name: str) -> set[Path]:
        """The files in which a name stands, as bytes or as a value of a Parquet file."""
        found = set()
        for path in (path for path in self.folder.rglob("*") if path.is_file()):
            data = path.read_bytes()
            if data[:4] == b"PAR1":
                data += str(pq.ParquetFile(path).read().to_pydict()).encode()
            if name.encode() in data:
                found.add(path)
        return found

    def users(self) -> dict[str, list[object]]:
        """Of each table of the bundle that has users, who they are, row by row."""
        tables = {path.name: pq.ParquetFile(path).read() for path in self.bundle.rglob("*.parquet")}
        return {
            name: table["user_id"].to_pylist()
            for name, table in tables.items()
            if "user_id" in table.column_names
        }


def sign(who: User) -> str:
    """What each event of a person has in its name, and nothing else of the files."""
    return f"signed-{who}-x"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Open a shop; its services end with the test."""
    with ExitStack() as stack:

        def opened(bundle: Path, *given: Any, **keys: str) -> Shop:
            found = Shop(bundle, tmp_path, *given, **keys)
            stack.enter_context(found.opened)
            return found

        yield opened


def test_no_byte_of_a_person_is_left_in_any_file_or_in_redis_and_nothing_of_the_others_goes(
    shop: Callable[..., Shop], bundle: Path, redis: Redis
) -> None:
    ours = shop(bundle, (5, 7, WANDA), "--redis", redis.url)  # whose files are in the same folder
    service, _ = ours.trade()
    assert "another" in refusal("forget", 5, *ours.places()), "they are in the memory, too"
    version = ours.answers(service)[7]["bundle"]
    before, keys = ours.users(), {*redis.client.keys()}
    for name in (WANDA, sign(5), sign(7)):
        assert len(ours.holding(name)) >= 3, "events, outcomes, Redis"

    assert "due" in ours.forget(5, WANDA), "the next export brings back what tables have"
    for name in (WANDA, sign(5)):
        until(lambda name=name: not ours.holding(name))  # Redis writes its file a moment later
    kept = b"".join(contents(redis))
    assert {*redis.client.keys()} == keys
    assert WANDA.encode() not in kept and b'"user_id":5,' not in kept
    assert kept.count(b'"user_id":7,') == kept.count(sign(7).encode()) == 6
    assert [event["user_id"] for event in logged(ours.logs / "events")] == [7] * 6
    for kind in ("answers", "outcomes"):
        assert {str(row["user_id"]) for row in recorded(ours.logs / "decisions", kind)} == {"7"}
    for name, users in ours.users().items():
        assert users == [user for user in before[name] if user != 5]
    assert sum(5 in users for users in before.values()) >= 3
    answers = ours.answers()
    assert [answers[who]["known"] for who in (5, 7, WANDA)] == [False, True, False]
    assert answers[7]["coupons"] and answers[7]["bundle"] == version


def contents(redis: Redis) -> Iterator[bytes]:
    """All that a Redis holds."""
    for key in redis.client.scan_iter():
        yield key
        if redis.client.type(key) == b"stream":
            yield repr(redis.client.xrange(key)).encode()
        else:
            yield redis.client.dump(key)


@pytest.mark.slow
def test_with_pseudonyms_nobody_is_named_among_the_decisions_and_each_pseudonym_is_forgotten(
    shop: Callable[..., Shop], named: Path
) -> None:
    ours = shop(named, (ZELDA, BEN, WANDA))
    answered = []
    for keys in ("winter", "spring,winter"):
        ours.keys["COUPON_REC_PSEUDONYM_KEY"] = keys
        service, ids = ours.trade()
        service.stop()
        answered.append(ids)
    assert len(ours.holding(ZELDA)) == len(ours.holding(BEN)) == 2, "bundle and events"
    for who in ours.people:
        assert not [path for path in ours.holding(who) if "decisions" in path.parts]
    rows = {row["request_id"]: row["user_id"] for row in recorded(ours.logs / "decisions")}
    theirs, bens = ({rows[each[who]] for each in answered} for who in (ZELDA, BEN))
    assert len(theirs | bens) == 4, "another key gives another pseudonym"
    assert all(ours.holding(name) for name in theirs)
    kept = {name: ours.holding(name) for name in bens}

    ours.forget(ZELDA)
    for name in (ZELDA, *theirs):
        assert ours.holding(name) == set()
    assert {name: ours.holding(name) for name in bens} == kept
    for kind, many in (("answers", 4), ("outcomes", 12)):
        left = [row["user_id"] for row in recorded(ours.logs / "decisions", kind)]
        assert sum(name in bens for name in left) == many
    answers = ours.answers()
    assert not answers[ZELDA]["known"] and answers[BEN]["known"]


def new_key() -> str:
    """Draw a key of 256 bits for the files of a service."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


@pytest.mark.slow
def test_encrypted_files_name_nobody_and_survive_a_rotation_and_a_forgetting(
    shop: Callable[..., Shop], named: Path, redis: Redis
) -> None:
    old, new = new_key(), new_key()
    people = (ZELDA, BEN, WANDA)
    ours = shop(named, people, "--redis", redis.url, COUPON_REC_STORAGE_KEYS=old)
    service, _ = ours.trade()
    assert service.client.post("/v1/reload").is_success, "all are ranked again, as after a restart"
    wanted = ours.answers(service)
    logs = {path: path.read_bytes() for path in ours.logs.rglob("*") if path.is_file()}
    assert len(logs) > 5
    for who in people:
        assert all(ours.bundle in path.parents for path in ours.holding(who))
        assert who.encode() not in b"".join([*logs.values(), *contents(redis)])

    ours.keys["COUPON_REC_STORAGE_KEYS"] = f"{new},{old}"
    assert ours.answers() == wanted
    ours.keys["COUPON_REC_STORAGE_KEYS"] = new  # the old one is destroyed
    ours.forget(ZELDA, WANDA)
    assert not ours.holding(ZELDA) and not ours.holding(WANDA)
    assert all(ours.bundle in path.parents for path in ours.holding(BEN))
    answers = ours.answers()
    assert [answers[who]["known"] for who in people] == [False, True, False]
    assert answers[BEN]["bundle"] == wanted[BEN]["bundle"]
    ours.keys["COUPON_REC_STORAGE_KEYS"] = old
    assert "COUPON_REC_STORAGE_KEYS" in refusal("forget", BEN, *ours.places(), **ours.keys)
