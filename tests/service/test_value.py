"""From a service that explores, through what users did, to the value of another policy."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from running import DAY
from shop import Service
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.decisions import Economics
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.events.judging import explored, probability, read_rewards
from coupon_rec.serving.recommender import Decision, Question, Reply

CONTACT = 0.01
STRANGER = 10**9


def run(*arguments: object) -> Result:
    """Run `value` in this process."""
    return CliRunner().invoke(app, ["value", *map(str, arguments)])


class Recorded(NamedTuple):
    """A log, and what each coupon earns when it is sent, on average."""

    folder: Path
    worth: dict[int, float]
    best: int


def rate_of(coupon: int) -> float:
    """How often users redeem a coupon, whatever the model thinks."""
    return 0.6 if coupon % 3 == 0 else 0.1


@pytest.fixture(scope="module")
def recorded(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """Ask a service that explores for one coupon for each of many strangers, who then use some."""
    folder = tmp_path_factory.mktemp("value")
    explores = ("--explore", "0.6", "--explore-floor", "0.1", "--explore-seed", "5")
    service = Service(bundle, folder, *explores, "--contact", str(CONTACT))
    chance, worth, used = np.random.default_rng(0), {}, []
    answers = [service.ask(STRANGER + number, k=1)["coupons"][0] for number in range(900)]
    for number, coupon in enumerate(answers):
        gain = (coupon["value"] + CONTACT) / coupon["probability"]
        worth[coupon["coupon_id"]] = rate_of(coupon["coupon_id"]) * gain - CONTACT
        if chance.uniform() < rate_of(coupon["coupon_id"]):
            event = {"event_id": f"r-{number}", "user_id": STRANGER + number, "kind": "redemption"}
            event |= {name: coupon[name] for name in ("campaign_id", "coupon_id")}
            used.append({**event, "time": f"{DAY}T18:00:00"})
    assert service.send(*used).is_success
    service.stop()
    service.client.close()
    best = max(answers, key=lambda coupon: coupon["value"])["coupon_id"]
    yield Recorded(folder / "decisions", worth, best)


def test_the_bundle_that_answered_is_judged_as_its_own_best_coupons(
    recorded: Recorded, bundle: Path
) -> None:
    log = explored(read_rewards(recorded.folder, contact=CONTACT))
    assert (
        probability(log, bundle, Economics(contact=CONTACT)) == probability(log, "greedy")
    ).all()
    people = log.assign(user_id="0123456789abcdef" * 2)
    with pytest.raises(ValueError, match="the log has pseudonyms"):
        probability(people, bundle)
    both = run(recorded.folder, "--contact", CONTACT, "--policy", bundle, "--against", "greedy")
    assert "0.0000  0.0000  0.0000" in both.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--min-effective", "5000"), "the log says too little about this policy"),
        (("--policy", "nonsense"), "choose one of logged, greedy, likeliest, nobody"),
        (("--method", "magic"), "no method is named 'magic'"),
        (("--within", "30"), "no answer with candidates that is old enough"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line(
    recorded: Recorded, options: tuple[str, ...], words: str
) -> None:
    found = run(recorded.folder, "--contact", CONTACT, *options)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert words in found.stderr.splitlines()[-1]


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
    reply = Reply((), rows, True, "", 0, "0123456789ab")
    log.record_answer(Question(user, time.date(), 2), time, reply, degraded=False, cached=False)


def redeemed(name: str, user: int | str, coupon: int, day: float) -> Event:
    """A redemption some days after the first noon."""
    time = NOON + timedelta(days=day)
    return Event(name, user, time, "redemption", coupon_id=coupon, campaign_id=7)


def rewards(log: pd.DataFrame) -> list[list[float]]:
    """The rewards of each answer's candidates, in the order of the answers."""
    return [own.fillna(9).to_list() for _, own in log.groupby("request_id")["reward"]]


def test_a_redemption_is_put_down_to_the_last_answer_that_held_the_coupon(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    answered(log, 1, [0, 1], day=0)
    answered(log, 1, [0], day=2)
    answered(log, 1, [2], day=3)
    answered(log, 2, [0], day=0)
    events = [
        redeemed("a", 1, 0, 4),
        redeemed("again", 1, 0, 5),
        redeemed("before any answer", 1, 2, 1),
        redeemed("not sent", 2, 1, 1),
        Event("b", 2, NOON, "click", item_id=1),
    ]
    log.record_outcomes(events, OWN)
    log.close()
    found = read_rewards(tmp_path, contact=0.1)
    assert rewards(found) == [
        pytest.approx(each) for each in ([-0.1, -0.1, 9], [0.9, 9, 9], [9, 9, -0.1], [-0.1, 9, 9])
    ]
    assert found["redeemed"].sum() == 1


def test_late_redemptions_and_young_answers_do_not_count_where_days_are_given(
    tmp_path: Path,
) -> None:
    log = DecisionLog(tmp_path)
    for day in (0, 10):
        answered(log, 1, [0, 1], day)
    answered(log, "ada", [0], day=0)
    events = [redeemed("a", 1, 0, 15), redeemed("b", 1, 1, 5), redeemed("c", "ada", 0, 3)]
    log.record_outcomes(events, OWN)
    log.close()
    found = read_rewards(tmp_path, contact=0.1, within=6)
    assert rewards(found) == [pytest.approx(each) for each in ([-0.1, 0.9, 9], [0.9, 9, 9])]
    everything = read_rewards(tmp_path, contact=0.1)
    assert rewards(everything)[1] == pytest.approx([0.9, -0.1, 9])


def test_a_redemption_of_a_young_answer_is_put_down_to_no_older_one(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path)
    for day in (0, 5, 8):
        answered(log, 1, [0], day)
    log.record_outcomes([redeemed("a", 1, 0, 6)], OWN)
    log.close()
    assert rewards(read_rewards(tmp_path, contact=0.1, within=7)) == [[pytest.approx(-0.1), 9, 9]]


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


def test_answers_without_chance_are_set_apart(tmp_path: Path) -> None:
    p = np.array([[0.5, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]).ravel()
    log = pd.DataFrame({"request_id": np.repeat(["a", "b", "c"], 3), "coupon_propensity": p})
    assert explored(log)["request_id"].unique().tolist() == ["a", "c"]
