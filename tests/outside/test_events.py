"""What happens in the shops: accepted once it is on disk, and in the next answer, each once."""

import itertools
import random
import resource
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from shop import PATIENCE, Service, logged, purchase, recorded, refusal, until

STRANGER = 10**9
Event = dict[str, Any]


def browse(name: object, user_id: int | str, kind: str = "view", **more: Any) -> Event:
    """An item that somebody looks at."""
    names = ("event_id", "user_id", "time", "item_id")
    return {**{each: purchase(name, user_id)[each] for each in names}, "kind": kind, **more}


def redemption(name: object, user_id: int, coupon_id: int = 501) -> Event:
    """A coupon of the campaign that runs, used at noon."""
    event = browse(name, user_id, "redemption", campaign_id=4, coupon_id=coupon_id)
    del event["item_id"]
    return event


def test_a_purchase_moves_the_next_answer_and_counts_once(service: Service) -> None:
    before = service.ask(1, k=100)
    assert service.ask(1, k=100) == before
    assert service.send(purchase("a", 1)).json() == {"accepted": 1}
    after = service.ask(1, k=100)
    assert after["coupons"] != before["coupons"]
    assert service.send(purchase("a", 1), purchase("a", 1)).json() == {"accepted": 2}
    assert service.ask(1, k=100) == after
    assert service.send(purchase("b", 1)).is_success
    assert service.ask(1, k=100)["coupons"] != after["coupons"], "another purchase counts"


def test_a_redemption_and_a_view_move_the_next_answer_and_a_review_does_not(
    service: Service,
) -> None:
    answers = [service.ask(9, k=100)["coupons"]]
    for event in (redemption("r", 9), browse("v", 9), browse("c", 9, "click", channel="app")):
        assert service.send(event).is_success
        answers.append(service.ask(9, k=100)["coupons"])
        assert answers[-1] != answers[-2], event["kind"]
    said = browse("said", 9, "review", rating=2, text="Sour.")
    assert service.send(said, said).is_success
    assert service.ask(9, k=100)["coupons"] == answers[-1]
    (review,) = service.client.get("/v1/reviews").json()["reviews"]
    assert (review["item_id"], review["rating"], review["text"]) == (1001, 2, "Sour.")
    assert "user_id" not in review


def test_somebody_who_buys_is_known_from_then_on_by_a_number_or_a_text(service: Service) -> None:
    for user in (STRANGER, "ada"):
        assert not service.ask(user)["known"]
        assert service.send(purchase(f"first of {user}".replace(" ", "-"), user)).is_success
        assert service.ask(user)["known"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "theft"}, "events.1"),
        ({"item_id": None}, "events.1.item_id"),
        ({"user_id": 1.5}, "events.1.user_id"),
        *(({"amount": amount}, "events.1.amount") for amount in (1e308, -1, "2.5")),
        *(({"quantity": quantity}, "events.1.quantity") for quantity in (0, 1.5)),
        *(({"event_id": name}, "events.1.event_id") for name in ("", "a\nb", "x" * 101, 7)),
        ({"campaign_id": 4}, "events.1.campaign_id"),
        ({"time": "noon"}, "events.1.time"),
        ({"time": "9999-12-31T23:59:59"}, "events.1.time"),
        ({"time": "2019-01-01T12:00:00"}, "events.1.time"),
    ],
)
def test_one_wrong_event_is_named_and_none_of_its_batch_is_accepted(
    service: Service, change: dict[str, Any], field: str
) -> None:
    before = service.metric("coupon_rec_events_total"), service.ask(2, k=100)
    answer = service.send(purchase("good", 2), {**purchase("bad", 2), **change})
    assert answer.status_code == (409 if change.get("time", "noon") != "noon" else 422)
    assert [found["field"] for found in answer.json()["fields"]] == [field]
    assert (service.metric("coupon_rec_events_total"), service.ask(2, k=100)) == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "view", "quantity": 2}, "quantity"),
        ({"kind": "click", "item_id": None}, "item_id"),
        ({"kind": "click", "channel": ""}, "channel"),
        ({"kind": "review"}, "rating"),
        ({"kind": "review", "rating": 6}, "rating"),
        ({"kind": "review", "rating": 3, "text": ""}, "text"),
        ({"kind": "redemption"}, "campaign_id"),
    ],
)
def test_each_kind_of_event_has_fields_of_its_own(
    service: Service, change: dict[str, Any], field: str
) -> None:
    answer = service.send({**browse("x", 2), **change})
    assert answer.status_code == 422
    assert f"events.0.{field}" in {found["field"] for found in answer.json()["fields"]}


def test_a_batch_has_one_to_a_thousand_events(service: Service) -> None:
    many = [browse(f"many-{number}", 3) for number in range(1001)]
    for events in ([], many):
        answer = service.send(*events)
        assert answer.status_code == 422
        assert [found["field"] for found in answer.json()["fields"]] == ["events"]
    assert service.send(*many[1:]).json() == {"accepted": 1000}


def test_two_services_do_not_share_a_log(service: Service, bundle: Path, tmp_path: Path) -> None:
    for log, decisions in (
        (service.log, tmp_path / "decisions"),
        (tmp_path / "events", service.decisions),
    ):
        places = ("--log", log, "--decisions", decisions)
        said = refusal("serve", bundle, "--port", 0, *places)
        assert str(log if log == service.log else decisions) in said and "another" in said
    assert service.ask(1)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux, to fill a disk")
def test_a_full_disk_is_answered_503_and_nothing_is_acknowledged(
    bundle: Path, tmp_path: Path
) -> None:
    service = Service(bundle, tmp_path)
    try:
        assert service.send(purchase("before", 1)).is_success
        before = service.ask(1, k=100)
        limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
        for number in range(3):
            answer = service.send(purchase(f"full-{number}", 1), purchase(f"too-{number}", 1))
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert service.ask(1, k=100) == before, "who asks is answered all the while"
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)
        assert service.send(purchase("after", 1)).is_success
        service.stop()
    finally:
        service.close()
    assert [event["event_id"] for event in logged(service.log)] == ["till-before", "till-after"]


# Killed at any moment


class Till:
    """Sends events, a few at a time, until the service is gone; sends again what nobody took."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)
        self.names = (f"{number}-{event}" for event in itertools.count())
        self.waiting: list[Event] = []
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()

    def sell(self, address: str) -> None:
        """Send until nobody answers."""
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            while True:
                self.waiting = self.waiting or [
                    self.event() for _ in range(self.chance.randint(1, 5))
                ]
                names = {event["event_id"] for event in self.waiting}
                self.sent |= names
                try:
                    answer = client.post("/v1/events", json={"events": self.waiting})
                except httpx.TransportError:
                    return
                assert answer.status_code == 200
                self.acknowledged |= names
                self.waiting = []

    def event(self) -> Event:
        """Something that one of eight users does in the five days from the bundle's on."""
        name = next(self.names)
        user, item = self.chance.randint(1, 8), self.chance.randint(1001, 1200)
        event = self.chance.choice(
            [
                purchase(name, user, item),
                browse(name, user, "view", item_id=item),
                browse(name, user, "click", item_id=item),
                redemption(name, user, self.chance.randint(501, 508)),
            ]
        )
        day, hour = self.chance.randint(1, 5), self.chance.randint(8, 20)
        return {**event, "time": f"2017-06-{day:02}T{hour:02}:00:00"}


class Killed(NamedTuple):
    """What a service was sent that was killed three times, what its files held, what it said."""

    sent: set[str]
    acknowledged: set[str]
    events: list[Event]
    outcomes: list[Event]
    answers: list[dict[str, Any]]


@pytest.fixture(scope="module")
def killed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """Kill a service three times while four tills send events, then start it once more."""
    folder, tills = tmp_path_factory.mktemp("killed"), [Till(number) for number in range(4)]

    def acknowledged() -> set[str]:
        return set().union(*(till.acknowledged for till in tills))

    for enough in (20, 150, 300):
        service, before = Service(bundle, folder), len(acknowledged())
        address = str(service.client.base_url)
        selling = [threading.Thread(target=till.sell, args=(address,)) for till in tills]
        for thread in selling:
            thread.start()
        until(lambda goal=before + enough: len(acknowledged()) > goal)
        service.stop(signal.SIGKILL)
        service.close()
        for thread in selling:
            thread.join()
    copy = shutil.copytree(folder, tmp_path_factory.mktemp("copy") / "logs")
    service = Service(bundle, folder)
    assert service.client.post("/v1/reload").is_success, "all are ranked again"
    answers = [service.ask(user, "2017-06-05", k=100) for user in range(1, 9)]
    service.stop()
    service.close()
    return Killed(
        set().union(*(till.sent for till in tills)),
        acknowledged(),
        logged(copy / "events"),
        recorded(service.decisions, "outcomes"),
        answers,
    )


def test_a_kill_at_any_moment_loses_no_acknowledged_event_and_doubles_none(killed: Killed) -> None:
    assert len(killed.acknowledged) > 450
    names = Counter(event["event_id"] for event in killed.events)
    assert killed.acknowledged <= names.keys() <= killed.sent
    assert set(names.values()) == {1}


def test_after_kills_answers_are_those_of_a_service_that_got_the_events_in_peace_in_any_order(
    killed: Killed, serve: Callable[..., Service]
) -> None:
    peaceful = serve()
    for begin in range(0, len(killed.events), 500):
        assert peaceful.send(*killed.events[::-1][begin : begin + 500]).is_success
    assert peaceful.client.post("/v1/reload").is_success, "all are ranked again"
    for answer in killed.answers:
        wanted = peaceful.ask(answer["user_id"], "2017-06-05", k=100)
        names = [[coupon["coupon_id"] for coupon in each["coupons"]] for each in (answer, wanted)]
        assert names[0] == names[1]
        for one, other in zip(answer["coupons"], wanted["coupons"], strict=True):
            assert one["probability"] == pytest.approx(other["probability"], abs=1e-6)
            assert one["value"] == pytest.approx(other["value"], abs=1e-6)
    assert peaceful.send(*killed.events[:1000]).is_success, "all of them again"
    last = killed.answers[-1]["user_id"]
    assert peaceful.ask(last, "2017-06-05", k=100) == wanted


def test_a_kill_loses_no_outcome_of_an_acknowledged_event(killed: Killed) -> None:
    assert killed.acknowledged <= {outcome["event_id"] for outcome in killed.outcomes}
