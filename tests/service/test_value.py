"""From what a service answered and users did to the value of another policy."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from running import Inside
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import Economics
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.events.judging import explored, probability, read_rewards
from coupon_rec.serving.recommender import Decision, Question, Reply

CONTACT = 0.01


def test_the_bundle_that_answered_is_judged_as_its_own_best_coupons(
    inside: Callable[..., Inside], bundle: Path, tmp_path: Path
) -> None:
    economics = Economics(contact=CONTACT)
    service = inside(explore=0.6, explore_floor=0.1, explore_seed=5, economics=economics)
    for user in range(10**9, 10**9 + 100):
        service.ask(user, k=1)
    service.stop()
    log = explored(read_rewards(tmp_path / "decisions", contact=CONTACT))
    assert (probability(log, bundle, economics) == probability(log, "greedy")).all()
    with pytest.raises(ValueError, match="the log has pseudonyms"):
        probability(log.assign(user_id="0123456789abcdef" * 2), bundle)
    for options, code, words in (
        (
            ("--policy", bundle, "--against", "greedy", "--min-effective", 1),
            0,
            "0.0000  0.0000  0.0000",
        ),
        (("--min-effective", 5000), 2, "the log says too little about this policy"),
        (("--method", "magic"), 2, "no method is named 'magic'"),
        (("--within", 30), 2, "no answer with candidates that is old enough"),
    ):
        words_of = ["value", tmp_path / "decisions", "--contact", CONTACT, *options]
        found = CliRunner().invoke(app, [*map(str, words_of)])
        assert found.exit_code == code
        assert words in found.output.splitlines()[-1]


# What followed an answer

NOON = datetime(2017, 6, 1, 12)
OWN = Identifiers()


def answered(log: DecisionLog, user: int | str, coupons: list[int], day: int = 0) -> None:
    """Record an answer that held some of the coupons 0, 1 and 2, worth 1 a redemption each."""
    position = np.full(3, -1, "int16")
    position[coupons] = np.arange(len(coupons))
    half = np.full(3, 0.5)
    rows = Decision(np.full(3, 7), np.arange(3), half, half - 0.1, half, position, OWN)
    time = NOON + timedelta(days=day)
    reply = Reply((), rows, True, "", 0, 0, "0123456789ab")
    log.record_answer(Question(user, time.date(), 2), time, reply, degraded=False, cached=False)


def redeemed(name: str, user: int | str, coupon: int, day: float) -> Event:
    """A redemption some days after the first noon."""
    time = NOON + timedelta(days=day)
    return Event(name, user, time, "redemption", coupon_id=coupon, campaign_id=7)


Told = Callable[..., list[list[float]]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """The rewards of each answer's candidates, 9 where one was not sent, in the answers' order."""
    log = DecisionLog(tmp_path / "log")

    def told(answers: list[tuple], events: list[Event], within: int | None = None) -> list:
        for answer in answers:
            answered(log, *answer)
        log.record_outcomes(events, OWN)
        log.close()
        found = read_rewards(tmp_path / "log", contact=0.1, within=within)
        return [
            own.fillna(9).round(6).to_list() for _, own in found.groupby("request_id")["reward"]
        ]

    return told


def test_a_redemption_is_put_down_to_the_last_answer_that_held_the_coupon(told: Told) -> None:
    answers = [(1, [0, 1], 0), (1, [0], 2), (1, [2], 3), (2, [0], 0)]
    events = [
        redeemed("a", 1, 0, 4),
        redeemed("again", 1, 0, 5),
        redeemed("before any answer", 1, 2, 1),
        redeemed("not sent", 2, 1, 1),
        Event("b", 2, NOON, "click", item_id=1),
    ]
    wanted = [[-0.1, -0.1, 9], [0.9, 9, 9], [9, 9, -0.1], [-0.1, 9, 9]]
    assert told(answers, events) == wanted


@pytest.mark.parametrize(
    ("within", "wanted"),
    [
        (6, [[-0.1, 0.9, 9], [0.9, 9, 9]]),
        (None, [[-0.1, 0.9, 9], [0.9, -0.1, 9], [0.9, 9, 9]]),
    ],
)
def test_late_redemptions_and_young_answers_do_not_count_where_days_are_given(
    told: Told, within: int | None, wanted: list[list[float]]
) -> None:
    answers = [(1, [0, 1], 0), (1, [0, 1], 10), ("ada", [0], 0)]
    events = [redeemed("a", 1, 0, 15), redeemed("b", 1, 1, 5), redeemed("c", "ada", 0, 3)]
    assert told(answers, events, within) == wanted


def test_a_redemption_of_a_young_answer_is_put_down_to_no_older_one(told: Told) -> None:
    answers = [(1, [0], day) for day in (0, 5, 8)]
    assert told(answers, [redeemed("a", 1, 0, 6)], 7) == [[-0.1, 9, 9]]


def test_users_whose_names_look_like_pseudonyms_are_asked_for(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, name = DecisionLog(tmp_path / "log"), uuid4().hex
    answered(log, name, [0])
    log.close()
    found = read_rewards(tmp_path / "log", contact=0.1)
    with pytest.raises(ValueError, match="the log has pseudonyms"):
        probability(found, bundle)
    known = Identifiers({"user_id": {name: 1}})
    monkeypatch.setattr(Identifiers, "read", lambda _: known)
    with pytest.raises(ValueError, match="judge a bundle of the same campaigns"):
        probability(found, bundle)


def test_answers_without_chance_are_set_apart() -> None:
    p = np.array([[0.5, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]).ravel()
    log = pd.DataFrame({"request_id": np.repeat(["a", "b", "c"], 3), "coupon_propensity": p})
    assert explored(log)["request_id"].unique().tolist() == ["a", "c"]
