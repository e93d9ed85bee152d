"""What version 1.0 wrote is read, and gives what it gave (`tests/data/one`)."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shop import ROOT, Service, command, logged, purchase

import coupon_rec as cr

ONE = ROOT / "tests" / "data" / "one"
EXPECTED = json.loads((ONE / "expected.json").read_text())
KEY = ["campaign_id", "user_id", "coupon_id"]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A copy of the logs, since a service writes to them."""
    return Path(shutil.copytree(ONE / "logs", tmp_path / "logs"))


def assert_answers_are(service: Service, expected: list[dict[str, Any]]) -> None:
    """Ask about the same users, and compare all but the words of the reasons."""
    for wanted in expected:
        answer = service.ask(wanted["user_id"], k=3)
        for name in ("known", "mailed", "day", "bundle"):
            assert answer[name] == wanted[name]
        assert len(answer["coupons"]) == len(wanted["coupons"])
        for coupon, before in zip(answer["coupons"], wanted["coupons"], strict=True):
            for name in ("campaign_id", "coupon_id"):
                assert coupon[name] == before[name]
            for name in ("probability", "value"):
                assert coupon[name] == pytest.approx(before[name], abs=1e-6)


def test_the_market_loads_and_the_model_says_of_its_offers_what_it_said() -> None:
    offers = cr.offers_frame(cr.load_market(ONE / "market")).set_index(KEY)
    p = cr.CoupledModel.load(ONE / "model.keras").predict(offers.reset_index())
    p.index = offers.index
    assert len(EXPECTED["offers"]) == 384
    for wanted in EXPECTED["offers"]:
        found = p.loc[tuple(wanted[name] for name in KEY)]
        for label in ("bought", "redeemed"):
            assert found[label] == pytest.approx(wanted[label], abs=1e-6)


def test_the_bundle_answers_as_it_did(serve: Callable[..., Service]) -> None:
    assert_answers_are(serve(folder=ONE / "bundle"), EXPECTED["answers"])


def test_a_service_goes_on_from_the_logs(serve: Callable[..., Service], logs: Path) -> None:
    service = serve(folder=ONE / "bundle", logs=logs)
    assert_answers_are(service, EXPECTED["after the events"])
    assert service.send(purchase(1, 1), purchase("new", 1)).json() == {"accepted": 2}
    service.stop()
    sent = [event["event_id"] for event in logged(logs / "events")]
    assert "till-new" in sent and len(set(sent)) == 72


def test_the_recorded_decisions_are_worth_what_they_were(logs: Path) -> None:
    found = command("value", logs / "decisions", "--min-effective", 0)
    assert numbers(found) == pytest.approx(numbers(EXPECTED["value"]), abs=2e-4)


def numbers(text: str) -> list[float]:
    """The decimals of a text, in their order."""
    return [float(each) for each in re.findall(r"-?\d+\.\d+", text)]
