"""Answers to the exercises of chapter 10, The best coupon."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coupon_rec.decisions import Economics

Floats = NDArray[np.float64]


def edge(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Solve exercise 2."""
    cost = economics.retailer_match * discount + economics.contact / p
    return cost / (economics.margin * spend)


def without_letter(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Forget the cost of sending."""
    return economics.retailer_match * discount / (economics.margin * spend)


def letter_once(p: float, spend: float, discount: float, economics: Economics) -> float:
    """Pay the letter only if the coupon is redeemed."""
    cost = economics.retailer_match * discount + economics.contact
    return cost / (economics.margin * spend)


def bundle(values: Floats, groups: Sequence[str], k: int) -> list[int]:
    """Solve exercise 4."""
    taken: dict[str, int] = {}
    for place in np.argsort(values)[::-1]:
        if values[place] > 0 and len(taken) < k:
            taken.setdefault(groups[place], int(place))
    return sorted(taken.values())


def positive(values: Floats, groups: Sequence[str], k: int) -> list[int]:
    """Ignore the groups."""
    return [int(place) for place in np.argsort(values)[::-1][:k] if values[place] > 0]


def by_chance(baskets: list[set[str]], one: str, other: str) -> float:
    """Solve exercise 5."""
    size = np.array([len(basket) for basket in baskets])
    lines, meet = size.sum(), (size * (size - 1)).sum()
    return tally(baskets, one) * tally(baskets, other) * meet / (lines * (lines - 1))


def tally(baskets: list[set[str]], item: str) -> int:
    """Count the baskets with an item."""
    return sum(item in basket for basket in baskets)


def all_of(baskets: list[set[str]]) -> int:
    """Count the lines."""
    return sum(map(len, baskets))


RIGHT: list[tuple[int, Any]] = [
    (1, 2),
    (2, edge),
    (3, [[1.1, 1.0], [2.0, 0.1]]),
    (4, bundle),
    (5, by_chance),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "not all lose", 0),
    (1, "how often", 3),
    (2, "letter has to be paid", without_letter),
    (2, "only when redeemed", letter_once),
    (3, "worth something", [[1.0, -2.0], [1.0, 1.0]]),
    (3, "same coupon", [[2.0, 1.0], [1.0, 2.0]]),
    (3, "still earns", [[1.1, 1.0], [2.0, 1.0]]),
    (4, "drawer", lambda values, groups, k: [int(values.argmin())]),
    (4, "two coupons of one group", positive),
    (5, "equally large", lambda b, x, y: tally(b, x) * tally(b, y) / len(b)),
    (
        5,
        "meet itself",
        lambda b, x, y: tally(b, x) * tally(b, y) * sum(len(e) ** 2 for e in b) / all_of(b) ** 2,
    ),
    (5, "S - 1 are left", lambda b, x, y: by_chance(b, x, y) * (all_of(b) - 1) / all_of(b)),
    (5, "how many such", lambda b, x, y: by_chance(b, x, y) / max(tally(b, x) * tally(b, y), 1)),
]
