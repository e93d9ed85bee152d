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


def uncolumned(
    users: Floats, items: Floats, user_bias: Floats, item_bias: Floats, b: float
) -> Floats:
    """Forget in exercise 3 that the users go down the rows."""
    return np.asarray(expit(b + user_bias + item_bias + users @ items.T))


def bus(share: Floats, buys: Floats, uses: Floats) -> tuple[float, float]:
    """Solve exercise 4."""
    came, stayed = share * buys, share * (1 - buys)
    return came @ uses / came.sum(), stayed @ uses / stayed.sum()


def weights(bought: Floats, p: Floats, floor: float) -> Floats:
    """Solve exercise 5."""
    return bought / np.maximum(p, floor)


@pytest.mark.parametrize("answer", [{"d", "f"}, ["f", "d"], "df", "D, F", ("d", "f")])
def test_letters_pass_in_any_form(answer: Any) -> None:
    assert check.exercise_1(answer)


@pytest.mark.parametrize("form", [tuple, list, np.array, pd.Series])
def test_three_probabilities_pass_in_any_form(form: Callable[[Any], Any]) -> None:
    assert check.exercise_2(form((0.4, 0.5, 0.2)), TEST)


def test_right_answers_pass() -> None:
    assert check.exercise_3(lambda *parts: expit(logits(*parts)))
    assert check.exercise_3(lambda *parts: pd.DataFrame(expit(logits(*parts))))
    assert check.exercise_3(lambda *parts: expit(logits(*parts)).tolist())
    assert check.exercise_4(bus)
    assert check.exercise_4(lambda *kinds: list(bus(*kinds)))
    assert check.exercise_4(lambda *kinds: pd.Series(bus(*kinds)))
    assert check.exercise_5(weights)
    assert check.exercise_5(lambda *parts: pd.Series(weights(*parts)))
    assert check.exercise_5(lambda *parts: weights(*parts).tolist())
    assert check.exercise_5(lambda a, p, low: np.where(a == 1, np.minimum(1 / p, 1 / low), 0))


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, {"g"}, "none of the letters"),
        (check.exercise_1, {"d", "e", "f"}, "one user in e"),
        (check.exercise_1, {"d"}, "meet"),
        (check.exercise_1, set(), "meet"),
        (check.exercise_1, None, "a set of letters"),
        (check.exercise_1, 4, "a set of letters"),
        (check.exercise_3, lambda u, i, *rest: u @ i[:3].T, "3 rows and 4 columns"),
        (check.exercise_3, lambda *parts: expit(logits(*parts)).T, "row for each item"),
        (check.exercise_3, uncolumned, "[:, None]"),
        (check.exercise_3, lambda u, i, x, y, b: expit(x + y[:, None] + u @ i.T), "[:, None]"),
        (check.exercise_3, logits, "logits"),
        (check.exercise_3, lambda u, i, *rest: expit(u @ i.T), "terms of the logit"),
        (check.exercise_3, lambda *parts: expit(-logits(*parts)), "the rows"),
        (check.exercise_3, lambda *parts: None, "a table of numbers"),
        (check.exercise_3, lambda *parts: "p", "a table of numbers"),
        (check.exercise_3, lambda *parts: np.nan * logits(*parts), "NaN"),
        (check.exercise_3, lambda u, i, *rest: expit(u @ i), "ValueError"),
        (check.exercise_3, lambda u: u, "TypeError"),
        (check.exercise_4, lambda *kinds: 0.5, "two numbers"),
        (check.exercise_4, lambda *kinds: None, "two numbers"),
        (check.exercise_4, lambda share, buys, uses: uses.mean(), "two numbers"),
        (check.exercise_4, lambda share, buys, uses: (np.nan, 0.2), "NaN"),
        (check.exercise_4, lambda *kinds: bus(*kinds)[::-1], "comes first"),
        (check.exercise_4, lambda s, b, u: ((s * b) @ u, (s * (1 - b)) @ u), "divide"),
        (check.exercise_4, lambda s, b, u: (bus(s, b, u)[0], s @ u), "by themselves"),
        (check.exercise_4, lambda s, b, u: (bus(s, b, u)[0], 0.5), "the first is right"),
        (check.exercise_4, lambda s, b, u: (s @ u, s @ u), "equally often"),
        (check.exercise_4, lambda s, b, u: (0.9, 0.1), "by hand"),
        (check.exercise_4, lambda s: s, "TypeError"),
        (check.exercise_5, lambda *parts: weights(*parts).sum(), "each offer"),
        (check.exercise_5, lambda *parts: None, "each offer"),
        (check.exercise_5, lambda bought, p, floor: 1 / p, "no weight"),
        (check.exercise_5, lambda bought, p, floor: bought / p, "exceeds 10"),
        (check.exercise_5, lambda bought, p, floor: bought, "stands for two"),
        (check.exercise_5, lambda bought, p, floor: bought * np.nan, "NaN"),
        (check.exercise_5, lambda bought, p, floor: bought / max(p, floor), "NumPy"),
        (check.exercise_5, lambda bought, p, floor: np.ones(4) + p, "ValueError"),
        (check.exercise_5, lambda bought, p: p, "TypeError"),
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
        (None, "three numbers"),
        ("0.4", "three numbers"),
        (0.4, "three numbers"),
        ((0.4, np.nan, 0.2), "NaN"),
        ((40, 50, 20), "percentages"),
        ((0.5, 0.4, 0.2), "another order"),
        ((4 / 7, 0.5, 2 / 7), "type A"),
        ((0.4, 0.2, 0.2), "ended in a purchase"),
        ((0.0, 0.0, 0.0), "fewer offers"),
    ],
)
def test_wrong_probabilities_get_their_hint(three: Any, hint: str) -> None:
    assert hint in str(check.exercise_2(three, TEST))
