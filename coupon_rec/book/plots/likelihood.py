"""The figures of chapter 4."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from coupon_rec.book.plots.style import COUPON, NEUTRAL, USER, axes, label, mark

Floats = NDArray[np.float64]

DARK = "#374151"


def likelihood_of_rate(counts: Mapping[str, tuple[int, int]]) -> None:
    """Draw how the log-likelihood falls on both sides of the best constant rate.

    Parameters
    ----------
    counts : mapping of str to tuple of int
        Name of each data set, the smaller one first: how many were redeemed, and of how many.
    """
    _, (ax,) = axes(height=3.4)
    rate = np.linspace(0.0012, 0.0034, 500)
    for (name, (redeemed, offered)), color in zip(counts.items(), (NEUTRAL, COUPON), strict=True):
        curve = redeemed * np.log(rate) + (offered - redeemed) * np.log1p(-rate)
        curve -= curve.max()
        ax.plot(1000 * rate, curve, color=color)
        edge = 1000 * rate[curve > -4].max()
        mark(ax, name, (edge, -4), color, (8, 0))
    ax.axhline(-1.92, color=DARK, linewidth=1, linestyle="--")
    mark(ax, "1.92 below the top", (3.6, -1.92), DARK, (0, 8), "right")
    ax.set_ylim(-6, 0.3)
    ax.set_xlim(1.1, 3.7)
    label(ax, "redemptions in 1,000 offers", "log-likelihood, from its top")


def surface(
    panels: Mapping[str, tuple[Callable[[Floats], float], Mapping[str, Floats]]],
) -> None:
    """Draw the log loss over intercept and slope, and paths to its lowest point.

    Parameters
    ----------
    panels : mapping of str to tuple
        Title of each panel: the log loss of two parameters, and the points of each path by name,
        shape (steps, 2), "Newton" among them; all paths end at the lowest point.
    """
    _, grid = axes(1, len(panels), height=3.9)
    for ax, (title, (loss, paths)) in zip(grid, panels.items(), strict=True):
        points = np.vstack(list(paths.values()))
        low, high = points.min(0), points.max(0)
        margin = 0.15 * (high - low)
        intercepts, slopes = np.linspace(low - margin, high + margin, 90).T
        height = np.array([[loss(np.array([b, w])) for b in intercepts] for w in slopes])
        above = height - loss(paths["Newton"][-1])
        levels = 10.0 ** np.arange(-4.5, 1.5, 0.5)
        ax.contour(intercepts, slopes, above, levels, colors="#C4CAD3", linewidths=0.9)
        for name, path in paths.items():
            _path(ax, name, path)
        ax.grid(visible=False)
        label(ax, "intercept b", "slope W" if ax is grid[0] else "", title)


def _path(ax: Axes, name: str, path: Floats) -> None:
    newton = name == "Newton"
    color = DARK if newton else COUPON
    shown = path if newton else path[[10**power for power in range(6) if 10**power < len(path)]]
    ax.plot(*path.T, color=color, linewidth=1.4, linestyle="--" if newton else "-")
    ax.plot(*shown.T, "s" if newton else "o", color=color, markersize=4 if newton else 5)
    at = path[len(path) // 2] if newton else path[10]
    near_right_edge = at[0] > 0.3 * path[:, 0].min()
    inward = (-8, 8) if near_right_edge else (10, -6)
    mark(ax, name, (at[0], at[1]), color, inward, "right" if near_right_edge else "left")


def runaway(weights: Mapping[str, Sequence[float]], losses: Mapping[str, Sequence[float]]) -> None:
    """Draw a weight and a test loss after each of Newton's steps, for several penalties.

    Parameters
    ----------
    weights, losses : mapping of str to sequence of float
        By the name of the penalty, of three, the first being none: one value for each step; a
        curve that ends early has converged and stays where it is.
    """
    _, panels = axes(1, 2, height=3.4)
    longest = max(map(len, weights.values()))
    for ax, values in zip(panels, (weights, losses), strict=True):
        for (name, curve), color in zip(values.items(), (COUPON, DARK, NEUTRAL), strict=True):
            rest = [curve[-1]] * (longest - len(curve))
            ax.plot(np.arange(1, longest + 1), [*curve, *rest], color=color)
            mark(ax, name, (longest, curve[-1]), color, (5, 0))
        ax.set_xlim(1, 29)
        ax.set_xticks([1, 10, 20])
    label(panels[0], "step of Newton's method", "weight", "Weight of the column")
    label(panels[1], "step of Newton's method", "log loss", "The same offers in the test")


def coefficients(table: pd.DataFrame) -> None:
    """Draw each coefficient with two 95% intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a coefficient, by name, with columns `coefficient`, `Hessian` and `bootstrap`
        (standard errors).
    """
    _, (ax,) = axes(height=4.2)
    place = np.arange(len(table))[::-1]
    for how, color, shift in (("Hessian", NEUTRAL, 0.17), ("bootstrap", USER, -0.17)):
        reach = 1.96 * table[how]
        y = place + shift
        ax.hlines(y, table["coefficient"] - reach, table["coefficient"] + reach, color=color)
        ax.plot(table["coefficient"], y, "o", color=color, markersize=4)
        name = "from the Hessian" if how == "Hessian" else "bootstrap over users"
        mark(ax, name, (table["coefficient"].iloc[0] + reach.iloc[0], y[0]), color, (6, 0))
    ax.axvline(0, color=DARK, linewidth=1)
    ax.set_yticks(place, list(table.index))
    ax.grid(visible=False, axis="y")
    label(ax, "coefficient, with 95% intervals", "")


def promised(curves: Mapping[str, pd.DataFrame]) -> None:
    """Draw the observed rate of redemption against the predicted one, on logarithmic axes.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Three models by name, the one to be mended first: seven or more groups of offers in
        ascending order, one a row, with columns `predicted` and `observed` (rates, in (0, 1]).
    """
    _, (ax,) = axes(height=4.2)
    looks = (
        (NEUTRAL, "s", 3, (-8, 4), "right"),
        (COUPON, "o", 5, (4, -14), "left"),
        (USER, "D", 6, (-6, 12), "right"),
    )
    for (name, curve), (color, marker, row, offset, side) in zip(
        curves.items(), looks, strict=True
    ):
        ax.plot(curve["predicted"], curve["observed"], color=color, marker=marker, markersize=5)
        at = (curve["predicted"].iloc[row], curve["observed"].iloc[row])
        mark(ax, name, at, color, offset, side)
    ax.plot([1e-4, 1], [1e-4, 1], color=DARK, linewidth=1, linestyle=":")
    mark(ax, "as promised", (0.5, 0.5), DARK, (-8, 6), "right")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(1e-4, 1)
    ax.set_ylim(1e-4, 1)
    ticks, names = [1e-4, 1e-3, 1e-2, 1e-1, 1], ["0.01%", "0.1%", "1%", "10%", "100%"]
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    label(ax, "predicted rate", "observed rate")
