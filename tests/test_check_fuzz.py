"""Every checker meets the usual mistakes with a hint, and never with a traceback."""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book import check

MODULES = [import_module(f"{check.__name__}.{each.name}") for each in iter_modules(check.__path__)]
EXERCISES = [
    pytest.param(function, id=f"{module.__name__.rpartition('.')[2]}.{name}")
    for module in MODULES
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
            "coupon_discount": 1.0,
        }
    ),
}
MISTAKES: list[Any] = [
    None,
    "text",
    np.nan,
    -np.inf,
    12345.678,
    [],
    [1, 2, 3],
    [[1, 2], [3]],
    ["a", None],
    np.ones((3, 3, 3)),
    np.zeros((0, 2)),
    {},
    {"text": "text"},
    {np.nan},
    pd.NaT,
    pd.Series(["a", "b"]),
    pd.DataFrame({"text": [1]}),
    object(),
]


def yielding(*inputs: Any) -> Iterator[Any]:
    """Fail only when it is read."""
    yield inputs[99]


def changing(first: Any, *inputs: Any) -> Any:
    """Spoil what it was given, and give it back."""
    first[:] = 0
    return first


FAILURES: list[Callable[..., Any]] = [lambda *_: 1 / 0, lambda: 1, yielding, changing, print, len]


def assert_hint(exercise: Callable[..., check.Verdict], answer: Any, told: object) -> None:
    _, *others = inspect.signature(exercise).parameters
    verdict = exercise(answer, *(DATA[name] for name in others))
    assert isinstance(verdict, check.Verdict)
    assert not verdict, f"{told!r} passes"
    assert len(str(verdict.problem)) >= 10, f"{told!r} is only told {verdict.problem!r}"
    assert check.UNREADABLE not in str(verdict), f"{told!r}: {verdict.problem}"


def test_each_chapter_has_exercises() -> None:
    chapters = {exercise.values[0].__module__ for exercise in EXERCISES}
    assert chapters == {module.__name__ for module in MODULES}


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_mistake_gets_a_hint(exercise: Callable[..., check.Verdict]) -> None:
    for mistake in MISTAKES:
        assert_hint(exercise, mistake, mistake)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_function_that_returns_a_mistake_gets_a_hint(
    exercise: Callable[..., check.Verdict],
) -> None:
    for mistake in MISTAKES:
        assert_hint(exercise, lambda *_, given=mistake: given, mistake)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_function_that_fails_gets_a_hint(exercise: Callable[..., check.Verdict]) -> None:
    for failure in FAILURES:
        assert_hint(exercise, failure, failure)
