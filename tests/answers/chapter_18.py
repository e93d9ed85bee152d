"""Answers to the exercises of chapter 18, Scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coupon_rec.book.check import Verdict
from coupon_rec.book.check import chapter_18 as check

Parts = Sequence[Mapping[float, int]]
HOURS = 0.04 * 3e9 * 50e-6 / 3600


def rows_of(parts: Parts) -> list[float]:
    return sorted(value for part in parts for value, count in part.items() for _ in range(count))


def median(parts: Parts) -> float:
    """Solve exercise 2."""
    rows = rows_of(parts)
    return rows[(len(rows) - 1) // 2]


def together(means: Any, sizes: Any) -> Any:
    """Solve exercise 3."""
    return np.average(means, axis=0, weights=sizes)


def files(runs: Any, tasks: int, order: int = 1, whole: bool = True) -> Any:
    """Solve exercise 4."""
    first: dict[int, int] = {}
    for task, attempt, _, complete in runs[::order]:
        if complete or not whole:
            first.setdefault(task, attempt)
    return sorted(first.items()) if len(first) == tasks else None


def exercise_1(machines_and_hours: Any) -> Verdict:
    return check.exercise_1(*machines_and_hours)


RIGHT: list[tuple[int, Any]] = [
    (1, (2, HOURS)),
    (2, median),
    (3, together),
    (4, files),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "how many cores", (21, HOURS)),
    (1, "the night has two", (3, HOURS)),
    (1, "whole", (1.302083, HOURS)),
    (1, "largest task", (2, 2)),
    (1, "not on sixteen", (2, HOURS / 16)),
    (1, "seconds", (2, HOURS * 3600)),
    (1, "4% of the night", (2, 0.08)),
    (1, "how many rows", (2, 9)),
    (2, "smaller middle", lambda parts: np.median(rows_of(parts))),
    (2, "as often", lambda parts: np.median([v for p in parts for v in p])),
    (2, "do not add up", lambda parts: np.mean([np.median(rows_of([part])) for part in parts])),
    (3, "few offers", lambda m, n: m.mean(axis=0)),
    (3, "sum over the offers", lambda m, n: (m * n[:, None]).sum(axis=0)),
    (3, "adds the means", lambda m, n: m.sum(axis=0)),
    (3, "upside down", lambda m, n: np.average(m, axis=0, weights=1 / n)),
    (4, "nobody is told", lambda r, n: files(r, n) or []),
    (4, "order of the tasks", lambda r, n: (files(r, n) or [])[::-1]),
    (4, "put them in the order", lambda r, n: [each[:2] for each in r]),
    (4, "killed", lambda r, n: files(r, n, whole=False)),
    (4, "ended first", lambda r, n: files(r, n, order=-1)),
]
