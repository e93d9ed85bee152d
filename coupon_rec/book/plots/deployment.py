"""The figures of chapter 15."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label

COLORS = (COUPON, USER, ITEM, MONEY, NEUTRAL)


STYLES = ("-", "--", ":", "-.", (0, (6, 1)))


def slips(table: pd.DataFrame) -> None:
    """Draw what a forgotten logarithm does, a row for each feature.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by feature, with columns `times` (the mean probability against the right one) and
        `changed` (share of lists with another coupon on top, in [0, 1]).
    """
    _, (changed, times) = axes(2, 1, height=6.4)
    rows = range(len(table))
    changed.barh(rows, 100 * table["changed"], color=USER)
    changed.set_yticks(rows, table.index)
    label(changed, "% of lists", "", "another coupon on top")
    times.hlines(rows, 1, table["times"], color=COUPON, linewidth=2)
    times.plot(table["times"], rows, "o", color=COUPON)
    times.axvline(1, color=NEUTRAL, linewidth=1)
    times.set_yticks(rows, table.index)
    label(times, "times the right one", "", "mean probability")
    for ax in (changed, times):
        ax.set_ylim(len(table) - 0.5, -0.5)
        ax.grid(visible=False, axis="y")


def latencies(waits: Mapping[str, ArrayLike]) -> None:
    """Draw distributions of latency: the share of calls that were answered within a time.

    Parameters
    ----------
    waits : mapping of str to array_like
        By name: the waits of at least one call in milliseconds, above 0; at most five.
    """
    _, (ax,) = axes(height=3.4)
    for (name, values), color, style in zip(waits.items(), COLORS, STYLES, strict=False):
        ordered = np.sort(np.asarray(values, dtype=float))
        share = 100 * np.arange(1, len(ordered) + 1) / len(ordered)
        ax.step(ordered, share, where="post", color=color, linestyle=style, label=name)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend(loc="best")
    label(ax, "milliseconds", "answered within, %")


def trade(table: pd.DataFrame) -> None:
    """Draw precision against latency, a point for each way to score.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by way, the first the one to compare with, with columns `microseconds`, at least
        0, and `average precision`.
    """
    _, (ax,) = axes(height=3.8)
    ax.axhline(table["average precision"].iloc[0], color=NEUTRAL, linewidth=1, linestyle=":")
    for place, (name, way) in enumerate(table.sort_values("microseconds").iterrows()):
        at = (way["microseconds"], way["average precision"])
        ax.plot(*at, "o", color=COUPON)
        up = 1 if place % 2 else -1
        ax.annotate(
            str(name),
            at,
            (0, up * (18 + 16 * (place // 2 % 2))),
            textcoords="offset points",
            ha="center",
            va="center",
            color=DARK,
            arrowprops={"arrowstyle": "-", "color": NEUTRAL, "linewidth": 0.6},
        )
    most = table["microseconds"].max()
    ax.set_xlim(-0.1 * most, 1.1 * most)
    ax.margins(y=0.6)
    label(ax, "microseconds for a list", "average precision")
