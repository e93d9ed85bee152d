"""The figures of chapter 26."""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
COLORS = {"z by hour": NEUTRAL, "CUSUM of z": USER, "CUSUM of share": COUPON}


def fortnight(negatives: ArrayLike, usual: ArrayLike, threshold: float) -> None:
    """Draw two weeks of hourly counts, what is usual, and a fixed threshold.

    Parameters
    ----------
    negatives, usual : array_like
        Opinions called negative in each hour, and what the hour of the week usually has; shape
        (336,), from a Monday on.
    threshold : float
        The fixed one.
    """
    k, hours = np.asarray(negatives), np.arange(336)
    _, (ax,) = axes(height=3.2)
    ax.step(hours, k, where="mid", color=NEUTRAL, linewidth=0.9)
    ax.plot(hours, usual, color=USER)
    ax.axhline(threshold, color=COUPON, linestyle="--")
    rings = hours[k >= threshold]
    ax.plot(rings, k[rings], "o", color=COUPON, markersize=5)
    ax.set_xticks(np.arange(12, 336, 24), [name[:2] for name in DAYS] * 2)
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(0, max(float(k.max()), threshold) * 1.25)
    mark(ax, "fixed threshold", (34, threshold), COUPON, (0, 9))
    mark(ax, "usual", (36, float(np.asarray(usual)[24:48].max())), USER, (16, 8))
    label(ax, "two weeks, hour by hour", "called negative, an hour")


def two_days(panels: dict[str, pd.DataFrame], thresholds: tuple[float, float], start: int) -> None:
    """Draw the sum of the counts and that of the share, a panel for each thing that happens.

    Parameters
    ----------
    panels : dict of str to pandas.DataFrame
        By title: `counts` and `share`, the sums over the hours around `start`, by hour.
    thresholds : tuple of float
        Of the two, so that both ring equally often for nothing.
    start : int
        The hour in which it begins; it lasts for a day.
    """
    _, rows = axes(len(panels), 1, height=2.5 * len(panels))
    for ax, (title, sums) in zip(rows, panels.items(), strict=True):
        hours = sums.index - start
        for name, h, color, style in (
            ("counts", thresholds[0], USER, "--"),
            ("share", thresholds[1], COUPON, "-"),
        ):
            ax.plot(hours, np.minimum(sums[name] / h, 3.4), style, color=color)
        ax.axhline(1, color=NEUTRAL, linestyle=":")
        ax.axvspan(0, 24, color=NEUTRAL, alpha=0.12, linewidth=0)
        ax.set_ylim(0, 3.5)
        label(ax, "hours since it began" if ax is rows[-1] else "", "sum / threshold", title)
    scaled = [panel / np.array(thresholds) for panel in panels.values()]
    first, last = scaled[0], scaled[-1]
    mark(rows[0], "share", (17, float(first["share"][start + 18])), COUPON, (0, 11), "center")
    mark(rows[0], "counts", (17, float(first["counts"][start + 17])), USER, (0, -20), "center")
    mark(rows[-1], "counts", (12, float(last["counts"][start + 14])), USER, (-6, 10), "right")
    mark(rows[-1], "share", (16, 0.05), COUPON, (0, 11))
    mark(rows[0], "rings above", (-23, 1), NEUTRAL, (0, 9))


def frontier(rows: pd.DataFrame) -> None:
    """Draw the mean delay of detectors against how often they ring for nothing.

    Parameters
    ----------
    rows : pandas.DataFrame
        `detector`, `realized`, `delay`, `low` and `high` (of the delay).
    """
    _, (ax,) = axes(height=3.8)
    styles = {"z by hour": ":", "CUSUM of z": "--", "CUSUM of share": "-"}
    for name, color in COLORS.items():
        own = rows[rows["detector"] == name].sort_values("realized")
        ax.plot(own["realized"], own["delay"], styles[name], color=color, marker="o", markersize=5)
        ax.vlines(own["realized"], own["low"], own["high"], color=color, linewidth=1.5)
        first = own.iloc[0]
        above = name == "z by hour"
        end = first["high"] if above else first["low"]
        mark(ax, name, (first["realized"], end), color, (0, 9 if above else -32), "left")
    logarithmic(ax, "x", [0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    ax.set_ylim(0, 24)
    label(ax, "false alarms in four weeks, log scale", "mean delay, hours (24 if missed)")


def bill(costs: pd.DataFrame, best: float) -> None:
    """Draw what false alarms and delays cost by how many false alarms are asked for.

    Parameters
    ----------
    costs : pandas.DataFrame
        `rate`, `false alarms`, `delays`, in dollars a year.
    best : float
        The rate at which the sum is smallest.
    """
    _, (ax,) = axes(height=3.4)
    both = costs["false alarms"] + costs["delays"]
    for values, color, style, name in (
        (costs["delays"], COUPON, "--", "delays"),
        (costs["false alarms"], USER, ":", "false alarms"),
        (both, MONEY, "-", "both"),
    ):
        ax.plot(costs["rate"], values / 1000, style, color=color)
        at = costs["rate"].iloc[0]
        lift = -9 if name == "false alarms" else 9
        mark(ax, name, (at, values.iloc[0] / 1000), color, (4, lift), "left")
    ax.plot(best, both[costs["rate"] == best] / 1000, "o", color=MONEY, markersize=8)
    logarithmic(ax, "x", [0.25, 0.5, 1, 2], ["¼", "½", "1", "2"])
    ax.set_ylim(0)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    label(ax, "false alarms asked for in four weeks, log scale", "thousand $ a year")
