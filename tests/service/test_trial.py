"""A second bundle on trial: as a shadow nobody sees it, as a canary it answers its users."""

import json
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import DAY, Inside
from shop import purchase, until
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import Market
from coupon_rec.monitoring import monitor
from coupon_rec.serving.bundle.manifest import NAME, BundleError, seal
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.decision_reader import read_answers, read_decisions
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.events.judging import arms, read_rewards
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.bundles import drawn
from coupon_rec.serving.http.settings import Settings
from coupon_rec.serving.recommender import Decision, Question, Recommender, Reply

USERS = range(1, 31)


@pytest.fixture
def trial(bundle: Path, tmp_path: Path) -> Path:
    """Another bundle: its promises are lower."""
    folder = Path(shutil.copytree(bundle, tmp_path / "trial"))
    path = folder / "calibration.json"
    lines = json.loads(path.read_text())
    lines["redeemed"]["intercept"] = -1.0
    path.write_text(json.dumps(lines))
    return sealed(folder)


def sealed(folder: Path) -> Path:
    (folder / NAME).unlink()
    seal(folder, {"created": "", "packages": {}, "differences": {}})
    return folder


def test_a_shadow_scores_the_same_requests_and_nobody_sees_it(
    inside: Callable[..., Inside], bundle: Path, trial: Path, tmp_path: Path
) -> None:
    alone = inside(trial)
    wanted = {user: alone.ask(user, k=3)["coupons"] for user in USERS}
    alone.stop()
    shutil.rmtree(tmp_path / "decisions")
    service = inside(trial=trial)
    answers = [service.ask(user, k=3) for user in (*USERS, *USERS)]
    assert {answer["bundle"] for answer in answers} == {Scorer.load(bundle).version}
    assert service.client.get("/readyz").json()["trial"] == Scorer.load(trial).version
    until(lambda: service.metric('coupon_rec_arm_score_count{arm="shadow"}') == len(answers))
    assert service.metric('coupon_rec_arm_score_count{arm="live"}') == len(answers)
    service.stop()
    sent = read_decisions(tmp_path / "decisions")
    shadow = read_decisions(tmp_path / "decisions", shadow=True)
    assert set(sent["bundle"]) == {Scorer.load(bundle).version}
    assert set(shadow["bundle"]) == {Scorer.load(trial).version}
    assert set(shadow["request_id"]) == set(sent["request_id"])
    for user, coupons in wanted.items():
        chosen = shadow[(shadow["user_id"] == user) & shadow["chosen"]].sort_values("position")
        first = chosen[chosen["request_id"] == chosen["request_id"].iloc[0]] if coupons else chosen
        assert first["coupon_id"].to_list() == [each["coupon_id"] for each in coupons]


def test_a_canary_answers_its_users_and_always_the_same(
    inside: Callable[..., Inside], bundle: Path, trial: Path, tmp_path: Path
) -> None:
    service = inside(trial=trial, canary=0.3)
    versions = {"live": Scorer.load(bundle).version, "canary": Scorer.load(trial).version}
    arm = {user: "canary" if drawn(user, "trial", 0.3) else "live" for user in USERS}
    assert set(arm.values()) == {"live", "canary"}
    for user in (*USERS, *map(str, USERS)):
        assert service.ask(user)["bundle"] == versions[arm[int(user)]]
    counted = pd.Series(arm).value_counts()
    for name, users in counted.items():
        assert service.metric(f'coupon_rec_arm_score_count{{arm="{name}"}}') == 2 * users
    used = {"kind": "redemption", "campaign_id": 4, "coupon_id": 1}
    for user in USERS:
        event = {name: purchase(user, user)[name] for name in ("event_id", "user_id", "time")}
        assert service.send(event | used).is_success
    for name, users in counted.items():
        assert service.metric(f'coupon_rec_arm_redemptions_total{{arm="{name}"}}') == users
    service.stop()
    answers = read_answers(tmp_path / "decisions")
    assert (answers["arm"] == answers["user_id"].map(arm)).all()


def test_what_happens_reaches_both_bundles(inside: Callable[..., Inside], trial: Path) -> None:
    service = inside(trial=trial, canary=0.3)
    users = [
        next(u for u in range(10**9, 10**9 + 99) if drawn(u, "trial", 0.3) == c) for c in (0, 1)
    ]
    for user in users:
        assert not service.ask(user)["known"]
        service.send(purchase(user, user))
        assert service.ask(user)["known"]


def test_a_trial_that_fails_is_taken_out_and_every_request_is_answered(
    inside: Callable[..., Inside], bundle: Path, trial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, answer = Scorer.load(trial).version, Recommender.__call__

    def fail(recommender: Recommender, questions: Any) -> Any:
        if recommender.scorer.version == version:
            raise RuntimeError("no")
        return answer(recommender, questions)

    for canary in (0.0, 0.5):
        service = inside(trial=trial, canary=canary)
        monkeypatch.setattr(Recommender, "__call__", fail)
        assert {service.ask(user)["bundle"] for user in USERS} == {Scorer.load(bundle).version}
        until(lambda service=service: service.metric("coupon_rec_trial") == 0)
        monkeypatch.setattr(Recommender, "__call__", answer)
        assert service.client.post("/v1/reload").is_success
        assert service.metric("coupon_rec_trial") == 1
        service.stop()


def test_a_trial_of_another_day_is_refused_at_the_start_and_never_keeps_a_bundle_out(
    inside: Callable[..., Inside], market: Market, bundle: Path, trial: Path, tmp_path: Path
) -> None:
    service = inside(trial=trial, canary=0.5)
    shutil.rmtree(trial / "snapshot")
    write_snapshot(market, DAY + timedelta(days=1), trial / "snapshot")
    sealed(trial)
    assert service.client.post("/v1/reload").json() == {"bundle": Scorer.load(bundle).version}
    assert service.client.get("/readyz").json()["trial"] is None
    assert {service.ask(user)["bundle"] for user in USERS} == {Scorer.load(bundle).version}
    with pytest.raises(BundleError, match="export both for the same day"):
        create_app(bundle, Settings(tmp_path / "other", trial=trial, decisions=Path("none")))
    with pytest.raises(ValueError, match="needs a trial"):
        create_app(bundle, Settings(tmp_path / "third", canary=0.5, decisions=Path("none")))


# What the log says of the arms

NOON = datetime(2017, 6, 1, 12)
OWN = Identifiers()


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four weeks with one bundle, then four with a canary whose coupons are redeemed half as often.

    Each user is sent one coupon worth 1 a redemption, and everybody promises a fifth.
    """
    folder = tmp_path_factory.mktemp("arms")
    log, random = DecisionLog(folder / "decisions"), np.random.default_rng(1)
    position, half = np.zeros(1, "int16"), np.ones(1)
    events = []
    for user in range(6000):
        day = user % 56
        arm = "canary" if day >= 28 and drawn(user, "june", 0.5) else "live"
        time = NOON + timedelta(days=day)
        rows = Decision(np.full(1, 7), np.arange(1), half / 5, half / 5, half, position, OWN)
        reply = Reply((), rows, True, "", 0, "0123456789ab" if arm == "live" else "ba9876543210")
        question = Question(user, time.date(), 1)
        log.record_answer(question, time, reply, degraded=False, cached=False, arm=arm)
        if random.random() < (0.1 if arm == "canary" else 0.2):
            used = time + timedelta(hours=1)
            events.append(Event(f"r{user}", user, used, "redemption", coupon_id=0, campaign_id=7))
    log.record_outcomes(events, OWN)
    log.close()
    return folder / "decisions"


@pytest.mark.slow
def test_a_canary_is_compared_with_what_was_answered_while_it_was_on_trial(compared: Path) -> None:
    log = read_rewards(compared, contact=0.0)
    over = log["time"] >= NOON + timedelta(days=35)
    after = log[over & (log["arm"] == "live")].assign(reward=1.0)
    pd.testing.assert_frame_equal(arms(pd.concat([log[~over], after])), arms(log[~over]))


@pytest.mark.slow
def test_the_monitor_rings_where_a_canary_redeems_less_and_says_what_it_could_see(
    compared: Path, tmp_path: Path
) -> None:
    report = monitor(compared, until="2017-06-29", window=7)
    trial = report.trial["canary"]
    assert trial["high"] < 1
    assert trial["ratio"] == pytest.approx(0.5, abs=0.15)
    assert any("canary" in alarm for alarm in report.alarms)
    assert trial["shown"] > 1000
    assert trial["needed"] == pytest.approx(950, rel=0.5)
    html, _ = report.write(tmp_path / "report")
    assert "On trial" in html.read_text()
    again = run("monitor", compared, "--window", 7, "--out", tmp_path / "again")
    assert re.search("canary", again.stdout)


@pytest.mark.slow
def test_without_a_canary_there_is_nothing_to_compare(compared: Path, tmp_path: Path) -> None:
    log = read_rewards(compared)
    with pytest.raises(ValueError, match="one arm alone"):
        arms(log[log["arm"] == "live"])
