"""The figures of chapter 6."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from coupon_rec.book.plots.style import COUPON, NEUTRAL, axes, label

Floats = NDArray[np.float64]

DARK = "#374151"
SHADES = LinearSegmentedColormap.from_list("probability", ["#FFFFFF", COUPON])


def surfaces(couplings: Mapping[str, Callable[[Floats, Floats], Floats]]) -> None:
    """Draw what couplings make of two logits, as lines of equal value; what exceeds 1 is hatched.

    Parameters
    ----------
    couplings : mapping of str to callable
        Five, by name: each takes two arrays of logits of one shape and gives an array of that
        shape.
    """
    _, grid = axes(2, 3, height=5.2)
    z = np.linspace(-6, 6, 121)
    z1, z2 = np.meshgrid(z, z)
    for ax, (name, couple) in zip(grid, couplings.items(), strict=False):
        p = couple(z1, z2)
        ax.contourf(z1, z2, np.minimum(p, 1), np.linspace(0, 1, 11), cmap=SHADES, alpha=0.6)
        lines = ax.contour(z1, z2, p, [0.1, 0.5, 0.9, 1.5], colors=DARK, linewidths=1.1)
        ax.clabel(lines, fmt="%g", fontsize=8)
        if p.max() > 1.001:
            ax.contourf(z1, z2, p, [1, 2], hatches=["///"], colors="none")
        ax.set_aspect("equal")
        ax.grid(visible=False)
        ax.set_xticks([-5, 0, 5])
        ax.set_yticks([-5, 0, 5])
        label(ax, "$z_1$, purchase", "$z_2$, coupon" if ax in grid[::3] else "", name)
    for ax in grid[len(couplings) :]:
        ax.set_axis_off()


def differences(table: pd.DataFrame, metrics: Mapping[str, str]) -> None:
    """Draw the differences from one model, with their intervals, a panel for each metric.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by model and metric, with columns difference, low and high.
    metrics : mapping of str to str
        The metrics to draw, and where better is: "right" or "left".
    """
    _, grid = axes(1, len(metrics), height=3.9)
    models = list(table.index.unique(0))
    for ax, (metric, better) in zip(grid, metrics.items(), strict=True):
        _intervals(ax, table.xs(metric, level=1).loc[models])
        ax.set_yticks(range(len(models)), models if ax is grid[0] else [""] * len(models))
        ax.set_title(metric.replace(" precision", "\nprecision"), fontsize=9)
        ax.set_xlabel("better →" if better == "right" else "← better", fontsize=9)


def _intervals(ax: Axes, rows: pd.DataFrame) -> None:
    place = np.arange(len(rows))
    sure = (rows["low"] > 0) | (rows["high"] < 0)
    for apart, color in ((True, COUPON), (False, NEUTRAL)):
        some = (sure == apart).to_numpy()
        ax.hlines(place[some], rows["low"][some], rows["high"][some], color=color)
        ax.plot(rows["difference"][some], place[some], "o" if apart else "s", color=color, ms=5)
    ax.axvline(0, color=DARK, linewidth=1)
    ax.invert_yaxis()
    ax.locator_params(axis="x", nbins=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.tick_params(labelsize=9)
    ax.grid(visible=False, axis="y")
