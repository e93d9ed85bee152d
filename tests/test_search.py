"""A search finds good hyperparameters, prunes bad ones, and survives a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import optuna
import pandas as pd
import pytest

from coupon_rec.training import Examples, fit, search

pytestmark = pytest.mark.slow

SPACE: dict[str, dict[str, Any]] = {
    "model": {"units": [(4,), (16, 8)], "dropout": (0.0, 0.5)},
    "fit": {"learning_rate": (1e-4, 3e-2, "log"), "batch_size": (32, 128)},
}


def example(seed: int) -> Examples:
    random = np.random.default_rng(seed)
    x = random.normal(size=(400, 3)).astype("float32")
    redeemed = random.random((400, 1)) < 1 / (1 + np.exp(-3 * x[:, :1]))
    return {"user": x}, {"redeemed": redeemed.astype("float32")}


TRAIN, VALIDATION = example(0), example(1)


def build(units: tuple[int, ...] = (4,), dropout: float = 0.0, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((3,), name="user")
    for width in units:
        x = keras.layers.Dropout(dropout)(keras.layers.Dense(width, "relu")(x))
    return keras.Model(
        {"user": inputs}, {"redeemed": keras.layers.Dense(1, "sigmoid", name="redeemed")(x)}
    )


def run(storage: Path | None = None, build: Any = build, **options: Any) -> Any:
    arguments = {"trials": 4, "epochs": 2, "storage": storage, **options}
    return search(build, TRAIN, VALIDATION, SPACE, **arguments)


@pytest.fixture(scope="module")
def whole() -> Any:
    return run()


def test_a_search_stays_in_its_space_and_names_the_best(whole: Any) -> None:
    trials, best = whole
    assert len(trials) == 4
    assert set(trials["units"]) <= {(4,), (16, 8)}
    assert trials["dropout"].between(0, 0.5).all()
    assert trials["learning_rate"].between(1e-4, 3e-2).all()
    assert trials["batch_size"].between(32, 128).all()
    assert trials["batch_size"].dtype == "int64"
    winner = trials.loc[trials["validation_loss"].idxmin()]
    assert {**best["model"], **best["fit"]} == winner[[*SPACE["model"], *SPACE["fit"]]].to_dict()


def test_the_best_hyperparameters_give_the_best_loss_again(whole: Any) -> None:
    trials, best = whole
    history = fit(build(**best["model"]), TRAIN, VALIDATION, epochs=2, **best["fit"])
    expected = trials["validation_loss"].min()
    assert history["val_redeemed_log_loss"].min() == pytest.approx(expected, rel=1e-6)


def assert_same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    columns = [name for name in left if name != "seconds"]
    pd.testing.assert_frame_equal(left[columns], right[columns], rtol=1e-6)


def test_the_seed_decides_the_search(whole: Any) -> None:
    assert_same(run()[0], whole[0])
    other, _ = run(seed=1, trials=1)
    assert other["learning_rate"].iloc[0] != whole[0]["learning_rate"].iloc[0]


def kill_in_the_third_trial(**options: Any) -> keras.Model:
    """Build a model, and kill this process instead of building the third."""
    built.append(options)
    if len(built) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return build(**options)


built: list[Any] = []


def test_a_killed_search_goes_on_to_the_same_trials(whole: Any, tmp_path: Path) -> None:
    storage = tmp_path / "search.db"
    script = "import sys, test_search as t; t.run(sys.argv[1], t.kill_in_the_third_trial)"
    killed = subprocess.run(
        [sys.executable, "-c", script, storage],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    built.clear()
    trials, best = run(storage, lambda **options: built.append(options) or build(**options))
    assert len(built) == 2, "two trials were kept"
    assert_same(trials, whole[0])
    assert best == whole[1]


def test_a_finished_search_goes_on_when_it_may_and_is_not_mixed_with_another(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    storage = tmp_path / "search.db"
    two, _ = run(storage, trials=2)
    again, _ = run(storage, build=None, trials=2)
    pd.testing.assert_frame_equal(again, two)
    three, _ = run(storage, trials=3)
    pd.testing.assert_frame_equal(three[:2], two)
    assert capfd.readouterr() == ("", "")
    for change, difference in ({"seed": 1}, "seed"), ({"epochs": 3}, "options"):
        with pytest.raises(ValueError, match=f"{storage} is of another run, .* {difference} "):
            run(storage, **change)
    with pytest.raises(ValueError, match="is of another run, with another validation"):
        search(build, TRAIN, TRAIN, SPACE, trials=4, epochs=2, storage=storage)


@pytest.mark.parametrize("pruner", [None, optuna.pruners.SuccessiveHalvingPruner()])
def test_hopeless_trials_are_pruned_and_never_the_best(pruner: Any) -> None:
    space = {"fit": {"learning_rate": (1e-7, 0.03, "log")}}
    trials, best = search(
        build, TRAIN, VALIDATION, space, trials=9, epochs=4, patience=4, pruner=pruner
    )
    pruned = trials[trials["pruned"]]
    assert (pruned["epochs"] < 4).any()
    assert (trials[~trials["pruned"]]["epochs"] == 4).all()
    assert pruned["validation_loss"].min() > trials["validation_loss"].min()
    assert (
        best["fit"]["learning_rate"] == trials["learning_rate"][trials["validation_loss"].idxmin()]
    )


def test_a_trial_that_diverges_does_not_end_the_search() -> None:
    space = {"fit": {"learning_rate": [1e38, 0.01]}}
    trials, best = search(build, TRAIN, VALIDATION, space, trials=4, epochs=1)
    assert trials["pruned"].tolist() == (trials["learning_rate"] == 1e38).tolist()
    assert trials["pruned"].any()
    assert best["fit"] == {"learning_rate": 0.01}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "parts .*expected model, fit or both"),
        ({"optimizer": {}}, "parts .'optimizer'.: expected model, fit or both"),
        ({"model": {"dropout": []}}, "dropout is .*: expected a list of choices"),
        ({"model": {"dropout": (0.5, 0.1)}}, "dropout is .*low <= high"),
        ({"model": {"dropout": (0.0, 0.1, "log")}}, "dropout is .*low > 0"),
        ({"model": {"dropout": (0.1, 0.2, "lin")}}, "dropout is .*is not 'log'"),
    ],
)
def test_a_space_that_cannot_be_searched_says_why(space: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search(build, TRAIN, VALIDATION, space)
    with pytest.raises(ValueError, match="trials is 0: expected at least 1"):
        run(trials=0)
