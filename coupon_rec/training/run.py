"""The course of a training run: its epochs, the best of them, and the folder that keeps both."""

import json
import math
import re
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from tqdm import tqdm

from coupon_rec._keras import keras


class Run(keras.callbacks.Callback):
    """Remembers the epochs and the best weights, stops when patience ends, and can be kept.

    The file holds the weights, the states of dropout and of the optimizer, the best weights and
    the history: patience is counted from the history, and the order of the offers from the number
    of epochs. Keras's `BackupAndRestore` keeps neither the best weights nor the history, and a kill
    between its two files leaves the weights of one epoch under the number of another.

    Parameters
    ----------
    model : keras.Model
        Compiled by `coupon_rec.training.fit`.
    monitor : str
        The loss by which epochs are compared.
    patience : int
        Epochs without a better one before training stops.
    """

    def __init__(self, model: keras.Model, monitor: str, patience: int) -> None:
        super().__init__()
        self.monitor, self.patience = monitor, patience
        self.history: list[dict[str, float]] = []
        self.best_weights = model.get_weights()
        self.file: Path | None = None
        self.settings: dict[str, Any] = {}
        model.optimizer.build(model.trainable_variables)
        self.variables = [*model.variables, *model.optimizer.variables]

    @property
    def best(self) -> int:
        """The epoch with the least loss, counted from 0."""
        losses = [epoch[self.monitor] for epoch in self.history]
        return losses.index(min(losses))

    @property
    def over(self) -> bool:
        """Whether patience has ended, or the loss is no longer a number."""
        if not self.history:
            return False
        waited = len(self.history) - 1 - self.best
        return waited >= self.patience or math.isnan(self.history[-1][self.monitor])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take the epoch into the history, and stop if no better one has come for long."""
        self.history.append(dict(logs or {}))
        if self.best == epoch:
            self.best_weights = self.model.get_weights()
        self.model.stop_training = self.over
        if self.file and _leads():
            self._save(self.file)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Give the model the weights of its best epoch."""
        if math.isnan(self.history[self.best][self.monitor]):
            raise FloatingPointError(
                f"{self.monitor} is not a number after the first epoch: lower learning_rate"
            )
        self.model.set_weights(self.best_weights)

    def keep(self, folder: Path, settings: dict[str, Any], epochs: int) -> None:
        """Keep the run in a folder from now on, and go on with the run that it holds."""
        self.file, self.settings = folder / "run.npz", settings
        folder.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            return
        try:
            with np.load(self.file, allow_pickle=False) as arrays:
                state = dict(arrays)
            kept = json.loads(str(state["text"]))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise ValueError(f"{self.file} is damaged; delete it to start anew") from error
        check_same(f"the checkpoint {folder}", kept["settings"], settings)
        self.history = kept["history"]
        if (done := len(self.history)) > epochs:
            raise ValueError(
                f"the checkpoint {folder} holds {done} epochs: ask for at least {done}"
            )
        for i, variable in enumerate(self.variables):
            variable.assign(state[f"now {i}"])
        self.best_weights = [state[f"best {i}"] for i in range(len(self.best_weights))]

    def _save(self, file: Path) -> None:
        """Write beside the file and rename, so that a kill leaves the old file or the new one."""
        arrays = {f"now {i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(self.variables)}
        arrays |= {f"best {i}": weights for i, weights in enumerate(self.best_weights)}
        text = json.dumps({"settings": self.settings, "history": self.history}, default=float)
        draft = file.with_suffix(".draft")
        with draft.open("wb") as stream:
            np.savez(stream, text=np.array(text), **arrays)
        draft.replace(file)


class ProgressBar(keras.callbacks.Callback):
    """A bar over all batches, which leaves nothing behind; `TQDM_DISABLE=1` hides it.

    Parameters
    ----------
    epochs, batches, first : int
        How many epochs there are at most, how many batches in each, how many epochs are done.
    """

    def __init__(self, epochs: int, batches: int, first: int) -> None:
        super().__init__()
        self.batches, self.begun = batches, first * batches
        self.bar = tqdm(total=epochs * batches, initial=self.begun, unit=" batches", leave=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move on; Keras counts from 0, and several batches at a time."""
        self.bar.update(self.begun + min(batch + 1, self.batches) - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Show the losses."""
        self.begun = (epoch + 1) * self.batches
        losses = {"training": "loss", "validation": "val_loss"}
        self.bar.set_postfix({word: f"{(logs or {})[name]:.4f}" for word, name in losses.items()})


def _leads() -> bool:
    """Whether this process is the first of those that train together, or the only one."""
    if keras.backend.backend() != "jax":
        return True
    return int(import_module("jax").process_index()) == 0


def watched(model: keras.Model, label: str | None = None) -> str:
    """Name the loss that decides: of the label asked for, or of the most telling one."""
    labels = getattr(model, "output", None)
    if not isinstance(labels, dict):
        raise ValueError(
            f"the model gives {labels}: expected a dict with a probability for each label, as "
            "keras.Model(inputs, {'redeemed': p}) has it"
        )
    if label is not None and label not in labels:
        raise ValueError(f"stop_on is {label!r}: the model predicts {', '.join(labels)}")
    label = label or ("redeemed" if "redeemed" in labels else next(iter(labels)))
    return f"val_{label}_log_loss"


def fingerprint(model: keras.Model) -> int:
    """Number an architecture; the numbers at the end of layers' names do not matter."""
    return zlib.crc32(re.sub(r"_\d+\b", "", json.dumps(model.get_config())).encode())


def check_same(what: str, kept: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuse to go on with something that was begun under other settings."""
    other = [
        f"{name} (there {kept.get(name)}, here {asked[name]})"
        for name in asked
        if kept.get(name) != asked[name]
    ]
    if other:
        raise ValueError(
            f"{what} is of another run, with another {', '.join(other)}: "
            "take a new one, or delete it to start anew"
        )
