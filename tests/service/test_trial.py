"""A second bundle on trial: as a shadow nobody sees it, as a canary it answers its users."""

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from running import DAY, Inside, sealed
from shop import purchase, until

from coupon_rec.features.online.snapshot_writer import write_snapshot
from coupon_rec.market import Market
from coupon_rec.monitoring import monitor
from coupon_rec.serving.bundle.manifest import BundleError
from coupon_rec.serving.bundle.scorer import Scorer
from coupon_rec.serving.events.decision_log import DecisionLog
from coupon_rec.serving.events.decision_reader import read_answers, read_decisions
from coupon_rec.serving.events.event import Event
from coupon_rec.serving.events.identifiers import Identifiers
from coupon_rec.serving.events.judging import arms, read_rewards
from coupon_rec.serving.http.app import create_app
from coupon_rec.serving.http.bundles import drawn
from coupon_rec.serving.http.settings import NO_DECISIONS, Settings
from coupon_rec.serving.recommender import Decision, Question, Recommender, Reply

USERS = range(1, 31)


def test_a_shadow_scores_the_same_requests_and_nobody_sees_it(
    inside: Callable[..., Inside], bundle: Path, trial: Path, tmp_path: Path
) -> None:
    alone = inside(trial)
    wanted = {user: alone.ask(user, k=3)["coupons"] for user in USERS}
    alone.stop()
    shutil.rmtree(tmp_path / "decisions")
    service = inside(trial=trial)
    answers = [service.ask(user, k=3) for user in (*USERS, *USERS)]
    versions = {name: Scorer.load(each).version for name, each in (("", bundle), ("x", trial))}
    assert {answer["bundle"] for answer in answers} == {versions[""]}
    assert service.client.get("/readyz").json()["trial"] == versions["x"]
    for arm in ("live", "shadow"):
        name = f'coupon_rec_arm_score_count{{arm="{arm}"}}'
        until(lambda name=name: service.metric(name) == len(answers))
    service.stop()
    sent = read_decisions(tmp_path / "decisions")
    shadow = read_decisions(tmp_path / "decisions", shadow=True)
    assert set(sent["bundle"]) == {versions[""]} and set(shadow["bundle"]) == {versions["x"]}
    assert set(shadow["request_id"]) == set(sent["request_id"])
    for user, coupons in wanted.items():
        chosen = shadow[(shadow["user_id"] == user) & shadow["chosen"]].sort_values("position")
        first = chosen.drop_duplicates("position")["coupon_id"].to_list()
        assert first == [each["coupon_id"] for each in coupons]


def test_a_canary_answers_its_users_and_always_the_same(
    inside: Callable[..., Inside], bundle: Path, trial: Path, tmp_path: Path
) -> None:
    service = inside(trial=trial, canary=0.3)
    versions = {"live": Scorer.load(bundle).version, "canary": Scorer.load(trial).version}
    arm = {user: "canary" if drawn(user, "trial", 0.3) else "live" for user in USERS}
    for user in (*USERS, *map(str, USERS)):
        assert service.ask(user)["bundle"] == versions[arm[int(user)]]
    used = {"kind": "redemption", "campaign_id": 4, "coupon_id": 1}
    for user in USERS:
        event = {name: purchase(user, user)[name] for name in ("event_id", "user_id", "time")}
        assert service.send(event | used).is_success
    for name, users in pd.Series(arm).value_counts().items():
        assert service.metric(f'coupon_rec_arm_score_count{{arm="{name}"}}') == 2 * users
        assert service.metric(f'coupon_rec_arm_redemptions_total{{arm="{name}"}}') == users
    for drawn_there in (False, True):
        user = next(u for u in range(10**9, 2 * 10**9) if drawn(u, "trial", 0.3) == drawn_there)
        assert not service.ask(user)["known"]
        service.send(purchase(user, user))
        assert service.ask(user)["known"], "what happens reaches both bundles"
    service.stop()
    answers = read_answers(tmp_path / "decisions").query("user_id < 1000")
    assert (answers["arm"] == answers["user_id"].map(arm)).all()


@pytest.mark.parametrize("canary", [0.0, 0.5])
def test_a_trial_that_fails_is_taken_out_and_every_request_is_answered(
    inside: Callable[..., Inside],
    bundle: Path,
    trial: Path,
    canary: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version, answer = Scorer.load(trial).version, Recommender.__call__

    def fail(recommender: Recommender, questions: Any) -> Any:
        if recommender.scorer.version == version:
            raise RuntimeError("no")
        return answer(recommender, questions)

    service = inside(trial=trial, canary=canary)
    monkeypatch.setattr(Recommender, "__call__", fail)
    assert {service.ask(user)["bundle"] for user in USERS} == {Scorer.load(bundle).version}
    until(lambda: service.metric("coupon_rec_trial") == 0)
    monkeypatch.setattr(Recommender, "__call__", answer)
    assert service.client.post("/v1/reload").is_success
    assert service.metric("coupon_rec_trial") == 1


def test_a_shadow_that_fails_late_does_not_end_the_next_trial(
    inside: Callable[..., Inside], trial: Path
) -> None:
    service = inside(trial=trial)
    bundles = service.app.state.service.bundles
    before = bundles.trial
    assert service.client.post("/v1/reload").is_success
    bundles.end_trial(before, RuntimeError("late"))
    assert bundles.trial not in (None, before)


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
        create_app(bundle, Settings(tmp_path / "other", trial=trial, decisions=NO_DECISIONS))
    with pytest.raises(ValueError, match="needs a trial"):
        create_app(bundle, Settings(tmp_path / "third", canary=0.5, decisions=NO_DECISIONS))


# What the log says of the arms

NOON = datetime(2017, 6, 1, 12)
OWN = Identifiers()


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
        reply = Reply((), rows, True, "", 0, 0, "0123456789ab" if arm == "live" else "ba9876543210")
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
    with pytest.raises(ValueError, match="one arm alone"):
        arms(log[log["arm"] == "live"])


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
