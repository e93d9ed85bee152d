"""The contest of chapter 9: its budget, its seeds, and the default that it judged."""

import importlib
import inspect
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pytest

from coupon_rec import CoupledModel, recommender
from coupon_rec.features import Encoder, offers_frame, split
from coupon_rec.market import Market

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CONTEST = json.loads((BENCHMARKS / "results/contest.json").read_text())
TODAY = "default of today"


def test_no_model_tried_more_configurations_than_the_others_might() -> None:
    assert max(model["spent"] for model in CONTEST["models"].values()) == CONTEST["budget"]


def settings_of(
    room: ModuleType, train: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> dict[str, dict[str, Any]]:
    """What a module asks of the network, of its training and of the trees; nothing is trained."""
    asked: dict[str, dict[str, Any]] = {}

    def noted(name: str) -> Callable[..., Any]:
        build = getattr(room, name)

        def note(*given: Any, **options: Any) -> Any:
            call = inspect.signature(build).bind(*given, **options)
            call.apply_defaults()
            asked[name] = {key: each for key, each in call.arguments.items() if key not in DATA}
            return pd.DataFrame() if name == "fit" else build(*given, **options)

        return note

    for name in ("coupled_model", "fit", "boosted"):
        monkeypatch.setattr(room, name, noted(name))
    train()
    return asked


DATA = {"encoder", "model", "train", "validation", "arrays", "label", "callbacks", "seed"}
"""Arguments that are no settings; each fit of the contest has a seed of its own."""


def test_the_package_trains_the_configuration_that_the_contest_judged(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two differences are meant.

    The contest trains as many epochs as were best before October, and then judges what it has.
    `CoupledModel` stops on validation offers, and calibrates on them.
    """
    monkeypatch.syspath_prepend(BENCHMARKS)
    for peer in ("catboost", "xgboost"):
        monkeypatch.setitem(sys.modules, peer, Mock())
    contest = importlib.import_module("contest_models")
    train, validation, _ = split(offers_frame(market))
    stored = CONTEST["models"][TODAY]
    judged = {**stored["configuration"], "units": tuple(stored["configuration"]["units"])}
    data = contest.Data(train, Encoder.fit(train), market)
    fit = partial(contest.PEERS[TODAY].fit, data, data, judged, [stored["rounds"]], 0)
    theirs = settings_of(contest, fit, monkeypatch)
    ours = settings_of(recommender, lambda: CoupledModel().fit(train, validation), monkeypatch)

    assert (theirs["fit"].pop("epochs"), theirs["fit"].pop("patience")) == (4, 4)
    assert (ours["fit"].pop("epochs"), ours["fit"].pop("patience")) == (20, 2)
    assert ours == theirs
    units, dropout = judged["units"], judged["dropout"]
    network = {"coupling": "chain", "purchase": "network", "dropout": dropout}
    assert ours["coupled_model"] == network | {"purchase_units": units, "coupon_units": units}
    of_training = {"batch_size": 2048, "learning_rate": 0.001, "purchase_weight": 0.1}
    assert of_training.items() <= ours["fit"].items()
    of_leaves = {"leaves": 4, "rows": 1, "evidence": 20.0, "learning_rate": 0.05}
    assert {"trees": judged["trees"], **of_leaves}.items() <= ours["boosted"].items()
