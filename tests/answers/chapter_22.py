"""Answers to the exercises of chapter 22, Fairness and gaming."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rate(sent: Any, band: Any, name: str, also: Any) -> float:
    """The rate of a band with some of the unknown."""
    return float(sent[(band == name) | ((band == "unknown") & also)].mean())


def widest(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Solve exercise 2."""
    worst = rate(sent, band, first, ~sent) - rate(sent, band, second, sent)
    return worst, rate(sent, band, first, sent) - rate(sent, band, second, ~sent)


def one_side(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Let the unknown belong to the first band only, or to none."""
    nobody = np.zeros(len(sent), bool)
    other = rate(sent, band, second, nobody)
    return rate(sent, band, first, ~sent) - other, rate(sent, band, first, sent) - other


def known(sent: Any, band: Any, first: str, second: str) -> tuple[float, float]:
    """Leave the unknown out."""
    gap = sent[band == first].mean() - sent[band == second].mean()
    return gap, gap


def fee(a: Floats, b: Floats, gap: float, sizes: bool = True) -> float:
    """Solve exercise 3, or forget how large the groups are."""
    n, m = (len(a), len(b)) if sizes else (1, 1)
    low, high = 0.0, 1e6
    for _ in range(100):
        f = (low + high) / 2
        small = (a > f / n).mean() - (b > -f / m).mean() <= gap
        low, high = (low, f) if small else (f, high)
    return high


def committed(gain: float, regulars: float, s: float) -> float:
    """Solve exercise 4."""
    return 1.0 if s == 0 else min(1.0, gain / (2 * regulars * s))


RIGHT: list[tuple[int, Any]] = [
    (1, [4, 3, 25.5]),
    (2, widest),
    (3, fee),
    (4, committed),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "larger than 25", [4, 2, 26]),
    (1, "0 to 4", [5, 4, 25]),
    (1, "need not be equal", [3, 3, 24.5]),
    (1, "worth more", [3, 2, 25]),
    (2, "lowest comes first", lambda *data: widest(*data)[::-1]),
    (2, "could change it", known),
    (2, "moves too", one_side),
    (2, "is not right", lambda *data: (-1.0, 1.0)),
    (3, "is allowed", lambda a, b, gap: 0.0),
    (3, "0 or more", lambda a, b, gap: -1.0),
    (3, "is enough", lambda a, b, gap: 2 * fee(a, b, gap)),
    (3, "the fee is 0", lambda a, b, gap: fee(a, b, gap) + (gap == 0.05)),
    (4, "equilibrium", lambda gain, n, s: min(1, gain / (n * s)) if s else 1),
    (4, "no share", lambda gain, n, s: gain / (2 * n * s) if s else 1),
    (4, "s = 0", lambda gain, n, s: committed(gain, n, s) * (s > 0)),
]
