"""Fit a model, with early stopping on the validation campaigns."""

from typing import Any

import pandas as pd
from tqdm import tqdm

from coupon_rec._keras import keras
from coupon_rec.features import LABELS, Arrays, encode

MONITOR = "val_redeemed_log_loss"
Examples = tuple[Arrays, Arrays]


def examples(offers: pd.DataFrame) -> Examples:
    """Inputs and labels of offers, in the form that `fit` takes.

    Returns
    -------
    inputs, labels : dict of str to numpy.ndarray
        As `coupon_rec.features.encode` gives them; `bought` and `redeemed`, float32 of shape
        (n, 1).
    """
    return encode(offers), {name: offers[name].to_numpy("float32")[:, None] for name in LABELS}


def fit(
    model: keras.Model,
    train: Any,
    validation: Any,
    *,
    epochs: int = 20,
    batch_size: int = 2048,
    learning_rate: float = 1e-3,
    purchase_weight: float = 0.1,
    patience: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    r"""Minimize the log loss of both labels, and keep the epoch that validates best.

    The loss of an offer is BCE(r, p(a) p(r | a)) + w BCE(a, p(a)), with w the purchase weight.

    Parameters
    ----------
    model : keras.Model
        As `coupon_rec.models.coupled_model` builds it; changed in place.
    train, validation : Examples or tf.data.Dataset
        From `examples`, or batches from `coupon_rec.records.read_records`.
    epochs, batch_size : int
        At most so many passes, in batches of so many offers (a dataset brings its own batches).
    learning_rate : float
        Of AdamW, above 0.
    purchase_weight : float
        w above, at least 0.
    patience : int
        Epochs without a better validation log loss of redemption before training stops.
    seed : int
        Of shuffling and dropout.

    Returns
    -------
    pandas.DataFrame
        One row an epoch: the loss, and the log loss of each label (`bought_log_loss`,
        `redeemed_log_loss`), on training offers and, with `val_` before it, on validation offers.

    Notes
    -----
    Equation `eq-two-losses` of the book.
    """
    keras.utils.set_random_seed(seed)
    model.compile(
        keras.optimizers.AdamW(learning_rate, weight_decay=1e-4),
        loss=dict.fromkeys(LABELS, "binary_crossentropy"),
        loss_weights={"bought": purchase_weight, "redeemed": 1.0},
        metrics={name: keras.metrics.BinaryCrossentropy(name="log_loss") for name in LABELS},
    )
    inputs, labels = train if isinstance(train, tuple) else (train, None)
    history = model.fit(
        inputs,
        labels,
        validation_data=validation,
        epochs=epochs,
        batch_size=batch_size if labels else None,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(
                MONITOR, mode="min", patience=patience, restore_best_weights=True
            ),
            _Progress(epochs),
        ],
    )
    return pd.DataFrame(
        history.history, index=pd.RangeIndex(1, len(history.epoch) + 1, name="epoch")
    )


class _Progress(keras.callbacks.Callback):
    """A bar for a person, which leaves nothing behind; `TQDM_DISABLE=1` hides it."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.bar = tqdm(total=epochs, unit="epoch", leave=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.set_postfix(validation_loss=f"{(logs or {})[MONITOR]:.4f}")
        self.bar.update()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.bar.close()
