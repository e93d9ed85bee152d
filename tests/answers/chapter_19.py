"""Answers to the exercises of chapter 19, Explanations."""

from typing import Any

import numpy as np


def worths(f: Any, offer: Any, others: Any) -> np.ndarray:
    """Mean f of nobody, the first, the second, both."""
    return np.array(
        [
            np.mean([f(*z) for z in others]),
            np.mean([f(offer[0], z[1]) for z in others]),
            np.mean([f(z[0], offer[1]) for z in others]),
            f(*offer),
        ]
    )


def share(f: Any, offer: Any, others: Any) -> tuple[float, float]:
    """Solve exercise 2."""
    none, first, second, both = worths(f, offer, others)
    return (first - none + both - second) / 2, (second - none + both - first) / 2


def path(slope: Any, end: Any, start: Any) -> Any:
    """Solve exercise 3."""
    points = [slope(start + t * (end - start)) for t in np.linspace(0.005, 0.995, 100)]
    return np.mean(points, axis=0) * (end - start)


def moved(score: Any, rows: Any, column: int, sign: int) -> Any:
    """How far a score moves in the direction that was promised."""
    more = rows.copy()
    more[:, column] += 1
    return sign * (score(more) - score(rows))


def broken(score: Any, rows: Any, column: int, sign: int) -> float:
    """Solve exercise 4."""
    return float((moved(score, rows, column, sign) < 0).mean())


def early(*data: Any) -> Any:
    none, first, second, _ = worths(*data)
    return first - none, second - none


def late(*data: Any) -> Any:
    _, first, second, both = worths(*data)
    return both - second, both - first


def one_order(*data: Any) -> Any:
    none, first, _, both = worths(*data)
    return first - none, both - first


def of_the_mean(f: Any, offer: Any, others: Any) -> Any:
    return share(f, offer, [tuple(np.mean(others, axis=0))])


RIGHT: list[tuple[int, Any]] = [
    (1, ["saving", "items"]),
    (2, share),
    (3, path),
    (4, broken),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "with whom is the offer compared", ["items", "items"]),
    (1, "against anybody", ["habit", "items"]),
    (1, "this user's coupons alone", ["saving", "saving"]),
    (1, "other coupons", ["saving", "coupon"]),
    (2, "may also come second", early),
    (2, "may also come first", late),
    (2, "there are two", one_order),
    (2, "signs are turned", lambda *d: [-x for x in share(*d)]),
    (2, "take the mean of f", of_the_mean),
    (2, "is not right", lambda *_: (0, 9)),
    (3, "how far does each", lambda s, e, z: path(s, e, z) / (e - z)),
    (3, "not begin at 0", lambda s, e, z: path(s, e, z) / (e - z) * e),
    (3, "the end alone", lambda s, e, z: s(e) * (e - z)),
    (3, "the start alone", lambda s, e, z: s(z) * (e - z)),
    (3, "signs are turned", lambda s, e, z: -path(s, e, z)),
    (4, "breaks nothing", lambda *d: (moved(*d) <= 0).mean()),
    (4, "is kept", lambda *d: (moved(*d) > 0).mean()),
    (4, "must not rise", lambda s, r, c, g: broken(s, r, c, 1)),
    (4, "what share", lambda *d: (moved(*d) < 0).sum()),
]
