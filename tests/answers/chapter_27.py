"""Answers to the exercises of chapter 27, Cross-platform."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


RIGHT: list[tuple[int, Any]] = [
    (1, [0.1, 0.833, 2.5]),
    (2, thin),
    (3, by_screen),
    (4, capped),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "three times as many rows", [0.08, 0.67, 2.0]),
    (1, "with a share", [10, 0.833, 2.5]),
    (1, "other way around", [0.1, 1.2, 0.4]),
    (1, "comes first", [0.1, 2.5, 0.833]),
    (1, "the second", [0.1, 0.7, 2.5]),
    (1, "the third", [0.1, 0.833, 2.0]),
    (2, "biases", lambda s, r: sum(r * (a + b) for a, b in s)),
    (2, "no smaller", lambda s, r: sum(r * (a + b) + b for a, b in s)),
    (2, "all weights", lambda s, r: sum(a * b + b for a, b in s)),
    (2, "add up", lambda s, r: sum(r * a * b + b for a, b in s)),
    (3, "is missing", lambda s, c, p: {"all": p.sum() / c.sum()}),
    (3, "leave it out", lambda s, c, p: {"tv": np.inf, **by_screen(s, c, p)}),
    (3, "not the mean", mean_of_ratios),
    (3, "clicked over promised", lambda s, c, p: {k: 1 / v for k, v in by_screen(s, c, p).items()}),
    (
        3,
        "the difference",
        lambda s, c, p: {
            **{n: p[s == n].sum() - c[s == n].sum() for n in np.unique(s)},
            "all": p.sum() - c.sum(),
        },
    ),
    (3, "not the right ratios", lambda s, c, p: dict.fromkeys(by_screen(s, c, p), 3.0)),
    (
        4,
        "on",
        lambda o, a, cap: o[o["value"] > 0].sort_values("value").groupby("user_id").tail(cap),
    ),
    (4, "for each person", capped_by_account),
    (4, "another plan", first_come),
]
