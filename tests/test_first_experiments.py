"""The first experiment of each chapter that needs a market that answers back, in twenty lines."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from coupon_rec.odds import best_of_each
from coupon_rec.simulation import State, open_market, simulate

SEEN = ["mailings", "trips", "lines", "bought", "depth", "price", "cut", "age_of_type"]
CONTACT = 0.005


def seen(offers: pd.DataFrame) -> pd.DataFrame:
    """What a retailer knows of its offers, as numbers."""
    return offers[SEEN].assign(
        age=offers["age"].astype("category").cat.codes,
        margin=offers["price"] - offers["cost"],
        thrift=(offers["on_sale"] + 5) / (offers["lines"] + 20),
        phone=offers["channel"] == "phone",
    )


def best_of_type(offers: pd.DataFrame, profit: np.ndarray) -> np.ndarray:
    """Send the best coupon of each user and type, if it pays."""
    lists = offers.groupby(["user_id", "type"]).ngroup().to_numpy()
    best = best_of_each(lists, profit, offers["coupon_id"].to_numpy())
    sent = np.zeros(len(offers))
    sent[best[profit[best] > 0]] = 1.0
    return sent


def of_oracle(state: State, sent: np.ndarray) -> float:
    """The share of the oracle's profit that a choice of offers keeps."""
    profit = state.truth["profit"].to_numpy() - CONTACT
    return float((sent * profit).sum() / (state.oracle(CONTACT) * profit).sum())


# 12: whom does a coupon move?


def formula(state: State, response: np.ndarray) -> float:
    """The best that "response times depth" can do, with its best scale known."""
    offers, kept = state.offers, []
    gain = response * offers["depth"] * offers["price"]
    cost = state.truth["discount"] + CONTACT
    for scale in np.geomspace(0.02, 20, 25):
        kept.append(of_oracle(state, best_of_type(offers, (scale * gain - cost).to_numpy())))
    return max(kept)


def learned(before: list[State], state: State) -> float:
    """What a model of the true effect keeps, fitted on the campaigns before."""
    model = HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.05, min_samples_leaf=50, random_state=0
    )
    model.fit(
        pd.concat([seen(each.offers) for each in before]),
        pd.concat([each.truth["profit"] for each in before]),
    )
    promised = model.predict(seen(state.offers)) - CONTACT
    return of_oracle(state, best_of_type(state.offers, promised))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_effect_has_a_shape_that_response_times_depth_does_not_have(seed: int) -> None:
    past = [simulate(open_market(users=2000, seed=seed), campaigns=2)]
    past.append(simulate(past[0]))
    state = simulate(past[1])
    response = state.truth["buy_without"].to_numpy()
    found = {"formula": formula(state, response), "model": learned(past, state)}
    print(found)
    assert found["formula"] <= 0.55
    assert found["model"] >= 0.75
