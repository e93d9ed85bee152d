"""Checkers of chapter 18, Scale."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import Floats, called, number, numbers, unlike

Run = tuple[int, int, int, bool]


@checker
def exercise_1(machines: float, hours: float) -> None:
    """Check how many machines a night needs, and how long the largest task takes."""
    asked = number(machines, "give the machines as one number")
    takes = number(hours, "give the hours as one number")
    work = 3e9 * 50e-6 / 3600
    hints = {
        "that is how many cores; how many machines have them?": np.ceil(work / 2),
        "that many do it in an hour; the night has two.": np.ceil(work / 16),
        "one machine has 32 core hours a night; how many does the step take?": 1,
        "machines come whole.": work / 32,
        f"{asked:g} machines: work out the core hours first, then those of a night.": OTHERWISE,
    }
    compare(asked, 2, hints)
    largest = 0.04 * work
    if abs(takes / largest - 1) < 0.01:
        return
    hints = {
        "the hours are set by the largest task, on one core.": (2, work / 32),
        "a task runs on one core, not on sixteen.": largest / 16,
        "that is seconds, and hours are asked for.": largest * 3600,
        "4% of the rows, not 4% of the night.": 0.04 * 2,
        "how many rows has the largest task?": OTHERWISE,
    }
    compare(takes, largest, {f"machines are right; {hint}": value for hint, value in hints.items()})


@checker
def exercise_2(median: Callable[[Sequence[Mapping[float, int]]], float]) -> None:
    """Check a median that is computed from counts."""
    rng = np.random.default_rng(0)
    cases: list[list[dict[float, int]]] = [
        [{3.0: 2, 0.0: 1}, {7.0: 1, 5.0: 1}],
        [{1.0: 9}, {2.0: 1}, {3.0: 1}],
        [{4.0: 1, 1.0: 1}, {2.0: 1, 3.0: 1}],
        [{8.0: 1}],
    ]
    for _ in range(4):
        cases.append(
            [
                {float(value): int(count) for value, count in zip(values, counts, strict=True)}
                for values, counts in (
                    (rng.choice(30, 8, replace=False), rng.integers(1, 40, 8)) for _ in range(3)
                )
            ]
        )
    for parts in cases:
        rows = np.sort([v for part in parts for v, n in part.items() for _ in range(n)])
        right = rows[(len(rows) - 1) // 2]
        reply = number(called(median, parts), "return one number, a value")
        shown = f"{parts}: " if len(rows) < 20 else ""
        plain = np.median([value for part in parts for value in part])
        mine = [np.median([v for v, n in part.items() for _ in range(n)]) for part in parts]
        even = f"{shown}with an even number of rows, take the smaller middle one."
        hints = {
            even: (rows[len(rows) // 2], np.median(rows)),
            f"{shown}a value counts as often as rows have it.": plain,
            f"{shown}medians of tasks do not add up; counts do.": (np.median(mine), np.mean(mine)),
            f"{shown}{reply:g} is not the value that half of the rows do not exceed.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(together: Callable[[Floats, Floats], Floats]) -> None:
    """Check the mean gradient of workers with unequal shares."""
    rng = np.random.default_rng(1)
    for size in ([3, 3], [100, 1], [5, 20, 75], [4]):
        shares = [rng.normal(size=(n, 3)) + n for n in size]
        means = np.array([share.mean(axis=0) for share in shares])
        sizes = np.array(size)
        right = np.concatenate(shares).mean(axis=0)
        wanted = "return one number for each weight"
        reply = numbers(called(together, means, sizes), right.shape, wanted)
        equal, added = means.mean(axis=0), means.sum(axis=0)
        upside_down = np.average(means, axis=0, weights=1 / sizes)
        hints = {
            f"shares of {size}: a worker with few offers counts like the others.": equal,
            "that is the sum over the offers; the mean is asked for.": sizes @ means,
            "that adds the means up, so each further worker makes it larger.": added,
            "upside down: who has more offers counts more.": upside_down,
            f"shares of {size}: not the mean over all offers of the batch.": OTHERWISE,
        }
        compare(reply, right, hints, rtol=1e-5)


@checker
def exercise_4(files: Callable[[Sequence[Run], int], object]) -> None:
    """Check which runs of tasks are kept."""
    cases: list[tuple[list[Run], int, list[tuple[int, int]] | None]] = [
        ([(1, 0, 3, True), (0, 0, 3, True)], 2, [(0, 0), (1, 0)]),
        ([(0, 0, 2, False), (1, 0, 3, True), (0, 1, 3, True)], 2, [(0, 1), (1, 0)]),
        ([(0, 1, 3, True), (0, 0, 3, True), (1, 0, 0, True)], 2, [(0, 1), (1, 0)]),
        ([(0, 0, 3, True), (1, 0, 2, False)], 2, None),
        ([(0, 0, 3, True)], 2, None),
    ]
    for runs, tasks, right in cases:
        answer = called(files, runs, tasks)
        reply = None if answer is None else _pairs(answer)
        if reply == right:
            continue
        if right is None:
            raise Hint(f"{runs}: a task has no complete run, and nobody is told.")
        if reply is None:
            raise Hint(f"{runs}: every task has a complete run, one of them without rows.")
        hint_if(sorted(reply) == right, "the right files; put them in the order of the tasks.")
        hint_if(len(reply) > tasks, f"{runs}: a task may have one file only.")
        killed = {(task, attempt) for task, attempt, _, complete in runs if not complete}
        if killed & set(reply):
            raise Hint(f"{runs}: one of these was killed before its file was complete.")
        raise Hint(f"{runs}: of two complete runs, the one that ended first counts.")


def _pairs(answer: object) -> list[tuple[int, int]]:
    wanted = "return a list of pairs (task, attempt), or None"
    try:
        pairs = [tuple(int(part) for part in pair) for pair in answer]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise unlike(answer, wanted) from None
    if any(len(pair) != 2 for pair in pairs):
        raise Hint(wanted)
    return [(pair[0], pair[1]) for pair in pairs]
