"""The figures of chapter 8."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import stats

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark, named_rows

Floats = NDArray[np.float64]


def adam(slopes: Mapping[str, Floats], mean: Floats, usual: Floats) -> None:
    """Draw slopes of some parameters, with their running mean and their usual size.

    Parameters
    ----------
    slopes : mapping of str to numpy.ndarray
        One slope a batch, for each of two parameters, by its name.
    mean, usual : numpy.ndarray
        The corrected mean, and the root of the corrected mean square, shape (batches, 2).
    """
    _, panels = axes(len(slopes), 1, height=5.2)
    for k, (ax, (name, values)) in enumerate(zip(panels, slopes.items(), strict=True)):
        batch = np.arange(1, len(values) + 1)
        ax.bar(batch, values, color="#D1D5DB", width=0.55)
        ax.plot(batch, mean[:, k], "-", color=DARK, marker=".")
        ax.plot(batch, usual[:, k], "--", color=DARK)
        mark(ax, "usual size", (batch[-1], usual[-1, k]), DARK, (16, 9))
        mark(ax, "mean", (batch[-1], mean[-1, k]), DARK, (16, -9))
        ax.axhline(0, color=NEUTRAL, linewidth=0.8)
        ax.set(ylim=(-2.4, 2.4), xlim=(0.4, len(values) + 2.3), xticks=batch)
        title = f"{name}: last step {abs(mean[-1, k] / usual[-1, k]):.2f} learning rates"
        label(ax, "batch" if k else "", "slope", title)


def curves(history: pd.DataFrame, patience: int) -> None:
    """Draw the training and the validation loss of each epoch, and mark the one that is kept.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch, with the columns training and validation. What lies far above the
        validation losses is cut off.
    patience : int
        After so many epochs without a better one, early stopping would have ended the run.
    """
    _, (ax,) = axes(height=3.6)
    for name, color, style in (("training", NEUTRAL, "--"), ("validation", COUPON, "-")):
        ax.plot(history.index, history[name], style, color=color, marker=".")
        mark(ax, name, (history.index[-1], history[name].iloc[-1]), color, (8, 0))
    _keep(ax, history["validation"], 14)
    bottom, top = 0.95 * history.min().min(), 1.06 * history["validation"].max()
    end = history["validation"].idxmin() + patience
    ax.axvline(end, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "patience ends", (end, top), DARK, (5, -8))
    ax.set_ylim(bottom, top)
    ax.set_xlim(0.5, len(history) * 1.33)
    ax.set_xticks(history.index[::2])
    label(ax, "epoch", "log loss of redemptions")


def seeds(runs: Sequence[pd.Series]) -> None:
    """Draw the validation curves of one setting with several seeds, and what each run kept.

    Parameters
    ----------
    runs : sequence of pandas.Series
        Validation losses, indexed by the epoch, one series a seed.
    """
    _, (ax,) = axes(height=3.8)
    for number, losses in enumerate(runs):
        ax.plot(losses, "-", color=COUPON, linewidth=1.3, alpha=0.75)
        _keep(ax, losses, None)
        mark(ax, str(number), (losses.index[-1], losses.iloc[-1]), DARK, (6, 0))
    ends = max(len(losses) for losses in runs)
    ax.set_xlim(0.7, ends + 0.8)
    ax.set_xticks(range(1, ends + 1))
    label(ax, "epoch", "validation log loss", "One setting, five seeds")


def _keep(ax: Axes, losses: pd.Series, above: float | None) -> None:
    """Mark the best epoch with a ring, and say so if there is room above it, in points."""
    point = (losses.idxmin(), losses.min())
    ax.plot(*point, "o", color=COUPON, markersize=9, markerfacecolor="white")
    if above is not None:
        mark(ax, "kept", point, COUPON, (0, above), "center")


def rates(grid: pd.DataFrame, usual: float, others: Sequence[float]) -> None:
    """Draw the loss against the learning rate, a curve for each batch size.

    Parameters
    ----------
    grid : pandas.DataFrame
        Log losses, indexed by the learning rate, a column for each of two batch sizes.
    usual : float
        The learning rate of the other seeds.
    others : sequence of float
        What the smaller batch gives there with several seeds.
    """
    _, (ax,) = axes(height=3.9)
    for size, color, style in zip(grid, (USER, COUPON), ("-", "--"), strict=True):
        ax.plot(grid.index, grid[size], style, color=color, marker="o", markersize=5)
        start = (grid.index[0], grid[size].iloc[0])
        mark(ax, f"batches\nof {size:,}", start, color, (-8, 0), "right")
    ax.plot(np.full(len(others), usual), others, "_", color=DARK, markersize=13, zorder=5)
    mark(ax, "five seeds", (usual, max(others)), DARK, (12, 48))
    ax.annotate(
        "",
        (usual, max(others)),
        (16, 41),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": DARK},
    )
    logarithmic(ax, "x", grid.index)
    ax.set_xlim(grid.index[0] / 8, grid.index[-1] * 1.3)
    label(ax, "learning rate", "validation log loss, two epochs")


def search(groups: Mapping[str, pd.Series]) -> None:
    """Draw the trials of a search, and below them what settings give with several seeds.

    Parameters
    ----------
    groups : mapping of str to pandas.Series
        First the log losses of the trials; then, for one setting each, those of its seeds.
    """
    _, (ax,) = axes(height=3.4)
    colors = (COUPON, NEUTRAL, USER)
    for place, (values, color) in enumerate(zip(groups.values(), colors, strict=True)):
        ax.plot(values, np.full(len(values), place - 0.1), "o", color=color, alpha=0.6)
        if place:
            error = stats.sem(values) * stats.t.ppf(0.975, len(values) - 1)
            middle = (values.mean(), place + 0.18)
            ax.errorbar(*middle, xerr=error, fmt="D", color=color, capsize=4)
    best = next(iter(groups.values())).min()
    ax.axvline(best, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "best score of the search", (best, -0.5), DARK, (5, 0))
    named_rows(ax, range(len(groups)), list(groups))
    ax.set_ylim(len(groups) - 0.5, -0.75)
    ax.locator_params(axis="x", nbins=5)
    label(ax, "validation log loss", "")
