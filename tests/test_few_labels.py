"""Which labels are bought, and what the stored benchmark of chapter 24 promises of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from coupon_rec.book import asking

STORED = Path(__file__).parent.parent / "benchmarks" / "results" / "few_labels.json"


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(STORED.read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def shop() -> asking.Shop:
    """Forty thousand offers whose log odds bend, as in the live figure."""
    rng = np.random.default_rng(24)
    x = rng.standard_normal((40_000, 3)).astype("float32")
    appeal = np.minimum(3, x[:, 0])
    p = expit(-1 - 0.6 * (3 - appeal) ** 1.5)
    bought = rng.random(len(x)) < np.minimum(1, 3 * p)
    redeemed = bought & (rng.random(len(x)) < 1 / 3)
    offers = pd.DataFrame({"redeemed": redeemed.astype(int), "bought": bought.astype(int)})
    half = len(x) // 2
    return asking.Shop(offers[:half], offers[half:], x[:half], x[half:])


def test_chances_are_in_proportion_to_the_promise_and_never_above_one() -> None:
    promise = np.array([0.4, 0.3, 0.05, 0.02, 0.01])
    chance = asking.chances(promise, 2)
    assert chance[0] == 1
    assert chance[3] == pytest.approx(2 * chance[4])
    assert chance.max() <= 1


def test_offers_drawn_by_lot_stand_for_all_redemptions(shop: asking.Shop) -> None:
    found = []
    for seed in range(100):
        rows, weight, _ = asking.drawn(shop, seed, budget=300)
        found.append(weight @ shop.y[rows])
    error = np.std(found) / np.sqrt(len(found))
    assert error < 0.03 * shop.y.sum()
    assert np.mean(found) == pytest.approx(shop.y.sum(), abs=2.5 * error)


def test_asking_the_top_promises_too_much_and_a_lot_with_weights_does_not(
    shop: asking.Shop,
) -> None:
    def ratio(model: asking.Line) -> float:
        return float(model(shop.x).sum() / shop.y.sum())

    _, topper = asking.top(shop, budget=1500)
    again = []
    for seed in range(10):
        rows, weight, lot = asking.drawn(shop, seed, budget=1500)
        again.append(ratio(asking.recalibrated(lot, shop.x[rows], shop.y[rows], weight)))
    assert ratio(topper) > 1.3
    assert 0.85 < np.mean(again) < 1.15


def test_nobody_is_asked_twice_and_the_budget_is_kept(shop: asking.Shop) -> None:
    rows, _ = asking.top(shop, budget=900)
    assert len(rows) == len(set(rows.tolist())) == 900
    lottery, _ = asking.at_random(shop, 0, budget=900)
    assert len(set(lottery.tolist())) == 900
    drawn, weight, _ = asking.drawn(shop, 0, budget=900)
    assert 600 < len(drawn) <= 1000
    assert (weight >= 1 / asking.ROUNDS).all()


def test_recalibrated_promises_have_the_sum_of_the_weighted_labels(shop: asking.Shop) -> None:
    rows, weight, lot = asking.drawn(shop, 0, budget=1500)
    x, y = shop.x[rows], shop.y[rows]
    again = asking.recalibrated(lot, x, y, weight)
    assert weight @ again(x) == pytest.approx(weight @ y, rel=1e-3)
    order = np.argsort(lot(shop.x_test), kind="stable")
    assert (np.diff(again(shop.x_test)[order]) > -1e-6).all()


def test_chosen_labels_rank_better_than_random_ones(measured: dict[str, Any]) -> None:
    for gap in measured["asking"]["gaps"].values():
        assert gap["low"] > 0


def test_adapters_are_small_and_as_good_as_all_weights(measured: dict[str, Any]) -> None:
    runs = pd.DataFrame(measured["networks"]).query("pretext == 'purchases'")
    small = runs[runs["way"] == "adapters"]
    assert (small["trained"] <= 0.15 * small["weights"]).all()
    means = runs.groupby("way")["auc"].mean()
    assert means["adapters"] > means["full"] - 0.002


def test_self_training_gains_nothing_and_its_promises_run_away(measured: dict[str, Any]) -> None:
    found = measured["self_training"]
    assert found["gap"]["low"] < 0
    ratio = pd.DataFrame(found["rows"]).pivot(index="seed", columns="round", values="test")
    assert np.log(ratio[4]).std() > 2 * np.log(ratio[0]).std()


def test_every_way_to_train_has_its_cost_measured(measured: dict[str, Any]) -> None:
    cost = pd.DataFrame(measured["cost"]).set_index("way")
    assert set(cost.index) == {"full", "head", "adapters", "distilled", "quantized adapters"}
    assert (cost[["seconds", "training_bytes", "peak_growth_mib"]] > 0).all(axis=None)
    assert cost["training_bytes"]["quantized adapters"] < cost["training_bytes"]["adapters"]
    assert cost["training_bytes"]["adapters"] < cost["training_bytes"]["full"]
