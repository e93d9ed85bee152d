"""What happens in the shops: accepted once it is on disk, and in the next answer."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from running import DAY, Inside, did, review
from shop import purchase, until


def test_the_day_of_the_newest_event_is_known_after_a_restart(
    inside: Callable[..., Inside],
) -> None:
    def day(service: Inside) -> str:
        return str(service.client.get("/v1/coupons").json()["day"])

    service = inside()
    assert day(service) == str(DAY)
    said = review(1, time=f"{DAY + timedelta(days=5)}T12:00:00")
    seen = did("view", 1, item_id=1001, time=f"{DAY + timedelta(days=3)}T12:00:00")
    assert service.send(said).is_success
    assert day(service) == str(DAY), "a review is no event of the shop"
    assert service.app.state.service.recommender.store.counted == 0
    assert service.send(seen).is_success
    assert day(service) == str(DAY + timedelta(days=3))
    service.stop()
    assert day(inside()) == str(DAY + timedelta(days=3))


def test_an_answer_given_before_is_given_anew_once_its_user_does_something_or_all_are_ranked(
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
    assert [service.ask(user, k=100) for user in users] == before
    assert service.metric("coupon_rec_cached_total") == len(users)
    assert service.send(purchase("own", 1)).is_success
    assert service.ask(1, k=100) != before[0]
    service.app.state.service.recommender.store.rank()
    after = [service.ask(user, k=100) for user in users]
    assert after[1:] != before[1:]
    service.stop()
    fresh = inside()
    assert [fresh.ask(user, k=100) for user in users] == after


def test_a_service_ranks_all_anew_by_itself_and_goes_on_if_that_fails_once(
    inside: Callable[..., Inside], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coupon_rec.serving.http.service.CROWD_SECONDS", 0.1)
    service = inside()
    store = service.app.state.service.recommender.store
    with monkeypatch.context() as broken:
        failed = threading.Event()
        broken.setattr(store, "rank", lambda: failed.set() or 1 // 0)
        assert service.send(purchase("a", 1)).is_success
        assert failed.wait(30)
        assert store.ranked == 0
    until(lambda: store.ranked == 1)
