"""The first experiment of each chapter that needs a market that answers back, in twenty lines.

That of chapter 12 is in test_pilot.py. Each is also run where there is nothing to find.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from coupon_rec.decisions import fit_demand
from coupon_rec.simulation import State, open_market, simulate

pytestmark = pytest.mark.slow

CONTACT = 0.005


# 13: what does exploring teach about new coupons?


def earn(state: State, explore: float) -> float:
    """Profit a user of a policy that knows the types of the first campaign and learns from others.

    It sends what has paid so far, and beside that, by chance, a share of what it has never sent.
    """
    rng, types = np.random.default_rng(0), pd.Index(np.unique(state.world.coupons["type"]))
    total, count, earned = np.zeros(len(types)), np.zeros(len(types)), 0.0
    for campaign in range(10):
        kind = types.get_indexer(state.offers["type"])
        share = 0.2 if campaign == 0 else np.where(count[kind] > 0, total[kind] > 0, explore)
        sent = (rng.random(len(kind)) < share) & (state.offers["depth"] == 0.25)
        state = simulate(state, lambda _, sent=sent: sent.to_numpy(float))
        profit = state.history[-1]["candidates"].to_pandas()["profit"].to_numpy()[sent]
        np.add.at(total, kind[sent], profit)
        np.add.at(count, kind[sent], 1)
        earned += profit.sum()
    return earned / state.settings.users


def test_who_explores_earns_more_than_who_stays_with_the_first_coupons() -> None:
    state = open_market(users=1000, mechanisms="novelty response", campaigns=12)
    greedy, curious = (earn(state, share) for share in (0.0, 0.05))
    print(f"${greedy:.3f} and ${curious:.3f} a user")
    assert 0 < greedy < curious


# 13 and 22 where there is nothing to find


def test_in_a_world_without_effects_nothing_pays_and_nobody_learns_to_wait() -> None:
    assert simulate(open_market(users=400, strength=0.0)).oracle(CONTACT).sum() == 0

    novelty = open_market(users=300, mechanisms="novelty response", campaigns=12, strength=0.0)
    assert all(earn(novelty, share) < 0 for share in (0.0, 0.05))

    idle = open_market(users=500, mechanisms="waiting", strength=0.0)
    written, left = (
        simulate(idle, policy, campaigns=3).truth["buy_without"]
        for policy in (absent, lambda offers: np.zeros(len(offers)))
    )
    np.testing.assert_array_equal(written, left)


# 14: what is an elasticity within items, and across them?


def sold(state: State) -> pd.DataFrame:
    """What each item sold in each of twelve campaigns without coupons, and at which price."""
    state = simulate(state, lambda offers: np.zeros(len(offers)), campaigns=12)
    lines = state.simulation().market.purchases.to_pandas()
    period = (lines["time"] - lines["time"].min()).dt.days // 28
    units = lines.groupby(["item_id", period])["quantity"].sum().rename("units").reset_index()
    units.columns = ["item_id", "period", "units"]
    sale = state.world.sales[units["period"], units["item_id"] - 1]
    units["price"] = state.world.prices[units["item_id"] - 1] * (1 - sale)
    return units[units.groupby("item_id")["units"].transform("min") >= 20]


def slopes(units: pd.DataFrame) -> tuple[float, float]:
    """The slope of log units on log prices through all items, and that within them."""
    logs = np.log(units[["price", "units"]])
    inner = logs - logs.groupby(units["item_id"]).transform("mean")
    pooled, within = (np.polyfit(each["price"], each["units"], 1)[0] for each in (logs, inner))
    print(f"pooled {pooled:.2f}, within items {within:.2f}")
    return pooled, within


def test_the_slope_within_items_is_their_elasticity_and_the_pooled_one_is_not() -> None:
    pooled, within = slopes(sold(open_market(users=3000, mechanisms="elasticity", campaigns=12)))
    assert within == pytest.approx(-2.7, abs=0.5)
    assert abs(pooled - within) > 1


def test_where_all_items_answer_alike_their_own_slopes_hardly_differ() -> None:
    size = {"users": 1000, "items": 300, "coupons": 3, "campaigns": 12}
    alike, differing = (sold(open_market(**size, mechanisms=m)) for m in ("", "elasticity"))
    assert slopes(alike)[1] == pytest.approx(-1.5, abs=0.3)
    spread = [fit_demand(units).items["elasticity"].std() for units in (alike, differing)]
    assert spread[0] < 0.3 < 0.8 < spread[1]


# 22: what do waiting users do to a retailer who writes to those that stay away?


def absent(offers: pd.DataFrame) -> np.ndarray:
    """Write to those that have not bought."""
    return ((offers["bought"] == 0) & (offers["depth"] == 0.25)).to_numpy(float)


def taught(users: int) -> float:
    """What the strategic buy over what others do: with letters to the absent, over without."""
    bought = {}
    for name, policy in {"absent": absent, "nobody": lambda o: np.zeros(len(o))}.items():
        state = open_market(users=users, mechanisms="waiting")
        state = simulate(state, policy, campaigns=4)
        waits = np.concatenate([crowd.traits.strategic for crowd in state.crowds])
        truth = state.truth["buy_without"].to_numpy().reshape(users, -1).mean(axis=1)
        bought[name] = truth[waits].mean() / truth[~waits].mean()
    print({name: round(ratio, 2) for name, ratio in bought.items()})
    return float(bought["absent"] / bought["nobody"])


def test_writing_to_the_absent_teaches_the_strategic_to_wait() -> None:
    assert taught(3000) < 0.75


# 27: does one model serve a desk and a phone?


def late(users: int, mechanisms: str) -> pd.Series:
    """Far down the list: true redemptions over those of a model that knows the place alone."""
    state = simulate(
        open_market(users=users, mechanisms=mechanisms),
        lambda offers: (offers["depth"] == 0.5).to_numpy(float),
        campaigns=2,
    )
    c = state.history[-1]["candidates"].to_pandas()
    c = c[c["offered"]]
    x = np.log(c["position"].to_numpy())[:, None]
    model = LogisticRegression(C=1e6, solver="newton-cholesky").fit(x, c["redeemed_with"])
    c["p"] = model.predict_proba(x)[:, 1]
    truth = c["buy_with"] * c["redeem_given_buy"]
    far = c["position"] > 8
    ratio = truth[far].groupby(c["channel"]).mean() / c["p"][far].groupby(c["channel"]).mean()
    print(ratio.round(2).to_dict())
    return ratio


def test_a_model_that_does_not_know_the_screen_is_wrong_on_both() -> None:
    ratio = late(6000, "platforms")
    assert ratio["phone"] < 0.85 < 1.1 < ratio["desk"]


def test_where_the_screens_do_not_differ_it_is_right() -> None:
    assert late(3000, "fatigue").between(0.85, 1.1).all()
