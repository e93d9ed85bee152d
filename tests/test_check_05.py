"""The checkers of chapter 5 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from coupon_rec.book.check import chapter_05 as check

Floats = NDArray[np.float64]

TEST = pd.DataFrame(
    {
        "campaign_type": ["A", "A", "B", "B", "B", "C", "C"],
        "bought": [1, 1, 1, 1, 0, 0, 0],
        "redeemed": [1, 0, 1, 0, 0, 0, 0],
    }
)


def logits(users: Floats, items: Floats, user_bias: Floats, item_bias: Floats, b: float) -> Floats:
    """Stop before the logistic function in exercise 3."""
    return b + user_bias[:, None] + item_bias + users @ items.T


def any_item(p: Floats) -> float:
    """Solve exercise 4."""
    return float(-np.expm1(np.log1p(-p).sum()))


def weights(bought: Floats, p: Floats, floor: float) -> Floats:
    """Solve exercise 5."""
    return bought / np.maximum(p, floor)


def test_right_answers_pass() -> None:
    assert check.exercise_1({"d", "f"})
    assert check.exercise_2((0.4, 0.5, 0.2), TEST)
    assert check.exercise_3(lambda *parts: expit(logits(*parts)))
    assert check.exercise_4(any_item)
    assert check.exercise_5(weights)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, {"g"}, "none of the letters"),
        (check.exercise_1, {"d", "e", "f"}, "one user in e"),
        (check.exercise_1, {"d"}, "meet"),
        (check.exercise_3, lambda u, i, *rest: u @ i[:3].T, "3 rows and 4 columns"),
        (check.exercise_3, logits, "logits"),
        (check.exercise_3, lambda u, i, *rest: expit(u @ i.T), "terms of the logit"),
        (check.exercise_3, lambda *parts: expit(-logits(*parts)), "the rows"),
        (check.exercise_4, np.sum, "above 1"),
        (check.exercise_4, np.max, "none of them"),
        (check.exercise_4, lambda p: 1 - np.prod(1 - p), "1e-15"),
        (check.exercise_5, lambda *parts: weights(*parts).sum(), "each offer"),
        (check.exercise_5, lambda bought, p, floor: 1 / p, "no weight"),
        (check.exercise_5, lambda bought, p, floor: bought / p, "exceeds 10"),
        (check.exercise_5, lambda bought, p, floor: bought, "stands for two"),
    ],
)
def test_a_wrong_answer_gets_its_hint(
    exercise: Callable[[Any], check.Verdict], answer: object, hint: str
) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in str(verdict)


@pytest.mark.parametrize(
    ("three", "hint"),
    [
        ((0.4, 0.2), "three numbers"),
        ((4 / 7, 0.5, 2 / 7), "type A"),
        ((0.4, 0.2, 0.2), "ended in a purchase"),
        ((0.0, 0.0, 0.0), "fewer offers"),
    ],
)
def test_wrong_probabilities_get_their_hint(three: Any, hint: str) -> None:
    assert hint in str(check.exercise_2(three, TEST))
