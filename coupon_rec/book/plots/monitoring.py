"""The figures of chapter 17."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark, named_rows


def moved(table: pd.DataFrame, users: tuple[int, int]) -> None:
    """Draw how far features moved, beside how far chance moves one; those not sure share a row.

    Parameters
    ----------
    table : pandas.DataFrame
        As `coupon_rec.monitoring.shift` gives it.
    users : tuple of int
        How many users there were then and now.
    """
    _, (ax,) = axes(height=5.0)
    sure = table["p_any"] <= 0.05
    away, others = table.loc[sure, "deviations"], table.loc[~sure, "deviations"]
    rows = np.arange(len(away), 0, -1)
    chance = 1.96 * np.sqrt(sum(1 / count for count in users))
    ax.axvspan(-chance, chance, color=NEUTRAL, alpha=0.25, linewidth=0)
    ax.hlines(rows, 0, away, color=NEUTRAL, linewidth=1)
    ax.plot(away, rows, "o", color=USER, markersize=8)
    ax.plot(others, np.zeros(len(others)), "o", color=USER, markersize=6, markerfacecolor="white")
    ax.axvline(0, color=DARK, linewidth=1)
    mark(ax, "chance", (chance, rows[2]), DARK, (4, 0), "left")
    named_rows(ax, [*rows, 0], [*away.index, f"{len(others)} others"])
    label(ax, "moved by, standard deviations", "")


def kept(table: pd.DataFrame) -> None:
    """Draw observed over expected of campaigns; of those that still run, the raw ratio too.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by campaign; `t`, the share of its days that have passed, `raw`, and `ratio`, `low`
        and `high` of the adjusted ratio.
    """
    _, (ax,) = axes(height=3.9)
    rows = np.arange(len(table))[::-1]
    runs = (table["t"] < 1).to_numpy()
    ax.axvline(1, color=DARK, linewidth=1, linestyle=":")
    ax.hlines(rows, table["low"], table["high"], color=COUPON, linewidth=2)
    ax.plot(table["ratio"], rows, "o", color=COUPON, markersize=7)
    ax.plot(table["raw"][runs], rows[runs], "x", color=NEUTRAL, markersize=8, markeredgewidth=2)
    last = table.iloc[-1]
    mark(ax, "raw", (last["raw"], rows[-1]), NEUTRAL, (0, 13), "center")
    mark(ax, "adjusted", (last["ratio"], rows[-1]), COUPON, (-4, 13), "left")
    logarithmic(ax, "x", [0.125, 0.25, 0.5, 1, 2, 4])
    names = [
        f"{k}, still running" if run else f"{k}" for k, run in zip(table.index, runs, strict=True)
    ]
    named_rows(ax, rows, names)
    ax.margins(y=0.1)
    label(ax, "observed over expected", "campaign")


def alarm(
    observed: ArrayLike, expected: ArrayLike, path: ArrayLike, threshold: float, day: int
) -> None:
    """Draw redemptions beside the promise, and the sum that rings.

    Parameters
    ----------
    observed, expected, path : array_like
        Of each day, shape (days,).
    threshold : float
        Where the sum rings.
    day : int
        On which it does, counted from 0.
    """
    _, (top, bottom) = axes(2, 1, height=5.2)
    days = np.arange(1, len(np.asarray(path)) + 1)
    for values, color, style, name in (
        (expected, NEUTRAL, "--", "promised"),
        (observed, COUPON, "-", "came"),
    ):
        total = np.cumsum(values)
        top.plot(days, total, color=color, linestyle=style)
        mark(top, name, (days[-1], total[-1]), color, (0, 10), "right")
    bottom.plot(days, path, color=COUPON)
    bottom.axhline(threshold, color=DARK, linewidth=1, linestyle=":")
    mark(bottom, "threshold", (days[-1], threshold), DARK, (0, -9), "right")
    bottom.plot(day + 1, np.asarray(path)[day], "o", color=DARK, markersize=7, zorder=3)
    top.axvline(day + 1, color=DARK, linewidth=1, linestyle=":")
    top.set_ylim(0, 1.2 * np.sum(expected))
    label(top, "", "redemptions so far", "Promised and kept")
    label(bottom, "day since the fall", "sum S", "The alarm")
