"""The contest of chapter 9: its budget, and the default that it judged."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coupon_rec import CoupledModel
from coupon_rec.models import boosted, coupled_model
from coupon_rec.training import fit

FILE = Path(__file__).parents[1] / "benchmarks/results/contest.json"
CONTEST = json.loads(FILE.read_text("utf-8"))


def test_no_model_tried_more_configurations_than_the_others_might() -> None:
    assert max(model["spent"] for model in CONTEST["models"].values()) == CONTEST["budget"]


def defaults(called: Callable[..., Any]) -> dict[str, Any]:
    """What a call that names nothing asks for."""
    return {name: each.default for name, each in inspect.signature(called).parameters.items()}


def test_the_package_trains_the_configuration_that_the_contest_judged() -> None:
    judged = CONTEST["models"]["default of today"]["configuration"]
    units = tuple(judged["units"])
    assert defaults(CoupledModel)["trees"] == judged["trees"]
    assert (
        defaults(coupled_model).items()
        >= {
            "coupling": "chain",
            "purchase": "network",
            "purchase_units": units,
            "coupon_units": units,
            "dropout": judged["dropout"],
        }.items()
    )
    of_training = {"batch_size": 2048, "learning_rate": 0.001, "purchase_weight": 0.1}
    assert defaults(fit).items() >= of_training.items()
    of_leaves = {"leaves": 4, "rows": 1, "evidence": 20.0, "learning_rate": 0.05}
    assert defaults(boosted).items() >= of_leaves.items()
