"""Answers to the exercises of chapter 26, Listening."""

from typing import Any

import numpy as np

MORNINGS = ["nothing", "more talk", "worse talk"]


def corrected(k: float, n: float, caught: float, wrongly: float) -> float:
    """Solve exercise 2."""
    return float(np.clip((k / n - wrongly) / (caught - wrongly), 0, 1))


def steps(k: Any, n: Any, share: float, ratio: float) -> Any:
    """Evidence of each hour."""
    return k * np.log(ratio) + (1 - ratio) * share * n


def sums(k: Any, n: Any, share: float, ratio: float) -> list[float]:
    """Solve exercise 3."""
    total, path = 0.0, []
    for step in steps(k, n, share, ratio):
        total = max(0.0, total + step)
        path.append(total)
    return path


def best(h: Any, wrong: Any, delay: Any, crises: float, hour: float, alarm: float) -> float:
    """Solve exercise 4."""
    return float(h[(13 * alarm * wrong + crises * hour * delay).argmin()])


RIGHT: list[tuple[int, Any]] = [
    (1, MORNINGS),
    (1, tuple(MORNINGS)),
    (2, corrected),
    (3, sums),
    (4, best),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "hour of the week", ["worse talk", *MORNINGS[1:]]),
    (1, "second: which share", ["nothing", "both", "worse talk"]),
    (1, "as many opinions", ["nothing", "nothing", "worse talk"]),
    (1, "third: which share", ["nothing", "more talk", "nothing"]),
    (1, "third: are there more", ["nothing", "more talk", "both"]),
    (2, "never below 0", lambda k, n, a, b: (k / n - b) / (a - b)),
    (2, "as called", lambda k, n, a, b: k / n),
    (2, "number of opinions", lambda k, n, a, b: n * (k / n - b) / (a - b)),
    (2, "how far", lambda k, n, a, b: k / n / a),
    (2, "other direction", lambda k, n, a, b: k / n * (a - b) + b),
    (3, "add it up", steps),
    (3, "where is the zero", lambda *data: steps(*data).cumsum()),
    (3, "not their mean", lambda k, n, s, r: sums(k, np.full(len(n), n.mean()), s, r)),
    (3, "kept at 0", lambda *data: np.maximum(steps(*data), 0).cumsum()),
    (3, "do not divide", lambda k, n, s, r: k / n),
    (4, "smallest", lambda h, w, d, c, p, a: (13 * a * w + c * p * d).min()),
    (4, "position", lambda h, w, d, c, p, a: (13 * a * w + c * p * d).argmin()),
    (4, "has a year", lambda h, w, d, c, p, a: h[(a * w + c * p * d).argmin()]),
    (4, "crisis", lambda h, w, d, c, p, a: h[(13 * a * w + p * d).argmin()]),
    (4, "soonest", lambda h, w, d, *_: h[d.argmin()]),
    (4, "least for nothing", lambda h, w, d, *_: h[w.argmin()]),
]
