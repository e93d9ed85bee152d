"""The figures of chapter 2."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, date2num
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, named_rows

STAGES = {"bought": (ITEM, "o", 12), "redeemed": (COUPON, "D", -12)}
ON_WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
TYPES = {"A": COUPON, "B": "#9CA3AF", "C": DARK}


def clock(shipped: ArrayLike, local: ArrayLike) -> None:
    """Draw when people shop, by the clock as shipped and by the clock on the store's wall.

    Parameters
    ----------
    shipped, local : array_like
        The hour of each visit, 0 to 23, shape (n,).
    """
    _, (ax,) = axes(height=3.0)
    curves = {"local time": (local, USER, "-"), "as shipped": (shipped, NEUTRAL, "--")}
    for name, (hours, color, style) in curves.items():
        percent = 100 * np.bincount(hours, minlength=24) / np.size(hours)
        ax.plot(range(24), percent, style, color=color)
        _above(ax, name, float(percent.argmax()), percent.max(), (0, 5), color=color)
    ax.set_xticks(range(0, 24, 3))
    ax.set_ylim(0, 12)
    label(ax, "hour of the day", "share of visits (%)")


def rates(units: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Compute two steps of the funnel for each type of campaign, with 95% intervals.

    Parameters
    ----------
    units : mapping of str to pandas.DataFrame
        What is counted, such as offers: one row each, with columns campaign_type, user_id, bought,
        redeemed and coupon_id or campaign_id. Rows of one user resemble each other, and so do those
        of one coupon or campaign.

    Returns
    -------
    pandas.DataFrame
        One row a point, with columns unit, campaign_type, stage, rate, low and high.
    """
    rows = []
    for unit, frame in units.items():
        second = "coupon_id" if "coupon_id" in frame else "campaign_id"
        for kind, part in frame.groupby("campaign_type"):
            for stage in STAGES:
                rate = part[stage].mean()
                away = 1.96 * _deviation(part[stage] - rate, part["user_id"], part[second])
                rows.append((unit, kind, stage, rate, rate - away, rate + away))
    return pd.DataFrame(rows, columns=["unit", "campaign_type", "stage", "rate", "low", "high"])


def _deviation(errors: pd.Series, first: pd.Series, second: pd.Series) -> float:
    """Standard error of a mean whose rows are clustered in two ways (Cameron, Gelbach, Miller)."""
    parts = [(errors.groupby(keys).sum() ** 2).sum() for keys in (first, second, [first, second])]
    return float(max(parts[0] + parts[1] - parts[2], *parts[:2]) ** 0.5 / len(errors))


def funnel(points: pd.DataFrame) -> None:
    """Draw two steps of the funnel for each type of campaign, in two units of counting.

    Parameters
    ----------
    points : pandas.DataFrame
        From `rates`; the values of its column unit become the panels.
    """
    _, panels = axes(rows=2, height=5.6)
    types = sorted(points["campaign_type"].unique(), reverse=True)
    for ax, (unit, panel) in zip(panels, points.groupby("unit", sort=False), strict=True):
        for stage, (color, marker, shift) in STAGES.items():
            rows = panel[panel["stage"] == stage].set_index("campaign_type").loc[types]
            share = 100 * rows[["low", "rate", "high"]].to_numpy()
            ax.hlines(range(len(types)), share[:, 0], share[:, 2], color=color)
            ax.plot(share[:, 1], range(len(types)), marker, color=color)
            for y, x in enumerate(share[:, 1]):
                _above(ax, f"{x:#.3g}%", x, y, (0, 7), fontsize=10)
            _above(ax, stage, share[-1, 1], len(types) - 1, (shift, 22), color=color)
        ax.set_xscale("log")
        ax.set_xlim(0.05, 250)
        ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        ax.set_ylim(-0.4, len(types) - 0.1)
        ax.set_yticks(range(len(types)), [f"type {name}" for name in types])
        label(ax, "share (%), log scale" if ax is panels[-1] else "", "", f"Per {unit}")


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
        ax.text(last[y] + 2, y, name, va="center", fontsize=9, bbox=ON_WHITE)
    for step, (name, day) in enumerate(boundaries.items()):
        x = date2num(pd.Timestamp(day))
        top = -1 - step % 2
        ax.vlines(x, top - 0.8, len(rows), color="black", linewidth=1, linestyle="--")
        ax.text(x, top, f" {name} \N{RIGHTWARDS ARROW}", va="bottom")
    ax.set_ylim(len(rows), -3)
    named_rows(ax, [])
    ax.xaxis.set_major_locator(MonthLocator(interval=2))
    ax.xaxis.set_major_formatter(DateFormatter("%b\n%Y"))
    label(ax, "first to last day of validity", "campaigns, by first day")
