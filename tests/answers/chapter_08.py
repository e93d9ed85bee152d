"""Answers to the exercises of chapter 8, Training."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

Losses = Sequence[float]


def running(slopes: Losses, beta: float) -> float:
    """Leave the mean of exercise 1 uncorrected."""
    mean = 0.0
    for slope in slopes:
        mean = beta * mean + (1 - beta) * slope
    return mean


def corrected(slopes: Losses, beta: float) -> float:
    """Solve exercise 1."""
    return running(slopes, beta) / (1 - beta ** len(slopes))


def stopped(losses: Losses, patience: int, worse: float = 0.0) -> tuple[int, int]:
    """Solve exercise 2; with `worse` above 0, take such an epoch for a better one as well."""
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best] + worse:
            best = epoch
        if epoch - best == patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


def around(error: Callable[[Any, Any], float]) -> Callable[[Losses, Losses], tuple[float, float]]:
    """Two errors to either side of the difference of the means."""

    def interval(a: Losses, b: Losses) -> tuple[float, float]:
        middle = float(np.mean(a) - np.mean(b))
        return middle - 2 * error(a, b), middle + 2 * error(a, b)

    return interval


def error_of_means(a: Losses, b: Losses, ddof: int = 1) -> float:
    """The standard error of exercise 3."""
    return float(np.sqrt(np.var(a, ddof=ddof) / len(a) + np.var(b, ddof=ddof) / len(b)))


def sum_of_errors(a: Losses, b: Losses) -> float:
    """Add the two errors, and not their squares."""
    return error_of_means(a, [0] * 3) + error_of_means([0] * 3, b)


def scheduled(step: float, steps: int, peak: float, warmup: int) -> float:
    """Solve exercise 4."""
    if step < warmup:
        return peak * step / warmup
    return float(peak * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup))) / 2)


def straight(step: float, steps: int, peak: float, warmup: int) -> float:
    """Fall in a straight line."""
    return min(step / warmup, (steps - step) / (steps - warmup)) * peak


def hopeless(losses: Losses, others: Sequence[Losses]) -> bool:
    """Solve exercise 5."""
    rivals = [min(other[: len(losses)]) for other in others if len(other) >= len(losses)]
    return bool(rivals) and bool(min(losses) > np.median(rivals))


def by_the_last(losses: Losses, others: Sequence[Losses]) -> bool:
    """Compare the last loss."""
    return hopeless([losses[-1]] * len(losses), others)


def with_the_pruned(losses: Losses, others: Sequence[Losses]) -> bool:
    """Let those that were stopped earlier have a say."""
    return bool(min(losses) > np.median([min(other[: len(losses)]) for other in others]))


def without_care(losses: Losses, others: Sequence[Losses]) -> bool:
    """Forget that there may be nobody."""
    rivals = [other[len(losses) - 1] for other in others if len(other) >= len(losses)]
    return bool(min(losses) > sorted(rivals)[len(rivals) // 2])


def in_a_table(losses: Losses, others: Sequence[Losses]) -> bool:
    """Expect all of the others to have the same number of epochs."""
    return bool(min(losses) > np.median(np.array(others)[:, : len(losses)].min(axis=1)))


RIGHT: list[tuple[int, Any]] = [
    (1, lambda s, beta: pd.Series(s).ewm(alpha=1 - beta).mean().iloc[-1]),
    (1, corrected),
    (2, stopped),
    (3, around(error_of_means)),
    (4, scheduled),
    (5, hopeless),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "count less", lambda slopes, beta: np.mean(slopes)),
    (1, "began at zero", running),
    (1, "number of slopes", lambda s, beta: running(s, beta) / (1 - beta)),
    (1, "not the first", lambda s, beta: corrected(s[::-1], beta)),
    (1, "after one slope", lambda s, beta: corrected(s, beta) if len(s) > 1 else 0.0),
    (1, "one too small", lambda s, beta: running(s, beta) / (1 - beta ** (len(s) - 1))),
    (2, "before it gets", lambda losses, p: (len(losses), int(np.argmin(losses)) + 1)),
    (2, "whole patience", lambda losses, p: stopped(losses, p - 1)),
    (2, "best so far", lambda losses, p: (stopped(losses, p)[0], stopped(losses, p)[0])),
    (2, "is the second", lambda losses, p: (2, 2)),
    (2, "all epochs are run", lambda losses, p: (4, 2)),
    (2, "only as good", lambda losses, p: stopped(losses, p, worse=1e-9)),
    (2, "epochs run first", lambda losses, p: stopped(losses, p)[::-1]),
    (3, "its middle", lambda a, b: (0.0, 1.0)),
    (3, "single runs", around(lambda a, b: np.std(a) + np.std(b))),
    (3, "their squares do", around(sum_of_errors)),
    (3, "one less", around(lambda a, b: error_of_means(a, b, 0))),
    (3, "number of seeds", around(lambda a, b: np.hypot(np.std(a, ddof=1), np.std(b, ddof=1)))),
    (3, "on either side", around(lambda a, b: error_of_means(a, b) / 2)),
    (3, "take the root", around(lambda a, b: 0.1)),
    (3, "take its root", around(lambda a, b: error_of_means(a, b) ** 2)),
    (3, "comes first", around(lambda a, b: -error_of_means(a, b))),
    (4, "rises", lambda s, n, peak, w: max(scheduled(s, n, peak, w), peak / 4)),
    (4, "last step", lambda s, n, peak, w: peak * min(1, s / w)),
    (
        4,
        "half-way",
        lambda s, n, peak, w: straight(s, n, peak, w) ** 2 / peak if s > w else peak * s / w,
    ),
    (4, "hardly fallen", straight),
    (4, "without a warm-up", lambda s, n, peak, w: scheduled(s, n, peak, w) if w else 0.0),
    (5, "half of the others", lambda losses, others: False),
    (5, "not its last", by_the_last),
    (5, "has no say", with_the_pruned),
    (5, "nobody to compare", without_care),
    (5, "fewer epochs", in_a_table),
    (5, "the trial goes on", lambda losses, o: not o or hopeless(losses, o)),
    (5, "not above it", lambda losses, o: hopeless([x + 1e-9 for x in losses], o)),
]
