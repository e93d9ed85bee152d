"""The figures of chapter 4."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark

Floats = NDArray[np.float64]


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
        mark(ax, name, (1000 * rate[curve > -4].max(), -4), color, (8, 0))
    ax.axhline(-1.92, color=DARK, linewidth=1, linestyle="--")
    mark(ax, "1.92 below the top", (3.6, -1.92), DARK, (0, 8), "right")
    ax.set_ylim(-6, 0.3)
    ax.set_xlim(1.1, 3.7)
    label(ax, "redemptions in 1,000 offers", "log-likelihood, from its top")


def surface(
    log_likelihood: Callable[[Floats, Floats], float],
    designs: Mapping[str, Floats],
    paths: Mapping[str, Mapping[str, Floats]],
) -> None:
    """Draw the log-likelihood over intercept and slope, and paths to its top, one panel a design.

    Parameters
    ----------
    log_likelihood : callable
        Of two parameters and a design.
    designs : mapping of str to numpy.ndarray
        Title of each panel, and the design that belongs to it.
    paths : mapping of str to mapping
        By the same titles: the points of each path by name, shape (steps, 2), "Newton" among them;
        all paths end at the top.
    """
    _, panels = axes(len(designs), height=3.5 * len(designs))
    for ax, (title, design) in zip(panels, designs.items(), strict=True):
        points = np.vstack(list(paths[title].values()))
        low, high = points.min(0), points.max(0)
        margin = 0.15 * (high - low)
        intercepts, slopes = np.linspace(low - margin, high + margin, 90).T
        height = [[log_likelihood(np.array([b, w]), design) for b in intercepts] for w in slopes]
        below = log_likelihood(paths[title]["Newton"][-1], design) - np.array(height)
        levels = 10.0 ** np.arange(1, 7, 0.5)
        ax.contour(intercepts, slopes, below, levels, colors="#C4CAD3", linewidths=0.9)
        for name, path in paths[title].items():
            _path(ax, name, path)
        ax.grid(visible=False)
        label(ax, "intercept b", "slope W", title)


def _path(ax: Axes, name: str, path: Floats) -> None:
    newton = name == "Newton"
    color = DARK if newton else COUPON
    shown = path if newton else path[[10**power for power in range(6) if 10**power < len(path)]]
    ax.plot(*path.T, color=color, linewidth=1.4, linestyle="--" if newton else "-")
    ax.plot(*shown.T, "s" if newton else "o", color=color, markersize=4 if newton else 5)
    place = len(path) // 2 if newton else 10
    at, after = path[place], path[place + 1]
    if at[0] > 0.3 * path[:, 0].min():  # near the right edge
        mark(ax, name, (at[0], at[1]), color, (-8, 8), "right")
    else:
        mark(ax, name, (at[0], at[1]), color, (10, 8 if after[0] > at[0] else -6))


def runaway(weights: Mapping[float, Floats], losses: Mapping[float, Floats]) -> None:
    """Draw a weight and a test loss after each of Newton's steps, for several penalties.

    Parameters
    ----------
    weights, losses : mapping of float to numpy.ndarray
        By the penalty, of three, the first being none: one value for each step.
    """
    _, panels = axes(2, height=5.6)
    for ax, values in zip(panels, (weights, losses), strict=True):
        for (penalty, curve), color in zip(values.items(), (COUPON, DARK, NEUTRAL), strict=True):
            steps = len(curve)
            ax.plot(np.arange(1, steps + 1), curve, color=color)
            mark(ax, f"$\\alpha$ = {penalty:g}", (steps, curve[-1]), color, (5, 0))
        ax.set_xlim(1, 1.2 * steps)
        ax.set_xticks([1, 5, 10, 15])
    label(panels[0], "", "weight", "Weight of the column")
    label(panels[1], "step of Newton's method", "log loss", "The same offers in the test")


def promised(curves: Mapping[str, pd.DataFrame]) -> None:
    """Draw the observed rate of redemption against the predicted one, on logarithmic axes.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Three models by name, the one to be fixed first: seven or more groups of offers in
        ascending order, one a row, with columns `predicted` and `observed` (rates, in (0, 1]).
    """
    _, (ax,) = axes(height=4.4)
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
