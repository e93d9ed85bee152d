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
from coupon_rec.odds import logit, sigmoid

DAY = date(2017, 6, 1)


@pytest.fixture(scope="module")
def purchases(market: Market) -> pd.DataFrame:
    """The purchases of the sample market."""
    frame: pd.DataFrame = market.purchases.to_pandas()
    return frame


# Items


def by_hand(purchases: pd.DataFrame, day: date) -> pd.DataFrame:
    """The facts of every user and item, as the chapter computes them."""
    age = (pd.Timestamp(day) - purchases["time"].dt.normalize()).dt.days
    past = purchases[age > 0].assign(age=age[age > 0], weight=np.exp(-age / 180))
    pair = past.groupby(["user_id", "item_id"])
    facts = pd.DataFrame({"habit": pair["weight"].sum(), "times": pair.size()})
    before = past[past["age"] > 28].groupby(["user_id", "item_id"]).size().rename("n")
    lately = past[past["age"] <= 28].groupby(["user_id", "item_id"]).size()
    back = before.to_frame().assign(back=before.index.isin(lately.index))
    of_item = back.groupby("item_id")["back"].agg(["sum", "size"])
    mean = (of_item["sum"].sum() + 1) / (of_item["size"].sum() + 2)
    again = (of_item["sum"] + 20 * mean) / (of_item["size"] + 20)
    wanted = facts.index.get_level_values("item_id")
    return facts.assign(again=again.reindex(wanted).fillna(mean).to_numpy())


def test_the_likeliest_items_follow_from_habit_and_from_how_often_an_item_comes_back(
    purchases: pd.DataFrame,
) -> None:
    facts = by_hand(purchases, DAY)
    found = recommend_items(purchases, k=5, day=DAY).set_index(["user_id", "item_id"])
    own = found[found["times"] > 0].join(facts.rename(columns={"times": "times_by_hand"}))
    assert (own["times"] == own["times_by_hand"]).all()
    columns = [np.ones(len(own)), np.log(own["habit"]), logit(own["again"])]
    z = logit(own["probability"])
    weights, *_ = np.linalg.lstsq(np.stack(columns, axis=1), z, rcond=None)
    assert np.allclose(np.stack(columns, axis=1) @ weights, z)
    every = np.stack([np.ones(len(facts)), np.log(facts["habit"]), logit(facts["again"])], axis=1)
    p = pd.Series(sigmoid(every @ weights), facts.index)
    for user_id, mine in found[found["times"] > 0].groupby("user_id"):
        best = p[user_id].nlargest(len(mine))
        assert np.allclose(mine["probability"], best)
    assert found.groupby("user_id")["probability"].is_monotonic_decreasing.all()


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


def test_nobody_gets_no_items(purchases: pd.DataFrame) -> None:
    found = recommend_items(purchases, users=[])
    assert found.empty
    assert found.columns.tolist() == ["user_id", "item_id", "probability", "times"]


# Pairs


def test_chance_is_what_shuffling_each_users_own_lines_makes() -> None:
    random = np.random.default_rng(0)
    baskets = [(1, 1, "abc"), (1, 2, "ab"), (1, 3, "cd"), (2, 4, "abd"), (2, 5, "b"), (2, 6, "ab")]
    lines = pd.DataFrame(
        [(user, basket, item) for user, basket, items in baskets for item in items],
        columns=["user_id", "basket_id", "item_id"],
    )
    found = item_pairs(lines, min_baskets=1, min_users=1).set_index(["item_a", "item_b"])
    draws, met = 1500, pd.Series(0.0, found.index)
    basket, item = lines["basket_id"].to_numpy(), lines["item_id"].to_numpy()
    places = [np.flatnonzero(lines["user_id"] == user) for user in (1, 2)]
    for _ in range(draws):
        drawn = item.copy()
        for mine in places:
            drawn[mine] = random.permutation(item[mine])
        for one, other in found.index:
            together = [
                (drawn[basket == b] == one).sum() * (drawn[basket == b] == other).sum()
                for b in range(1, 7)
            ]
            met[one, other] += sum(together) / draws
    assert found["by_chance"].to_numpy() == pytest.approx(met.to_numpy(), abs=0.1)
    assert found["baskets"]["a", "b"] == 4


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
