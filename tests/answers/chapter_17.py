"""Answers to the exercises of chapter 17, Monitoring."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def expected(p: Floats, ages: Floats, t: float) -> float:
    """Solve exercise 2."""
    return float(np.mean(ages <= t) * np.sum(p))


def rings(
    observed: Sequence[float],
    promised: Sequence[float],
    rho: float,
    h: float,
    floor: float = 0.0,
    late: int = 0,
) -> int | None:
    """Solve exercise 3."""
    total = 0.0
    for day, (o, e) in enumerate(zip(observed, promised, strict=True)):
        total = max(floor, total + o * np.log(rho) + (1 - rho) * e)
        if total >= h:
            return day + late
    return None


def design_effect(y: Floats, p: Floats, users: NDArray[np.int64]) -> float:
    """Solve exercise 4."""
    by_user = pd.Series(y - p).groupby(users).sum()
    return float((by_user**2).sum() / (p * (1 - p)).sum())


RIGHT: list[tuple[int, Any]] = [
    (1, ["mail", "model"]),
    (2, expected),
    (3, rings),
    (4, design_effect),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "users stay the same", ["world", "model"]),
    (1, "promises kept", ["data", "model"]),
    (1, "users change", ["mail", "mail"]),
    (1, "what the model promises", ["mail", "world"]),
    (2, "not by now", lambda p, ages, t: p.sum()),
    (2, "do not come evenly", lambda p, ages, t: t * p.sum()),
    (2, "exactly at", lambda p, ages, t: (ages < t).mean() * p.sum()),
    (2, "that is the share", lambda p, ages, t: (ages <= t).mean()),
    (3, "never rings", lambda *data: rings(*data) or 0),
    (3, "one day late", lambda *data: rings(*data, late=1)),
    (3, "where is the zero", lambda *data: rings(*data, floor=-np.inf)),
    (4, "squares", lambda y, p, u: ((y - p) ** 2).sum() / (p * (1 - p)).sum()),
    (4, "beside", lambda y, p, u: design_effect(y, p, u) * (p * (1 - p)).sum()),
    (4, "upside down", lambda y, p, u: 1 / design_effect(y, p, u)),
]
