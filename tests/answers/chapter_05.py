"""Answers to the exercises of chapter 5, Two models."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from coupon_rec.book.check import Verdict
from coupon_rec.book.check import chapter_05 as check

Floats = NDArray[np.float64]
TEST = pd.DataFrame(
    {
        "campaign_type": ["A", "A", "B", "B", "B", "C", "C"],
        "bought": [1, 1, 1, 1, 0, 0, 0],
        "redeemed": [1, 0, 1, 0, 0, 0, 0],
    }
)


def logits(users: Floats, items: Floats, user_bias: Floats, item_bias: Floats, b: float) -> Floats:
    """Stop before the logistic function in exercise 3."""
    return b + user_bias[:, None] + item_bias + users @ items.T


def uncolumned(
    users: Floats, items: Floats, user_bias: Floats, item_bias: Floats, b: float
) -> Floats:
    """Forget in exercise 3 that the users go down the rows."""
    return np.asarray(expit(b + user_bias + item_bias + users @ items.T))


def bus(share: Floats, buys: Floats, uses: Floats) -> tuple[float, float]:
    """Solve exercise 4."""
    came, stayed = share * buys, share * (1 - buys)
    return came @ uses / came.sum(), stayed @ uses / stayed.sum()


def weights(bought: Floats, p: Floats, floor: float) -> Floats:
    """Solve exercise 5."""
    return bought / np.maximum(p, floor)


def exercise_2(three: Any) -> Verdict:
    return check.exercise_2(three, TEST)


RIGHT: list[tuple[int, Any]] = [
    (1, {"d", "f"}),
    (2, (0.4, 0.5, 0.2)),
    (3, lambda *parts: expit(logits(*parts))),
    (4, bus),
    (5, weights),
    (5, lambda a, p, low: np.where(a == 1, np.minimum(1 / p, 1 / low), 0)),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "none of the letters", {"g"}),
    (1, "one user in e", {"d", "e", "f"}),
    (2, "percentages", (40, 50, 20)),
    (2, "another order", (0.5, 0.4, 0.2)),
    (2, "type A", (4 / 7, 0.5, 2 / 7)),
    (2, "ended in a purchase", (0.4, 0.2, 0.2)),
    (3, "row for each item", lambda *parts: expit(logits(*parts)).T),
    (3, "[:, None]", uncolumned),
    (3, "one of the biases", lambda u, i, x, y, b: expit(x + y[:, None] + u @ i.T)),
    (3, "logits", logits),
    (3, "terms of the logit", lambda u, i, *rest: expit(u @ i.T)),
    (3, "the rows", lambda *parts: expit(-logits(*parts))),
    (4, "comes first", lambda *kinds: bus(*kinds)[::-1]),
    (4, "divide", lambda s, b, u: ((s * b) @ u, (s * (1 - b)) @ u)),
    (4, "by themselves", lambda s, b, u: (bus(s, b, u)[0], s @ u)),
    (4, "the first is right", lambda s, b, u: (bus(s, b, u)[0], 0.5)),
    (4, "equally often", lambda s, b, u: (s @ u, s @ u)),
    (5, "no weight", lambda bought, p, floor: 1 / p),
    (5, "exceeds 10", lambda bought, p, floor: bought / p),
]
