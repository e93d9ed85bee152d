"""A small network that learns to look at the drawn cards of chapter 23."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec._keras import keras, seeded
from coupon_rec.book.cards import TRAITS, Pixels, cards, some_traits


class Eye:
    """A network that says what is on a card, and its last layer but one, a vector.

    It learns from 1,200 cards whose traits are known, as a printer knows what it prints.

    Parameters
    ----------
    seed : int
        Of the cards, the weights and the shuffling.
    """

    def __init__(self, seed: int = 0) -> None:
        printed = some_traits(1200, seed)
        layers = keras.layers
        with seeded(seed):
            pixels = keras.Input((48, 48, 3))
            x = layers.Rescaling(1 / 127.5, -1)(pixels)
            x = layers.MaxPooling2D(4)(layers.Conv2D(12, 3, activation="relu")(x))
            x = layers.MaxPooling2D(2)(layers.Conv2D(24, 3, activation="relu")(x))
            vector = layers.Dense(16, activation="relu", name="vector")(layers.Flatten()(x))
            traits = layers.Dense(len(TRAITS), activation="sigmoid")(vector)
            self.model = keras.Model(pixels, traits)
            self.model.compile(keras.optimizers.Adam(0.003), "binary_crossentropy")
            self.model.fit(
                cards(printed, seed).astype("float32"),
                printed.to_numpy("float32"),
                batch_size=32,
                epochs=5,
                verbose=0,
            )
        self._vector = keras.Model(pixels, vector)

    def traits(self, pictures: Pixels) -> pd.DataFrame:
        """The probability of each trait on each card; shape (n, 3)."""
        p = self.model.predict(pictures.astype("float32"), verbose=0)
        return pd.DataFrame(p.astype("float64"), columns=list(TRAITS))

    def vectors(self, pictures: Pixels) -> NDArray[np.float32]:
        """The vector of each card; shape (n, 16)."""
        return np.asarray(self._vector.predict(pictures.astype("float32"), verbose=0))
