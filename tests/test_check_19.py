"""The checkers of chapter 19 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from coupon_rec.book.check import chapter_19 as check


def worths(f: Any, offer: Any, others: Any) -> np.ndarray:
    """Mean f of nobody, the first, the second, both."""
    return np.array(
        [
            np.mean([f(*z) for z in others]),
            np.mean([f(offer[0], z[1]) for z in others]),
            np.mean([f(z[0], offer[1]) for z in others]),
            f(*offer),
        ]
    )


def share(f: Any, offer: Any, others: Any) -> tuple[float, float]:
    """Solve exercise 2."""
    none, first, second, both = worths(f, offer, others)
    return (first - none + both - second) / 2, (second - none + both - first) / 2


def path(slope: Any, end: Any, start: Any) -> Any:
    """Solve exercise 3."""
    points = [slope(start + t * (end - start)) for t in np.linspace(0.005, 0.995, 100)]
    return np.mean(points, axis=0) * (end - start)


def moved(score: Any, rows: Any, column: int, sign: int) -> Any:
    """How far a score moves in the direction that was promised."""
    more = rows.copy()
    more[:, column] += 1
    return sign * (score(more) - score(rows))


def broken(score: Any, rows: Any, column: int, sign: int) -> float:
    """Solve exercise 4."""
    return float((moved(score, rows, column, sign) < 0).mean())


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, ["saving", "items"]),
        (check.exercise_1, "Saving, items"),
        (check.exercise_2, share),
        (check.exercise_2, lambda *data: np.array(share(*data))),
        (check.exercise_3, path),
        (check.exercise_3, lambda *data: path(*data).tolist()),
        (check.exercise_4, broken),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


def early(*data: Any) -> Any:
    none, first, second, _ = worths(*data)
    return first - none, second - none


def late(*data: Any) -> Any:
    _, first, second, both = worths(*data)
    return both - second, both - first


def one_order(*data: Any) -> Any:
    none, first, _, both = worths(*data)
    return first - none, both - first


def of_the_mean(f: Any, offer: Any, others: Any) -> Any:
    return share(f, offer, [tuple(np.mean(others, axis=0))])


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, ["items", "items"], "with whom is the offer compared"),
        (check.exercise_1, ["habit", "items"], "against anybody"),
        (check.exercise_1, ["saving", "saving"], "this user's coupons alone"),
        (check.exercise_1, ["saving", "coupon"], "other coupons"),
        (check.exercise_1, ["saving"], "two topics"),
        (check.exercise_1, ["saving", "money"], "choose from habit"),
        (check.exercise_1, 3, "two topics"),
        (check.exercise_2, early, "may also come second"),
        (check.exercise_2, late, "may also come first"),
        (check.exercise_2, one_order, "there are two"),
        (check.exercise_2, lambda *d: [-x for x in share(*d)], "signs are turned"),
        (check.exercise_2, of_the_mean, "take the mean of f"),
        (check.exercise_2, lambda *_: (0, 9), "is not right"),
        (check.exercise_2, lambda *_: 1, "return two numbers"),
        (check.exercise_3, lambda s, e, z: path(s, e, z) / (e - z), "how far does each"),
        (check.exercise_3, lambda s, e, z: path(s, e, z) / (e - z) * e, "not begin at 0"),
        (check.exercise_3, lambda s, e, z: s(e) * (e - z), "the end alone"),
        (check.exercise_3, lambda s, e, z: s(z) * (e - z), "the start alone"),
        (check.exercise_3, lambda s, e, z: -path(s, e, z), "signs are turned"),
        (check.exercise_3, lambda s, e, z: e * 0 + 7, "mean slope at many points"),
        (check.exercise_4, lambda *d: (moved(*d) <= 0).mean(), "breaks nothing"),
        (check.exercise_4, lambda *d: (moved(*d) > 0).mean(), "is kept"),
        (check.exercise_4, lambda s, r, c, g: broken(s, r, c, 1), "must not rise"),
        (check.exercise_4, lambda *d: (moved(*d) < 0).sum(), "what share"),
        (check.exercise_4, lambda *_: 0.123, "that column alone"),
        (check.exercise_4, lambda *_: None, "return one number"),
    ],
)
def test_wrong_answers_get_a_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    found = exercise(answer)
    assert not found
    assert hint in repr(found)
