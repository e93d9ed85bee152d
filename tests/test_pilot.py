"""The pilot of chapter 12, small: a learner chosen without the truth earns, and a null world sends
nothing."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.pilot import (
    CONTACT,
    DEPTHS,
    KNOWN,
    Pilot,
    before,
    kept,
    outcomes,
    run_pilot,
    sending,
)
from coupon_rec.book.pilot_rules import (
    CHANCES,
    CUT,
    EVERYONE,
    cut,
    effect_log,
    effect_model,
    learned,
    redemption,
    study,
)
from coupon_rec.effects import average_effect
from coupon_rec.simulation import open_market, simulate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
TRUE = ["effect_1", "effect_2", "effect_3"]
GAINS = ["gain_1", "gain_2", "gain_3"]


@pytest.fixture(scope="module")
def pilot() -> Pilot:
    return run_pilot(users=5000, seed=0)


@pytest.fixture(scope="module")
def judged(pilot: Pilot) -> pd.DataFrame:
    return study(pilot, {"t": learned(pilot, "t")})


def test_the_log_holds_the_probabilities_of_what_was_sent(pilot: Pilot) -> None:
    for rows in (pilot.own, pilot.log):
        assert np.allclose(rows[CHANCES].sum(axis=1), 1)
        got = np.bincount(rows["treatment"], minlength=4)
        expected = rows[CHANCES].sum()
        assert np.allclose(got, expected, rtol=0.1)
    assert np.allclose(pilot.log[CHANCES], [0.7, 0.1, 0.1, 0.1])


@pytest.mark.parametrize(
    ("log", "outcome", "truth"),
    [("own", "units", TRUE), ("log", "units", TRUE), ("log", "profit", GAINS)],
)
def test_weighted_effects_hold_the_truth(
    pilot: Pilot, log: str, outcome: str, truth: list[str]
) -> None:
    rows = getattr(pilot, log)
    found = average_effect(effect_log(rows, outcome))
    true = rows[truth].mean().to_numpy()
    assert ((found["low"] < true) & (true < found["high"])).all()


def test_what_is_learned_earns_more_than_response_times_depth(judged: pd.DataFrame) -> None:
    assert judged.loc["t", "low"] > 0
    assert judged.loc["t", "share"] >= 0.6
    assert judged.loc["t", "share"] > judged.loc["response x depth", "share"] + 0.1


def test_redemptions_lack_a_size_and_not_an_order(judged: pd.DataFrame) -> None:
    assert judged.loc["redemption", "sent"] == 0
    assert judged.loc[CUT, "share"] > judged.loc["response x depth", "share"]
    assert judged.loc[["redemption", CUT, EVERYONE], "factor"].isna().all()
    assert judged.loc[EVERYONE, "sent"] == 1


def test_a_cut_order_sends_to_the_likeliest_in_both_tables() -> None:
    world = run_pilot(users=300, seed=0)
    log, coming = world.log, world.coming
    p, p_coming = (rows[TRUE].to_numpy() for rows in (log, coming))
    chosen, later = cut(world, p, p_coming)
    assert 0.05 < (chosen > 0).mean() <= 1
    assert (later > 0).mean() == pytest.approx((chosen > 0).mean(), abs=0.001)
    for score, way in ((p, chosen), (p_coming, later)):
        assert set(way) <= {0, 3}
        sent = way == 3
        assert sent.all() or score[sent, 2].min() >= score[~sent, 2].max()


def test_a_choice_is_sent_as_it_is() -> None:
    state = open_market(users=50, seed=0)
    rows = before(state)
    choice = np.random.default_rng(0).integers(0, 4, len(rows))
    choice[rows["user_id"] == 1] = 0
    after = outcomes(simulate(state, sending(rows, choice)))
    assert (after["treatment"] == choice).all()


def test_where_no_coupon_changes_anything_next_to_nothing_is_sent() -> None:
    world = run_pilot(users=2000, seed=1, strength=0.0)
    found = study(world, {"t": learned(world, "t")})
    assert found.loc["t", "sent"] <= 0.01
    assert np.abs(world.coming[TRUE]).max(axis=None) < 1e-6


def test_the_live_figure_shows_this_market(pilot: Pilot) -> None:
    script = (ROOT / "_static" / "live" / "qini.js").read_text("utf-8")
    (part,) = re.findall(r"^    redemption: {(.*?)^    },", script, re.DOTALL | re.MULTILINE)
    stored = {
        name: np.array([float(number) for number in numbers.split(",")[:-1]])
        for name, numbers in re.findall(r"(\w+): \[(.*?)\]", part, re.DOTALL)
    }
    order = np.argsort(-redemption(pilot.log, pilot.coming)[:, 2], kind="stable").reshape(100, -1)
    coming = pilot.coming
    units = coming["effect_3"].to_numpy()[order].sum(axis=1)
    earned = kept(coming, np.full(len(coming), len(DEPTHS)))[order].sum(axis=1)
    np.testing.assert_allclose(stored["units"], units, atol=1.0)
    np.testing.assert_allclose(stored["margin"] - stored["cost"], earned, atol=1.0)
    assert stored["cost"].min() >= 0.8 * len(order[0]) * CONTACT


def test_what_the_learners_see_is_known_before_the_campaign(pilot: Pilot) -> None:
    assert effect_model("t").learner == "t"
    assert not {"treatment", "units", "profit", *TRUE} & set(KNOWN)
    assert pilot.coming[KNOWN].notna().all(axis=None)
    assert "treatment" not in pilot.coming
