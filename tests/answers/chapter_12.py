"""Answers to the exercises of chapter 12, The effect a coupon causes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def signal(y: Floats, sent: Floats, e: Floats) -> Floats:
    """Solve exercise 2."""
    return np.asarray((sent / e - (1 - sent) / (1 - e)) * (y - y.mean()))


def gain(signal: Floats, score: Floats, q: float) -> float:
    """Solve exercise 3."""
    first = np.argsort(-score)[: round(q * len(score))]
    return float(signal[first].sum() / len(signal))


def valued(effect: Floats, p: Floats, margin: Floats, face: Floats, contact: float) -> Floats:
    return np.asarray(effect * margin[:, None] - p * face - contact)


def depth(*data: Any) -> NDArray[np.intp]:
    """Solve exercise 4."""
    value = valued(*data)
    return np.where(value.max(axis=1) > 0, value.argmax(axis=1) + 1, 0)


def users(effect: float, sigma: float, share: float) -> float:
    """Solve exercise 5."""
    return (2.8 * sigma / effect) ** 2 / (share * (1 - share))


RIGHT: list[tuple[int, Any]] = [
    (1, (52 / 140 - 32 / 260, 0.1)),
    (2, signal),
    (3, gain),
    (4, depth),
    (5, users),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "comes first", (0.1, 0.248)),
    (1, "share of buyers among all", (0.1, 0.1)),
    (1, "300 others", (0.248, 0.248)),
    (2, "subtract the mean", lambda y, t, e: (t / e - (1 - t) / (1 - e)) * y),
    (2, "divide by", lambda y, t, e: (2 * t - 1) * (y - y.mean())),
    (2, "1 - e", lambda y, t, e: (2 * t - 1) / e * (y - y.mean())),
    (2, "count negatively", lambda y, t, e: (t / e + (1 - t) / (1 - e)) * (y - y.mean())),
    (3, "divide by all rows", lambda s, r, q: gain(s, r, q) / q),
    (3, "highest scores", lambda s, r, q: gain(s, -r, q)),
    (3, "nobody knows", lambda s, r, q: gain(s, s, q)),
    (3, "number of rows", lambda s, r, q: gain(s, r, q) * len(s)),
    (4, "send none", lambda *data: valued(*data).argmax(axis=1) + 1),
    (4, "0 for none", lambda *data: np.where(depth(*data) > 0, depth(*data) - 1, -1)),
    (4, "largest effect", lambda e, *_: np.where(e.max(axis=1) > 0, e.argmax(axis=1) + 1, 0)),
    (4, "is not the best", lambda e, *_: np.zeros(len(e))),
    (4, "0 for none,", lambda e, *_: e[:, 0]),
    (5, "where is the share", lambda e, s, q: (2.8 * s / e) ** 2),
    (5, "every second", lambda e, s, q: users(e, s, q) * (1.96 / 2.8) ** 2),
    (5, "square", lambda *data: np.sqrt(users(*data))),
]
