"""Chapter 24: offers whose labels are bought, a model of them, and what the labels cost."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from coupon_rec.book import SPLIT, prelude
from coupon_rec.decisions import Economics
from coupon_rec.evaluation import calibration_line
from coupon_rec.features import Encoder, split

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

BUDGET, ROUNDS = 6000, 3
"""How many labels are bought, and in how many rounds."""
CUT = 3.0
PENALTY = 0.01
"""scikit-learn's C: few labels, so a strong prior."""
NEGATIVES = 0.05
"""The share of offers without a purchase that the purchase model reads, with weights."""


@dataclass(frozen=True)
class Shop:
    """The training offers, whose labels are for sale, and the test offers.

    Attributes
    ----------
    pool, test : pandas.DataFrame
        Offers.
    x, x_test : numpy.ndarray
        Their 54 numbers, standardized and cut at ±3, float32.
    """

    pool: pd.DataFrame
    test: pd.DataFrame
    x: NDArray[np.float32]
    x_test: NDArray[np.float32]

    @property
    def y(self) -> NDArray[np.float64]:
        """Whether each offer of the pool was redeemed: nobody may look before paying."""
        return np.asarray(self.pool["redeemed"], "float64")

    @property
    def y_test(self) -> NDArray[np.float64]:
        """Whether each test offer was redeemed."""
        return np.asarray(self.test["redeemed"], "float64")

    @cached_property
    def interest(self) -> Floats:
        """p(bought) of each offer of the pool, by a model that bought no label: tills know it."""
        bought = self.pool["bought"].to_numpy(float)
        rng = np.random.default_rng(0)
        some = np.flatnonzero((bought == 1) | (rng.random(len(bought)) < NEGATIVES))
        weight = np.where(bought[some] == 1, 1, 1 / NEGATIVES)
        return Line.fit(self.x[some], bought[some], weight)(self.x)


def open_shop() -> Shop:
    """The book's training and test campaigns, with scales learned from the training offers."""
    pool, _, test = split(prelude.offers(), *SPLIT)
    encoder = Encoder(numbers=Encoder.fit(pool).numbers)
    return Shop(pool, test, _columns(encoder, pool), _columns(encoder, test))


def _columns(encoder: Encoder, offers: pd.DataFrame) -> NDArray[np.float32]:
    arrays = encoder.encode(offers)
    parts = []
    for group, numbers in encoder.numbers.items():
        mean = np.array([number.mean for number in numbers], "float32")
        scale = np.array([number.deviation or np.inf for number in numbers], "float32")
        parts.append(np.clip((arrays[group] - mean) / scale, -CUT, CUT))
    return np.hstack(parts)


@dataclass(frozen=True)
class Line:
    """A logistic regression: a weight for each column, and an intercept."""

    weights: NDArray[np.float32]
    intercept: float

    @classmethod
    def fit(cls, x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> "Line":
        """Fit to labels, 0 or 1, with scikit-learn."""
        from sklearn.linear_model import LogisticRegression

        fitted = LogisticRegression(C=PENALTY, solver="newton-cholesky").fit(x, y, weight)
        return cls(fitted.coef_[0].astype("float32"), float(fitted.intercept_[0]))

    def logit(self, x: NDArray[np.float32]) -> Floats:
        """The log odds of each row."""
        return np.asarray(x @ self.weights + self.intercept, "float64")

    def __call__(self, x: NDArray[np.float32]) -> Floats:
        """The probability of each row."""
        return np.asarray(expit(self.logit(x)), "float64")


def chances(promise: ArrayLike, n: int) -> Floats:
    """Chances in proportion to a promise, at most 1: about n offers are drawn, by `eq-asked`."""
    promise = np.asarray(promise, "float64")
    return np.asarray(np.minimum(1, n * promise / promise.sum()), "float64")


def drawn(
    shop: Shop, seed: int, budget: int = BUDGET, rounds: int = ROUNDS
) -> tuple[Rows, Floats, Line]:
    """Buy labels in rounds, in proportion to what is promised at the time.

    Returns
    -------
    asked, weight, model
        The rows of the pool; one over each one's chance to be drawn in any round; the model
        fitted to their labels, all of the same weight.
    """
    rng, y = np.random.default_rng(seed), shop.y
    promise, never = shop.interest, np.ones(len(y))
    asked = np.zeros(len(y), bool)
    for _ in range(rounds):
        chance = chances(promise, budget // rounds)
        asked |= rng.random(len(y)) < chance
        never *= 1 - chance
        model = Line.fit(shop.x[asked], y[asked])
        promise = model(shop.x)
    rows = np.flatnonzero(asked)
    return rows, 1 / (1 - never[rows]), model


def top(shop: Shop, budget: int = BUDGET, rounds: int = ROUNDS) -> tuple[Rows, Line]:
    """Buy labels in rounds, those of the highest promise at the time."""
    promise, asked = shop.interest, np.zeros(len(shop.y), bool)
    for _ in range(rounds):
        asked[np.argsort(-np.where(asked, -1, promise), kind="stable")[: budget // rounds]] = True
        model = Line.fit(shop.x[asked], shop.y[asked])
        promise = model(shop.x)
    return np.flatnonzero(asked), model


def at_random(shop: Shop, seed: int, budget: int = BUDGET) -> tuple[Rows, Line]:
    """Buy labels of offers that a lottery picks."""
    rows = np.random.default_rng(seed).choice(len(shop.y), budget, replace=False)
    return rows, Line.fit(shop.x[rows], shop.y[rows])


def recalibrated(model: Line, x: NDArray[np.float32], y: ArrayLike, weight: ArrayLike) -> Line:
    """The same model with its log odds stretched and moved as the weighted labels ask for it.

    Equation `eq-asked-line`: afterwards weighted promises and weighted labels have one sum.
    """
    line = calibration_line(y, model(x), weight)
    slope, level = np.float32(line["slope"]), float(line["intercept"])
    return Line(slope * model.weights, float(slope) * model.intercept + level)


def rounds_of_self_training(
    x: NDArray[np.float32],
    y: ArrayLike,
    others: NDArray[np.float32],
    rounds: int,
    sure: tuple[float, float] = (0.001, 0.1),
    look: Callable[[Line], Any] = lambda model: model,
) -> list[Any]:
    """Fit, label others where the model is sure, fit again: what `look` sees in each round."""
    model = Line.fit(x, y)
    seen = [look(model)]
    for _ in range(rounds):
        p = model(others)
        certain = (p < sure[0]) | (p > sure[1])
        labels = np.r_[np.asarray(y), p[certain] > sure[1]]
        model = Line.fit(np.vstack([x, others[certain]]), labels)
        seen.append(look(model))
    return seen


def spent(offers: pd.DataFrame) -> float:
    """Dollars that it costs to mail these offers for their labels, less what they bring in."""
    came = Economics().profit(
        offers["redeemed"].to_numpy(float),
        offers["spend_per_line"].to_numpy(float),
        offers["coupon_discount"].to_numpy(float),
    )
    return -float(came.sum())
