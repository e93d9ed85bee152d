"""What a training run tells a person: a progress bar, TensorBoard, Weights & Biases."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from coupon_rec._keras import keras


class ProgressBar(keras.callbacks.Callback):
    """A bar over all batches, which leaves nothing behind; `TQDM_DISABLE=1` hides it.

    Parameters
    ----------
    epochs, batches, first : int
        How many epochs there are at most, how many batches in each, how many epochs are done.
    """

    def __init__(self, epochs: int, batches: int, first: int) -> None:
        super().__init__()
        self.epochs, self.batches = epochs, batches
        self.bar = tqdm(
            total=epochs * batches, initial=first * batches, unit=" batches", leave=False
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Name the epoch."""
        self.first = epoch * self.batches
        self.bar.set_description(f"epoch {epoch + 1} of {self.epochs}", refresh=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Move on; Keras counts from 0, and several batches at a time."""
        self.bar.update(self.first + min(batch + 1, self.batches) - self.bar.n)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Show the losses."""
        losses = {"training": "loss", "validation": "val_loss"}
        self.bar.set_postfix({word: f"{(logs or {})[name]:.4f}" for word, name in losses.items()})


def tensorboard(folder: str | Path) -> keras.callbacks.Callback:
    """Write the curves as TensorBoard reads them."""
    _needs("tensorboard", "log_dir")
    return keras.callbacks.TensorBoard(str(folder), write_graph=False)


def weights_and_biases(project: str, settings: dict[str, Any]) -> keras.callbacks.Callback:
    """Write the curves as Weights & Biases reads them; nothing is sent unless asked for."""
    _needs("wandb", "wandb_project")
    import wandb

    mode = os.environ.get("WANDB_MODE", "offline")
    run = wandb.init(project=project, config=settings, mode=mode)
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: run.log(logs, step=epoch + 1),
        on_train_end=lambda logs: run.finish(),
    )


def _needs(package: str, argument: str) -> None:
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"{argument} needs a package: pip install {package}")
