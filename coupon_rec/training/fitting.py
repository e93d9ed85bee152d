"""Fit a model, with early stopping on the validation campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._extras import need
from coupon_rec._keras import keras, seeded, tf
from coupon_rec.training.batches import Examples, identity, in_batches, needed, one_by_one
from coupon_rec.training.run import ProgressBar, Run, fingerprint, watched

STEPS = 32 if keras.backend.backend() == "tensorflow" else 1
"""Batches between two returns to Python, which would cost a fifth of the time if it were one."""


def fit(
    model: keras.Model,
    train: Examples | tf.data.Dataset,
    validation: Examples | tf.data.Dataset,
    *,
    epochs: int = 20,
    batch_size: int = 2048,
    learning_rate: float = 1e-3,
    purchase_weight: float = 0.1,
    patience: int = 2,
    stop_on: str | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    log_dir: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> pd.DataFrame:
    r"""Minimize the log loss of the labels, and keep the epoch that validates best.

    The loss of an offer is BCE(r, p(a) p(r | a)) + w BCE(a, p(a)), with w the purchase weight. A
    model that predicts one label is fitted to that one; any further label has the weight 1.

    Parameters
    ----------
    model : keras.Model
        From named arrays to the probability of each label, such as `bought` and `redeemed`, as
        `coupon_rec.models` builds them; changed in place.
    train, validation : Examples or tf.data.Dataset
        From `examples`, or batches from `coupon_rec.records.read_records`, opened anew for each
        fit. They may hold more than the model reads.
    epochs, batch_size : int
        At most so many passes, in batches of so many offers (a dataset brings its own batches).
    learning_rate : float
        Of AdamW, above 0.
    purchase_weight : float
        w above, at least 0.
    patience : int
        Epochs without a better validation log loss before training stops.
    stop_on : str, optional
        The label of that log loss: by default `redeemed`, if the model predicts it, or else the
        first of its labels.
    seed : int
        Of the order of the offers, which is another one in each epoch (a dataset brings its own
        order). What dropout drops depends on the seed that built the model.
    checkpoint : str or pathlib.Path, optional
        A folder that keeps the run after each epoch. A run that was killed, at whatever moment,
        and is started again goes on after its last whole epoch, and ends with the weights and
        the history of a run that was never killed. A finished run is only loaded; to go on, give
        it more `epochs`.
    log_dir : str or pathlib.Path, optional
        A folder for the curves; `tensorboard --logdir` shows them.
    callbacks : sequence of keras.callbacks.Callback
        More callbacks, called after each epoch has been kept, such as `WandbMetricsLogger` of
        Weights & Biases.

    Returns
    -------
    pandas.DataFrame
        One row an epoch: the loss, and the log loss of each label (`redeemed_log_loss`), on
        training offers and, with `val_` before it, on validation offers.

    Raises
    ------
    ValueError
        If an argument is out of its range, the arrays do not fit the model or each other, a
        dataset does not know its length, or the checkpoint is damaged or of another run.
    FloatingPointError
        If no epoch gives a finite validation log loss.
    ModuleNotFoundError
        If TensorBoard is asked for and not installed.

    Notes
    -----
    Equation `eq-two-losses` of the book.
    """
    settings = {
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "purchase_weight": purchase_weight,
        "patience": patience,
        "seed": seed,
    }
    _check({**settings, "epochs": epochs})
    monitor = watched(model, stop_on)
    with seeded(seed):
        train, validation = needed(model, train), needed(model, validation)
        batches = in_batches(train, batch_size, seed)
        _compile(model, learning_rate, purchase_weight)
        run = Run(model, monitor, patience)
        if checkpoint is not None:
            same = {**settings, "stop_on": monitor, "model": fingerprint(model)}
            same |= {"data": identity(train), "validation": identity(validation)}
            run.keep(Path(checkpoint), same, epochs)
        done = len(run.history)
        progress = ProgressBar(epochs, len(batches), done)
        curves = []
        if log_dir is not None:
            need("tensorboard", "book")
            curves = [keras.callbacks.TensorBoard(str(log_dir), write_graph=False)]
        with closing(progress.bar):
            model.fit(
                one_by_one(batches, skip=done),
                validation_data=validation,
                validation_batch_size=batch_size,
                initial_epoch=epochs if run.over else done,
                epochs=epochs,
                shuffle=False,
                verbose=0,
                callbacks=[run, progress, *curves, *callbacks],
            )
    index = pd.RangeIndex(1, len(run.history) + 1, name="epoch")
    return pd.DataFrame(run.history, index=index)


def _compile(model: keras.Model, learning_rate: float, purchase_weight: float) -> None:
    """Name the metrics alike, whether Keras puts the output's name before them or not."""
    several = len(model.output) > 1
    names = {name: "log_loss" if several else f"{name}_log_loss" for name in model.output}
    weights = {name: purchase_weight if name == "bought" else 1.0 for name in names}
    model.compile(
        keras.optimizers.AdamW(learning_rate, weight_decay=1e-4),
        loss=dict.fromkeys(names, "binary_crossentropy"),
        loss_weights=weights if several else None,
        metrics={out: keras.metrics.BinaryCrossentropy(name=name) for out, name in names.items()},
        steps_per_execution=STEPS,
    )
    # Make the variables of the metrics now: if the first step made them, it was traced twice.
    some = {name: keras.ops.full((1, 1), 0.5) for name in names}
    model.compute_loss(y=some, y_pred=some)
    model.compute_metrics(None, some, some)
    model.reset_metrics()


def _check(settings: dict[str, Any]) -> None:
    for name, value in settings.items():
        least = 1 if name in ("epochs", "batch_size", "patience") else 0
        if not least <= value < np.inf or (name == "learning_rate" and value == 0):
            above = "above 0" if name == "learning_rate" else f"at least {least}"
            raise ValueError(f"{name} is {value}: expected a number {above}")
