"""The pilot of chapter 12, small: a learner chosen without the truth earns, and a null world sends
nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.pilot import CONTACT, DEPTHS, KNOWN, Pilot, kept, run_pilot
from coupon_rec.book.pilot_rules import (
    CHANCES,
    effect_log,
    effect_model,
    learned,
    redemption,
    study,
)
from coupon_rec.effects import average_effect

ROOT = Path(__file__).parents[1]
TRUE = ["effect_1", "effect_2", "effect_3"]


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


def test_weighted_effects_hold_the_truth_in_both_logs(pilot: Pilot) -> None:
    for rows in (pilot.own, pilot.log):
        found = average_effect(effect_log(rows, "units"))
        truth = rows[TRUE].mean().to_numpy()
        assert ((found["low"] < truth) & (truth < found["high"])).all()


def test_the_outcome_of_a_row_is_all_that_its_coupon_changes(pilot: Pilot) -> None:
    found = average_effect(effect_log(pilot.log, "profit"))
    truth = pilot.log[["gain_1", "gain_2", "gain_3"]].mean().to_numpy()
    assert ((found["low"] < truth) & (truth < found["high"])).all()


def test_what_is_learned_earns_more_than_response_times_depth(judged: pd.DataFrame) -> None:
    chosen = judged["value"].idxmax()
    assert chosen == "t"
    assert judged.loc["t", "low"] > 0
    assert judged.loc["t", "share"] >= 0.6
    assert judged.loc["t", "share"] > judged.loc["response x depth", "share"] + 0.1
    assert 0.8 <= judged.loc["t", "promised_over_kept"] <= 1.25


def test_the_redemption_model_has_a_high_qini_and_no_profit(judged: pd.DataFrame) -> None:
    assert judged.loc["redemption", "qini"] > 0.9 * judged["qini"].max()
    assert judged.loc["redemption", "share"] == 0


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


def test_the_stored_markets_reach_their_bars() -> None:
    stored = json.loads((ROOT / "benchmarks" / "results" / "uplift.json").read_text("utf-8"))
    runs = pd.DataFrame(stored["worlds"])
    chosen = runs[runs["chosen"]].set_index("seed")
    thumb = runs[runs["rule"] == "response x depth"].set_index("seed")["share"]
    assert ((chosen["share"] >= 0.6) & (chosen["share"] > thumb)).sum() >= 4
    assert chosen["in_pilot"].between(0.8, 1.25).sum() >= 4
