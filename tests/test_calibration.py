"""Calibration is measured against chance, and recalibration leaves the order alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from coupon_rec.evaluation import (
    auc,
    calibration_line,
    correct_sampling,
    ece,
    ece_floor,
    log_loss,
    platt,
    reliability,
)

pytestmark = pytest.mark.filterwarnings("error")


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
