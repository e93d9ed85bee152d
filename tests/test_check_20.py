"""The checkers of chapter 20 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from coupon_rec.book.check import chapter_20 as check


def shrunk(k: np.ndarray, n: np.ndarray, mean: float, strength: float) -> np.ndarray:
    """Solve exercise 2."""
    return (k + strength * mean) / (n + strength)


def forget(offers: pd.DataFrame, columns: Sequence[str], value: float = np.nan) -> pd.DataFrame:
    """Solve exercise 3."""
    return pd.concat([offers, offers.assign(**dict.fromkeys(columns, value))])


def one_by_one(offers: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Forget one column in the offer, the other in its copy."""
    first, second = columns
    return pd.concat([offers.assign(**{first: np.nan}), offers.assign(**{second: np.nan})])


def needed(strength: float, share: float) -> float:
    """Solve exercise 4."""
    return strength * share / (1 - share)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, ["redemption", "purchase"]),
        (check.exercise_1, "Redemption; purchase"),
        (check.exercise_2, shrunk),
        (check.exercise_2, lambda *data: shrunk(*data).tolist()),
        (check.exercise_3, forget),
        (check.exercise_3, lambda *data: forget(*data).sample(frac=1, random_state=0)),
        (check.exercise_4, needed),
        (check.exercise_4, lambda *data: np.array([needed(*data)])),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, ["redemption"], "two words"),
        (check.exercise_1, ["redemption", "mail"], "choose from"),
        (check.exercise_1, 3, "two words"),
        (check.exercise_1, ["purchase", "purchase"], "what came after"),
        (check.exercise_1, ["redemption", "redemption"], "of those who bought"),
        (check.exercise_2, lambda k, n, m, a: k / np.maximum(n, 1), "raw rates"),
        (
            check.exercise_2,
            lambda k, n, m, a: np.divide(k, n, out=np.full(4, np.nan), where=n > 0),
            "0 / 0",
        ),
        (check.exercise_2, lambda k, n, m, a: (k + m) / (n + a), "of them"),
        (check.exercise_2, lambda k, n, m, a: (k + a) / (n + a), "not every one"),
        (check.exercise_2, lambda k, n, m, a: 0 * k, "nothing seen"),
        (check.exercise_2, lambda k, n, m, a: 0.5, "one for each"),
        (check.exercise_2, lambda k, n, m, a: "many", "one rate for each"),
        (check.exercise_3, lambda offers, columns: offers, "each as it is"),
        (check.exercise_3, lambda offers, columns: None, "table of offers"),
        (check.exercise_3, lambda o, c: forget(o, c, value=0.0), "zero is a rate"),
        (check.exercise_3, one_by_one, "without all of it"),
        (check.exercise_3, lambda o, c: pd.concat([o, o.drop(columns=c)])[["y"]], "must stay"),
        (
            check.exercise_3,
            lambda o, c: forget(o, c).assign(y=lambda t: t["y"].where(t["rate"].notna())),
            "only the named",
        ),
        (
            check.exercise_3,
            lambda o, c: forget(o, c).assign(y=[1.0, 0, 0, 0, 0, 1]),
            "its own label",
        ),
        (check.exercise_4, lambda a, s: a * s, "denominator"),
        (check.exercise_4, lambda a, s: a * (1 - s) / s if s != 0.5 else a, "upside down"),
        (check.exercise_4, lambda a, s: a, "right for a half"),
        (check.exercise_4, lambda a, s: 7.0, "not right"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
