"""The look of every figure: one color for each thing, quiet axes, direct labels."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL

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


def logarithmic(
    ax: Axes, which: str, ticks: Sequence[float], names: Sequence[str] = (), **text: Any
) -> None:
    """Give an axis, "x" or "y", a logarithmic scale with these ticks alone.

    Parameters
    ----------
    names : sequence of str
        Of the ticks; left out, their numbers.
    **text : object
        How the names are written.
    """
    getattr(ax, f"set_{which}scale")("log")
    axis = ax.xaxis if which == "x" else ax.yaxis
    axis.set_ticks(ticks, names or [f"{tick:g}" for tick in ticks], **text)
    ax.minorticks_off()


def named_rows(ax: Axes, places: ArrayLike, names: Iterable[Any] = ()) -> None:
    """Name the rows of a panel in place of a grid across them."""
    ax.set_yticks(places, list(names))
    ax.grid(visible=False, axis="y")


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
    named_rows(ax, place, rows.index)
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(labelsize=10)
