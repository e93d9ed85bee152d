"""A service that explores says how likely each coupon was, and keeps to its rules."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import DAY, Inside
from shop import Service, purchase, question, until
from typer.testing import CliRunner

from coupon_rec.__main__ import app
from coupon_rec.serving.events.decision_reader import read_decisions
from coupon_rec.serving.exploring import Exploring


def test_what_is_against_a_rule_is_never_drawn(serve: Callable[..., Service]) -> None:
    service = serve("--explore", "1", "--explore-floor", "0.001")
    offered = {each["coupon_id"] for each in service.ask(2, k=100)["coupons"]}
    used = next(iter(offered))
    campaigns = service.client.get("/v1/coupons", params={"day": str(DAY)}).json()["coupons"]
    for number, live in enumerate(each for each in campaigns if each["coupon_id"] == used):
        event = {name: purchase("r", 2)[name] for name in ("user_id", "time")}
        event |= {"event_id": f"r-{number}", "kind": "redemption", **live}
        assert service.send(event).is_success
    for k in (1, 3, 100):
        drawn = [service.ask(2, k=k)["coupons"] for _ in range(30)]
        for own in drawn:
            coupons = [each["coupon_id"] for each in own]
            assert used not in coupons, "a coupon that was redeemed"
            assert len(coupons) == len(set(coupons)) <= k
            assert [each["value"] for each in own] == sorted(
                (each["value"] for each in own), reverse=True
            )
    assert service.ask(1, DAY.replace(year=2018, month=3))["coupons"] == [], "no coupon is live"


def test_with_a_seed_the_same_requests_have_the_same_answers(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    def answers(seed: int | None) -> list[dict[str, Any]]:
        service = inside(explore=0.5, explore_floor=0.05, explore_seed=seed)
        found = [service.ask(user, k=2) for user in (1, 2, 1, 3) for _ in range(10)]
        service.stop()
        return found

    assert answers(3) == answers(3) != answers(4)


def test_without_exploring_an_answer_says_nothing_of_chance(
    inside: Callable[..., Inside], tmp_path: Path
) -> None:
    plain = inside()
    first = plain.client.post("/v1/recommendations", json=question(1)).content
    plain.stop()
    assert b"propensity" not in first
    exploring = inside(explore=0.01, explore_floor=0.001, explore_seed=0)
    for _ in range(20):
        answer = exploring.ask(1)
        for each in answer["coupons"]:
            assert each.pop("propensity") > 0
        names = ["user_id", "day", "known", "mailed", "bundle", "degraded", "coupons", "note"]
        assert list(answer) == names
    exploring.stop()
    again = inside()
    assert again.client.post("/v1/recommendations", json=question(1)).content == first
    again.stop()
    log = read_decisions(tmp_path / "decisions")
    sure = log.groupby("request_id")["coupon_propensity"].apply(lambda p: p.isin([0, 1]).all())
    assert sure.value_counts().to_dict() == {False: 20, True: 2}


def test_the_best_answers_of_a_service_that_explores_still_come_from_the_cache(
    inside: Callable[..., Inside],
) -> None:
    service = inside(explore=0.3, explore_floor=0.1, explore_seed=0)
    for _ in range(50):
        service.ask(5)
    drawn, cached = (service.metric(f"coupon_rec_{name}_total") for name in ("explored", "cached"))
    assert drawn + cached == 49


def test_streams_do_not_explore(serve: Callable[..., Service], tmp_path: Path) -> None:
    service = serve("--explore", "1", "--explore-floor", "0.01")
    with service.client.stream("GET", "/v1/users/3/stream") as answer:
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    assert "propensity" not in data
    until(lambda: not read_decisions(tmp_path / "decisions").empty)
    assert read_decisions(tmp_path / "decisions")["coupon_propensity"].isin([0, 1]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--explore", "0.1", "--explore-floor", "0.2"), "at most the rate, 0.1"),
        (("--explore", "0.1", "--explore-floor", "0"), "floor of exploring is 0.0"),
    ],
)
def test_a_share_out_of_its_range_is_named_in_one_line(
    bundle: Path, options: tuple[str, ...], words: str
) -> None:
    found = CliRunner().invoke(app, ["serve", str(bundle), "--port", "0", *options])
    assert found.exit_code == 2
    assert words in found.stderr
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"the rate of exploring is {rate}"):
        Exploring(rate, 0.01)


@pytest.mark.parametrize(("rows", "k"), [([], 3), ([4], 3), ([4, 2, 7, 1, 0], 2)])
def test_each_coupon_is_drawn_as_often_as_its_chance_says(rows: list[int], k: int) -> None:
    exploring, n = Exploring(0.5, 0.2, seed=0), 4000
    best = rows[:1]
    chance = exploring.propensity(best, rows, k, 8)
    drawn = [exploring.draw(rows, k) if exploring.happens() else best for _ in range(n)]
    found = np.bincount(np.concatenate([np.array(each, int) for each in drawn]), minlength=8)
    assert (np.abs(found - n * chance) <= 4.5 * np.sqrt(n * chance * (1 - chance)) + 1e-9).all()
