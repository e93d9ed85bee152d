"""Every checker passes right answers, meets each wrong one with its hint, and never fails.

The answers stand in `answers`, a module for each chapter: `RIGHT` and `WRONG`, each with the
number of its exercise, a wrong one with a part of its hint too. A module says by `exercise_1` what
else its exercise 1 is given. Wrong kinds of answers, below, are the same for all exercises.
"""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import check

Exercise = Callable[..., check.Verdict]

CHAPTERS = [chapter.name for chapter in iter_modules(check.__path__) if chapter.name != "answers"]
CHECKERS = {name: import_module(f"{check.__name__}.{name}") for name in CHAPTERS}
ANSWERS = {name: import_module(f"answers.{name}") for name in CHAPTERS}
EXERCISES = [
    pytest.param(function, id=f"{chapter}.{name}")
    for chapter, module in CHECKERS.items()
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("exercise_")
]
DATA = {
    "choice": pd.Series({"probability": 0.2}),
    "hours": 1.5,
    "p": [0.1, 0.1, 0.1, 0.1],
    "test": pd.DataFrame(
        {
            "campaign_id": 1,
            "user_id": [1, 2, 3, 4],
            "campaign_type": ["A", "B", "B", "C"],
            "bought": [0, 1, 1, 0],
            "redeemed": [0, 0, 1, 0],
            "spend_per_line": [5.0, 10.0, 20.0, 40.0],
            "discount": 1.0,
        }
    ),
}


def exercise_of(chapter: str, number: int) -> Exercise:
    """The checker, or what an answer's module puts in its place."""
    name = f"exercise_{number}"
    exercise: Exercise = getattr(ANSWERS[chapter], name, getattr(CHECKERS[chapter], name))
    return exercise


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_exercise_has_answers(chapter: str) -> None:
    names = {name for name in vars(CHECKERS[chapter]) if name.startswith("exercise_")}
    for table in (ANSWERS[chapter].RIGHT, ANSWERS[chapter].WRONG):
        assert names == {f"exercise_{number}" for number, *_ in table}


@pytest.mark.parametrize(
    ("chapter", "number", "answer"),
    [(chapter, *row) for chapter, module in ANSWERS.items() for row in module.RIGHT],
)
def test_a_right_answer_passes(chapter: str, number: int, answer: Any) -> None:
    assert exercise_of(chapter, number)(answer)


@pytest.mark.parametrize(
    ("chapter", "number", "hint", "answer"),
    [(chapter, *row) for chapter, module in ANSWERS.items() for row in module.WRONG],
)
def test_a_wrong_answer_gets_its_hint(chapter: str, number: int, hint: str, answer: Any) -> None:
    verdict = exercise_of(chapter, number)(answer)
    assert not verdict
    assert hint in str(verdict)


MISTAKES: list[Any] = [
    *(None, "text", np.nan, -np.inf, 12345.678, pd.NaT, object()),
    *([], [1, 2, 3], [[1, 2], [3]], ["a", None], {}, {"text": "text"}, {np.nan}),
    *(np.ones((3, 3, 3)), np.zeros((0, 2)), pd.Series(["a", "b"]), pd.DataFrame({"text": [1]})),
]


def yielding(*inputs: Any) -> Iterator[Any]:
    """Fail only when it is read."""
    yield inputs[99]


def changing(first: Any, *inputs: Any) -> Any:
    """Spoil what it was given, and give it back."""
    first[:] = 0
    return first


FAILURES: list[Callable[..., Any]] = [lambda *_: 1 / 0, lambda: 1, yielding, changing, print, len]


def assert_hint(exercise: Exercise, answer: Any, told: object) -> None:
    _, *others = inspect.signature(exercise).parameters
    verdict = exercise(answer, *(DATA[name] for name in others))
    assert isinstance(verdict, check.Verdict)
    assert not verdict, f"{told!r} passes"
    assert len(str(verdict.problem)) >= 10, f"{told!r} is only told {verdict.problem!r}"
    assert check.UNREADABLE not in str(verdict), f"{told!r}: {verdict.problem}"


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_mistake_a_function_that_returns_it_and_one_that_fails_get_a_hint(
    exercise: Exercise,
) -> None:
    for mistake in MISTAKES:
        assert_hint(exercise, mistake, mistake)
        assert_hint(exercise, lambda *_, given=mistake: given, mistake)
    for failure in FAILURES:
        assert_hint(exercise, failure, failure)
