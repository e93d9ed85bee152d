"""What users may be expected to buy of a coupon's items, by the kinds of all that they bought."""

from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from ibis import _

from coupon_rec import Market
from coupon_rec.features import offers_frame
from coupon_rec.features.batch import appetite
from coupon_rec.features.batch.offers import purchase_lines
from coupon_rec.features.catalog import TASTES


def expected_counts(counts: np.ndarray, directions: int) -> np.ndarray:
    """What users by kinds may be expected to buy: NumPy's SVD of the Pearson residuals."""
    users, kinds = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    usual = users * kinds / counts.sum()
    left, values, right = np.linalg.svd((counts - usual) / np.sqrt(usual), full_matrices=False)
    values[directions:] = 0
    return np.asarray(usual + (left * values @ right) * np.sqrt(usual))


def counts_before(market: Market, day: object) -> pd.DataFrame:
    """How many lines of each kind each user bought before a day."""
    lines = market.purchases.filter(_.time.date() < day).join(market.items, "item_id")
    counts = lines.group_by("user_id", "category").aggregate(n=_.count()).to_pandas()
    return counts.pivot(index="user_id", columns="category", values="n").fillna(0)


def of_one_kind(market: Market) -> Market:
    """The market with coupons that cover all items of a kind, and nothing else."""
    kinds = market.items.category.as_table().distinct().order_by("category").to_pandas()
    kinds["coupon_id"] = np.arange(len(kinds)) + 1
    named = market.items.select("item_id", "category").join(ibis.memtable(kinds), "category")
    return replace(
        market,
        coupons=named.select("coupon_id").distinct(),
        coupon_items=named.cross_join(market.campaigns).select(
            "campaign_id", "coupon_id", "item_id"
        ),
        offers=market.offers.select("campaign_id", "user_id")
        .distinct()
        .cross_join(named.select("coupon_id").distinct()),
        redemptions=market.redemptions.limit(0),
    )


def test_appetite_is_a_truncated_svd_of_all_purchases_before_the_campaign(market: Market) -> None:
    offers = offers_frame(of_one_kind(market))
    last = offers[offers["campaign_id"] == offers["campaign_id"].max()]
    counts = counts_before(market, last["start"].iloc[0].date())
    assert len(counts.columns) > len(TASTES)
    expected = expected_counts(counts.to_numpy(), len(TASTES))
    found = last.set_index(["user_id", "coupon_id"])["match_appetite_ratio"].unstack()
    usual = np.outer(counts.sum(axis=1), counts.sum() / counts.sum().sum())
    ratio = pd.DataFrame(np.maximum(expected, 0) / usual, counts.index, counts.columns)
    kinds = market.items.category.as_table().distinct().order_by("category").to_pandas()["category"]
    found.columns = pd.Index(kinds)[found.columns - 1]
    sold = found.columns[(found != 1).any()]
    users = found.index.intersection(counts.index)
    assert len(sold) > len(TASTES) and len(users) > 40
    np.testing.assert_allclose(found.loc[users, sold], ratio.loc[users, sold], rtol=1e-4, atol=1e-5)


def test_with_no_more_kinds_than_directions_what_is_expected_is_what_was_bought() -> None:
    counts = np.random.default_rng(0).poisson(2.0, (40, 5)).astype(float)
    known = appetite._directions(counts)
    share, tastes = known[:, :1].T, known[:, 1:]
    expected = share * (counts.sum(axis=1, keepdims=True) + counts @ tastes @ tastes.T)
    np.testing.assert_allclose(expected, counts, atol=1e-9)


def test_what_only_others_bought_with_it_raises_an_appetite() -> None:
    """Users of shampoo for dogs buy their food, too; the last user has bought food alone."""
    buyers = [[4, 3, 0]] * 20 + [[0, 0, 7]] * 20
    known = appetite._directions(np.array([*buyers, [4, 0, 0]], float))
    tastes = known[:, 1:2]  # the first direction
    of_user = np.array([4, 0, 0]) @ tastes
    assert 1 + tastes[1] @ of_user / 4 > 1.2
    assert 1 + tastes[2] @ of_user / 4 < 0.5


def test_who_bought_nothing_and_what_never_sold_has_nothing_to_expect(market: Market) -> None:
    nobody = offers_frame(replace(market, purchases=market.purchases.limit(0)))
    assert nobody["match_appetite"].eq(0).all() and nobody["match_appetite_ratio"].eq(1).all()


def test_many_counts_are_learned_from_a_sample_of_the_users(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = purchase_lines(market)
    kinds = market.items.category.nunique().execute()
    monkeypatch.setattr(appetite, "CELLS", 30 * kinds)
    users = appetite._counts(market, lines, market.campaigns)["user_id"].nunique()
    assert 15 < users < 45
