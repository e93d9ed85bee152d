"""Which labels are bought, what a model learns from few of them, and what a step costs."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from coupon_rec.book import asking

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop() -> asking.Shop:
    """Forty thousand offers whose log odds bend, as in the live figure."""
    rng = np.random.default_rng(24)
    x = rng.standard_normal((40_000, 3)).astype("float32")
    appeal = np.minimum(3, x[:, 0])
    p = expit(-1 - 0.6 * (3 - appeal) ** 1.5)
    bought = rng.random(len(x)) < np.minimum(1, 3 * p)
    redeemed = bought & (rng.random(len(x)) < 1 / 3)
    offers = pd.DataFrame({"redeemed": redeemed.astype(int), "bought": bought.astype(int)})
    half = len(x) // 2
    return asking.Shop(offers[:half], offers[half:], x[:half], x[half:])


def test_offers_drawn_by_lot_stand_for_all_redemptions(shop: asking.Shop) -> None:
    found = []
    for seed in range(100):
        rows, weight, _ = asking.drawn(shop, seed, budget=300)
        found.append(weight @ shop.y[rows])
    error = np.std(found) / np.sqrt(len(found))
    assert error < 0.03 * shop.y.sum()
    assert np.mean(found) == pytest.approx(shop.y.sum(), abs=2.5 * error)


def test_nobody_is_asked_twice_and_the_budget_is_kept(shop: asking.Shop) -> None:
    rows, _ = asking.top(shop, budget=900)
    assert len(rows) == len(set(rows.tolist())) == 900
    lottery, _ = asking.at_random(shop, 0, budget=900)
    assert len(set(lottery.tolist())) == 900
    drawn, weight, _ = asking.drawn(shop, 0, budget=900)
    assert 600 < len(drawn) <= 1000
    assert (weight >= 1 / asking.ROUNDS).all()
