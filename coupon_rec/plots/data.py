"""The figures of chapter 2."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter, MonthLocator
from numpy.typing import ArrayLike

from coupon_rec.plots.style import COUPON, ITEM, NEUTRAL, USER, axes, label

STAGES = {"bought": ITEM, "redeemed": COUPON}
TYPES = {"A": COUPON, "B": USER, "C": NEUTRAL}


def clock(shipped: ArrayLike, local: ArrayLike) -> None:
    """Draw when people shop, by the clock as shipped and by the clock on the store's wall.

    Parameters
    ----------
    shipped, local : array_like
        Share of the visits in each hour of the day, in [0, 1], shape (24,).
    """
    _, (ax,) = axes(height=3.2)
    hours = np.arange(24)
    for shares, color, style, name in (
        (np.asarray(local), USER, "-", "local"),
        (np.asarray(shipped), NEUTRAL, "--", "as shipped"),
    ):
        ax.plot(hours, 100 * shares, color=color, linestyle=style)
        top = int(shares.argmax())
        ax.annotate(
            name, (top, 100 * shares[top]), (0, 5), textcoords="offset points", ha="center"
        )
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
    for ax, (unit, panel) in zip(panels, rates.groupby("unit", sort=False), strict=True):
        types = sorted(panel["campaign_type"].unique(), reverse=True)
        for row in panel.itertuples():
            y = types.index(row.campaign_type)
            color = STAGES[row.stage]
            marker = "o" if row.stage == "bought" else "D"
            ax.plot([100 * row.low, 100 * row.high], [y, y], color=color)
            ax.plot(100 * row.rate, y, color=color, marker=marker)
            ax.annotate(
                f"{100 * row.rate:.3g}%",
                (100 * row.rate, y),
                (0, 8),
                textcoords="offset points",
                ha="center",
                fontsize=9,
            )
            if row.campaign_type == "A":
                ax.annotate(
                    row.stage,
                    (100 * row.rate, y),
                    (0, 22),
                    textcoords="offset points",
                    ha="center",
                    color=color,
                )
        ax.set_xscale("log")
        ax.set_xlim(0.1, 300)
        ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        ax.set_yticks(range(len(types)), [f"type {name}" for name in types])
        ax.set_ylim(-0.5, len(types) - 0.1)
        label(ax, "share (%), log scale", "", f"Per {unit}")


def timeline(campaigns: pd.DataFrame, boundaries: Mapping[str, str]) -> None:
    """Draw campaigns as bars in time, in the order of their start.

    Parameters
    ----------
    campaigns : pandas.DataFrame
        With columns campaign_id, campaign_type, start and end (dates, the last one inclusive).
    boundaries : mapping of str to str
        Name of each part of the split, and the day on which it begins.
    """
    figure, (ax,) = axes(height=6.0)
    rows = campaigns.sort_values(["start", "campaign_id"], ignore_index=True)
    for y, row in enumerate(rows.itertuples()):
        first, last = pd.Timestamp(row.start), pd.Timestamp(row.end)
        color = TYPES[row.campaign_type]
        ax.barh(y, last - first + pd.Timedelta(days=1), left=first, height=0.7, color=color)
        name = f" {row.campaign_id} {row.campaign_type}"
        ax.text(last + pd.Timedelta(days=1), y, name, va="center", fontsize=8)
    for name, day in boundaries.items():
        ax.axvline(pd.Timestamp(day), color="black", linewidth=1, linestyle="--")
        ax.text(pd.Timestamp(day), -1.2, f" {name}", fontsize=10, va="bottom")
    ax.set_ylim(len(rows), -2.2)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MonthLocator(interval=2))
    ax.xaxis.set_major_formatter(DateFormatter("%b %Y"))
    label(ax, "first to last day of validity", "campaigns, by first day")
