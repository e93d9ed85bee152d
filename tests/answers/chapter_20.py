"""Answers to the exercises of chapter 20, Cold start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def shrunk(k: np.ndarray, n: np.ndarray, mean: float, strength: float) -> np.ndarray:
    """Solve exercise 2."""
    return (k + strength * mean) / (n + strength)


def forget(offers: pd.DataFrame, columns: Sequence[str], value: float = np.nan) -> pd.DataFrame:
    """Solve exercise 3."""
    return pd.concat([offers, offers.assign(**dict.fromkeys(columns, value))])


def one_by_one(offers: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Forget one column in the offer, the other in its copy."""
    first, second = columns
    return pd.concat([offers.assign(**{first: np.nan}), offers.assign(**{second: np.nan})])


def needed(strength: float, share: float) -> float:
    """Solve exercise 4."""
    return strength * share / (1 - share)


RIGHT: list[tuple[int, Any]] = [
    (1, ["redemption", "purchase"]),
    (2, shrunk),
    (3, forget),
    (4, needed),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "what came after", ["purchase", "purchase"]),
    (1, "of those who bought", ["redemption", "redemption"]),
    (2, "raw rates", lambda k, n, m, a: k / np.maximum(n, 1)),
    (2, "0 / 0", lambda k, n, m, a: np.divide(k, n, out=np.full(4, np.nan), where=n > 0)),
    (2, "of them", lambda k, n, m, a: (k + m) / (n + a)),
    (2, "not every one", lambda k, n, m, a: (k + a) / (n + a)),
    (2, "one rate for each", lambda k, n, m, a: "many"),
    (3, "zero is a rate", lambda o, c: forget(o, c, value=0.0)),
    (3, "without all of it", one_by_one),
    (3, "only the", lambda o, c: forget(o, c).assign(y=lambda t: t["y"].where(t["rate"].notna()))),
    (3, "its own label", lambda o, c: forget(o, c).assign(y=[1.0, 0, 0, 0, 0, 1])),
    (4, "denominator", lambda a, s: a * s),
    (4, "upside down", lambda a, s: a * (1 - s) / s if s != 0.5 else a),
    (4, "right for a half", lambda a, s: a),
]
