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


def independent_kinds(without: float, with_coupon: float) -> dict[str, float]:
    """Toss a coin for each life."""
    return {
        "always": without * with_coupon,
        "persuadable": (1 - without) * with_coupon,
        "dogs": without * (1 - with_coupon),
        "never": (1 - without) * (1 - with_coupon),
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


RIGHT: dict[int, list[Any]] = {
    1: [kinds],
    2: [
        surplus,
        lambda t, p: rel_entr(t, p) + rel_entr(1 - t, 1 - p),
    ],
    3: [needed],
    4: [effect, normalized],
    5: [regret],
}
WRONG: dict[int, dict[str, Any]] = {
    1: {
        "'persuadable' is missing": lambda a, b: {"always": a},
        "'dogs' is not a number": lambda a, b: {**kinds(a, b), "dogs": np.nan},
        "'dogs' is not a number.": lambda a, b: {**kinds(a, b), "dogs": None},
        "add up to 1": lambda a, b: {**kinds(a, b), "never": 0.0},
        "do not multiply": independent_kinds,
        "who buys without": lambda a, b: {**kinds(a, b), "always": b, "never": 0.2},
        "persuades nobody": kinds_of_the_pleased,
        "who buys with": lambda a, b: kinds(min(a, b), max(a, b)),
    },
    2: {
        "the sign": lambda t, p: -surplus(t, p),
        "natural logarithms": lambda t, p: surplus(t, p) / np.log(2),
        "own term": lambda t, p: surplus(t, p) / len(t),
        "floor off": lambda t, p: -xlogy(t, p) - xlogy(1 - t, 1 - p),
        "does the weighing": lambda t, p: surplus(p, t),
        "not redeemed": lambda t, p: xlogy(t, t / p),
        "second sum": lambda t, p: 2 * surplus(t, p),
        "counts nothing": lambda t, p: t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p)),
    },
    3: {
        "squared mean": needed_by_square,
        "solve for n": lambda *data: needed(*data) ** 0.5,
        "vary too": needed_without_labels,
        "over offers and labels": lambda *data: 2 * needed(*data),
        "comes first": lambda t, p, q: needed(t, p, q) if p[0] > q[0] else 0.0,
    },
    4: {
        "by 1 / propensity": naive_effect,
        "number of people": lambda *data: len(data[0]) * effect(*data),
        "divide by all of them": divided_by_each_group,
        "1 - propensity": wrongly_weighted,
        "if none were": if_all_were_mailed,
        "less without it": lambda *data: -effect(*data),
        "over all users": lambda *data: 2 * effect(*data),
    },
    5: {
        "one by one": lambda v, s, g: v.max() - v[s.argmax()],
        '"none" earns 0': regret_without_none,
        "never negative": lambda *data: -regret(*data),
        "add the lists up": lambda *data: regret(*data) / 3,
        "the top score": lambda *data: 0.0,
    },
}
