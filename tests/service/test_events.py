"""What happens in the shops: accepted once it is on disk, and in the next answer."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from running import DAY, Inside
from shop import purchase

from coupon_rec.serving.events.event_log import EventLog


def browse(name: object, user_id: int | str, kind: str = "view") -> dict[str, Any]:
    """An item that somebody looks at, in the app."""
    names = ("event_id", "user_id", "time", "item_id")
    return {
        **{each: purchase(name, user_id)[each] for each in names},
        "kind": kind,
        "channel": "app",
    }


def test_views_and_clicks_are_events_that_survive_a_restart(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside()
    assert service.send(browse(1, 1), browse(2, 1, "click")).json() == {"accepted": 2}
    assert service.app.state.service.recommender.store.version(1) == 2
    service.stop()
    log = EventLog(tmp_path / "events")
    assert [event.kind for event in log.read()[0]] == ["view", "click"]
    log.close()


def test_the_day_of_the_newest_event_is_known_after_a_restart(
    inside: Callable[..., Inside],
) -> None:
    def day(service: Inside) -> str:
        return str(service.client.get("/v1/coupons").json()["day"])

    service = inside()
    assert day(service) == str(DAY)
    assert service.send(browse(1, 1) | {"time": f"{DAY + timedelta(days=3)}T12:00:00"}).is_success
    assert day(service) == str(DAY + timedelta(days=3))
    service.stop()
    assert day(inside()) == str(DAY + timedelta(days=3))


def test_texts_are_identifiers_as_good_as_numbers(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside()
    bought = purchase("a", "ada", "1001") | {"basket_id": "b-17"}
    assert service.send(bought).json() == {"accepted": 1}
    assert service.ask("ada")["known"]
    service.stop()
    log = EventLog(tmp_path / "events")
    (event,) = log.read()[0]
    log.close()
    assert (event.user_id, event.item_id, event.basket_id) == ("ada", "1001", "b-17")


def test_an_answer_given_before_is_given_anew_once_others_have_moved_its_ranks(
    inside: Callable[..., Inside],
) -> None:
    service = inside()
    users = range(1, 21)
    before = [service.ask(user, k=100) for user in users]
    others = [
        purchase(f"{user}-{item}", user, item) | {"amount": 30.0}
        for user in range(41, 61)
        for item in range(1001, 1021)
    ]
    assert service.send(*others).json() == {"accepted": len(others)}
    after = [service.ask(user, k=100) for user in users]
    assert after != before
    service.stop()
    fresh = inside()
    assert [fresh.ask(user, k=100) for user in users] == after


def test_accepted_events_are_counted_by_their_kind(service: Inside) -> None:
    def counted() -> list[float]:
        names = (f'coupon_rec_events_total{{kind="{kind}"}}' for kind in ("purchase", "view"))
        return [service.metric(name) for name in names]

    purchases, views = counted()
    assert service.send(purchase(901, 1), {**browse(902, 1), "kind": "view"}).status_code == 200
    assert counted() == [purchases + 1, views + 1]
