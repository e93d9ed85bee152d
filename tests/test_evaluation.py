"""Metrics agree with scikit-learn, and intervals with the users they speak of."""

import re
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.linear_model import LogisticRegression

from coupon_rec.book.plots.decisions import found_by
from coupon_rec.evaluation import (
    auc,
    average_precision,
    calibration_line,
    compare,
    correct_sampling,
    ece,
    ece_floor,
    evaluate,
    gains,
    lift,
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
    with pytest.raises(ValueError, match="no offers to judge"):
        evaluate(offers.head(0), [])


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


# Calibration


def drawn(seed: int, n: int = 2000, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose logits are the true ones over the slope."""
    random = np.random.default_rng(seed)
    z = random.normal(-2, 1.5, n)
    y = random.random(n) < 1 / (1 + np.exp(-z))
    return y.astype(int), 1 / (1 + np.exp(-z / slope))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 7), st.integers(0, 3)), max_size=40),
)
def test_line_equals_scikit_learn_or_has_no_finite_answer(rows: list[tuple[int, ...]]) -> None:
    y, p, weight = np.array(rows).reshape(-1, 3).T / [[1], [8], [1]]
    line = calibration_line(y, p, weight)
    hits, misses = p[(y == 1) & (weight > 0)], p[(y == 0) & (weight > 0)]
    if line.isna().any():
        assert (
            not len(hits)
            or not len(misses)
            or (hits.min() >= misses.max() or hits.max() <= misses.min())
        )
        return
    z = np.log(p / (1 - p))[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-9, max_iter=1000).fit(z, y, weight)
    assert line["intercept"] == pytest.approx(model.intercept_[0], rel=1e-4, abs=1e-4)
    assert line["slope"] == pytest.approx(model.coef_[0, 0], rel=1e-4, abs=1e-4)


def test_reliability_is_a_table_of_quantile_bins() -> None:
    y, p = drawn(2, n=120)
    users = np.arange(120) % 12
    table = reliability(y, p, users, bins=4, replicates=2)
    frame = pd.DataFrame({"y": y, "p": p, "bin": pd.qcut(p, 4, labels=False) + 1})
    plain = frame.groupby("bin").agg(
        offers=("y", "size"), predicted=("p", "mean"), observed=("y", "mean")
    )
    pd.testing.assert_frame_equal(table[list(plain)], plain, check_index_type=False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=30), st.integers(1, 12))
def test_bins_keep_equal_probabilities_together_and_none_is_empty(
    quarters: list[int], bins: int
) -> None:
    p = np.array(quarters) / 4
    table = reliability(np.zeros(p.size), p, np.arange(p.size), bins=bins, replicates=2)
    assert table["offers"].sum() == p.size
    assert (table["offers"] > 0).all()
    assert len(table) <= min(bins, len(set(quarters)))
    assert table["predicted"].is_monotonic_increasing


def test_perfect_calibration_shows_an_error_that_chance_explains() -> None:
    inside = []
    for seed in range(40):
        y, p = drawn(seed, n=500)
        floor = ece_floor(p, replicates=200, seed=seed)
        inside.append(floor["low"] <= ece(y, p) <= floor["high"])
    assert np.mean(inside) >= 0.85
    assert ece(*drawn(0, n=500, slope=0.4)) > floor["high"]


def test_platt_leaves_no_intercept_and_no_slope_to_correct() -> None:
    y, p = drawn(4, slope=0.4)
    recalibrated = platt(y, p)(p)
    assert calibration_line(y, recalibrated).to_list() == pytest.approx([0, 1], abs=1e-6)
    assert log_loss(y, recalibrated) < log_loss(y, p)
    assert auc(y, recalibrated) == auc(y, p)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.floats(1e-6, 1))
def test_sampling_correction_gives_the_rate_before_negatives_were_dropped(
    redeemed: int, others: int, kept: float
) -> None:
    sampled = redeemed / (redeemed + kept * others)
    assert correct_sampling([sampled], kept)[0] == pytest.approx(redeemed / (redeemed + others))


# Policies


def logged(users: int = 20, per_user: int = 6) -> pd.DataFrame:
    """Offers with a score that has ties; who redeems has bought."""
    random = np.random.default_rng(0)
    n = users * per_user
    offers = pd.DataFrame({"user_id": np.arange(n) % users, "campaign_type": "B"})
    offers["campaign_id"] = random.integers(0, 2, n)
    offers["score"] = random.integers(0, 4, n)
    offers["redeemed"] = (random.random(n) < 0.1 * (1 + offers["score"])).astype(int)
    bought = offers["redeemed"] | (random.random(n) < 0.3)
    return offers.assign(bought=bought.astype(int))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.integers(1, 6))
def test_top_offers_are_the_best_of_a_list_with_ties_at_random(scores: list[int], k: int) -> None:
    offers = pd.DataFrame({"user_id": [1] * len(scores), "campaign_id": 1})
    rows = list(range(len(scores)))
    orders = [sorted(order, key=lambda row: -scores[row])[:k] for order in permutations(rows)]
    expected = [np.mean([row in order for order in orders]) for row in rows]
    np.testing.assert_allclose(top_offers(offers, scores, k), expected)


def test_rates_are_means_over_the_offers_sent() -> None:
    offers = logged()
    sent = offers["score"] >= 2
    table = policy_rates(offers, sent).loc["all"]
    chosen = offers[sent]
    assert table["value"].to_list() == [chosen["redeemed"].mean(), chosen["bought"].mean()]
    assert (table["sent"] == len(chosen)).all()
    assert (table["low"] < table["value"]).all() and (table["value"] < table["high"]).all()


def test_a_policy_that_sends_nothing_has_no_rates() -> None:
    offers = logged()
    table = policy_rates(offers, np.zeros(len(offers)))
    assert table[["value", "low", "high"]].isna().all(axis=None)
    assert (table["sent"] == 0).all()
    assert policy_rates(offers.head(0), [])["value"].isna().all()


def test_gains_are_the_curve_of_what_is_found_where_no_score_is_tied() -> None:
    offers = logged()
    y, score = offers["redeemed"].to_numpy(), np.random.default_rng(1).random(len(offers))
    table = gains(y, score, offers["user_id"], shares=[0.25, 0.5, 1])
    assert table["found"].to_list() == pytest.approx(found_by(y, score)[[29, 59, 119]])
    assert table["offers"].to_list() == [30, 60, 120]
    assert table["lift"].to_list() == pytest.approx([lift(y, score, s) for s in table.index])


def test_gains_without_a_redemption_are_nan() -> None:
    for table in (gains([0, 0], [1, 2], [1, 2]), gains([], [], [])):
        assert table[["found", "low", "high", "lift"]].isna().all(axis=None)
