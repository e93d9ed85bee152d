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


def stopped_at_rises(losses: Losses, patience: int) -> tuple[int, int]:
    """Count all epochs that are no better, and forget that a new best starts anew."""
    waited = 0
    for epoch in range(1, len(losses)):
        waited += losses[epoch] >= min(losses[:epoch])
        if waited == patience:
            return epoch + 1, int(np.argmin(losses[: epoch + 1])) + 1
    return len(losses), int(np.argmin(losses)) + 1


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


def by_their_end(losses: Losses, others: Sequence[Losses]) -> bool:
    """Compare with what the others had in the end."""
    return bool(min(losses) > np.median([min(other) for other in others]))


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


RIGHT: dict[int, list[Any]] = {
    1: [
        lambda s, beta: np.array([corrected(s, beta)]),
        lambda s, beta: pd.Series(s).ewm(alpha=1 - beta).mean().iloc[-1],
        corrected,
    ],
    2: [
        lambda losses, patience: list(stopped(losses, patience)),
        lambda losses, patience: np.array(stopped(losses, patience)),
        stopped,
    ],
    3: [
        lambda a, b: np.array(around(error_of_means)(a, b)),
        around(error_of_means),
    ],
    4: [
        lambda *case: np.float32(0) + scheduled(*case),
        scheduled,
    ],
    5: [
        lambda losses, others: np.bool_(hopeless(losses, others)),
        hopeless,
    ],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "count less": lambda slopes, beta: np.mean(slopes),
        "began at zero": running,
        "number of slopes": lambda s, beta: running(s, beta) / (1 - beta),
        "not the first": lambda s, beta: corrected(s[::-1], beta),
        "go through the slopes": lambda s, beta: s[-1],
        "after one slope": lambda s, beta: corrected(s, beta) if len(s) > 1 else 0.0,
        "one too small": lambda s, beta: running(s, beta) / (1 - beta ** (len(s) - 1)),
    },
    2: {
        "before it gets": lambda losses, p: (len(losses), int(np.argmin(losses)) + 1),
        "whole patience": lambda losses, p: stopped(losses, p - 1),
        "best so far": lambda losses, p: (stopped(losses, p)[0], stopped(losses, p)[0]),
        "is the second": lambda losses, p: (2, 2),
        "all epochs are run": lambda losses, p: (4, 2),
        "only as good": lambda losses, p: stopped(losses, p, worse=1e-9),
        "starts the patience anew": stopped_at_rises,
        "epochs run first": lambda losses, p: stopped(losses, p)[::-1],
    },
    3: {
        "its middle": lambda a, b: (0.0, 1.0),
        "single runs": around(lambda a, b: np.std(a) + np.std(b)),
        "their squares do": around(sum_of_errors),
        "one less": around(lambda a, b: error_of_means(a, b, 0)),
        "number of seeds": around(lambda a, b: np.hypot(np.std(a, ddof=1), np.std(b, ddof=1))),
        "on either side": around(lambda a, b: error_of_means(a, b) / 2),
        "take the root": around(lambda a, b: 0.1),
        "take its root": around(lambda a, b: error_of_means(a, b) ** 2),
        "comes first": around(lambda a, b: -error_of_means(a, b)),
    },
    4: {
        "is the peak": lambda step, steps, peak, w: peak * (1 - step / steps),
        "rises": lambda s, n, peak, w: max(scheduled(s, n, peak, w), peak / 4),
        "last step": lambda s, n, peak, w: peak * min(1, s / w),
        "half-way": lambda s, n, peak, w: (
            straight(s, n, peak, w) ** 2 / peak if s > w else peak * s / w
        ),
        "hardly fallen": straight,
        "without a warm-up": lambda s, n, peak, w: scheduled(s, n, peak, w) if w else 0.0,
    },
    5: {
        "at their end": by_their_end,
        "half of the others": lambda losses, others: False,
        "not its last": by_the_last,
        "has no say": with_the_pruned,
        "nobody to compare": without_care,
        "fewer epochs": in_a_table,
        "the trial goes on": lambda losses, o: not o or hopeless(losses, o),
        "not above it": lambda losses, o: hopeless([x + 1e-9 for x in losses], o),
    },
}
