"""The service records what it answered, in what bundle, and what happened then."""

import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from running import Inside
from shop import PATIENCE, Service, purchase, question, until

from coupon_rec.serving.events.decision_reader import (
    read_answers,
    read_outcomes,
)


def test_what_follows_is_recorded_and_moves_what_later_answers_count(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside()
    service.ask(1)
    used = {"kind": "redemption", "campaign_id": 4, "coupon_id": 1}
    event = {name: purchase("r", 1)[name] for name in ("event_id", "user_id", "time")}
    assert service.send(purchase("a", 1), {**event, **used}).is_success
    service.ask(1)
    service.stop()
    assert read_outcomes(tmp_path / "decisions")["kind"].to_list() == ["purchase", "redemption"]
    assert read_answers(tmp_path / "decisions")["version"].to_list() == [0, 2]


def test_nothing_is_recorded_where_that_is_asked_for(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    service = inside(decisions=Path("none"))
    answer = service.client.post("/v1/recommendations", json=question(1))
    assert answer.is_success
    assert "X-Request-Id" not in answer.headers
    assert service.metric("coupon_rec_decisions_lost") == 0
    service.stop()
    assert not (tmp_path / "decisions").exists()
    assert not Path("none").exists()


def test_a_folder_that_cannot_be_written_is_named(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r'file/decisions .*choose another folder, or "none"'):
        inside(decisions=tmp_path / "file" / "decisions")


class Asking(threading.Thread):
    """Asks for a user's coupons until the service is gone, and keeps the ids of the answers."""

    def __init__(self, service: Service, user_id: int) -> None:
        super().__init__()
        self.client = httpx.Client(base_url=service.client.base_url, timeout=PATIENCE)
        self.user_id = user_id
        self.answered: list[str] = []

    def run(self) -> None:
        """Ask until nobody answers."""
        while True:
            try:
                answer = self.client.post("/v1/recommendations", json=question(self.user_id))
            except httpx.TransportError:
                return self.client.close()
            self.answered.append(answer.headers["X-Request-Id"])


def test_a_kill_loses_no_answer_that_somebody_got(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    service = serve()
    asking = [Asking(service, user_id) for user_id in (1, 2, 3, 4)]
    for each in asking:
        each.start()
    until(lambda: sum(len(each.answered) for each in asking) > 500)
    service.process.kill()
    service.process.wait()
    for each in asking:
        each.join()
    answered = {request_id for each in asking for request_id in each.answered}
    assert answered <= set(read_answers(tmp_path / "decisions")["request_id"])
