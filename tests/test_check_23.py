"""The checkers of chapter 23 pass right answers and meet each wrong one with its hint."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_23 as check


def lift(together: np.ndarray) -> np.ndarray:
    """Solve exercise 2."""
    margin = together.sum(axis=1)
    return np.log(np.maximum(together * together.sum() / np.outer(margin, margin), 1))


def signed(together: np.ndarray) -> np.ndarray:
    """Solve exercise 2, with rare pairs below 0."""
    margin = together.sum(axis=1)
    ratio = together * together.sum() / np.outer(margin, margin)
    return np.where(together > 0, np.log(np.maximum(ratio, 1e-9)), 0)


def infinite(together: np.ndarray) -> np.ndarray:
    """Take the logarithm of nothing."""
    return np.where(together > 0, 1.0, -np.inf)


def amount(text: str) -> float | None:
    """Solve exercise 3."""
    text = text.replace("O", "0")
    if re.fullmatch(r"\d{1,2}%", text):
        return int(text[:-1]) / 100
    return float(text[1:]) if re.fullmatch(r"\$\d{1,2}\.\d\d", text) else None


def in_percent(text: str) -> float | None:
    """Forget that a share lies between 0 and 1."""
    found = amount(text)
    return 100 * found if found is not None and "%" in text else found


def part_of_it(text: str) -> float | None:
    """Match a part of the text."""
    found = re.search(r"\$\d{1,2}\.\d\d", text.replace("O", "0"))
    return float(found[0][1:]) if found else amount(text)


def same_depth(table: pd.DataFrame) -> float:
    """Solve exercise 4."""
    means = table.pivot_table(index="depth", columns="badge", values="lift").dropna()
    return float(
        np.average(means[1] - means[0], weights=table["depth"].value_counts()[means.index])
    )


def any_depth(table: pd.DataFrame) -> float:
    """Compare coupons of all depths at once."""
    mean = table.groupby("badge")["lift"].mean()
    return float(mean[1] - mean[0])


def unweighted(table: pd.DataFrame) -> float:
    """Let each depth count the same."""
    means = table.pivot_table(index="depth", columns="badge", values="lift").dropna()
    return float((means[1] - means[0]).mean())


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, [np.log(10), np.log(100), 0]),
        (check.exercise_1, np.array([2.303, 4.605, 0.0])),
        (check.exercise_2, lift),
        (check.exercise_2, lambda together: lift(together).tolist()),
        (check.exercise_3, amount),
        (check.exercise_4, same_depth),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 2.3, "three numbers"),
        (check.exercise_1, [0.1, 0.01, 1.0], "share of the texts"),
        (check.exercise_1, [10, 100, 1], "logarithm"),
        (check.exercise_1, [-np.log(10), 0, 0], "upside down"),
        (check.exercise_1, [1, 2, 0], "natural"),
        (check.exercise_1, [np.log(10), np.log(100), 1], "share of the texts"),
        (check.exercise_1, [7, 7, 7], "how many texts"),
        (check.exercise_2, lambda together: together / together.sum(), "what would chance"),
        (check.exercise_2, signed, "not less"),
        (check.exercise_2, infinite, "never seen"),
        (check.exercise_2, lambda together: np.exp(lift(together)) - 1, "less 1"),
        (check.exercise_2, lambda together: lift(together) / np.log(2), "natural"),
        (check.exercise_2, lambda together: together * 0.5, "margins"),
        (check.exercise_2, lambda together: 3.0, "table of shape"),
        (check.exercise_3, lambda text: 0.2, "not right"),
        (check.exercise_3, lambda text: None, "is an amount"),
        (check.exercise_3, in_percent, "between 0 and 1"),
        (check.exercise_3, part_of_it, "refuse it"),
        (check.exercise_4, any_depth, "all depths at once"),
        (check.exercise_4, unweighted, "weight it"),
        (check.exercise_4, lambda table: np.nan, "badges only"),
        (check.exercise_4, lambda table: 7.0, "within each depth"),
        (check.exercise_4, lambda table: "much", "one number"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
