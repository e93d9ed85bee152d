"""The figures of chapter 22."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.book.plots.style import COUPON, MONEY, NEUTRAL, USER, axes, label, mark

Floats = NDArray[np.float64]


def frontier(changes: pd.DataFrame) -> None:
    """Draw what a limit on the gap changes in profit, promised and earned.

    Parameters
    ----------
    changes : pandas.DataFrame
        Indexed by the limit in points; `promised`, `earned`, `low` and `high` in cents a list.
    """
    _, (ax,) = axes(height=3.4)
    rows = changes.sort_index()
    ax.axhline(0, color=NEUTRAL, linestyle="--")
    ax.plot(rows.index, rows["promised"], "-", color=MONEY)
    ax.vlines(rows.index, rows["low"], rows["high"], color=COUPON)
    ax.plot(rows.index, rows["earned"], "o", color=COUPON, markersize=6)
    last = rows.index[-1]
    mark(ax, "promised", (last, rows["promised"].iloc[-1]), MONEY, (-6, -12), "right")
    mark(ax, "earned", (rows.index[2], rows["earned"].iloc[2]), COUPON, (8, 0))
    label(ax, "largest gap allowed, points", "change of profit,\ncents a list")


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
        mark(ax, f"{100 * share:.0f}% wait", (float(right), height), color, (8, 0))
    ax.set_ylim(-12, 13)
    ax.set_xlim(0, 1.02)
    label(ax, "share of those who stay away that is mailed", "letters earn, $ a month")
