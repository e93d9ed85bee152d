"""The metrics agree with scikit-learn, and their intervals with the users they speak of."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from coupon_rec.evaluation import (
    auc,
    average_precision,
    compare,
    correct_sampling,
    ece,
    evaluate,
    gains,
    log_loss,
    ndcg,
    platt,
    policy_rates,
    reliability,
    top_offers,
    total,
)

EXACT = {"rel": 1e-12, "abs": 1e-12}
pytestmark = pytest.mark.filterwarnings("error")


@st.composite
def scored_rows(draw: st.DrawFn) -> pd.DataFrame:
    """Rows of both classes, with few distinct scores, so that many are tied."""
    row = st.tuples(
        st.integers(0, 1),
        st.integers(0, 8),
        st.integers(0, 3),
        st.integers(0, 4),
        st.integers(0, 2),
    )
    rows = pd.DataFrame(
        draw(st.lists(row, min_size=2, max_size=60)),
        columns=["redeemed", "eighths", "weight", "user_id", "campaign_id"],
    )
    assume(rows.query("weight > 0")["redeemed"].nunique() == 2)
    return rows.assign(
        p=rows["eighths"] / 8, campaign_type=rows["campaign_id"].map({0: "A", 1: "B", 2: "C"})
    )


def simulated_offers(seed: int, users: int = 100, per_user: int = 15) -> pd.DataFrame:
    """Offers whose users differ by something that the probability ``p`` does not know."""
    random = np.random.default_rng(seed)
    known, unknown = random.normal(0, [[1], [1.5]], (2, users))
    user = np.repeat(np.arange(users), per_user)
    offers = pd.DataFrame({"user_id": user, "campaign_id": 1, "campaign_type": "A"})
    offers["p"] = 1 / (1 + np.exp(1 - known[user]))
    chance = 1 / (1 + np.exp(1 - known[user] - unknown[user]))
    return offers.assign(redeemed=(random.random(user.size) < chance).astype(int))


@settings(deadline=None)
@given(scored_rows())
def test_weighted_metrics_equal_scikit_learn_on_ties(rows: pd.DataFrame) -> None:
    y, p, weight = rows["redeemed"], rows["p"], rows["weight"]
    assert auc(y, p, weight) == pytest.approx(
        reference.roc_auc_score(y, p, sample_weight=weight), **EXACT
    )
    assert average_precision(y, p, weight) == pytest.approx(
        reference.average_precision_score(y, p, sample_weight=weight), **EXACT
    )
    assert log_loss(y, p, weight) == pytest.approx(
        reference.log_loss(y, p, sample_weight=weight), **EXACT
    )


def two_way_offers(seed: int, users: int, coupons: int) -> pd.DataFrame:
    """Offers of coupons that differ, to users who differ, by what ``p`` does not know."""
    random = np.random.default_rng(seed)
    user, coupon = np.nonzero(random.random((users, coupons)) < 0.15)
    offers = pd.DataFrame({"user_id": user, "coupon_id": coupon, "campaign_id": 1})
    known = random.normal(0, 1, len(offers))
    unknown = random.normal(0, 1, users)[user] + random.normal(0, 1, coupons)[coupon]
    offers["p"] = 1 / (1 + np.exp(2 - known))
    chance = 1 / (1 + np.exp(2 - known - unknown))
    return offers.assign(redeemed=(random.random(len(offers)) < chance).astype(int))


@pytest.mark.slow
def test_coupons_must_be_resampled_too_where_offers_of_one_coupon_resemble_each_other() -> None:
    random = np.random.default_rng(0)
    known, unknown = random.normal(0, [[1], [2**0.5]], (2, 1_000_000))
    chance = 1 / (1 + np.exp(2 - known - unknown))
    p = 1 / (1 + np.exp(2 - known))
    truth = -np.mean(chance * np.log(p) + (1 - chance) * np.log(1 - p))
    cover: dict[tuple[str, ...], list[bool]] = {("user_id",): [], ("user_id", "coupon_id"): []}
    for seed in range(1, 101):
        offers = two_way_offers(seed, users=200, coupons=40)
        for clusters, covered in cover.items():
            table = evaluate(
                offers,
                offers["p"],
                metrics=["log loss"],
                slices={"all": np.full(len(offers), True)},
                clusters=clusters,
                replicates=200,
            )
            covered.append(table["low"].iloc[0] <= truth <= table["high"].iloc[0])
    users_alone, both = (np.mean(covered) for covered in cover.values())
    assert users_alone < 0.8
    assert 0.88 < both < 0.99


def test_two_way_clusters_reach_every_table() -> None:
    offers = two_way_offers(seed=0, users=100, coupons=20).assign(campaign_type="B", bought=1)
    y, p, users, coupons = (offers[name] for name in ("redeemed", "p", "user_id", "coupon_id"))
    both = ("user_id", "coupon_id")
    sent = p > p.median()
    for one, two in (
        (total(y - p, users), total(y - p, users, coupons)),
        (
            reliability(y, p, users, bins=1).iloc[0],
            reliability(y, p, users, coupons, bins=1).iloc[0],
        ),
        (
            gains(y, p, users, shares=[0.2]).iloc[0],
            gains(y, p, users, coupons, shares=[0.2]).iloc[0],
        ),
        (policy_rates(offers, sent).iloc[0], policy_rates(offers, sent, clusters=both).iloc[0]),
        (compare(offers, p, p**2).iloc[2], compare(offers, p, p**2, clusters=both).iloc[2]),
    ):
        assert one.drop(["low", "high"]).equals(two.drop(["low", "high"]))
        assert one["low"] != two["low"] and one["high"] != two["high"]


def test_weights_that_do_not_fit_in_one_block_give_the_same_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offers = simulated_offers(seed=7)
    whole = evaluate(offers, offers["p"], replicates=50)
    monkeypatch.setattr("coupon_rec.evaluation.bootstrap.BLOCK", 700)
    pd.testing.assert_frame_equal(evaluate(offers, offers["p"], replicates=50), whole, rtol=1e-12)


def by_seeds(offers: pd.DataFrame, random: np.random.Generator, seeds: int) -> np.ndarray:
    """Predictions of one setting from several seeds, each of which shifts all log odds."""
    z = np.log(offers["p"] / (1 - offers["p"])).to_numpy()
    shift = random.normal(0, 0.3, seeds)
    return 1 / (1 + np.exp(-z[:, None] - shift))


def test_a_metric_over_seeds_is_the_mean_of_those_of_each() -> None:
    offers = simulated_offers(0)
    p = by_seeds(offers, np.random.default_rng(0), 4)
    each = [evaluate(offers, column, replicates=1)["value"] for column in p.T]
    pd.testing.assert_series_equal(
        evaluate(offers, p, replicates=1)["value"], sum(each) / len(each), check_exact=False
    )


def test_one_class_leaves_undefined_what_needs_both() -> None:
    p = [0.1, 0.2, 0.2]
    assert np.isnan([auc([0, 0, 0], p), auc([1, 1, 1], p), average_precision([0, 0, 0], p)]).all()
    assert average_precision([1, 1, 1], p) == 1
    assert np.isnan(ndcg([0, 0, 0], p, ["x", "x", "y"]))
    assert log_loss([0, 0, 0], p) == pytest.approx(-np.mean(np.log([0.9, 0.8, 0.8])))


def test_nothing_to_measure_is_nan() -> None:
    assert np.isnan(
        [auc([], []), average_precision([], []), log_loss([], []), ndcg([], [], [])]
    ).all()
    assert np.isnan(log_loss([0, 1], [0.5, 0.5], [0, 0]))
    offers = simulated_offers(seed=0).head(50)
    nobody = {"nobody": np.full(len(offers), False)}
    empty = evaluate(offers, offers["p"], slices=nobody).loc["nobody"]
    assert empty[["value", "low", "high"]].isna().all(axis=None)
    assert (empty[["offers", "redeemed"]] == 0).all(axis=None)
    assert evaluate(offers.head(0), [])["value"].isna().all()


def test_resample_without_a_redemption_is_left_out() -> None:
    offers = pd.DataFrame(
        {"user_id": [1, 1, 2, 2], "campaign_id": 1, "campaign_type": "B", "redeemed": [1, 0, 0, 0]}
    )
    table = evaluate(offers, [0.9, 0.1, 0.2, 0.3])
    assert (table.loc[(slice(None), "AUC"), ["low", "high"]] == 1).all(axis=None)


GOOD = simulated_offers(seed=0, users=2, per_user=2)


def asked(**options: Any) -> pd.DataFrame:
    return evaluate(GOOD, GOOD["p"], **options)


def bought(value: int) -> pd.DataFrame:
    return GOOD.assign(bought=value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: auc([0, 2, 1, -1], [1, 2, 3, 4]),
            "y must be 0 or 1, but 2 of 4 values are not: 2.0 at position 1, -1.0 at position 3",
        ),
        (
            lambda: auc([0, 1], [np.nan, np.inf]),
            "score must be finite, but 2 of 2 values are not: nan at position 0, inf at position 1",
        ),
        (
            lambda: log_loss([0] * 9, [2] * 9),
            "p must be in [0, 1], but 9 of 9 values are not: 2.0 at position 0, 2.0 at position 1",
        ),
        (
            lambda: evaluate(GOOD, GOOD["p"] + 1),
            "p must be in [0, 1] (pass probability=False for a score that only ranks), but 4 of 4",
        ),
        (lambda: asked(metrics=["AUK"]), "no metric is named 'AUK'"),
        (lambda: asked(metrics=["lift at 200%"]), "must be in (0, 1], but it is 2.0"),
        (lambda: asked(metrics=["Brier"], probability=False), "['Brier'] need a probability"),
        (lambda: asked(slices={"few": [True]}), "True or False for each of 4 offers, not bool of"),
        (lambda: platt([0, 0], [0.1, 0.2]), "p must rise with y to be recalibrated"),
        (lambda: correct_sampling([0.5], 0), "kept must be in (0, 1], but it is 0"),
        (lambda: ece([0], [0.5], bins=0), "bins must be 1 or more, but it is 0"),
        (lambda: total([1, 2], [1, 2], confidence=95), "confidence must be in (0, 1)"),
        (lambda: total([1, 2], [1, None]), "users must be present, but 1 of 2 values are not"),
        (lambda: top_offers(GOOD, GOOD["p"], k=0), "k must be 1 or more, but it is 0"),
        (
            lambda: policy_rates(bought(1), [1, 0, 1, 2]),
            "sent must be in [0, 1], but 1 of 4 values",
        ),
        (lambda: policy_rates(bought(2), [1] * 4), "offers['bought'] must be 0 or 1, but 4 of 4"),
        (lambda: gains([0, 1], [1, 2], [1, 2], shares=[2]), "must be in (0, 1], but it is 2"),
    ],
)
def test_bad_input_is_named_counted_and_shown(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
