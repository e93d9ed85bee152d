"""Arrays as the metrics take them: checked, and summed by label."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import Floats, numbers, probabilities, require, require_one_order

Ints = NDArray[np.integer[Any]]


def checked(
    y: ArrayLike,
    score: ArrayLike,
    weight: ArrayLike | None = None,
    score_name: str = "score",
    y_name: str = "y",
) -> tuple[Floats, Floats, Floats]:
    """Labels of 0 and 1, finite scores and weights of 0 or more, of one length and order."""
    require_one_order(**{y_name: y, score_name: score, "weight": weight})
    labels = numbers(y_name, y)
    require(y_name, labels, (labels == 0) | (labels == 1), "0 or 1")
    scores = numbers(score_name, score, labels.size)
    weights = np.ones(labels.size) if weight is None else numbers("weight", weight, labels.size)
    require("weight", weights, weights >= 0, "0 or more")
    return labels, scores, weights


def checked_p(
    y: ArrayLike, p: ArrayLike, weight: ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """As `checked`, for scores that are probabilities."""
    labels, p, weights = checked(y, p, weight, "p")
    return labels, probabilities("p", p), weights


def numbered(name: str, labels: ArrayLike, size: int) -> Ints:
    """Number the labels 0, 1, ... in ascending order."""
    values = np.asarray(labels)
    if values.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), not {values.shape}")
    places = np.asarray(pd.factorize(values, sort=True)[0])
    require(name, values, places >= 0, "present")
    return places


def sum_by(label: Ints, values: ArrayLike, labels: int = 0) -> Floats:
    """Sum the values of each label 0, 1, ..., of at least so many labels."""
    return np.asarray(np.bincount(label, np.asarray(values), labels), dtype=np.float64)


def divide(top: ArrayLike, bottom: ArrayLike) -> Floats:
    """Divide, or ``nan`` by 0."""
    ratio = np.full(np.shape(bottom), np.nan)
    return np.asarray(np.divide(top, bottom, out=ratio, where=np.greater(bottom, 0)))
