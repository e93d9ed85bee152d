"""The figures of chapter 7."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from coupon_rec.book.plots.style import COUPON, ITEM, MONEY, NEUTRAL, axes, label, mark

DARK = "#374151"
SMALLEST = 1e-5


def against_truth(panels: Mapping[str, tuple[pd.Series, pd.Series]]) -> None:
    """Draw predicted against true probabilities, on logarithmic axes, a panel for each kind.

    Parameters
    ----------
    panels : mapping of str to tuple of pandas.Series
        By the name of the probability: the true and the predicted values of n offers, in [0, 1].
        What is below 0.001% is drawn there.
    """
    _, grid = axes(1, len(panels), height=3.0)
    ticks = [1e-5, 1e-3, 1e-1]
    for ax, (name, pair), color in zip(grid, panels.items(), (ITEM, NEUTRAL, COUPON), strict=True):
        true, predicted = (np.clip(p, SMALLEST, 1) for p in pair)
        ax.plot(true, predicted, ".", color=color, alpha=0.12, markersize=3, rasterized=True)
        ax.plot([SMALLEST, 1], [SMALLEST, 1], color=DARK, linewidth=1, linestyle=":")
        for scale, place in ((ax.set_xscale, ax.set_xticks), (ax.set_yscale, ax.set_yticks)):
            scale("log")
            place(ticks, ["≤0.001%", "0.1%", "10%"], fontsize=8)
        ax.set_aspect("equal")
        label(ax, "true", "predicted" if ax is grid[0] else "", name)


def verdicts(table: pd.DataFrame) -> None:
    """Draw differences in log loss twice: as the labels tell them, and as the truth does.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by model and witness ("labels" or "truth"), with columns difference, low and high
        in thousandths.
    """
    _, (ax,) = axes(height=3.4)
    models = list(table.index.unique(0))
    for witness, color, shape, shift in (
        ("labels", NEUTRAL, "s", -0.16),
        ("truth", COUPON, "o", 0.16),
    ):
        rows = table.xs(witness, level=1).loc[models]
        place = np.arange(len(models)) + shift
        ax.hlines(place, rows["low"], rows["high"], color=color, linewidth=2)
        ax.plot(rows["difference"], place, shape, color=color, markersize=5)
        mark(ax, witness, (rows["high"].iloc[-1], place[-1]), color, (8, 0))
    ax.axvline(0, color=DARK, linewidth=1)
    ax.set_yticks(range(len(models)), models)
    ax.invert_yaxis()
    ax.grid(visible=False, axis="y")
    label(ax, "log loss above the chain's, in thousandths", "")


def learning(panels: Mapping[str, pd.DataFrame]) -> None:
    """Draw the excess log loss against the number of users, both on logarithmic axes.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        Two, by title: one row a fit, indexed by the number of users, and two columns, the model
        in question and one to hold it against, in thousandths, above 0.
    """
    _, grid = axes(1, 2, height=3.7)
    for ax, (name, fits), own in zip(grid, panels.items(), (ITEM, COUPON), strict=True):
        for model, color, style in zip(fits, (own, NEUTRAL), ("-", "--"), strict=True):
            means = fits[model].groupby(level=0).mean()
            ax.plot(fits.index, fits[model], ".", color=color, alpha=0.5)
            ax.plot(means.index, means, style, color=color)
            mark(ax, model, (means.index[1], means.iloc[1]), color, (9, 12))
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks([100, 300, 1000, 3000], ["100", "300", "1,000", "3,000"])
        ax.set_yticks([0.3, 1, 3, 10, 30, 100, 300], ["0.3", "1", "3", "10", "30", "100", "300"])
        ax.minorticks_off()
        first = ax is grid[0]
        label(ax, "users to learn from", "excess log loss, in thousandths" if first else "", name)


def growth(rows: pd.DataFrame) -> None:
    """Draw what a market costs against its number of users: seconds and peak memory.

    Parameters
    ----------
    rows : pandas.DataFrame
        The rows of `benchmarks/results/growth.json`: `users`, the `step` ("simulation" or
        "features"), its `seconds` and its peak memory in `gib`, all above 0; or neither, where the
        step failed.
    """
    _, (left, right) = axes(1, 2, height=3.6)
    steps = {
        "features": ("offers table", COUPON, (-9, 2), "right"),
        "simulation": ("simulation", NEUTRAL, (8, -13), "left"),
    }
    for step, (name, color, offset, side) in steps.items():
        part = rows[rows["step"] == step].set_index("users").dropna(subset="seconds")
        for ax, column in ((left, "seconds"), (right, "gib")):
            ax.plot(part.index, part[column], "o-", color=color, markersize=5)
            mark(ax, name, (part.index[-2], part[column].iloc[-2]), color, offset, side)
    last = rows[rows["users"] == rows["users"].max()].iloc[0]
    ends = rows["users"].agg(["min", "max"])
    left.plot(ends, last["seconds"] * ends / last["users"], ":", color=DARK, linewidth=1)
    left.set_yscale("log")
    left.set_yticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1,000"])
    right.set_ylim(0)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xticks([1e3, 1e4, 1e5, 1e6], ["1,000", "10,000", "100,000", "1 million"])
        ax.minorticks_off()
    label(left, "users", "seconds", "Time")
    label(right, "users", "peak, GiB", "Memory")


def effects(offers: pd.DataFrame, profits: pd.Series) -> None:
    """Draw what a coupon changes against how likely it is redeemed, and what policies earn.

    Parameters
    ----------
    offers : pandas.DataFrame
        One row an offer, with columns `redeem`, the true probability of a redemption, in (0, 1],
        and `effect`, the change in the probability of a purchase, in [-1, 1].
    profits : pandas.Series
        Expected profit of each policy in currency, by its name, from the top down.
    """
    _, (left, right) = axes(1, 2, height=3.9)
    for some, color in ((offers["effect"] >= 0, COUPON), (offers["effect"] < 0, NEUTRAL)):
        part = offers[some]
        points = np.clip(part["redeem"], SMALLEST, 1), 100 * part["effect"]
        left.plot(*points, ".", color=color, alpha=0.25, markersize=4, rasterized=True)
    left.axhline(0, color=DARK, linewidth=1)
    left.set_xscale("log")
    left.set_xticks([1e-5, 1e-3, 1e-1], ["≤0.001%", "0.1%", "10%"])
    label(left, "probability of a redemption", "effect on the purchase, points", "Each offer")
    _bars(right, profits)


def _bars(ax: Axes, profits: pd.Series) -> None:
    place = np.arange(len(profits))
    ax.barh(place, profits, 0.6, color=MONEY, alpha=0.8)
    for y, (name, value) in enumerate(profits.items()):
        ax.annotate(f"{name}: {value:.0f}", (0, y), (2, 13), textcoords="offset points", fontsize=9)
    ax.set_yticks([])
    ax.grid(visible=False, axis="y")
    ax.set_ylim(len(profits) - 0.5, -0.9)
    label(ax, "expected profit, dollars", "", "Each policy")
