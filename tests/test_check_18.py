"""The checkers of chapter 18 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

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


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, (2, HOURS)),
        (check.exercise_1, (np.array([2.0]), round(HOURS, 2))),
        (check.exercise_2, (median,)),
        (check.exercise_2, (lambda parts: np.float64(median(parts)),)),
        (check.exercise_3, (together,)),
        (check.exercise_3, (lambda m, n: list(together(m, n)),)),
        (check.exercise_4, (files,)),
        (check.exercise_4, (lambda *data: (found := files(*data)) and np.array(found),)),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: tuple[Any, ...]) -> None:
    assert exercise(*answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, (21, HOURS), "how many cores"),
        (check.exercise_1, (3, HOURS), "the night has two"),
        (check.exercise_1, (1, HOURS), "32 core hours"),
        (check.exercise_1, (1.302083, HOURS), "whole"),
        (check.exercise_1, (7, HOURS), "core hours first"),
        (check.exercise_1, (2, 2), "largest task"),
        (check.exercise_1, (2, HOURS / 16), "not on sixteen"),
        (check.exercise_1, (2, HOURS * 3600), "seconds"),
        (check.exercise_1, (2, 0.08), "4% of the night"),
        (check.exercise_1, (2, 9), "how many rows"),
        (check.exercise_1, ("many", 1), "one number"),
        (check.exercise_2, (lambda parts: np.median(rows_of(parts)),), "smaller middle"),
        (check.exercise_2, (lambda parts: np.median([v for p in parts for v in p]),), "as often"),
        (
            check.exercise_2,
            (lambda parts: np.mean([np.median(rows_of([part])) for part in parts]),),
            "do not add up",
        ),
        (check.exercise_2, (lambda parts: 99.0,), "is not the value"),
        (check.exercise_2, (lambda parts: parts,), "one number"),
        (check.exercise_3, (lambda m, n: m.mean(axis=0),), "few offers"),
        (check.exercise_3, (lambda m, n: (m * n[:, None]).sum(axis=0),), "sum over the offers"),
        (check.exercise_3, (lambda m, n: m.sum(axis=0),), "adds the means"),
        (check.exercise_3, (lambda m, n: np.average(m, axis=0, weights=1 / n),), "upside down"),
        (check.exercise_3, (lambda m, n: m[0] * 0,), "not the mean"),
        (check.exercise_4, (lambda r, n: files(r, n) or [],), "nobody is told"),
        (check.exercise_4, (lambda r, n: None,), "every task"),
        (check.exercise_4, (lambda r, n: (files(r, n) or [])[::-1],), "order of the tasks"),
        (check.exercise_4, (lambda r, n: [each[:2] for each in r],), "order of the tasks"),
        (check.exercise_4, (lambda r, n: files(r, n, whole=False),), "killed"),
        (check.exercise_4, (lambda r, n: files(r, n, order=-1),), "ended first"),
        (check.exercise_4, (lambda r, n: 5,), "list of pairs"),
        (check.exercise_4, (lambda r, n: [(1, 2, 3)],), "list of pairs"),
    ],
)
def test_wrong_answers_get_their_hint(
    exercise: Callable[..., Any], answer: tuple[Any, ...], hint: str
) -> None:
    verdict = exercise(*answer)
    assert not verdict
    assert hint in repr(verdict)


def test_one_file_for_each_task() -> None:
    verdict = check.exercise_4(lambda runs, n: [each[:2] for each in runs if each[3]][::-1])
    assert not verdict
