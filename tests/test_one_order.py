"""Numbers in another order than the rows they belong to are refused, not paired by their place."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from names import functions
from sklearn.linear_model import LinearRegression

from coupon_rec.decisions import Demand, allocate, matrices
from coupon_rec.effects import EffectLog, EffectModel, qini, uplift_at
from coupon_rec.evaluation import Prior, agreement, evaluate
from coupon_rec.listening import Errors, Watch
from coupon_rec.monitoring import Cusum
from coupon_rec.policies import BayesianLinear, BayesianLogistic

ROWS = 40
P = pd.Series(np.linspace(0.1, 0.9, ROWS))
LABEL = pd.Series(np.arange(ROWS) % 2)
USERS = pd.Series(np.arange(ROWS) // 4)
FRAME = pd.DataFrame({"a": P, "b": 1.0})
LOG = EffectLog(P, LABEL, USERS)
BY_USERS_ALONE = EffectLog(P.to_numpy(), LABEL.to_numpy(), USERS)
LEARNER = EffectModel(LinearRegression(), "t")
OFFERS = pd.DataFrame(
    {
        "campaign_id": 1,
        "campaign_type": "A",
        "user_id": USERS,
        "coupon_id": np.arange(ROWS),
        "redeemed": LABEL,
        "bought": LABEL,
        "member": LABEL,
        "spend_per_line": 4.0,
        "discount": 1.0,
        "match_recency": 1.0,
        "match_category_recency": 1.0,
        "match_distinct_items": 1.0,
        "user_redemption_recency": 1.0,
    }
)
INSTANCES: dict[str, Any] = {
    "BayesianLinear": BayesianLinear([1.0, 1.0]),
    "BayesianLogistic": BayesianLogistic([1.0, 1.0]),
    "Cusum": Cusum(),
    "Demand": Demand(pd.DataFrame({"price": P, "units": 1.0, "elasticity": -1.5}), -1.5, 0.1, 1.0),
    "Errors": Errors(),
    "Prior": Prior(0.1, 10.0),
    "Watch": Watch(0.2, 2.0, 3.0),
}
BY_NAME: dict[str, Any] = {
    **dict.fromkeys(["users", "group", "coupons", "decision", "item", "campaigns"], USERS),
    **dict.fromkeys(["y", "called", "negative", "among", "treatment", "choice"], LABEL),
    **dict.fromkeys(["against", "counts", "negatives", "stock", "sold"], LABEL),
    **dict.fromkeys(["sent", "sent_a", "sent_b", "reward"], LABEL > 0),
    **dict.fromkeys(["exposure", "opinions", "dispersion"], 1 + LABEL),
    **dict.fromkeys(["features", "x", "samples"], FRAME),
    **dict.fromkeys(["scale", "share", "threshold"], 0.5),
    "between": (0, 1),
    "log": LOG,
    "offers": OFFERS,
    "seed": 0,
}
"""What is passed for a parameter, by its name; a share for all others."""
OF_ONE: dict[str, dict[str, Any]] = {
    "best_prices": {"elasticity": -1 - P, "low": P, "high": 1 + P},
    "daily": {"day": 0 * LABEL, "known": [1.0]},
    "fit_private": {"epsilon": None, "y": LABEL, "weights": LABEL},
    "observed_expected": {"redeemed": LABEL},
    "policy_value": {"cost": 0.1},
    "from_sums": {"values": FRAME, "formula": lambda sums: sums["a"]},
    "off_policy_value": {
        "log": pd.DataFrame({"request_id": P.index, "user_id": USERS, "profit": P, "chosen": 1}),
        "reward": "profit",
        "propensity": 0 * P + 1,
        "min_effective": 0,
    },
    "sensitivity": {"shares": [0.5]},
    "with_floor": {"probability": P / 10, "allowed": P > 0, "rate": 0.1},
}
"""And for those of one function."""
OTHER_ROWS = {
    "CoupledModel.recommend": "passed on to `best_coupon`",
    "allocate": "users by coupons, and coupons",
    "cosines": "each row with each column",
    "psi": "two samples",
    "recommend_items": "for whom, of all who bought",
    "resembling": "the kind of each item",
    "stock_budgets": "shelves, and users by coupons",
}
"""What takes arrays of different rows, and of which."""


def parameters(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that a call must name, and all that hold something of each row."""
    return {
        name: str(each.annotation)
        for name, each in inspect.signature(function).parameters.items()
        if name != "self"
        and each.kind is not each.VAR_KEYWORD
        and (each.default is each.empty or is_array(str(each.annotation)))
    }


def is_array(annotation: str) -> bool:
    plain = not annotation.startswith("collections.abc")
    return plain and bool(re.search("_array_like|ArrayLike|Series", annotation))


def swept() -> Iterator[tuple[str, Callable[..., Any], list[str]]]:
    """What takes arrays that belong to the rows of another argument, and these arrays."""
    for module, shown in functions():
        function = attrgetter(shown)(importlib.import_module(module))
        kinds = parameters(function)
        arrays = [name for name, kind in kinds.items() if is_array(kind)]
        framed = any(re.search("DataFrame|EffectLog", kind) for kind in kinds.values())
        if arrays and len(arrays) + framed > 1 and shown not in OTHER_ROWS:
            yield shown, function, arrays


SWEPT = {shown: (function, arrays) for shown, function, arrays in swept()}


@pytest.mark.parametrize("name", SWEPT)
def test_each_array_in_another_order_than_its_rows_is_refused(name: str) -> None:
    function, arrays = SWEPT[name]
    shown, _, method = name.rpartition(".")
    if shown in INSTANCES:
        function = getattr(INSTANCES[shown], method)
    given = {each: BY_NAME.get(each, P) for each in parameters(function)} | OF_ONE.get(name, {})
    function(**given)
    for array in arrays:
        if isinstance(given[array], pd.Series | pd.DataFrame):
            with pytest.raises(ValueError, match="have different indexes: put"):
                function(**{**given, array: given[array].iloc[::-1]})


def test_the_sweep_finds_what_takes_arrays_of_the_same_rows() -> None:
    assert len(SWEPT) >= 60


CALLS: dict[str, Callable[[pd.Series], Any]] = {
    "EffectLog": lambda p: EffectLog(p, LABEL, USERS),
    "qini, users alone in order": lambda p: qini(BY_USERS_ALONE, p, replicates=2),
    "signal": lambda p: LOG.signal(p > 0.5),
    "EffectModel, cross_predict": lambda p: LEARNER.cross_predict(p.to_frame(), LOG),
    "fill": lambda p: matrices(OFFERS).fill(p, 0.0),
    "agreement, choices": lambda choice: agreement([LABEL, choice], USERS),
    "evaluate, slices": lambda p: evaluate(OFFERS, P, slices={"likely": p > 0.5}, replicates=2),
    "allocate": lambda p: allocate(np.ones((2, ROWS)), caps=P, groups=p),
}
"""What the sweep cannot call."""


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
