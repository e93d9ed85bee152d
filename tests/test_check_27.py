"""The checkers of chapter 27 pass right answers and meet each wrong one with its hint."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from coupon_rec.book.check import chapter_27 as check

Floats = NDArray[np.float64]
Shapes = Sequence[tuple[int, int]]


def thin(shapes: Shapes, rank: int) -> int:
    """Solve exercise 2."""
    return sum(min(rank * (a + b), a * b) + b for a, b in shapes)


def by_screen(screen: NDArray[np.str_], clicked: Floats, p: Floats) -> dict[str, float]:
    """Solve exercise 3."""
    sums = pd.DataFrame({"screen": screen, "clicked": clicked, "p": p}).groupby("screen").sum()
    sums.loc["all"] = sums.sum()
    sums = sums[sums["clicked"] > 0]
    return {str(name): ratio for name, ratio in (sums["p"] / sums["clicked"]).items()}


def mean_of_ratios(screen: NDArray[np.str_], clicked: Floats, p: Floats) -> dict[str, float]:
    """Solve exercise 3 but for the rows of all screens."""
    found = by_screen(screen, clicked, p)
    del found["all"]
    return {**found, "all": float(np.mean([*found.values()]))}


def capped(offers: pd.DataFrame, accounts: pd.DataFrame, cap: int) -> pd.DataFrame:
    """Solve exercise 4."""
    best = offers[offers["value"] > 0].merge(accounts, on="user_id")
    best = best.sort_values("value", ascending=False).drop_duplicates(["person_id", "coupon_id"])
    return best.groupby("person_id").head(cap)


def capped_by_account(offers: pd.DataFrame, accounts: pd.DataFrame, cap: int) -> pd.DataFrame:
    """Solve exercise 4 for accounts, with each coupon once for a person."""
    best = offers[offers["value"] > 0].merge(accounts, on="user_id")
    best = best.sort_values("value", ascending=False).drop_duplicates(["person_id", "coupon_id"])
    return best.groupby("user_id").head(cap)


def first_come(offers: pd.DataFrame, accounts: pd.DataFrame, cap: int) -> pd.DataFrame:
    """Solve exercise 4 in the order of the rows."""
    some = offers[offers["value"] > 0].merge(accounts, on="user_id")
    return some.drop_duplicates(["person_id", "coupon_id"]).groupby("person_id").head(cap)


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, [0.1, 0.833, 2.5]),
        (check.exercise_1, np.array([0.1, 10 / 12, 2.5])),
        (check.exercise_2, thin),
        (check.exercise_3, by_screen),
        (check.exercise_3, lambda *rows: pd.Series(by_screen(*rows))),
        (check.exercise_4, capped),
        (check.exercise_4, lambda *data: capped(*data).drop(columns="person_id")),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0.1, "three numbers"),
        (check.exercise_1, [0.08, 0.67, 2.0], "three times as many rows"),
        (check.exercise_1, [10, 0.833, 2.5], "with a share"),
        (check.exercise_1, [0.16, 0.833, 2.5], "how many clicks"),
        (check.exercise_1, [0.1, 1.2, 0.4], "other way around"),
        (check.exercise_1, [0.1, 2.5, 0.833], "comes first"),
        (check.exercise_1, [0.1, 0.7, 2.5], "the second"),
        (check.exercise_1, [0.1, 0.833, 2.0], "the third"),
        (check.exercise_2, lambda s, r: sum(r * (a + b) for a, b in s), "biases"),
        (check.exercise_2, lambda s, r: sum(r * (a + b) + b for a, b in s), "no smaller"),
        (check.exercise_2, lambda s, r: sum(a * b + b for a, b in s), "all weights"),
        (check.exercise_2, lambda s, r: sum(r * a * b + b for a, b in s), "add up"),
        (check.exercise_2, lambda s, r: 7, "not right"),
        (check.exercise_3, lambda s, c, p: p.mean() / c.mean(), "a dictionary"),
        (check.exercise_3, lambda s, c, p: {"web": 1.0}, "all rows together"),
        (check.exercise_3, lambda s, c, p: {"all": p.sum() / c.sum()}, "is missing"),
        (
            check.exercise_3,
            lambda s, c, p: {"tv": np.inf, **by_screen(s, c, p)},
            "leave it out",
        ),
        (check.exercise_3, mean_of_ratios, "not the mean"),
        (
            check.exercise_3,
            lambda s, c, p: {k: 1 / v for k, v in by_screen(s, c, p).items()},
            "clicked over promised",
        ),
        (
            check.exercise_3,
            lambda s, c, p: {
                **{n: p[s == n].sum() - c[s == n].sum() for n in np.unique(s)},
                "all": p.sum() - c.sum(),
            },
            "the difference",
        ),
        (
            check.exercise_3,
            lambda s, c, p: dict.fromkeys(by_screen(s, c, p), 3.0),
            "not the right ratios",
        ),
        (check.exercise_4, lambda o, a, cap: 3, "a table"),
        (check.exercise_4, lambda o, a, cap: o, "of no value"),
        (
            check.exercise_4,
            lambda o, a, cap: o[o["value"] > 0].sort_values("value").groupby("user_id").tail(cap),
            "on two accounts",
        ),
        (check.exercise_4, capped_by_account, "for each person"),
        (check.exercise_4, first_come, "another plan"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
