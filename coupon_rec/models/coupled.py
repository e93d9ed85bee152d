"""Models of an offer: the purchase p(a | u, i) and the redemption p(r | a, u, i, c), coupled."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from coupon_rec._keras import keras
from coupon_rec.features import COUPON_CATEGORIES, USER_CATEGORIES, Arrays, encode, tokens

layers = keras.layers

TOKENS = {"user_category": tokens(USER_CATEGORIES), "coupon_category": tokens(COUPON_CATEGORIES)}
PURCHASE_INPUTS = ("user", "item", "match", "user_category")


def coupled_model(
    train: Arrays,
    purchase_units: Sequence[int] = (64, 32),
    coupon_units: Sequence[int] = (64, 32),
    dropout: float = 0.3,
    seed: int = 0,
) -> keras.Model:
    r"""Build the chain rule p(a, r | u, i, c) = p(a | u, i) p(r | a, u, i, c), untrained.

    A purchase network reads the user and the items; a coupon network reads what the purchase
    network made of them, and the coupon. The probability of a redemption is the product.

    Parameters
    ----------
    train : dict of str to numpy.ndarray
        Training offers as `coupon_rec.features.encode` gives them; the model normalizes its
        inputs by their mean and variance.
    purchase_units, coupon_units : sequence of int
        Hidden layers of the two networks.
    dropout : float
        Share of hidden units switched off in training, in [0, 1).
    seed : int
        Of the initial weights.

    Returns
    -------
    keras.Model
        From the named arrays to `{"bought": p(a), "redeemed": p(a) p(r | a)}`, each of shape
        (n, 1) and within [0, 1].

    Notes
    -----
    Equation `eq-chain` of the book; Ma et al., *Entire Space Multi-Task Model*, SIGIR 2018.
    """
    keras.utils.set_random_seed(seed)
    inputs, ready = {}, {}
    for name, array in train.items():
        if name in TOKENS:
            inputs[name] = keras.Input(array.shape[1:], dtype="int32", name=name)
            encoder = layers.CategoryEncoding(TOKENS[name], "multi_hot", name=f"{name}_encoded")
        else:
            inputs[name] = keras.Input(array.shape[1:], name=name)
            encoder = layers.Normalization(name=f"{name}_normalized")
            encoder.adapt(array)
        ready[name] = encoder(inputs[name])

    def network(x: keras.KerasTensor, units: Sequence[int], name: str) -> keras.KerasTensor:
        for number, width in enumerate(units, start=1):
            x = layers.Dense(width, "relu", name=f"{name}_{number}")(x)
            x = layers.Dropout(dropout, name=f"{name}_dropout_{number}")(x)
        return x

    everything = layers.Concatenate(name="everything")(list(ready.values()))
    known = layers.Concatenate(name="user_and_items")([ready[name] for name in PURCHASE_INPUTS])
    interest = network(known, purchase_units, "purchase")
    response = network(
        layers.Concatenate(name="interest_and_coupon")([interest, everything]),
        coupon_units,
        "coupon",
    )
    bought = layers.Dense(1, "sigmoid", name="bought")(interest)
    redeemed_if_bought = layers.Dense(1, "sigmoid", name="redeemed_if_bought")(response)
    redeemed = layers.Multiply(name="redeemed")([bought, redeemed_if_bought])
    return keras.Model(inputs, {"bought": bought, "redeemed": redeemed}, name="coupled_model")


def predict(model: keras.Model, offers: pd.DataFrame) -> pd.DataFrame:
    """Predict both probabilities of each offer.

    Parameters
    ----------
    model : keras.Model
        As `coupled_model` builds it, fitted.
    offers : pandas.DataFrame
        n rows of the offers table.

    Returns
    -------
    pandas.DataFrame
        Columns `bought` and `redeemed`, each within [0, 1], with the index of `offers`.
    """
    outputs = model.predict(encode(offers), batch_size=16384, verbose=0)
    return pd.DataFrame({name: p[:, 0] for name, p in outputs.items()}, index=offers.index)


def load_model(path: str | Path) -> keras.Model:
    """Load a model that was saved with `model.save(path)`; no code in the file is run.

    Raises
    ------
    ValueError
        If the file is not there or holds no Keras model.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no model at {path}; `model.save` writes one")
    return keras.saving.load_model(path, compile=False, safe_mode=True)
