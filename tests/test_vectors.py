"""Vectors of users, items and coupons: who buys alike lies close, and nothing else moves them."""

import numpy as np
import pandas as pd
import pytest

from coupon_rec.models import Vectors, coupon_vectors, learn_vectors

pytestmark = pytest.mark.slow


def two_tastes() -> pd.DataFrame:
    """Let users 1 to 20 buy items 101 to 110, and users 21 to 40 buy items 111 to 120."""
    rng = np.random.default_rng(0)
    user = rng.integers(1, 41, 4000)
    item = np.where(user <= 20, 101, 111) + rng.integers(0, 10, 4000)
    return pd.DataFrame({"user_id": user, "item_id": item})


def learned(purchases: pd.DataFrame, seed: int = 0) -> Vectors:
    return learn_vectors(purchases, size=4, epochs=40, batch_size=512, seed=seed)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return learned(two_tastes())


def test_users_are_closer_to_the_items_of_their_own_taste(vectors: Vectors) -> None:
    affinity = vectors.users.to_numpy() @ vectors.items.to_numpy().T
    assert vectors.users.index.tolist() == list(range(1, 41))
    assert vectors.items.index.tolist() == list(range(101, 121))
    assert affinity[:20, :10].min() > affinity[:20, 10:].max()
    assert affinity[20:, 10:].min() > affinity[20:, :10].max()


def test_a_dot_product_estimates_the_lift_over_chance(vectors: Vectors) -> None:
    affinity = vectors.users.to_numpy() @ vectors.items.to_numpy().T
    lift = 10 * np.exp(affinity)
    assert np.median(lift[:20, :10]) == pytest.approx(2, rel=0.1)
    assert lift[:20, 10:].max() < 1


def test_items_that_are_bought_too_rarely_get_no_vector() -> None:
    bought = pd.DataFrame({"user_id": 1, "item_id": [7] * 20 + [8] * 10 + [9] * 9})
    assert learn_vectors(bought, size=2).items.index.tolist() == [7, 8]


def test_too_few_purchases_raise_an_error_that_counts_them() -> None:
    with pytest.raises(ValueError, match="0 of 5 lines"):
        learn_vectors(two_tastes().head(5))


def test_a_coupon_is_the_mean_of_those_of_its_items_that_have_a_vector() -> None:
    items = pd.DataFrame([[1.0, 0.0], [3.0, 4.0]], index=[10, 20])
    covered = pd.DataFrame(
        {"campaign_id": 1, "coupon_id": [7, 7, 7, 8], "item_id": [10, 20, 30, 30]}
    )
    coupons = coupon_vectors(items, covered)
    assert coupons.index.tolist() == [(1, 7)]
    assert coupons.loc[(1, 7)].tolist() == [2.0, 2.0]
