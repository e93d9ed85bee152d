"""The checkers of chapter 8 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_08 as check

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


def test_right_answers_pass_in_other_forms() -> None:
    assert check.exercise_1(lambda s, beta: np.array([corrected(s, beta)]))
    assert check.exercise_1(lambda s, beta: pd.Series(s).ewm(alpha=1 - beta).mean().iloc[-1])
    assert check.exercise_2(lambda losses, patience: list(stopped(losses, patience)))
    assert check.exercise_2(lambda losses, patience: np.array(stopped(losses, patience)))
    assert check.exercise_3(lambda a, b: np.array(around(error_of_means)(a, b)))
    assert check.exercise_4(lambda *case: np.float32(0) + scheduled(*case))
    assert check.exercise_5(lambda losses, others: np.bool_(hopeless(losses, others)))


def test_right_answers_pass() -> None:
    assert check.exercise_1(corrected)
    assert check.exercise_2(stopped)
    assert check.exercise_3(around(error_of_means))
    assert check.exercise_4(scheduled)
    assert check.exercise_5(hopeless)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, lambda slopes, beta: np.mean(slopes), "count less"),
        (check.exercise_1, running, "began at zero"),
        (check.exercise_1, lambda s, beta: running(s, beta) / (1 - beta), "number of slopes"),
        (check.exercise_1, lambda s, beta: corrected(s[::-1], beta), "not the first"),
        (check.exercise_1, lambda s, beta: s[-1], "go through the slopes"),
        (
            check.exercise_1,
            lambda s, beta: corrected(s, beta) if len(s) > 1 else 0.0,
            "after one slope",
        ),
        (
            check.exercise_1,
            lambda s, beta: running(s, beta) / (1 - beta ** (len(s) - 1)),
            "one too small",
        ),
        (check.exercise_1, lambda s, beta: None, "`return`"),
        (check.exercise_1, lambda s, beta: np.cumsum(s), "3 numbers"),
        (check.exercise_1, lambda s, beta: "three", "return one number"),
        (check.exercise_1, lambda s, beta: np.nan, "no number"),
        (check.exercise_1, lambda s, beta: s["slope"], "stops with TypeError"),
        (check.exercise_1, lambda slopes: 3.0, "stops with TypeError"),
        (check.exercise_1, 3.0, "the function itself"),
        (
            check.exercise_2,
            lambda losses, p: (len(losses), int(np.argmin(losses)) + 1),
            "before it gets",
        ),
        (check.exercise_2, lambda losses, p: stopped(losses, p - 1), "whole patience"),
        (
            check.exercise_2,
            lambda losses, p: (stopped(losses, p)[0], stopped(losses, p)[0]),
            "best so far",
        ),
        (check.exercise_2, lambda losses, p: (2, 2), "is the second"),
        (check.exercise_2, lambda losses, p: (4, 2), "all epochs are run"),
        (check.exercise_2, lambda losses, p: stopped(losses, p, worse=1e-9), "only as good"),
        (check.exercise_2, stopped_at_rises, "starts the patience anew"),
        (check.exercise_2, lambda losses, p: stopped(losses, p)[::-1], "epochs run first"),
        (check.exercise_2, lambda losses, p: stopped(losses, p)[0], "gives 1 number."),
        (check.exercise_2, lambda losses, p: (4, None), "two whole numbers"),
        (check.exercise_2, lambda losses, p: losses[9], "IndexError"),
        (check.exercise_3, lambda a, b: (0.0, 1.0), "its middle"),
        (check.exercise_3, around(lambda a, b: np.std(a) + np.std(b)), "single runs"),
        (
            check.exercise_3,
            around(lambda a, b: error_of_means(a, [0] * 3) + error_of_means([0] * 3, b)),
            "their squares do",
        ),
        (check.exercise_3, around(lambda a, b: error_of_means(a, b, 0)), "one less"),
        (
            check.exercise_3,
            around(lambda a, b: np.hypot(np.std(a, ddof=1), np.std(b, ddof=1))),
            "number of seeds",
        ),
        (check.exercise_3, around(lambda a, b: error_of_means(a, b) / 2), "on either side"),
        (check.exercise_3, around(lambda a, b: 0.1), "take the root"),
        (check.exercise_3, around(lambda a, b: error_of_means(a, b) ** 2), "take its root"),
        (check.exercise_3, around(lambda a, b: -error_of_means(a, b)), "comes first"),
        (check.exercise_3, lambda a, b: 2.0, "the upper end"),
        (check.exercise_3, lambda a, b: a - b, "TypeError"),
        (check.exercise_3, lambda a, b: print(end=""), "returns None"),
        (check.exercise_4, lambda step, steps, peak, w: peak * (1 - step / steps), "is the peak"),
        (check.exercise_4, lambda s, n, peak, w: max(scheduled(s, n, peak, w), peak / 4), "rises"),
        (check.exercise_4, lambda s, n, peak, w: peak * min(1, s / w), "last step"),
        (
            check.exercise_4,
            lambda s, n, peak, w: straight(s, n, peak, w) ** 2 / peak if s > w else peak * s / w,
            "half-way",
        ),
        (check.exercise_4, straight, "hardly fallen"),
        (
            check.exercise_4,
            lambda s, n, peak, w: scheduled(s, n, peak, w) if w else 0.0,
            "without a warm-up",
        ),
        (check.exercise_4, lambda s, n, peak, w: peak * s / w if s < w else None, "returns None"),
        (check.exercise_4, lambda s, n, peak, w: scheduled(s, n, peak, w) / w * w, "ZeroDivision"),
        (check.exercise_4, lambda s, n, peak, w: [peak] * s, "10 numbers"),
        (check.exercise_5, by_their_end, "at their end"),
        (check.exercise_5, lambda losses, others: False, "half of the others"),
        (check.exercise_5, by_the_last, "not its last"),
        (check.exercise_5, with_the_pruned, "has no say"),
        (check.exercise_5, without_care, "nobody to compare"),
        (check.exercise_5, in_a_table, "fewer epochs"),
        (check.exercise_5, lambda losses, others: None, "returns None"),
        (check.exercise_5, lambda losses, others: "no", "True or False"),
        (check.exercise_5, lambda losses, others: np.array(losses) > 4, "True or False"),
        (check.exercise_5, lambda losses, o: not o or hopeless(losses, o), "the trial goes on"),
        (
            check.exercise_5,
            lambda losses, o: hopeless([x + 1e-9 for x in losses], o),
            "not above it",
        ),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
