"""The checkers of chapter 15 pass right answers and meet each wrong one with its hint."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_15 as check

Floats = NDArray[np.float64]


def waits(due: Floats, sent: Floats, took: Floats) -> Floats:
    """Solve exercise 1."""
    return sent + took - due


def encoded(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Solve exercise 2."""
    filled = np.where(np.isnan(values), column["missing"], values)
    return np.log1p(filled) if column["log1p"] else filled


def filled_last(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Take the logarithm too early."""
    shaped = np.log1p(values) if column["log1p"] else values
    return np.where(np.isnan(values), column["missing"], shaped)


def always_logged(values: Floats, column: Mapping[str, Any]) -> Floats:
    """Take every logarithm."""
    return encoded(values, {**column, "log1p": True})


def rounded(w: Floats) -> Floats:
    """Solve exercise 3."""
    step = np.abs(w).max() / 127
    return w if step == 0 else step * np.round(w / step)


def rounded_by_the_largest(w: Floats) -> Floats:
    """Forget that weights have signs."""
    step = w.max() / 127
    return step * np.round(w / step)


def rounded_without_care(w: Floats) -> Floats:
    """Divide by zero."""
    step = np.abs(w).max() / 127
    return step * np.round(w / step)


def most_lists(fixed: float, each: float, limit: float) -> int:
    """Solve exercise 4."""
    return max(0, int((limit / 2 - fixed) // each))


def version(files: dict[str, bytes]) -> str:
    """Solve exercise 5."""
    hashes = [(name, hashlib.sha256(files[name]).hexdigest()) for name in sorted(files)]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:12]


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def test_right_answers_pass() -> None:
    assert check.exercise_1(waits)
    assert check.exercise_2(encoded)
    assert check.exercise_3(rounded)
    assert check.exercise_4(most_lists)
    assert check.exercise_5(version)


def test_right_answers_in_another_form_pass() -> None:
    assert check.exercise_1(lambda *times: list(waits(*times)))
    assert check.exercise_1(lambda *times: pd.DataFrame({"waits": waits(*times)}))
    assert check.exercise_2(lambda *column: pd.Series(encoded(*column)))
    assert check.exercise_3(lambda w: rounded(w).tolist())
    assert check.exercise_4(lambda *times: float(most_lists(*times)))
    assert check.exercise_5(lambda files: version(files).upper())


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, lambda due, sent, took: took, "these 3 s"),
        (check.exercise_1, lambda due, sent, took: sent - due, "took time too"),
        (check.exercise_1, lambda due, sent, took: sent + took, "had they come"),
        (check.exercise_1, lambda *times: waits(*times).mean(), "one by one"),
        (check.exercise_2, lambda values, column: np.log1p(values), "no nan"),
        (check.exercise_2, filled_last, "raw value"),
        (check.exercise_2, lambda values, column: np.nan_to_num(values), "log1p is true"),
        (check.exercise_2, always_logged, "log1p is false"),
        (check.exercise_3, lambda w: np.round(w * 127) / 127, "fixed step"),
        (check.exercise_3, lambda w: np.round(w / (np.abs(w).max() / 127)), "the integers"),
        (check.exercise_3, rounded_by_the_largest, "may be negative"),
        (check.exercise_3, lambda w: w, "multiples"),
        (check.exercise_3, rounded_without_care, "stay zero"),
        (check.exercise_4, lambda a, b, limit: (limit - a) / b, "two calls"),
        (check.exercise_4, lambda a, b, limit: (limit - a) // b, "two calls"),
        (check.exercise_4, lambda a, b, limit: (limit / 2 - a / 2) // b, "twice the fixed time"),
        (check.exercise_4, lambda a, b, limit: (limit / 2 - a) / b - 0.1, "whole"),
        (check.exercise_4, lambda a, b, limit: 29, "at most the limit"),
        (check.exercise_4, lambda a, b, limit: (limit / 2 - a) // b, "answer is 0"),
        (check.exercise_5, lambda files: "version 1", "12 hexadecimal"),
        (check.exercise_5, lambda files: 123456789012, "yours is 123456789012"),
        (check.exercise_5, lambda files: digits(repr(files).encode()), "another order"),
        (check.exercise_5, lambda files: digits(repr(sorted(files)).encode()), "another byte"),
        (
            check.exercise_5,
            lambda files: digits(b"".join(files[name] for name in sorted(files))),
            "moves from one file",
        ),
        (
            check.exercise_5,
            lambda files: digits(repr([files[name] for name in sorted(files)]).encode()),
            "another name",
        ),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)
