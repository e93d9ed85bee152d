"""Search hyperparameters with Optuna."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy.exc import DatabaseError
from tqdm import tqdm

from coupon_rec._keras import keras, tf
from coupon_rec.training.batches import Examples, identity
from coupon_rec.training.fitting import fit
from coupon_rec.training.run import check_same, monitor, watched_label

with warnings.catch_warnings():  # in a notebook, Optuna's progress bar warns that it has no widget
    warnings.simplefilter("ignore")
    import optuna
    from optuna.trial import FrozenTrial, Trial, TrialState

Range = tuple[float, float] | tuple[float, float, Literal["log"]]
Space = Mapping[str, Mapping[str, Range | list[Any]]]

TUNED = ("batch_size", "learning_rate", "purchase_weight", "patience")
PRUNERS: dict[str, Callable[[], optuna.pruners.BasePruner]] = {
    "median": optuna.pruners.MedianPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
}
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def search(
    build: Callable[..., keras.Model],
    train: Examples | tf.data.Dataset,
    validation: Examples | tf.data.Dataset,
    space: Space,
    *,
    trials: int = 30,
    pruner: Literal["median", "halving"] = "median",
    seed: int = 0,
    storage: str | Path | None = None,
    **options: Any,
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Search the hyperparameters with the least validation log loss.

    Parameters
    ----------
    build : callable
        Takes `seed` and the hyperparameters of the model by name, and builds it:
        `functools.partial(coupled_model, encoder)`.
    train, validation : Examples or tf.data.Dataset
        As `fit` takes them.
    space : dict of str to dict
        Under `model` the hyperparameters of `build`, under `fit` those of `fit`. To each name a
        list of choices, or a range (low, high), of whole numbers if both are; with a third value
        "log" if ratios matter rather than differences.
    trials : int
        How many trials there are to be in the end, with those that the storage holds.
    pruner : str
        How a trial is stopped early: `median`, if it is behind the median of the earlier trials
        at the same epoch (not among the first five trials); `halving`, if it is not in the best
        quarter after 2, 5, 17, ... epochs (not the first trial).
    seed : int
        Of the search, of every model and of every fit.
    storage : str or pathlib.Path, optional
        A SQLite file that keeps the trials, of one process at a time. A search that was killed
        and is started again goes on with the trial in which it was killed, from its first epoch.
        Give it the same `build`: that alone is not compared.
    **options
        For `fit` in every trial: `epochs`, and what the space does not tune.

    Returns
    -------
    trials : pandas.DataFrame
        One row a trial, numbered from 1: its hyperparameters, the least validation log loss,
        the epochs it took, whether it was pruned, and seconds.
    best : dict of str to dict
        The best hyperparameters, `model` for `build` and `fit` for `fit`.

    Raises
    ------
    ValueError
        If the space is not as above, or the storage holds a search with other arguments.

    Notes
    -----
    The seed decides the whole search, and a kill changes nothing of it. One exception: with
    `halving`, the epochs of the killed trial count twice where trials are compared.
    """
    _check(space, trials, pruner, options)
    settings = {"space": repr(space), "pruner": pruner, "seed": seed, "options": repr(options)}
    data = {"data": identity(train), "validation": identity(validation)}
    study = _open(storage, PRUNERS[pruner](), settings | data)

    def objective(trial: Trial) -> float:
        _suggest(trial, space)
        chosen = _values(trial, space)
        model = build(**chosen["model"], seed=seed)
        prune = _Prune(trial, monitor(watched_label(model)))
        arguments = {**options, **chosen["fit"], "seed": seed, "callbacks": [prune]}
        try:
            history = fit(model, train, validation, **arguments)
        except FloatingPointError as error:
            raise optuna.TrialPruned from error
        return float(history[prune.monitor].min())

    with tqdm(total=trials, unit=" trials", leave=False) as bar:
        while (done := len(study.get_trials(states=DONE))) < trials:
            bar.update(done - bar.n)
            number = np.random.SeedSequence((seed, done)).generate_state(1).item()
            study.sampler = optuna.samplers.TPESampler(seed=number)
            study.optimize(objective, n_trials=1)
    if not study.get_trials(states=DONE[:1]):
        raise ValueError("no trial gave a finite loss: lower the learning rates of the space")
    return _frame(study.get_trials(states=DONE), space), _values(study.best_trial, space)


class _Prune(keras.callbacks.Callback):
    """Tell the trial of each epoch, and end it if it is hopeless."""

    def __init__(self, trial: Trial, monitor: str) -> None:
        super().__init__()
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.trial.report((logs or {})[self.monitor], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _open(
    storage: str | Path | None, pruner: optuna.pruners.BasePruner, settings: dict[str, Any]
) -> optuna.Study:
    """Begin a search, or go on with the one that the storage holds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = None if storage is None else f"sqlite:///{storage}"
    try:
        study = optuna.create_study(
            storage=url, study_name="search", pruner=pruner, load_if_exists=True
        )
    except DatabaseError as error:
        raise ValueError(f"{storage} is no storage of a search; name another file") from error
    check_same(f"the search in {storage}", study.user_attrs.get("settings", settings), settings)
    study.set_user_attr("settings", settings)
    for killed in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(killed.number, state=TrialState.FAIL)
    return study


def _suggest(trial: Trial, space: Space) -> None:
    for name, domain in _named(space).items():
        if isinstance(domain, list):
            trial.suggest_categorical(name, [repr(choice) for choice in domain])
        elif all(isinstance(end, int) for end in domain[:2]):
            trial.suggest_int(name, *domain[:2], log=len(domain) == 3)
        else:
            trial.suggest_float(name, *domain[:2], log=len(domain) == 3)


def _values(trial: Trial | FrozenTrial, space: Space) -> dict[str, dict[str, Any]]:
    """Give the hyperparameters of a trial; Optuna stores choices as text."""
    values = dict(trial.params)
    for name, domain in _named(space).items():
        if isinstance(domain, list):
            values[name] = {repr(choice): choice for choice in domain}[values[name]]
    return {part: {name: values[name] for name in space.get(part, {})} for part in ("model", "fit")}


def _named(space: Space) -> dict[str, Any]:
    return dict(chain(*(part.items() for part in space.values())))


def _frame(trials: list[FrozenTrial], space: Space) -> pd.DataFrame:
    rows = [
        {
            **_values(trial, space)["model"],
            **_values(trial, space)["fit"],
            "validation_loss": min(trial.intermediate_values.values()),
            "epochs": len(trial.intermediate_values),
            "pruned": trial.state == TrialState.PRUNED,
            "seconds": trial.duration.total_seconds() if trial.duration else np.nan,
        }
        for trial in trials
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="trial"))


def _check(space: Space, trials: int, pruner: str, options: dict[str, Any]) -> None:
    if not space or not set(space) <= {"model", "fit"}:
        raise ValueError(f"the space has the parts {list(space)}: expected model, fit or both")
    if twice := set(space.get("model", {})) & set(space.get("fit", {})):
        raise ValueError(f"{sorted(twice)} are both under model and under fit: keep one of the two")
    for name in {**space.get("fit", {}), **options}:
        if name not in TUNED and (name != "epochs" or name in space.get("fit", {})):
            raise ValueError(f"{name!r} cannot be set for fit here; these can: {', '.join(TUNED)}")
    for name, domain in _named(space).items():
        if not (_is_range(domain) or (isinstance(domain, list) and domain)):
            raise ValueError(
                f"{name} is {domain!r}: expected a list of choices, a range (low, high) or "
                "(low, high, 'log') with low < high, and with 'log' 0 < low"
            )
    if trials < 1:
        raise ValueError(f"trials is {trials}: expected at least 1")
    if pruner not in PRUNERS:
        raise ValueError(f"pruner is {pruner!r}: expected one of {', '.join(PRUNERS)}")


def _is_range(domain: Any) -> bool:
    if not isinstance(domain, tuple) or domain[2:] not in ((), ("log",)) or len(domain) < 2:
        return False
    low, high = domain[:2]
    return all(isinstance(x, int | float) for x in (low, high)) and (
        (0 if domain[2:] else -np.inf) < low < high < np.inf
    )
