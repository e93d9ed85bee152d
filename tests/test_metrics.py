"""What a threshold, a cut-off and a place in a list are worth, on ties and weights."""

import warnings
from collections.abc import Callable
from itertools import permutations
from math import log2
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from coupon_rec.evaluation import evaluate, from_sums, lift, ndcg, threshold_metrics

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


# Within lists

LISTS = st.lists(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)
Offer = tuple[int, int]


def measured(metric: str, y: Any, score: Any, group: Any) -> float:
    """A metric of `evaluate` on all lists together."""
    offers = pd.DataFrame({"redeemed": y, "user_id": group}).assign(campaign_id=1)
    everything = {"all": np.full(len(offers), True)}
    table = evaluate(
        offers, score, metrics=[metric], probability=False, slices=everything, replicates=0
    )
    return float(table["value"].iloc[0])


def over_every_order(lists: list[list[Offer]], worth: Callable[[list[int]], float]) -> float:
    """Mean worth of a list's labels in order, over all orders that the scores allow."""
    means = [
        np.mean(
            [
                worth([y for y, _ in sorted(order, key=lambda offer: -offer[1])])
                for order in permutations(offers)
            ]
        )
        for offers in lists
        if any(y for y, _ in offers)
    ]
    return float(np.mean(means)) if means else np.nan


@settings(max_examples=50, deadline=None)
@given(LISTS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_metrics_are_means_over_every_order_of_the_ties(
    lists: list[list[Offer]], k: int, random: Any
) -> None:
    rows = [(y, score, group) for group, offers in enumerate(lists) for y, score in offers]
    random.shuffle(rows)
    y, score, group = zip(*rows, strict=True)

    def gain(labels: list[int]) -> float:
        return sum(label / log2(rank + 2) for rank, label in enumerate(labels[:k]))

    for metric, worth in (
        (f"recall@{k}", lambda labels: sum(labels[:k]) / sum(labels)),
        (f"hit rate@{k}", lambda labels: float(any(labels[:k]))),
        ("MRR", lambda labels: 1 / (1 + labels.index(1))),
        (f"NDCG@{k}", lambda labels: gain(labels) / gain(sorted(labels)[::-1])),
    ):
        expected = over_every_order(lists, worth)
        found = measured(metric, y, score, group)
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
    assert ndcg(y, score, group, k) == pytest.approx(found, rel=1e-12, abs=1e-12, nan_ok=True)
