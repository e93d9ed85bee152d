"""Explanations add up, blame nobody who cannot matter, and fall apart where they should."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.decisions import reason
from coupon_rec.decisions.reasons import OPEN
from coupon_rec.explain import (
    TOPICS,
    contrast,
    credit,
    deletion,
    expected_gradients,
    factors,
    features_of,
    sampled_credit,
    shapley,
    topics_of,
)
from coupon_rec.features import Arrays, Encoder
from coupon_rec.models import OfferModel, boosted, coupled_model, with_trees


@pytest.fixture(scope="module")
def arrays(encoder: Encoder, offers: pd.DataFrame) -> Arrays:
    return encoder.encode(offers)


@pytest.fixture(scope="module")
def model(encoder: Encoder, arrays: Arrays, offers: pd.DataFrame) -> OfferModel:
    """Weights as they begin, large enough to bend, and trees that have learned."""
    network = coupled_model(encoder, seed=1)
    network.set_weights([1.5 * weights for weights in network.get_weights()])
    return with_trees(network, boosted(encoder, arrays, offers["redeemed"], trees=20))


@pytest.fixture(scope="module")
def score(model: OfferModel) -> Callable[[Arrays], Any]:
    def log_factors(arrays: Arrays) -> Any:
        found = model.predict_on_batch(arrays)
        bought, redeemed = (np.log(found[name][:, 0]) for name in ("bought", "redeemed"))
        return np.stack([bought, redeemed - bought], axis=1)

    return log_factors


def rows_of(arrays: Arrays, rows: Any) -> Arrays:
    return {name: array[rows] for name, array in arrays.items()}


def list_of(offers: pd.DataFrame) -> np.ndarray:
    """The rows of the longest list of one user in one campaign."""
    groups = offers.reset_index(drop=True).groupby(["campaign_id", "user_id"]).indices
    return max(groups.values(), key=len)


# Shapley's rule


def by_orders(worth: np.ndarray) -> np.ndarray:
    """The definition: what each player adds on joining, over all orders."""
    players = len(worth).bit_length() - 1
    gains = []
    for order in permutations(range(players)):
        gain, coalition = np.zeros(players), 0
        for player in order:
            gain[player] = worth[coalition | 1 << player] - worth[coalition]
            coalition |= 1 << player
        gains.append(gain)
    return np.mean(gains, axis=0)


@pytest.mark.parametrize("players", [1, 2, 3, 5])
def test_the_credit_is_the_mean_over_all_orders_of_joining(players: int) -> None:
    worth = np.random.default_rng(players).normal(size=2**players)
    np.testing.assert_allclose(shapley(worth), by_orders(worth), atol=1e-12)


# Credit among topics


def test_every_column_that_the_model_reads_is_in_one_topic(encoder: Encoder) -> None:
    found = topics_of(encoder)
    assert [*found] == [*TOPICS]
    for array, width in encoder.arrays.items():
        columns = [column for of in found.values() for column in of.get(array, ())]
        assert sorted(columns) == list(range(width))


def test_the_topics_add_up_to_each_factor_and_to_log_p(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder
) -> None:
    others = rows_of(arrays, slice(0, 60))
    for row in (70, 400):
        found = credit(score, rows_of(arrays, [row]), others, topics_of(encoder))
        assert np.abs(found.credit.sum(axis=0) - (found.score - found.others)).max() < 1e-9
        both = factors(*np.exp([[found.score[0]], [found.score.sum()]]))
        assert both["redeemed"].iloc[0] == pytest.approx(found.score.sum(), abs=1e-12)


def test_against_the_own_coupons_the_user_gets_exactly_nothing(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder, offers: pd.DataFrame
) -> None:
    mine = list_of(offers)
    rivals = [np.delete(mine, place) for place in range(3)]
    found = contrast(score, arrays, mine[:3].tolist(), rivals, topics_of(encoder))
    for each in found:
        of = dict(zip(each.players, each.credit, strict=True))
        assert (of["shopping"] == 0).all()
        assert (of["saving"] == 0).all()
        assert np.abs(of["habit"]).max() > 0


def test_the_coupon_topic_has_no_part_in_the_purchase(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder
) -> None:
    found = credit(score, rows_of(arrays, [5]), rows_of(arrays, slice(50, 90)), topics_of(encoder))
    bought, redeemed = found.credit[found.players.index("coupon")]
    assert abs(bought) < 1e-6 < abs(redeemed)


def test_players_that_differ_in_nothing_are_left_out_without_a_change(
    arrays: Arrays, encoder: Encoder
) -> None:
    def first(some: Arrays) -> Any:
        return some["match"][:, 0].astype("float64")

    offer = {name: array[:1].copy() for name, array in arrays.items()}
    other = {name: array.copy() for name, array in offer.items()}
    other["match"] = other["match"] + 1
    found = credit(first, offer, other, topics_of(encoder))
    assert found.credit.tolist() == [-1, 0, 0, 0, 0, 0]
    assert credit(first, offer, offer, topics_of(encoder)).credit.tolist() == [0] * 6


def test_many_offers_at_once_get_what_each_gets_alone(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder
) -> None:
    rows, rivals = [3, 9], [np.array([20, 21, 22]), np.array([30, 31])]
    together = contrast(score, arrays, rows, rivals, topics_of(encoder))
    for row, its, found in zip(rows, rivals, together, strict=True):
        alone = credit(score, rows_of(arrays, [row]), rows_of(arrays, its), topics_of(encoder))
        np.testing.assert_allclose(found.credit, alone.credit, atol=1e-5)
    assert contrast(score, arrays, [], [], topics_of(encoder)) == []


def test_what_has_no_credit_or_no_words_is_refused(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder
) -> None:
    offer = rows_of(arrays, [0])
    with pytest.raises(ValueError, match="form at most 12 topics, or use `sampled_credit`"):
        credit(score, offer, rows_of(arrays, slice(1, 40)), features_of(encoder))
    with pytest.raises(ValueError, match="no others"):
        credit(score, offer, rows_of(arrays, []), topics_of(encoder))
    with pytest.raises(ValueError, match=r"3 coalitions: n players have 2 \*\* n"):
        shapley([0, 1, 2])
    with pytest.raises(ValueError, match=r"lacks \['match_category_recency'\]"):
        reason({"match_recency": 3}, because="category")


# Credit among features


def test_sampled_credit_nears_the_exact_one(
    score: Callable[[Arrays], Any], arrays: Arrays, encoder: Encoder
) -> None:
    offer, others = rows_of(arrays, [7]), rows_of(arrays, slice(100, 120))
    exact = credit(score, offer, others, topics_of(encoder)).credit
    near = sampled_credit(score, offer, others, topics_of(encoder), orders=2000)
    assert np.abs(near.credit - exact).max() < 0.15 * np.abs(exact).max()
    np.testing.assert_allclose(near.credit.sum(axis=0), near.score - near.others, atol=1e-9)


def test_expected_gradients_add_up_to_what_the_network_says(
    model: OfferModel, arrays: Arrays, encoder: Encoder
) -> None:
    from coupon_rec.models import network_of

    network = network_of(model)
    others = rows_of(arrays, slice(100, 150))
    found = expected_gradients(model, rows_of(arrays, [7, 8]), others, paths=2000)
    assert found.shape == (2, len(features_of(encoder)))
    said = [
        np.log(network.predict_on_batch(each)["redeemed"][:, 0])
        for each in (rows_of(arrays, [7, 8]), others)
    ]
    wanted = said[0] - said[1].mean()
    assert np.abs(found.sum(axis=1) - wanted).max() < 0.1 * np.abs(wanted).max()


# Do we believe it?


def test_deleting_the_best_first_costs_more_than_deleting_the_worst_first(
    arrays: Arrays, encoder: Encoder
) -> None:
    def total(some: Arrays) -> Any:
        return some["match"].astype("float64") @ np.arange(some["match"].shape[1])

    players = {name: of for name, of in features_of(encoder).items() if "match" in of}
    offer = rows_of(arrays, [0])
    offer["match"] = offer["match"] * 0 + 9
    others = rows_of(arrays, slice(10, 20))
    names = [*players]
    best, worst = (deletion(total, offer, others, players, o) for o in (names[::-1], names))
    assert best[0] == worst[0] == total(offer)[0]
    assert best[-1] == pytest.approx(worst[-1]) == total(others).mean()
    assert (best[1:-1] < worst[1:-1]).all()
    with pytest.raises(ValueError, match="'age' is no player"):
        deletion(total, offer, others, players, ["age"])


# In words

OFFER = {
    "match_recency": 3.0,
    "match_distinct_items": 2.0,
    "match_category_recency": 1.0,
    "item_popularity_rank": 0.7,
    "coupon_redeemed_before": 0.0,
}


def test_each_topic_has_words_that_are_true_of_the_offer() -> None:
    said = {topic: reason(OFFER, because=topic) for topic in TOPICS}
    assert said["habit"] == "you buy these: 2 of the products so far, the last time 3 days ago"
    assert said["category"] == "you shop for such products, the last time 1 day ago"
    assert said["shopping"] == said["saving"] == OPEN == reason(OFFER, because="")
    never = OFFER | {"match_recency": 365.0, "match_category_recency": 365.0}
    assert "not bought yet" in reason(never, because="habit")
    assert "new to you" in reason(never, because="category")
    rare = OFFER | {"item_popularity_rank": 0.2, "coupon_redeemed_before": 1.0}
    assert "many" not in reason(rare, because="items")
    assert reason(rare, because="coupon") == "you have used this coupon before"


def test_words_for_a_customer_name_nothing_that_was_inferred() -> None:
    private = ("income", "age", "household", "probab", "spend", "recency", "rank")
    for topic in (*TOPICS, ""):
        assert not any(word in reason(OFFER, because=topic) for word in private)


# In the service


def test_the_printed_reason_names_the_top_topic_of_the_exact_attribution(
    tmp_path: Path, market: Any, offers: pd.DataFrame, model: OfferModel
) -> None:
    from datetime import date

    from coupon_rec.decisions import Economics
    from coupon_rec.features.online.snapshot_writer import write_snapshot
    from coupon_rec.serving.bundle import exporting
    from coupon_rec.serving.bundle.scorer import Scorer
    from coupon_rec.serving.events.feature_store import FeatureStore
    from coupon_rec.serving.recommender import Question, Recommender

    day = date(2017, 6, 1)
    exporting.export(
        model,
        tmp_path / "bundle",
        offers,
        snapshot=lambda folder: write_snapshot(market, day, folder),
    )
    scorer = Scorer.load(tmp_path / "bundle")
    store = FeatureStore.load(tmp_path / "bundle" / "snapshot", scorer.encoder)
    economics = Economics(contact=0.0, retailer_match=0.0)
    recommender = Recommender(scorer, store, economics)
    users = range(1, 61)
    replies = recommender([Question(user, day, 2, None, True) for user in users])
    said, tops = [], []
    for user, reply in zip(users, replies, strict=True):
        assert not isinstance(reply, Exception)
        found = store.offers(user, day)
        for choice in reply.choices:
            assert choice.account is not None
            total = {topic: sum(parts.values()) for topic, parts in choice.account.topics.items()}
            assert total["shopping"] == total["saving"] == 0
            whole = sum(choice.account.others.values()) + sum(total.values())
            assert abs(whole - np.log(choice.probability)) < 1e-9
            row = int(np.flatnonzero(found.coupon_id == choice.coupon_id)[0])
            facts = {name: getattr(found, name)[row] for name in OFFER if name.startswith("match")}
            facts["item_popularity_rank"] = found.arrays["item"][row, 1]
            facts["coupon_redeemed_before"] = found.arrays["coupon"][row, -1]
            top = max(total, key=lambda topic: total[topic])
            tops.append(top)
            said.append(reason(facts, because=top if total[top] > 0 else "") == choice.reason)
    assert len(said) > 80
    assert len(set(tops)) > 1
    assert np.mean(said) >= 0.95
