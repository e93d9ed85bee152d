"""Answers to the exercises of chapter 23, Text and images."""

import re
from typing import Any

import numpy as np
import pandas as pd


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


RIGHT: list[tuple[int, Any]] = [
    (1, [np.log(10), np.log(100), 0]),
    (2, lift),
    (3, amount),
    (4, same_depth),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "share of the texts", [0.1, 0.01, 1.0]),
    (1, "logarithm", [10, 100, 1]),
    (1, "upside down", [-np.log(10), 0, 0]),
    (1, "the share of the texts", [np.log(10), np.log(100), 1]),
    (1, "how many texts", [7, 7, 7]),
    (2, "what would chance", lambda together: together / together.sum()),
    (2, "not less", signed),
    (2, "never seen", infinite),
    (2, "less 1", lambda together: np.exp(lift(together)) - 1),
    (2, "natural", lambda together: lift(together) / np.log(2)),
    (3, "not right", lambda text: 0.2),
    (3, "between 0 and 1", in_percent),
    (3, "refuse it", part_of_it),
    (4, "all depths at once", any_depth),
    (4, "weight it", unweighted),
]
