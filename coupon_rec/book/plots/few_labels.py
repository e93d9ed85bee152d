"""The figures of chapter 24."""

from itertools import cycle

import numpy as np
import pandas as pd

from coupon_rec.book.plots.colors import COUPON, ITEM, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark

BAND = (0.85, 1.15)
DRAWS = (USER, ITEM, COUPON, MONEY, NEUTRAL, "#111827")
"""A color for each draw."""


def drift(rows: pd.DataFrame) -> None:
    """Draw what self-training does, round by round, for each draw of the labels.

    Parameters
    ----------
    rows : pandas.DataFrame
        `seed`, `round`, `test` (promised over came) and `ap`.
    """
    _, (above, below) = axes(2, 1, height=5.2)
    for color, (_, run) in zip(cycle(DRAWS), rows.groupby("seed"), strict=False):
        above.plot(run["round"], run["test"], "-o", color=color, markersize=4)
        below.plot(run["round"], run["ap"], "-o", color=color, markersize=4)
    above.axhline(1, color=NEUTRAL, linestyle="--")
    ticks = [tick for tick in (0.5, 1, 3, 10, 30) if tick < 1.3 * rows["test"].max()]
    logarithmic(above, "y", ticks)
    below.set_ylim(0, None)
    for ax in (above, below):
        ax.set_xticks(np.unique(rows["round"]))
    label(above, "", "promised / came, log scale")
    label(below, "rounds of labeling itself", "average precision")


def promises(rows: pd.DataFrame) -> None:
    """Draw how well each way of asking ranks, against what it promises.

    Parameters
    ----------
    rows : pandas.DataFrame
        `way`, `pool` (promised over came) and `AP`; a row for each draw.
    """
    looks = {
        "lottery": (NEUTRAL, "s", "min", (0, -16), "center"),
        "drawn": (COUPON, "^", "min", (0, -20), "left"),
        "drawn, recalibrated": (ITEM, "o", "max", (4, 16), "right"),
        "top": (MONEY, "D", "mean", (0, 15), "center"),
    }
    _, (ax,) = axes(height=4.2)
    ax.axvspan(*BAND, color=NEUTRAL, alpha=0.12)
    for way, (color, marker, height, offset, side) in looks.items():
        its = rows[rows["way"] == way]
        ax.plot(its["pool"], its["AP"], marker, color=color, markersize=7, alpha=0.85)
        middle = its["pool"].mean() if way == "top" else its["pool"].median()
        mark(ax, way, (middle, its["AP"].agg(height)), color, offset, side)
    logarithmic(ax, "x", [0.5, 0.7, 1, 1.4, 2])
    ax.set_ylim(rows["AP"].min() - 0.012, rows["AP"].max() + 0.008)
    label(ax, "promised / came, offers not asked about, log scale", "average precision, test")
