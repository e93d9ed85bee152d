"""Numbers in another order than the rows they belong to are refused, not paired by their place."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from coupon_rec.decisions import (
    best_prices,
    demand_behind,
    depth_value,
    expected_sales,
    matrices,
    newsvendor,
    shrink,
)
from coupon_rec.effects import (
    EffectLog,
    EffectModel,
    best_linear_predictor,
    policy_value,
    qini,
    recalibrate,
    uplift_at,
)
from coupon_rec.explain import factors
from coupon_rec.monitoring import Cusum, Maturity, daily, observed_expected, spread
from coupon_rec.policies import (
    BayesianLinear,
    BayesianLogistic,
    best_share,
    draw,
    greedy,
    with_floor,
)
from coupon_rec.privacy import fit_private

ROWS = 40
P = pd.Series(np.linspace(0.1, 0.9, ROWS))
LABEL = pd.Series(np.arange(ROWS) % 2)
USERS = pd.Series(np.arange(ROWS) // 4)
FRAME = pd.DataFrame({"a": P, "b": 1.0})
LOG = EffectLog(P, LABEL, USERS)
BY_USERS_ALONE = EffectLog(P.to_numpy(), LABEL.to_numpy(), USERS)
LEARNER = EffectModel(LinearRegression(), "t")
OFFERS = pd.DataFrame({"campaign_id": 1, "user_id": USERS, "coupon_id": np.arange(ROWS)})

CALLS: dict[str, Callable[[pd.Series], Any]] = {
    "observed_expected, p": lambda p: observed_expected(LABEL, p, USERS),
    "observed_expected, users": lambda users: observed_expected(LABEL, P, users),
    "daily, p": lambda p: daily(USERS, p, 0 * LABEL, [1.0]),
    "daily, day": lambda p: daily(USERS, P, 0 * p, [1.0]),
    "Maturity": lambda p: Maturity.of(p, USERS),
    "spread": lambda p: spread(P, p),
    "Cusum, path": lambda p: Cusum().path(P, p),
    "Cusum, alarm": lambda p: Cusum().alarm(P, p),
    "EffectLog": lambda p: EffectLog(p, LABEL, USERS),
    "qini": lambda p: qini(LOG, p, replicates=2),
    "qini, users alone in order": lambda p: qini(BY_USERS_ALONE, p, replicates=2),
    "uplift_at": lambda p: uplift_at(LOG, p, 0.5),
    "best_linear_predictor": lambda p: best_linear_predictor(LOG, p),
    "best_linear_predictor, treatment": lambda p: best_linear_predictor(LOG, P, p > 0),
    "policy_value": lambda p: policy_value(LOG, p > 0.5),
    "policy_value, against": lambda p: policy_value(LOG, 1, against=p > 0.5),
    "recalibrate, promised": lambda p: recalibrate(LOG, p, 1),
    "recalibrate, choice": lambda p: recalibrate(LOG, P, p > 0),
    "signal": lambda p: LOG.signal(p > 0.5),
    "EffectModel, fit": lambda p: LEARNER.fit(p.to_frame(), LOG),
    "EffectModel, cross_predict": lambda p: LEARNER.cross_predict(p.to_frame(), LOG),
    "factors": lambda p: factors(P, p / 10),
    "fill": lambda p: matrices(OFFERS).fill(p, 0.0),
    "greedy": lambda p: greedy(p, USERS),
    "with_floor": lambda p: with_floor(p / 10, USERS, 0.1),
    "with_floor, allowed": lambda p: with_floor(P / 10, USERS, 0.1, allowed=p > 0),
    "draw": lambda p: draw(p, USERS, seed=0),
    "best_share": lambda p: best_share(p.to_frame(), USERS),
    "BayesianLinear": lambda p: BayesianLinear([1.0, 1.0]).learn(FRAME, p),
    "BayesianLogistic": lambda p: BayesianLogistic([1.0, 1.0]).learn(FRAME, p > 0.5),
    "fit_private": lambda p: fit_private(FRAME, p > 0.5, USERS, None),
    "demand_behind": lambda p: demand_behind(LABEL, p),
    "newsvendor": lambda p: newsvendor(P, p, 1.0),
    "expected_sales": lambda p: expected_sales(LABEL, p),
    "shrink": lambda p: shrink(P, p),
    "best_prices": lambda p: best_prices(P, -p, 1.0, 2.0),
    "depth_value": lambda p: depth_value(P, p, 0.0, 0.5, 4.0, 3.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_another_order_than_that_of_the_rows_is_refused(name: str) -> None:
    CALLS[name](P)
    with pytest.raises(ValueError, match="have different indexes: put"):
        CALLS[name](P.iloc[::-1])


def test_what_has_no_index_is_taken_in_the_order_of_the_rows() -> None:
    turned = P.iloc[::-1]
    assert uplift_at(LOG, turned.to_numpy(), 0.5).equals(
        uplift_at(EffectLog(P.to_numpy(), LABEL.to_numpy(), USERS.to_numpy()), turned, 0.5)
    )
