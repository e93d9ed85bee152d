"""What a threshold, a probability and a cut-off are worth, on ties, weights and one class."""

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from coupon_rec.evaluation import brier, lift, threshold_metrics, total

EXACT = {"rel": 1e-12, "abs": 1e-12, "nan_ok": True}
pytestmark = pytest.mark.filterwarnings("error")

ROW = st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3))
ROWS = st.lists(ROW, min_size=1, max_size=30).map(
    lambda rows: pd.DataFrame(rows, columns=["y", "quarters", "weight"])
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([0.0, 0.25, 0.6, 2.0]))
def test_threshold_metrics_equal_scikit_learn_even_where_undefined(
    rows: pd.DataFrame, threshold: float
) -> None:
    y, p = rows["y"], rows["quarters"] / 4
    weight = rows["weight"] + 1
    sent = p >= threshold
    undefined = {"zero_division": np.nan, "sample_weight": weight}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": reference.accuracy_score(y, sent, sample_weight=weight),
            "precision": reference.precision_score(y, sent, **undefined),
            "recall": reference.recall_score(y, sent, **undefined),
            "F1": reference.f1_score(y, sent, **undefined),
        }
    assert threshold_metrics(y, p, threshold, weight).to_dict() == pytest.approx(expected, **EXACT)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_brier_equals_scikit_learn(rows: pd.DataFrame) -> None:
    y, p, weight = rows["y"], rows["quarters"] / 4, rows["weight"] + 1
    expected = reference.brier_score_loss(y, p, sample_weight=weight, labels=[0, 1])
    assert brier(y, p, weight) == pytest.approx(expected, **EXACT)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([0.05, 0.3, 0.5, 1.0]))
def test_lift_takes_from_a_tie_in_proportion(rows: pd.DataFrame, share: float) -> None:
    y, score, weight = (rows[name].to_numpy() for name in ("y", "quarters", "weight"))
    above = np.array([weight[score > own].sum() for own in score])
    tied = np.array([weight[score == own].sum() for own in score])
    sent = np.clip((share * weight.sum() - above) / np.maximum(tied, 1), 0, 1)
    redeemed = (weight * y).sum()
    expected = (weight * y * sent).sum() / redeemed / share if redeemed else np.nan
    assert lift(y, score, share, weight) == pytest.approx(expected, **EXACT)


def test_a_weight_is_how_often_an_offer_counts() -> None:
    y, p, times = np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.1]), [2, 1, 0, 3]
    again = np.repeat(np.arange(4), times)
    assert brier(y, p, times) == pytest.approx(brier(y[again], p[again]))
    assert lift(y, p, 0.3, times) == pytest.approx(lift(y[again], p[again], 0.3))
    assert threshold_metrics(y, p, 0.5, times).equals(threshold_metrics(y[again], p[again], 0.5))


def test_nothing_to_measure_is_nan() -> None:
    assert np.isnan([brier([], []), lift([], []), lift([0, 0], [0.1, 0.2])]).all()
    assert threshold_metrics([], [], 0.5).isna().all()
    assert threshold_metrics([0, 0], [0.1, 0.2], 0.5).isna().to_dict() == {
        "accuracy": False,
        "precision": True,
        "recall": True,
        "F1": True,
    }


def test_total_is_the_sum_and_its_interval_that_of_users_drawn_again() -> None:
    values, users = [1.0, 2.0, 10.0, -3.0], np.array([7, 7, 3, 5])
    draws = np.random.default_rng(1).multinomial(3, np.full(3, 1 / 3), 50)
    sums = draws @ [10.0, -3.0, 3.0]
    assert total(values, users, replicates=50, seed=1).tolist() == pytest.approx(
        [10.0, *np.percentile(sums, [2.5, 97.5])]
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: brier([0, 1], [0.5, 1.5]), "p must be in [0, 1], but 1 of 2 values are not: 1.5"),
        (lambda: threshold_metrics([0, 3], [1, 2], 1), "y must be 0 or 1, but 1 of 2 values"),
        (lambda: lift([0, 1], [1, 2], 0.0), "a share of the offers must be in (0, 1], but it is 0"),
        (lambda: lift([0, 1], [1, 2], 1.1), "must be in (0, 1], but it is 1.1"),
        (lambda: total([1, 2], [1]), "users must have shape (2,), not (1,)"),
        (lambda: total([1, 2], [1, None]), "users must be present, but 1 of 2 values are not"),
    ],
)
def test_bad_input_is_named_counted_and_shown(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
