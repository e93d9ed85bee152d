"""The figures of chapter 22."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import poisson

from coupon_rec.book.plots.colors import COUPON, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark

Floats = NDArray[np.float64]


def moved(limits: pd.DataFrame) -> None:
    """Draw how many redemptions are among the offers that a limit moves, expected and come.

    Parameters
    ----------
    limits : pandas.DataFrame
        Indexed by the limit in points; `expected` and `came` are numbers of redemptions.
    """
    _, (ax,) = axes(height=3.2)
    rows = limits.sort_index()
    low, high = poisson.interval(0.95, rows["expected"])
    ax.vlines(rows.index, low, high, color=MONEY, alpha=0.35, linewidth=7)
    ax.plot(rows.index, rows["expected"], "_", color=MONEY, markersize=14, markeredgewidth=2.5)
    ax.plot(rows.index, rows["came"], "o", color=COUPON, markersize=7)
    last = rows.index[-2]
    mark(ax, "expected", (last, rows["expected"].iloc[-2]), MONEY, (12, 2))
    mark(ax, "came", (last, rows["came"].iloc[-2]), COUPON, (12, 0))
    ax.set_ylim(-0.6, 9)
    ax.set_xticks(range(0, 21, 5))
    label(ax, "largest gap allowed, points", "redemptions among the\noffers that move")


def letters(
    earned: Callable[[Floats, float], Floats], strategic: Sequence[float], meets: float
) -> None:
    """Draw what letters earn against the share that is mailed, if users know it.

    Parameters
    ----------
    earned : callable
        Dollars, from shares mailed and the share of strategic customers.
    strategic : sequence of float
        Three shares of strategic customers, from the lowest.
    meets : float
        The share mailed times that of strategic customers at which nothing is earned.
    """
    _, (ax,) = axes(height=3.6)
    x = np.linspace(0, 1, 401)
    ax.axhline(0, color=NEUTRAL, linestyle="--")
    for share, color, style in zip(
        strategic, (USER, COUPON, MONEY), ["-", "--", "-."], strict=True
    ):
        ax.plot(x, earned(x, share), style, color=color)
        top = meets / share / 2
        ax.plot(top, earned(np.array(top), share), "o", color=color, markersize=7)
    for share, color, height in zip(strategic, (USER, COUPON, MONEY), (11.5, -7, -10), strict=True):
        right = x[np.argmin(np.abs(earned(x, share) - height)[x > 0.05]) + (x <= 0.05).sum()]
        mark(ax, f"{100 * share:.0f}% strategic", (float(right), height), color, (8, 0))
    ax.set_ylim(-12, 13)
    ax.set_xlim(0, 1.02)
    label(ax, "share of those who stay away that is mailed", "letters earn, $ a month")
