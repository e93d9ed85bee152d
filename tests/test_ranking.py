"""Within a list, a tie is worth its mean over every order, and lists without redemption none."""

import re
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


def test_a_small_list_by_hand() -> None:
    y, score, group = [0, 1, 0, 1], [4, 3, 2, 1], ["x"] * 4
    assert measured("recall@2", y, score, group) == 0.5
    assert measured("hit rate@1", y, score, group) == 0
    assert measured("hit rate@2", y, score, group) == 1
    assert measured("MRR", y, score, group) == 0.5


def test_a_score_that_knows_nothing_finds_redemptions_by_chance() -> None:
    y = [1] + [0] * 199
    same = np.zeros(200)
    assert measured("recall@10", y, same, same) == pytest.approx(10 / 200)
    assert measured("hit rate@10", y, same, same) == pytest.approx(10 / 200)
    assert measured("MRR", y, same, same) == pytest.approx(np.mean(1 / np.arange(1, 201)))


@pytest.mark.parametrize("metric", ["recall@10", "hit rate@10", "MRR"])
def test_lists_without_a_redemption_do_not_count(metric: str) -> None:
    assert measured(metric, [1, 0, 0, 0], [2, 1, 5, 5], ["x", "x", "y", "y"]) == 1
    assert np.isnan(measured(metric, [0, 0], [2, 1], ["x", "x"]))
    assert np.isnan(measured(metric, [], [], []))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ndcg([0, 1], [1, 2], [1, 1], 0), "k must be 1 or more, but it is 0"),
        (lambda: ndcg([0, 1], [1, 2], [1]), "group must have shape (2,), not (1,)"),
        (lambda: ndcg([0, 1], [1, 2], [1, None]), "group must be present, but 1 of 2 values"),
        (
            lambda: measured("MRR", [0, 1], [1, 2], [1, None]),
            "offers['user_id'] must be present, but 1 of 2 values",
        ),
    ],
)
def test_bad_input_is_named_counted_and_shown(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
