"""Use a fitted model: predict offers, take its logits, load it from a file."""

from pathlib import Path
from zipfile import is_zipfile

import numpy as np
import pandas as pd

import coupon_rec.models.couplings
import coupon_rec.models.monotone
import coupon_rec.models.trees  # noqa: F401 - a model in a file may have layers of either
from coupon_rec._keras import keras
from coupon_rec.features import Arrays
from coupon_rec.models.inputs import OfferModel

BATCH = 16384


def predict(model: OfferModel, offers: pd.DataFrame) -> pd.DataFrame:
    """Predict the probabilities of each offer.

    Parameters
    ----------
    model : OfferModel
        As `coupled_model`, `purchase_model` or `coupon_model` builds it, fitted.
    offers : pandas.DataFrame
        n rows of the offers table; of its columns, those that the model's encoder reads.

    Returns
    -------
    pandas.DataFrame
        One column for each output of the model, such as `bought` and `redeemed`, within [0, 1],
        with the index of `offers`.

    Raises
    ------
    ValueError
        If a column is missing or holds a number that is not finite.
    """
    arrays = inputs_of(model, offers)
    if not len(offers):  # Keras fails at none
        return pd.DataFrame(index=offers.index, columns=[*model.output], dtype="float32")
    outputs = model.predict(arrays, batch_size=BATCH, verbose=0)
    return pd.DataFrame({name: p[:, 0] for name, p in outputs.items()}, index=offers.index)


def inputs_of(model: OfferModel, offers: pd.DataFrame) -> Arrays:
    """Encode offers as the arrays that a model reads, by their names.

    Parameters
    ----------
    model, offers
        As for `predict`, and so are the errors.
    """
    if not isinstance(model, OfferModel):
        raise ValueError(
            "the model does not know how offers are encoded for it: build it by `coupled_model`, "
            "`purchase_model` or `coupon_model`"
        )
    return model.encoder.encode(offers)


def logits(model: keras.Model, arrays: Arrays, layer: str = "bought_logit") -> np.ndarray:
    """Give the logits of offers.

    Parameters
    ----------
    model : keras.Model
        As `coupled_model` or `purchase_model` builds it, fitted.
    arrays : dict of str to numpy.ndarray
        Offers, with the arrays that the model reads.
    layer : str
        Which one's: `bought_logit`, `redeemed_logit` or `redeemed_if_bought_logit`.

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    part = keras.Model(model.input, model.get_layer(layer).output)
    values = part.predict({name: arrays[name] for name in model.input}, BATCH, verbose=0)
    return np.asarray(values)[:, 0]


def load_model(path: str | Path) -> OfferModel:
    """Load a model that was saved with `model.save(path)`; no code in the file is run.

    Raises
    ------
    ValueError
        If the file is not there or holds no model of offers.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no model at {path}; `model.save` writes one")
    if not is_zipfile(path):
        raise ValueError(f"{path} is no model: name what `model.save` or the command `train` wrote")
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    if not isinstance(model, OfferModel):
        raise ValueError(f"{path} holds a {type(model).__name__}, which reads no offers")
    return model
