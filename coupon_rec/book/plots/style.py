"""The look of every figure: one color for each thing, quiet axes, direct labels."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

USER, ITEM, COUPON, MONEY, NEUTRAL = "#0072B2", "#007A5E", "#C75000", "#8A4FA0", "#6B7280"
"""The colors of user, item, coupon, money, and of everything else."""
DARK = "#374151"
"""What is read or compared with: letters, ticks, lines of the truth."""

STYLE: dict[str, Any] = {
    "figure.dpi": 200,
    "figure.figsize": (5.2, 3.6),
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "font.family": "DejaVu Sans",
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": NEUTRAL,
    "axes.labelcolor": DARK,
    "axes.grid": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": DARK,
    "ytick.color": DARK,
    "legend.frameon": False,
    "lines.linewidth": 2,
}


def axes(
    rows: int = 1, columns: int = 1, height: float = 3.6, width: float = 5.2
) -> tuple[Figure, list[Axes]]:
    """A figure in the book's style, and its axes from left to right and from top to bottom.

    At its width a phone shows it whole, with letters that can be read; panels of more than one
    line of text stand one below the other.

    Parameters
    ----------
    rows, columns : int
        The grid of axes.
    height, width : float
        Of the figure, in inches.
    """
    plt.style.use(STYLE)
    figure, grid = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    return figure, list(grid.flat)


def label(ax: Axes, x: str, y: str, title: str = "") -> None:
    """Name the axes, with units, and say in the title what the panel shows."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_title(title)


def mark(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    color: str,
    offset: tuple[float, float] = (0, 0),
    side: str = "left",
) -> None:
    """Write a curve's name beside it, in its color.

    Parameters
    ----------
    at : tuple of float
        The point that the text belongs to, in data coordinates.
    offset : tuple of float
        From there to the text's `side` ("left", "center" or "right"), in points.
    """
    ax.annotate(
        text,
        at,
        offset,
        textcoords="offset points",
        ha=side,
        va="center",
        color=color,
        fontweight="bold",
    )


def intervals(ax: Axes, rows: pd.DataFrame, apart: pd.Series) -> None:
    """Draw differences from zero, one line each from the top, those that are apart in color.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns difference, low and high, indexed by the name of each line.
    apart : pandas.Series of bool
        Which are apart from zero, for each row.
    """
    place = np.arange(len(rows))
    for sure, color, shape in ((True, COUPON, "o"), (False, NEUTRAL, "s")):
        some = (apart == sure).to_numpy()
        ax.hlines(place[some], rows["low"][some], rows["high"][some], color=color)
        ax.plot(rows["difference"][some], place[some], shape, color=color, markersize=5)
    ax.axvline(0, color=DARK, linewidth=1)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(place, list(rows.index))
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(labelsize=10)
    ax.grid(visible=False, axis="y")
