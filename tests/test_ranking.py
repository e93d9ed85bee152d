"""Within a list, a tie is worth its mean over every order, and lists without redemption none."""

from collections.abc import Callable
from itertools import permutations
from math import log2
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec.evaluation import evaluate, ndcg

pytestmark = pytest.mark.filterwarnings("error")

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
