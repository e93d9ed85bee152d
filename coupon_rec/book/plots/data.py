"""The figures of chapter 2."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, date2num
from numpy.typing import ArrayLike

from coupon_rec.book.plots.style import COUPON, ITEM, NEUTRAL, USER, axes, label

STAGES = {"bought": (ITEM, "o", 12), "redeemed": (COUPON, "D", -12)}
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
TYPES = {"A": COUPON, "B": "#9CA3AF", "C": "#374151"}


def clock(shipped: ArrayLike, local: ArrayLike) -> None:
    """Draw when people shop, by the clock as shipped and by the clock on the store's wall.

    Parameters
    ----------
    shipped, local : array_like
        Share of the visits in each hour of the day, in [0, 1], shape (24,).
    """
    _, (ax,) = axes(height=3.2)
    curves = {"local time": (local, USER, "-"), "as shipped": (shipped, NEUTRAL, "--")}
    for name, (shares, color, style) in curves.items():
        percent = 100 * np.asarray(shares)
        ax.plot(range(24), percent, style, color=color)
        _above(ax, name, float(percent.argmax()), percent.max(), (0, 5), color=color)
    ax.set_xticks(range(0, 24, 3))
    ax.set_ylim(0, 12)
    label(ax, "hour of the day", "share of visits (%)")


def funnel(rates: pd.DataFrame) -> None:
    """Draw two steps of the funnel for each type of campaign, in two units of counting.

    Parameters
    ----------
    rates : pandas.DataFrame
        One row a point, with columns unit (its two values become the panels), campaign_type,
        stage ("bought" or "redeemed"), and rate, low, high in (0, 1].
    """
    _, panels = axes(columns=2, height=3.4)
    types = sorted(rates["campaign_type"].unique(), reverse=True)
    for ax, (unit, panel) in zip(panels, rates.groupby("unit", sort=False), strict=True):
        for stage, (color, marker, shift) in STAGES.items():
            points = panel[panel["stage"] == stage].set_index("campaign_type").loc[types]
            share = 100 * points[["low", "rate", "high"]].to_numpy()
            ax.hlines(range(len(types)), share[:, 0], share[:, 2], color=color)
            ax.plot(share[:, 1], range(len(types)), marker, color=color)
            for y, x in enumerate(share[:, 1]):
                _above(ax, f"{x:#.3g}%", x, y, (0, 8), fontsize=9)
            _above(ax, stage, share[-1, 1], len(types) - 1, (shift, 22), color=color)
        ax.set_xscale("log")
        ax.set_xlim(0.02, 500)
        ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        ax.set_ylim(-0.5, len(types) - 0.1)
        names = [f"type {name}" for name in types] if ax is panels[0] else [""] * len(types)
        ax.set_yticks(range(len(types)), names)
        label(ax, "share (%), log scale", "", f"Per {unit}")


def _above(ax: Axes, text: str, x: float, y: float, by: tuple[int, int], **style: Any) -> None:
    """Write centered text, moved from a point by so many points to the right and up."""
    ax.annotate(text, (x, y), by, textcoords="offset points", ha="center", **style)


def timeline(campaigns: pd.DataFrame, boundaries: Mapping[str, str]) -> None:
    """Draw campaigns as bars in time, in the order of their start.

    Parameters
    ----------
    campaigns : pandas.DataFrame
        With columns campaign_id, campaign_type, start and end (dates, the last one inclusive).
    boundaries : mapping of str to str
        What begins at each line, such as a part of the split, and the day on which it does.
    """
    _, (ax,) = axes(height=6.0)
    rows = campaigns.sort_values(["start", "campaign_id"], ignore_index=True)
    first = date2num(pd.to_datetime(rows["start"]))
    last = date2num(pd.to_datetime(rows["end"])) + 1
    types = rows["campaign_type"].tolist()
    ax.barh(rows.index, last - first, left=first, height=0.7, color=[TYPES[name] for name in types])
    for y, number in enumerate(rows["campaign_id"]):
        name = f"{number} {types[y]}"
        ax.text(last[y] + 2, y, name, va="center", fontsize=8, bbox=ON_WHITE)
    for step, (name, day) in enumerate(boundaries.items()):
        x = date2num(pd.Timestamp(day))
        top = -1 - step % 2
        ax.vlines(x, top - 0.8, len(rows), color="black", linewidth=1, linestyle="--")
        ax.text(x, top, f" {name} \N{RIGHTWARDS ARROW}", va="bottom")
    ax.set_ylim(len(rows), -3)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MonthLocator(interval=2))
    ax.xaxis.set_major_formatter(DateFormatter("%b %Y"))
    label(ax, "first to last day of validity", "campaigns, by first day")
