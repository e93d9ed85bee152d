"""Every function and method of the reference that takes a frame names the columns it lacks."""

import importlib
import inspect
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from names import functions
from sklearn.linear_model import LinearRegression

from coupon_rec import CoupledModel
from coupon_rec.decisions import Forecast, Rules
from coupon_rec.effects import EffectLog, EffectModel
from coupon_rec.features import Encoder
from coupon_rec.models import coupled_model
from coupon_rec.serving.bundle.scorer import Scorer

P = np.linspace(0.1, 0.9, 10)
FOREIGN = pd.DataFrame({"foreign": P})
NO_COLUMN_OF_ITS_OWN = {
    "coupon_rec.effects.EffectModel.cross_predict": "learns from any columns",
    "coupon_rec.effects.EffectModel.fit": "learns from any columns",
    "coupon_rec.evaluation.from_sums": "takes any columns",
    "coupon_rec.market.Market.named": "takes any columns",
    "coupon_rec.monitoring.contract": "gives a table of what is wrong, such as a missing column",
    "coupon_rec.simulation.People.of": "takes back what `frame` gave",
}
NO_OFFERS = {
    "coupon_rec.content.basket_vectors": "purchases lack",
    "coupon_rec.decisions.Forecast.expected": "rows lack",
    "coupon_rec.decisions.recommend_items": "purchases lack",
    "coupon_rec.decisions.item_pairs": "purchases lack",
    "coupon_rec.decisions.choose_bundles": "bundles lack",
    "coupon_rec.effects.EffectModel.predict": "seen at fit time, yet now missing:\n- a",
    "coupon_rec.listening.Watch.tuned": "past weeks lack",
    "coupon_rec.models.coupon_vectors": "coupon_items lack",
    "coupon_rec.models.learn_vectors": "purchases lack",
    "coupon_rec.monitoring.shadow": "live decisions lack",
    "coupon_rec.policies.compare_groups": "users lack",
    "coupon_rec.serving.events.judging.judge": "rows of the log lack",
}


def required(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that a call must name, with their annotations."""
    parameters = inspect.signature(function).parameters.values()
    return {
        each.name: str(each.annotation)
        for each in parameters
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD and each.name != "self"
    }


FOUND = {
    f"{module}.{shown}": (importlib.import_module(module), shown)
    for module, shown in functions()
    if "DataFrame" in str(required(attrgetter(shown)(importlib.import_module(module))))
}
FUNCTIONS = sorted(FOUND.keys() - NO_COLUMN_OF_ITS_OWN.keys())


@pytest.fixture(scope="module")
def given(offers: pd.DataFrame) -> dict[str, Any]:
    """What to pass for each parameter that is no frame."""
    encoder = Encoder.fit(offers)
    scorer = object.__new__(Scorer)
    probabilities = ("p", "p_a", "p_b", "score", "probability")
    model = CoupledModel()
    model.served = coupled_model(encoder)
    log = EffectLog(P, np.arange(10) % 2)
    return {
        "CoupledModel": model,
        "EffectModel": EffectModel(LinearRegression(), "s").fit(pd.DataFrame({"a": P}), log),
        "Encoder": encoder,
        "Forecast": Forecast(pd.Series({"intercept": 0.0, "units_1": 1.0}), 1.0),
        **dict.fromkeys(probabilities, P),
        **dict.fromkeys(("sent", "sent_a", "sent_b"), P > 0.5),
        **dict.fromkeys(("running", "fresh", "scorer"), scorer),
        "encoder": encoder,
        "model": model.served,
        "features": ["user_recency"],
        "last": pd.Timestamp("2024-01-01"),
        "kinds": pd.Series({1: "oats"}),
        "metric": "profit",
        "policy": P,
        "rules": Rules(cooldown=30),
        "shares": [0.5],
        "stock": {},
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_frame_lacks_is_named(name: str, given: dict[str, Any], tmp_path: Path) -> None:
    module, shown = FOUND[name]
    class_, _, method = shown.rpartition(".")
    owner = given.get(class_)
    function = getattr(owner, method) if owner else attrgetter(shown)(module)
    given = {**given, "folder": tmp_path}
    arguments = {
        parameter: FOREIGN if "DataFrame" in annotation else given[parameter]
        for parameter, annotation in required(function).items()
    }
    with pytest.raises(ValueError, match=NO_OFFERS.get(name, r"lacks?\b")) as raised:
        function(**arguments)
    assert ("offers_frame" in str(raised.value)) <= (name not in NO_OFFERS)


def test_the_sweep_calls_all_functions_that_take_a_frame() -> None:
    assert len(FUNCTIONS) >= 50
