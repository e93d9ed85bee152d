"""Search hyperparameters with Optuna."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from tqdm import tqdm

from coupon_rec._keras import keras, tf
from coupon_rec.training.batches import Examples, identity
from coupon_rec.training.fitting import fit
from coupon_rec.training.run import check_same, watched

with warnings.catch_warnings():  # in a notebook, Optuna's progress bar warns that it has no widget
    warnings.simplefilter("ignore")
    import optuna
    from optuna import distributions
    from optuna.trial import TrialState

Range = tuple[float, float] | tuple[float, float, Literal["log"]]
Space = Mapping[str, Mapping[str, Range | list[Any]]]

DONE = (TrialState.COMPLETE, TrialState.PRUNED)


def search(
    build: Callable[..., keras.Model],
    train: Examples | tf.data.Dataset,
    validation: Examples | tf.data.Dataset,
    space: Space,
    *,
    trials: int = 30,
    pruner: optuna.pruners.BasePruner | None = None,
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
    pruner : optuna.pruners.BasePruner, optional
        What ends a trial early: by default, `MedianPruner`, if it is behind the median of the
        earlier trials at the same epoch (not among the first five trials).
    seed : int
        Of the search, of every model and of every fit.
    storage : str or pathlib.Path, optional
        A SQLite file that keeps the trials, of one process at a time. A search that was killed
        and is started again goes on with the trial in which it was killed, from its first epoch.
        Give it the same `build` and `pruner`: these two are not compared.
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
    `SuccessiveHalvingPruner`, the epochs of the killed trial count twice where trials are compared.
    """
    if trials < 1:
        raise ValueError(f"trials is {trials}: expected at least 1")
    domains = _domains(space)
    settings = {"space": repr(space), "seed": seed, "options": repr(options)}
    settings |= {"data": identity(train), "validation": identity(validation)}
    study = _open(storage, pruner, settings)
    with tqdm(total=trials, unit=" trials", leave=False) as bar:
        while (done := len(study.get_trials(states=DONE))) < trials:
            bar.update(done - bar.n)
            number = np.random.SeedSequence((seed, done)).generate_state(1).item()
            study.sampler = optuna.samplers.TPESampler(seed=number)
            trial = study.ask(domains)
            chosen = _chosen(trial.params, space)
            model = build(**chosen["model"], seed=seed)
            prune = _Prune(trial, watched(model))
            arguments = {**options, **chosen["fit"], "seed": seed, "callbacks": [prune]}
            try:
                history = fit(model, train, validation, **arguments)
                study.tell(trial, history[prune.monitor].min())
            except (optuna.TrialPruned, FloatingPointError):
                study.tell(trial, state=TrialState.PRUNED)
    if not study.get_trials(states=DONE[:1]):
        raise ValueError("no trial gave a finite loss: lower the learning rates of the space")
    return _frame(study, space), _chosen(study.best_params, space)


class _Prune(keras.callbacks.Callback):
    """Tell the trial of each epoch, and end it if it is hopeless."""

    def __init__(self, trial: optuna.Trial, monitor: str) -> None:
        super().__init__()
        self.trial, self.monitor = trial, monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.trial.report((logs or {})[self.monitor], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def _open(
    storage: str | Path | None, pruner: optuna.pruners.BasePruner | None, settings: dict[str, Any]
) -> optuna.Study:
    """Begin a search, or go on with the one that the storage holds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = None if storage is None else f"sqlite:///{storage}"
    study = optuna.create_study(
        storage=url, study_name="search", pruner=pruner, load_if_exists=True
    )
    check_same(f"the search in {storage}", study.user_attrs.get("settings", settings), settings)
    study.set_user_attr("settings", settings)
    for killed in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(killed.number, state=TrialState.FAIL)
    return study


def _domains(space: Space) -> dict[str, distributions.BaseDistribution]:
    """What Optuna draws each hyperparameter from: of choices, it draws the place."""
    if not space or not set(space) <= {"model", "fit"}:
        raise ValueError(f"the space has the parts {list(space)}: expected model, fit or both")
    domains = {}
    for part, names in space.items():
        for name, domain in names.items():
            try:
                domains[f"{part} {name}"] = _domain(domain)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{name} is {domain!r}: expected a list of choices, a range (low, high) or "
                    f"(low, high, 'log'): {error}"
                ) from error
    return domains


def _domain(domain: Range | list[Any]) -> distributions.BaseDistribution:
    if isinstance(domain, list):
        return distributions.CategoricalDistribution(range(len(domain)))
    low, high, *log = domain
    if log not in ([], ["log"]):
        raise ValueError(f"{log} is not 'log'")
    if isinstance(low, int) and isinstance(high, int):
        return distributions.IntDistribution(low, high, log=bool(log))
    return distributions.FloatDistribution(low, high, log=bool(log))


def _chosen(params: Mapping[str, Any], space: Space) -> dict[str, dict[str, Any]]:
    """Give the hyperparameters of a trial as the space has them."""

    def value(part: str, name: str) -> Any:
        domain, drawn = space[part][name], params[f"{part} {name}"]
        return domain[drawn] if isinstance(domain, list) else drawn

    return {
        part: {name: value(part, name) for name in space.get(part, {})} for part in ("model", "fit")
    }


def _frame(study: optuna.Study, space: Space) -> pd.DataFrame:
    trials = study.get_trials(states=DONE)
    chosen = [_chosen(trial.params, space) for trial in trials]
    table = pd.DataFrame([each["model"] | each["fit"] for each in chosen])
    losses = [trial.intermediate_values.values() for trial in trials]
    return table.assign(
        validation_loss=[*map(min, losses)],
        epochs=[*map(len, losses)],
        pruned=[trial.state == TrialState.PRUNED for trial in trials],
        seconds=[trial.duration and trial.duration.total_seconds() for trial in trials],
    ).set_index(pd.RangeIndex(1, len(trials) + 1, name="trial"))
