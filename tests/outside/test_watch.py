"""A service is judged by what it did: `value`, `monitor`, `retrain`, a trial and a reload."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd
import pytest
from shop import DAY, PATIENCE, SAMPLE, Service, attempt, command, question, refusal, until

import coupon_rec as cr

CONTACT = 0.01
STRANGER = 10**6
"""Users from here on are none of the sample's."""
NUMBER = r"\s*(-?\d+\.\d+)"


def gain(coupon: dict[str, Any], contact: float = CONTACT) -> float:
    """What a redemption of an answer's coupon brings, by what the answer says of it."""
    return float(coupon["value"] + contact) / float(coupon["probability"])


def redemption(user: int, coupon: dict[str, Any], time: str) -> dict[str, Any]:
    used = {name: coupon[name] for name in ("campaign_id", "coupon_id")}
    name = f"{user}-{coupon['coupon_id']}"
    return {"event_id": name, "kind": "redemption", "user_id": user, "time": time, **used}


def logged(decisions: Path, kind: str = "answers") -> pd.DataFrame:
    """The candidates of all answers of a decision log, one a row."""
    files = (decisions / kind).rglob("*.parquet")
    names, numbers = ["campaign_id", "coupon_id"], ["value", "propensity", "position"]
    lists = [*names, *numbers, "probability"]
    log = pd.concat(map(pd.read_parquet, files)).explode(lists, ignore_index=True)
    return log.astype({**dict.fromkeys(names, int), **dict.fromkeys(numbers, float)})


def row(printed: str, policy: str, method: str = "ips") -> list[float]:
    """The value of a policy, and the ends of its interval, as `value` prints them."""
    (found,) = re.findall(rf"^{policy}\s+{method}{3 * NUMBER}", printed, re.MULTILINE)
    return [float(each) for each in found]


@pytest.fixture(scope="module")
def other(model: Path, once: Callable[..., Path]) -> Path:
    """Another bundle of the same day: its promises were set right on other campaigns."""
    dates = ("--validate-from", "2017-03-20", "--test-from", "2017-04-05", "--day", DAY)
    return once("june", lambda path: command("export", model, path, "--market", SAMPLE, *dates))


# What another policy would have earned


class Recorded(NamedTuple):
    """The decisions of a service that explored, and what it answered and was told."""

    folder: Path
    paid: pd.DataFrame
    worth: dict[int, float]


@pytest.fixture(scope="module")
def recorded(bundle: Path, other: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Four hundred strangers get a coupon each, often one by chance, and use some of them."""
    explores = ("--explore", 0.6, "--explore-floor", 0.1, "--explore-seed", 5)
    folder = tmp_path_factory.mktemp("recorded")
    service = Service(bundle, folder, *explores, "--contact", CONTACT, "--trial", other)
    rng, worth, rows = np.random.default_rng(0), {}, []
    for user in range(STRANGER, STRANGER + 400):
        (coupon,) = service.ask(user, k=1)["coupons"]
        rate = 0.6 if coupon["coupon_id"] % 3 == 0 else 0.1  # whatever the model thinks
        used = rng.random() < rate
        worth[coupon["coupon_id"]] = rate * gain(coupon) - CONTACT
        rows.append((user, used * gain(coupon) - CONTACT))
        if used:
            assert service.send(redemption(user, coupon, f"{DAY}T18:00:00")).is_success
    until(lambda: service.metric('coupon_rec_arm_score_count{arm="shadow"}') == len(rows))
    service.stop()
    service.close()
    return Recorded(service.decisions, pd.DataFrame(rows, columns=["user_id", "paid"]), worth)


def by_hand(wanted: pd.DataFrame, recorded: Recorded) -> float:
    """The value of a policy by inverse propensities, from the candidates that it would send."""
    paid = wanted["user_id"].map(recorded.paid.set_index("user_id")["paid"])
    weighted = np.where(wanted["position"].notna(), paid / wanted["propensity"], 0.0)
    return float(weighted.sum() / len(recorded.paid))


def test_the_value_of_a_policy_is_what_the_log_says_by_hand_and_what_was_true(
    recorded: Recorded,
) -> None:
    log = logged(recorded.folder)
    chances = log.groupby("request_id")["propensity"].sum().to_numpy()
    assert chances == pytest.approx(1, abs=1e-6)
    best = log.loc[log.groupby("request_id")["value"].idxmax()]
    assert 40 < best["position"].notna().sum() < 390, "chance often sent others"

    printed = command("value", recorded.folder, "--contact", CONTACT, "--confidence", 0.99)
    value, low, high = row(printed, "greedy")
    assert value == pytest.approx(by_hand(best, recorded), abs=1e-4)
    assert low < recorded.worth[best["coupon_id"].iloc[0]] < high
    paid, *_ = row(printed, "logged")
    assert paid == pytest.approx(recorded.paid["paid"].mean(), abs=1e-4)
    assert row(printed, "greedy less logged")[0] == pytest.approx(value - paid, abs=2e-4)


def test_a_shadow_is_judged_and_so_is_a_policy_that_sends_nothing(recorded: Recorded) -> None:
    shadow = logged(recorded.folder, "shadows").dropna(subset="position")
    key = ["request_id", "campaign_id", "coupon_id"]
    wanted = logged(recorded.folder).merge(shadow[key], on=key)
    words = ("value", recorded.folder, "--contact", CONTACT, "--method", "ips")
    printed = command(*words, "--policy", "shadow", "--against", "nobody")
    assert row(printed, "shadow")[0] == pytest.approx(by_hand(wanted, recorded), abs=1e-4)
    assert row(printed, "nobody") == [0, 0, 0]


def test_what_cannot_be_judged_is_refused_with_the_reason(
    recorded: Recorded, service: Service
) -> None:
    assert "greedy" in refusal("value", recorded.folder, "--policy", "nonsense")
    assert "nowhere" in refusal("value", recorded.folder.with_name("nowhere"))
    service.ask(1)
    until(lambda: "--explore" in attempt("value", service.decisions).stderr)


# Two bundles


def test_a_canary_answers_its_share_of_the_users_everywhere_and_is_compared_by_what_it_earned(
    serve: Callable[..., Service], bundle: Path, other: Path, tmp_path: Path
) -> None:
    trial = ("--trial", other, "--canary", 0.3, "--contact", CONTACT)
    service = serve(*trial)
    replica = serve(*trial, logs=tmp_path / "replica")
    live = service.client.get("/readyz").json()["bundle"]
    rng, paid, arms = np.random.default_rng(1), {}, {}
    for user in range(STRANGER, STRANGER + 150):
        answer = service.ask(user, k=1)
        arms[user], (coupon,) = answer["bundle"], answer["coupons"]
        assert replica.ask(str(user))["bundle"] == arms[user]
        used = rng.random() < 0.3
        paid[user] = used * gain(coupon) - CONTACT
        if used:
            assert service.send(redemption(user, coupon, f"{DAY}T18:00:00")).is_success
    service.stop()
    arm = logged(service.decisions).groupby("user_id")["arm"].first()
    assert arm.nunique() == 2 and 25 <= (arm == "canary").sum() <= 65
    assert (pd.Series(arms) == live).to_dict() == (arm == "live").to_dict()
    means = pd.Series(paid).groupby(arm).mean()
    printed = command("value", service.decisions, "--arms", "--contact", CONTACT)
    apart = means["canary"] - means["live"]
    for name, mean in (*means.items(), ("canary less live", apart)):
        value, low, high = row(printed, str(name), "")
        assert value == pytest.approx(mean, abs=2e-4) and low < mean < high


@contextmanager
def asking(service: Service, *users: int, pause: float = 0) -> Iterator[list[httpx.Response]]:
    """Ask again and again, from a thread a user, and collect the answers."""
    over, answers = Event(), list[httpx.Response]()

    def ask(user: int) -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=PATIENCE) as client:
            while not over.wait(pause):
                answers.append(client.post("/v1/recommendations", json=question(user)))

    threads = [Thread(target=ask, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)


def linked(link: Path, folder: Path) -> None:
    """Let a link lead to a folder, at once."""
    draft = link.with_name("draft")
    draft.symlink_to(folder)
    draft.replace(link)


def test_bundles_change_under_load_and_no_request_is_lost(
    serve: Callable[..., Service], bundle: Path, other: Path, tmp_path: Path
) -> None:
    live = tmp_path / "live"
    linked(live, bundle)
    service = serve(folder=live)
    spoiled = Path(shutil.copytree(other, tmp_path / "spoiled"))
    content = bytearray((spoiled / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (spoiled / "model.onnx").write_bytes(content)
    first = service.ask(1)["bundle"]
    with asking(service, 1, 2, 3) as answers:
        for folder in (other, bundle) * 3:
            linked(live, folder)
            loaded = service.client.post("/v1/reload")
            assert loaded.status_code == 200
            assert service.ask(4)["bundle"] == loaded.json()["bundle"]
            assert (loaded.json()["bundle"] == first) == (folder == bundle)
        linked(live, spoiled)
        assert service.client.post("/v1/reload").status_code == 409
        asked = len(answers)
        until(lambda: len(answers) > asked + 20)
    assert {answer.status_code for answer in answers} == {200}
    versions = [answer.json()["bundle"] for answer in answers]
    assert len({*versions}) == 2 and versions[-1] == first


# Promised and kept


class Watched(NamedTuple):
    """Decision logs of two replicas: of one that was asked, and one that was told the rest."""

    asked: Path
    told: Path


UNTIL = "2017-06-10"


@pytest.fixture(scope="module")
def watched(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Coupons are used as promised; from `UNTIL` on, another replica is told of it.

    After the 18th, that one is asked, and finds nothing worth sending.
    """
    folders = [tmp_path_factory.mktemp(name) for name in ("asked", "told")]
    one, two = Service(bundle, folders[0]), Service(bundle, folders[1], "--contact", 9)
    rng, first = np.random.default_rng(4), date.fromisoformat(DAY)
    before, later = list[dict[str, Any]](), list[dict[str, Any]]()
    user = STRANGER
    for day in (first + timedelta(days=number) for number in range(18)):
        for user in range(user + 1, user + 46):  # noqa: B020
            for coupon in one.ask(user, str(day))["coupons"]:
                if rng.random() < coupon["probability"]:
                    used = day + timedelta(days=int(rng.integers(3)))
                    to = before if str(used) < UNTIL else later
                    to.append(redemption(user, coupon, f"{used}T18:00:00"))
    assert min(len(before), len(later)) > 20
    assert one.send(*before).is_success and two.send(*later).is_success
    for late in (19, 20, 21):
        assert two.ask(user, f"2017-06-{late}")["coupons"] == []
    for service in (one, two):
        service.stop()
        service.close()
    return Watched(one.decisions, two.decisions)


def test_the_monitor_is_quiet_where_promises_are_kept_and_rings_where_redemptions_are_missing(
    watched: Watched, tmp_path: Path
) -> None:
    look = ("--until", UNTIL, "--window", 5, "--horizon", 14, "--out", tmp_path / "report")
    quiet = attempt("monitor", *watched, *look)
    assert quiet.returncode == 0, quiet.stdout + quiet.stderr
    rang = attempt("monitor", watched.asked, *look)
    assert rang.returncode == 1, rang.stdout + rang.stderr
    assert "2017-06-1" in rang.stdout.splitlines()[-1], "the day on which it rang"
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["alarms"] and (tmp_path / "report.html").stat().st_size


def test_a_file_of_a_log_that_is_broken_is_named(watched: Watched, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(watched.asked, tmp_path / "broken"))
    file = next((broken / "answers").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:100])
    assert file.name in refusal("monitor", broken, "--until", UNTIL, "--window", 5)


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere" in refusal("monitor", tmp_path / "nowhere")


@pytest.mark.xfail(strict=True, reason="a service that sends nothing any more is called bad input")
def test_a_service_that_fell_silent_is_not_called_bad_input(
    watched: Watched, tmp_path: Path
) -> None:
    look = ("--until", "2017-06-19", "--window", 5, "--horizon", 14, "--out", tmp_path / "report")
    silent = attempt("monitor", *watched, *look)
    assert silent.returncode != 2 and "Traceback" not in silent.stderr
    assert (tmp_path / "report.json").exists()


# Training again


@pytest.mark.slow
def test_retraining_puts_a_better_bundle_in_service_refuses_a_worse_one_and_undoes_half_a_change(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    offers = cr.offers_frame(cr.load_market(SAMPLE))
    *_, last = cr.split(offers)
    judged = offers["campaign_id"].isin(last["campaign_id"])
    wrong = offers.assign(redeemed=offers["redeemed"].where(judged, 1 - offers["redeemed"]))
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    offers.to_parquet(good)
    wrong.to_parquet(bad)
    registry = tmp_path / "registry"

    def retrained(table: Path, *options: object) -> tuple[int, str]:
        words = ("retrain", registry, table, "--market", SAMPLE, "--day", DAY, *options)
        done = attempt(*words)
        return done.returncode, done.stdout + done.stderr

    assert retrained(bad)[0] == 0, "the first one needs no comparison"
    service = serve(folder=registry / "live")
    first, here = service.ask(1)["bundle"], f"http://127.0.0.1:{service.port}"
    with asking(service, 1, 2, pause=0.1) as answers:
        code, told = retrained(good, "--service", here, "--service", "http://127.0.0.1:9")
        assert code == 2 and "127.0.0.1:9" in told, "one service is away"
        assert service.ask(1)["bundle"] == first, "so all have the one before again"
        code, told = retrained(good, "--service", here)
        assert code == 0, told
        better = service.ask(1)["bundle"]
        assert better != first and first in told and better in told
        code, told = retrained(bad, "--service", here)
        assert code == 1 and better in told and "log loss" in told
    assert {answer.status_code for answer in answers} == {200}
    assert service.ask(1)["bundle"] == better
    assert (registry / "live").resolve().name == better
    assert {better, first} <= {path.name for path in (registry / "versions").iterdir()}
