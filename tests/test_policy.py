"""The rates of a policy are those of the offers that it would send, and of no others."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec.book.plots.decisions import found_by
from coupon_rec.evaluation import gains, lift, policy_rates, top_offers

pytestmark = pytest.mark.filterwarnings("error")


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
