"""The checkers of chapter 22 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_22 as check

Floats = NDArray[np.float64]


def rate(sent: Any, band: Any, name: str, also: Any) -> float:
    """The rate of a band with some of the unknown."""
    return float(sent[(band == name) | ((band == "unknown") & also)].mean())


def widest(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Solve exercise 2."""
    worst = rate(sent, band, first, ~sent) - rate(sent, band, second, sent)
    return worst, rate(sent, band, first, sent) - rate(sent, band, second, ~sent)


def one_side(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Let the unknown belong to the first band only, or to none."""
    nobody = np.zeros(len(sent), bool)
    other = rate(sent, band, second, nobody)
    return rate(sent, band, first, ~sent) - other, rate(sent, band, first, sent) - other


def all_to_one(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Put all of the unknown into one band."""
    nobody, all_of_them = np.zeros(len(sent), bool), np.ones(len(sent), bool)
    return (
        rate(sent, band, first, all_of_them) - rate(sent, band, second, nobody),
        rate(sent, band, first, nobody) - rate(sent, band, second, all_of_them),
    )


def known(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Leave the unknown out."""
    gap = sent[band == first].mean() - sent[band == second].mean()
    return gap, gap


def fee(a: Floats, b: Floats, gap: float, sizes: bool = True) -> float:
    """Solve exercise 3, or forget how large the groups are."""
    n, m = (len(a), len(b)) if sizes else (1, 1)
    low, high = 0.0, 1e6
    for _ in range(100):
        f = (low + high) / 2
        small = (a > f / n).mean() - (b > -f / m).mean() <= gap
        low, high = (low, f) if small else (f, high)
    return high


def committed(gain: float, regulars: float, s: float) -> float:
    """Solve exercise 4."""
    return 1.0 if s == 0 else min(1.0, gain / (2 * regulars * s))


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, [4, 3, 25.5]),
        (check.exercise_1, np.array([4, 3, 25.5])),
        (check.exercise_2, widest),
        (check.exercise_2, lambda *data: list(widest(*data))),
        (check.exercise_3, fee),
        (check.exercise_4, committed),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 25.5, "three numbers"),
        (check.exercise_1, [4, 2, 26], "larger than 25"),
        (check.exercise_1, [5, 4, 25], "0 to 4"),
        (check.exercise_1, [4, 3, 26], "add up"),
        (check.exercise_1, [3, 3, 24.5], "need not be equal"),
        (check.exercise_1, [3, 2, 25], "worth more"),
        (check.exercise_2, lambda *data: widest(*data)[::-1], "lowest comes first"),
        (check.exercise_2, known, "could change it"),
        (check.exercise_2, all_to_one, "who goes where"),
        (check.exercise_2, one_side, "moves too"),
        (check.exercise_2, lambda *data: (-1.0, 1.0), "is not right"),
        (check.exercise_2, lambda *data: 0.1, "two numbers"),
        (check.exercise_3, lambda a, b, gap: 0.0, "is allowed"),
        (check.exercise_3, lambda a, b, gap: fee(a, b, gap, sizes=False), "f / n"),
        (check.exercise_3, lambda a, b, gap: -1.0, "0 or more"),
        (check.exercise_3, lambda a, b, gap: 2 * fee(a, b, gap), "is enough"),
        (check.exercise_3, lambda a, b, gap: fee(a, b, gap) + (gap == 0.05), "the fee is 0"),
        (check.exercise_4, lambda gain, n, s: min(1, gain / (n * s)) if s else 1, "equilibrium"),
        (check.exercise_4, lambda gain, n, s: gain / (2 * n * s) if s else 1, "no share"),
        (check.exercise_4, lambda gain, n, s: committed(gain, n, s) * (s > 0), "s = 0"),
        (check.exercise_4, lambda gain, n, s: 0.1, "not the top"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
