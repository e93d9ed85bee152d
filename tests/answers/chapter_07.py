"""Answers to the exercises of chapter 7, A market whose truth is known."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import rel_entr, xlogy

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]


def kinds(without: float, with_coupon: float) -> dict[str, float]:
    """Solve exercise 1."""
    return {
        "always": min(without, with_coupon),
        "persuadable": max(with_coupon - without, 0),
        "dogs": max(without - with_coupon, 0),
        "never": 1 - max(without, with_coupon),
    }


def kinds_of_the_pleased(without: float, with_coupon: float) -> dict[str, float]:
    """Believe that a coupon only adds."""
    shares = {"always": without, "persuadable": with_coupon - without}
    return {**shares, "dogs": 0.0, "never": 1 - with_coupon}


def surplus(t: Floats, p: Floats) -> Floats:
    """Solve exercise 2."""
    return np.asarray(xlogy(t, t / p) + xlogy(1 - t, (1 - t) / (1 - p)))


def needed(t: Floats, p: Floats, q: Floats) -> float:
    """Solve exercise 3."""
    redeemed, ignored = np.log(p / q), np.log((1 - p) / (1 - q))
    mean = (t * redeemed + (1 - t) * ignored).mean()
    square = (t * redeemed**2 + (1 - t) * ignored**2).mean()
    return float(1.96**2 * (square - mean**2) / mean**2)


def needed_without_labels(t: Floats, p: Floats, q: Floats) -> float:
    """Forget that labels vary."""
    expected = surplus(t, p) - surplus(t, q)
    return float(1.96**2 * expected.var() / expected.mean() ** 2)


def needed_by_square(t: Floats, p: Floats, q: Floats) -> float:
    """Forget to subtract the squared mean."""
    return needed(t, p, q) + 1.96**2


def effect(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Solve exercise 4."""
    gain = bought * offered / propensity - bought * ~offered / (1 - propensity)
    return float(gain.mean())


def naive_effect(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Compare the mailed with the others."""
    return float(bought[offered].mean() - bought[~offered].mean())


def wrongly_weighted(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Weigh both groups alike."""
    return float((bought * offered / propensity - bought * ~offered / propensity).mean())


def if_all_were_mailed(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Stop halfway."""
    return float((bought * offered / propensity).mean())


def divided_by_each_group(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Weigh, and then take the mean of each group."""
    mailed, others = bought / propensity, bought / (1 - propensity)
    return float(mailed[offered].mean() - others[~offered].mean())


def regret(value: Floats, score: Floats, lists: Ints) -> float:
    """Solve exercise 5."""
    table = pd.DataFrame({"value": value, "score": score}).groupby(lists)
    chosen = value[table["score"].idxmax()]
    return float((table["value"].max().clip(lower=0) - chosen).sum())


def regret_without_none(value: Floats, score: Floats, lists: Ints) -> float:
    """Always send one."""
    table = pd.DataFrame({"value": value, "score": score}).groupby(lists)
    return float((table["value"].max() - value[table["score"].idxmax()]).sum())


def normalized(bought: Bools, offered: Bools, propensity: Floats) -> float:
    """Divide by the weights in place of the number of people."""
    mailed, others = offered / propensity, ~offered / (1 - propensity)
    return float(np.average(bought, weights=mailed) - np.average(bought, weights=others))


RIGHT: list[tuple[int, Any]] = [
    (1, kinds),
    (2, surplus),
    (2, lambda t, p: rel_entr(t, p) + rel_entr(1 - t, 1 - p)),
    (3, needed),
    (4, effect),
    (4, normalized),
    (5, regret),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "'persuadable' is missing", lambda a, b: {"always": a}),
    (1, "'dogs' is not a number", lambda a, b: {**kinds(a, b), "dogs": np.nan}),
    (1, "'dogs' is not a number.", lambda a, b: {**kinds(a, b), "dogs": None}),
    (1, "add up to 1", lambda a, b: {**kinds(a, b), "never": 0.0}),
    (1, "who buys without", lambda a, b: {**kinds(a, b), "always": b, "never": 0.2}),
    (1, "persuades nobody", kinds_of_the_pleased),
    (1, "who buys with", lambda a, b: kinds(min(a, b), max(a, b))),
    (2, "the sign", lambda t, p: -surplus(t, p)),
    (2, "natural logarithms", lambda t, p: surplus(t, p) / np.log(2)),
    (2, "own term", lambda t, p: surplus(t, p) / len(t)),
    (2, "floor off", lambda t, p: -xlogy(t, p) - xlogy(1 - t, 1 - p)),
    (2, "does the weighing", lambda t, p: surplus(p, t)),
    (2, "not redeemed", lambda t, p: xlogy(t, t / p)),
    (2, "counts nothing", lambda t, p: t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p))),
    (3, "squared mean", needed_by_square),
    (3, "solve for n", lambda *data: needed(*data) ** 0.5),
    (3, "vary too", needed_without_labels),
    (3, "comes first", lambda t, p, q: needed(t, p, q) if p[0] > q[0] else 0.0),
    (4, "by 1 / propensity", naive_effect),
    (4, "number of people", lambda *data: len(data[0]) * effect(*data)),
    (4, "divide by all of them", divided_by_each_group),
    (4, "1 - propensity", wrongly_weighted),
    (4, "if none were", if_all_were_mailed),
    (4, "less without it", lambda *data: -effect(*data)),
    (5, "one by one", lambda v, s, g: v.max() - v[s.argmax()]),
    (5, '"none" earns 0', regret_without_none),
    (5, "never negative", lambda *data: -regret(*data)),
    (5, "add the lists up", lambda *data: regret(*data) / 3),
]
