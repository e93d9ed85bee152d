"""The figures of chapter 8."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import stats

from coupon_rec.book.plots.style import COUPON, NEUTRAL, USER, axes, label, mark

DARK = "#374151"


def curves(history: pd.DataFrame) -> None:
    """Draw the training and the validation loss of each epoch, and mark the one that is kept.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch, with the columns training and validation. What lies far above the
        validation losses is cut off.
    """
    _, (ax,) = axes(height=3.6)
    for name, color, style in (("training", NEUTRAL, "--"), ("validation", COUPON, "-")):
        ax.plot(history.index, history[name], style, color=color, marker=".")
        mark(ax, name, (history.index[-1], history[name].iloc[-1]), color, (8, 0))
    best = history["validation"].idxmin()
    point = (best, history["validation"].min())
    ax.plot(*point, "o", color=COUPON, markersize=9, markerfacecolor="white")
    mark(ax, "kept", point, COUPON, (0, 14), "center")
    ax.set_ylim(0.95 * history.min().min(), 1.06 * history["validation"].max())
    ax.set_xlim(0.7, len(history) * 1.2)
    ax.set_xticks(history.index)
    label(ax, "epoch", "log loss of redemptions")


def rates(grid: pd.DataFrame) -> None:
    """Draw the loss against the learning rate, a curve for each batch size.

    Parameters
    ----------
    grid : pandas.DataFrame
        Log losses, indexed by the learning rate, a column for each of two batch sizes.
    """
    _, (ax,) = axes(height=3.8)
    for size, color, style in zip(grid, (USER, COUPON), ("-", "--"), strict=True):
        ax.plot(grid.index, grid[size], style, color=color, marker="o", markersize=5)
        start = (grid.index[0], grid[size].iloc[0])
        mark(ax, f"batches of {size:,}", start, color, (-8, 0), "right")
    ax.set_xscale("log")
    ax.set_xlim(grid.index[0] / 14, grid.index[-1] * 1.3)
    ax.set_xticks(grid.index, [f"{rate:g}" for rate in grid.index])
    ax.minorticks_off()
    label(ax, "learning rate", "validation log loss after two epochs")


def search(trials: pd.DataFrame, groups: Mapping[str, pd.Series]) -> None:
    """Draw the trials of a search, and beside them what settings give with several seeds.

    Parameters
    ----------
    trials : pandas.DataFrame
        As `coupon_rec.training.searching` returns them.
    groups : mapping of str to pandas.Series
        Log losses of one setting, one for each seed, by its name.
    """
    _, (left, right) = axes(1, 2, height=3.8)
    seeds = pd.concat(list(groups.values()))
    top = 1.03 * seeds.max()
    losses = trials["validation_loss"].clip(upper=top)
    pruned = trials["pruned"]
    left.plot(losses[~pruned], "o", color=COUPON, label="finished")
    left.plot(losses[pruned], "o", color=COUPON, markerfacecolor="white", label="pruned")
    left.legend(loc="upper left", ncols=2, bbox_to_anchor=(-0.05, 1.0), handletextpad=0.1)
    left.set_xticks(losses.index)
    label(left, "trial", "validation log loss", "The search")
    for place, (values, color) in enumerate(zip(groups.values(), (NEUTRAL, USER), strict=True)):
        _spread(right, place, values, color)
    right.set_xticks(range(len(groups)), list(groups))
    right.set_xlim(-0.6, len(groups) - 0.4)
    right.grid(visible=False, axis="x")
    label(right, "", "", "Other seeds")
    for ax in (left, right):
        ax.axhline(losses.min(), color=DARK, linewidth=1, linestyle=":")
    left.set_ylim(losses.min() - 0.0003, right.get_ylim()[1] + 0.0005)
    mark(left, "its best score", (losses.index[-1], losses.min()), DARK, (0, -10), "right")


def _spread(ax: Axes, place: int, values: pd.Series, color: str) -> None:
    """Draw values of several seeds, their mean and the 95% interval of the mean."""
    error = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
    ax.plot(np.full(len(values), place - 0.12), values, "o", color=color, alpha=0.6)
    ax.errorbar(place + 0.12, values.mean(), error, fmt="D", color=color, capsize=4)
