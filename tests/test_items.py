"""Items that a user buys again, pairs that belong together, and bundles that the stock allows."""

from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupon_rec.decisions import choose_bundles, item_pairs, recommend_items
from coupon_rec.market import Market

DAY = date(2017, 6, 1)


@pytest.fixture(scope="module")
def purchases(market: Market) -> pd.DataFrame:
    """The purchases of the sample market."""
    frame: pd.DataFrame = market.purchases.to_pandas()
    return frame


# Items


def test_nothing_from_the_day_on_is_looked_at(purchases: pd.DataFrame) -> None:
    late = purchases["time"] >= pd.Timestamp(DAY)
    assert late.any()
    changed = purchases.assign(item_id=purchases["item_id"].where(~late, 999_999))
    wanted = recommend_items(purchases[~late], day=DAY)
    pd.testing.assert_frame_equal(recommend_items(changed, day=DAY), wanted)


def test_who_is_unknown_gets_what_most_users_buy(purchases: pd.DataFrame) -> None:
    found = recommend_items(purchases, k=3, day=DAY, users=[10**9])
    age = (pd.Timestamp(DAY) - purchases["time"].dt.normalize()).dt.days
    lately = purchases[age.between(1, 28)]
    buyers = lately.groupby("item_id")["user_id"].nunique() / lately["user_id"].nunique()
    assert found["probability"].to_list() == pytest.approx(buyers.nlargest(3).to_list())
    assert found["times"].to_list() == [0, 0, 0]


def test_a_short_list_of_own_items_is_filled_with_what_others_begin_to_buy() -> None:
    time = pd.to_datetime(["2024-03-01", "2024-04-20", "2024-04-21", "2024-04-22"])
    lines = {"user_id": [1, 2, 3, 3], "item_id": ["tea", "jam", "jam", "oil"], "time": time}
    found = recommend_items(pd.DataFrame(lines), k=4, users=[1], day=date(2024, 4, 23))
    assert found["item_id"].to_list() == ["jam", "oil", "tea"] or found["item_id"][0] == "tea"
    assert found.set_index("item_id")["times"].to_dict() == {"tea": 1, "jam": 0, "oil": 0}
    new = found.set_index("item_id")["probability"]
    assert (new["jam"], new["oil"]) == pytest.approx((2 / 3, 1 / 3))


def test_what_is_wrong_with_purchases_is_named(purchases: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=r"lack the columns \['time'\]"):
        recommend_items(purchases.drop(columns="time"))
    with pytest.raises(ValueError, match="k must be 1 or more"):
        recommend_items(purchases, k=0)
    with pytest.raises(ValueError, match="nothing was bought before 2001-01-01"):
        recommend_items(purchases, day=date(2001, 1, 1))
    with pytest.raises(ValueError, match="has the time zone America/New_York: give the wall-clock"):
        recommend_items(purchases.assign(time=purchases["time"].dt.tz_localize("America/New_York")))
    for name in ("user_id", "item_id", "time"):
        gaps = purchases.assign(**{name: purchases[name].astype(object).where(purchases.index > 1)})
        with pytest.raises(ValueError, match=rf"\['{name}'\] must be present, but 2 of"):
            recommend_items(gaps)


# Pairs


def test_the_weekly_habits_of_one_user_make_no_pair() -> None:
    weekly = [(1, week, item) for week in range(40) for item in ("soda", "yogurt")]
    often = [
        (user, 1000 * user + k, item)
        for user in range(2, 32)
        for k in range(4)
        for item in (("bun", "sausage") if k == 0 else (f"other-{k}", f"more-{k}"))
    ]
    lines = pd.DataFrame(weekly + often, columns=["user_id", "basket_id", "item_id"])
    found = item_pairs(lines, min_users=1).set_index(["item_a", "item_b"])
    assert found["lift"]["bun", "sausage"] > 2.5
    assert found["lift"]["soda", "yogurt"] < 2
    assert (found["users"]["bun", "sausage"], found["users"]["soda", "yogurt"]) == (30, 1)
    assert "soda" not in set(item_pairs(lines)["item_a"]), "a pair of one user is left out"


def test_rare_pairs_are_left_out_and_a_line_counts_once() -> None:
    lines = pd.DataFrame({"user_id": 1, "basket_id": [1, 1, 1], "item_id": ["a", "a", "b"]})
    assert item_pairs(lines, min_baskets=2, min_users=1).empty
    assert item_pairs(lines, min_baskets=1, min_users=1)["baskets"].to_list() == [1]
    with pytest.raises(ValueError, match="basket_id"):
        item_pairs(lines.drop(columns="basket_id"))


# Bundles


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_bundles_are_the_best_that_stock_demand_and_number_allow(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")]
    bundles = pd.DataFrame(pairs, columns=["item_a", "item_b"]).assign(
        value=random.uniform(-0.2, 1, 4), demand=random.integers(0, 3, 4)
    )
    stock, most = dict(zip("abc", random.integers(0, 4, 3).tolist(), strict=True)), 2
    copies = choose_bundles(bundles, stock, most=most)["copies"]

    def fits(tried: tuple[int, ...]) -> bool:
        used = {
            item: sum(n for n, pair in zip(tried, pairs, strict=True) if item in pair)
            for item in stock
        }
        return all(used[item] <= stock[item] for item in stock) and np.count_nonzero(tried) <= most

    every = product(*(range(demand + 1) for demand in bundles["demand"]))
    best = max(sum(bundles["value"] * np.array(tried)) for tried in every if fits(tried))
    assert fits(tuple(copies))
    assert (copies <= bundles["demand"]).all()
    assert (copies * bundles["value"]).sum() == pytest.approx(best, abs=1e-9)


def test_what_is_wrong_with_bundles_is_named() -> None:
    bundles = pd.DataFrame({"item_a": [1], "item_b": [2], "value": [1.0], "demand": [3]})
    with pytest.raises(ValueError, match=r"stock of \[2\] is negative"):
        choose_bundles(bundles, {2: -1})
    with pytest.raises(ValueError, match="demand"):
        choose_bundles(bundles.drop(columns="demand"), {})
    with pytest.raises(ValueError, match="stock has keys such as '1', and ids are such as 1"):
        choose_bundles(bundles, {"1": 0})
    assert choose_bundles(bundles, {})["copies"].to_list() == [3]
    assert choose_bundles(bundles.head(0), {}).empty
