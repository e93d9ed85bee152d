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

from coupon_rec.evaluation import from_sums, lift, threshold_metrics, total

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


def test_resamples_in_which_a_ratio_is_undefined_are_left_out() -> None:
    values = pd.DataFrame({"promised": [1.0, 2.0], "kept": [0, 2]})
    found = from_sums(values, [1, 2], lambda sums: sums["promised"] / sums["kept"])
    assert found.to_dict() == {"value": 1.5, "low": 1.0, "high": 1.5}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lift([0, 1], [1, 2], 1.1), "must be in (0, 1], but it is 1.1"),
        (lambda: total([1, 2], [1, 2], confidence=95), "confidence must be in (0, 1)"),
        (lambda: total([1, 2], [1, None]), "users must be present, but 1 of 2 values are not"),
    ],
)
def test_bad_input_is_named_counted_and_shown(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
