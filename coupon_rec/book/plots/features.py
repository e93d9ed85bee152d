"""The figures of chapter 3."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.ticker import StrMethodFormatter

from coupon_rec.book.plots.colors import COUPON, ITEM, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark


def time_line(days: pd.Series, start: pd.Timestamp, end: pd.Timestamp, scale: float) -> None:
    """Draw purchases on a time line, each as tall as its weight exp(-age / scale).

    Parameters
    ----------
    days : pandas.Series
        Dates of the purchases, before and after the start.
    start, end : pandas.Timestamp
        First and last day of the campaign.
    scale : float
        Days after which a purchase counts 1/e.
    """
    _, (ax,) = axes(height=3.2)
    past = days[days < start]
    weight = np.exp(-(start - past).dt.days / scale)
    ax.vlines(past, 0, weight, color=USER, linewidth=1.4)
    ax.plot(past, weight, "o", color=USER, markersize=5)
    curve = pd.date_range(past.min(), start)
    ax.plot(curve, np.exp(-(start - curve).days / scale), color=NEUTRAL, linewidth=1)
    late = days[(days >= start) & (days <= end)]
    ax.plot(late, np.full(len(late), 0.06), "x", color=COUPON, markersize=7, markeredgewidth=1.8)
    ax.axvspan(start, end, color=COUPON, alpha=0.08, linewidth=0)
    ax.set_ylim(0, 1.12)
    middle = start + (end - start) / 2
    mark(ax, "campaign", (middle, 1.05), COUPON, side="center")
    mark(ax, "purchases, with their weights", (past.min(), 0.5), USER)
    _months(ax, past.min(), end)
    label(ax, f"day of purchase, {start:%Y}", "weight")


def drift(means: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Draw how the mean of each feature moves from campaign to campaign.

    Parameters
    ----------
    means : pandas.DataFrame
        One row a campaign, indexed by its first day in ascending order; one column a feature,
        divided by its value in the first campaign.
    names : mapping of str to str
        What to write beside the curve of each column; the first stands out.
    """
    _, (ax,) = axes(height=3.8)
    looks = ((COUPON, "-", "o"), (USER, "-", "s"), (ITEM, "--", "^"), (NEUTRAL, "-.", "D"))
    for (column, name), (color, line, point) in zip(names.items(), looks, strict=False):
        ax.plot(means.index, means[column], line, color=color, marker=point, markersize=4)
        last = (means.index[-1], means[column].iloc[-1])
        mark(ax, name, last, color, (8, 6 if point == "s" else -4))
    ax.set_yscale("log", base=2)
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    first, last = means.index[0], means.index[-1]
    _months(ax, first, last)
    ax.set_xlim(right=last + pd.Timedelta(days=130))
    label(ax, f"first day of the campaign, {first:%Y}", "mean, as a multiple of the first")


def item_map(items: pd.DataFrame, coupons: pd.DataFrame, categories: Sequence[str]) -> None:
    """Draw the same map once for each category, which stands out, and once for the coupons.

    Parameters
    ----------
    items : pandas.DataFrame
        Columns x, y and category.
    coupons : pandas.DataFrame
        Columns x and y.
    categories : sequence of str
        Five of them.
    """
    _, panels = axes(3, 2, height=6.4)
    for ax, category in zip(panels, categories, strict=False):
        members = items[items["category"] == category]
        _map(ax, items, f"{category.lower()} ({len(members)})", ITEM)
        ax.scatter(members["x"], members["y"], s=16, color=ITEM, alpha=0.6, linewidth=0)
    _map(panels[-1], items, f"coupons ({len(coupons)})", COUPON)
    panels[-1].scatter(coupons["x"], coupons["y"], s=12, marker="D", color=COUPON, linewidth=0)


def by_tenth(shares: pd.DataFrame) -> None:
    """Draw how much of each tenth of the items was bought, the nearest items in the last one.

    Parameters
    ----------
    shares : pandas.DataFrame
        One row a tenth, indexed from 1 to 10, with columns value, low and high.
    """
    _, (ax,) = axes(height=3.2)
    percent = 100 * shares
    ax.bar(percent.index, percent["value"], width=0.75, color=USER)
    ends = percent[["low", "high"]].sub(percent["value"], axis=0).abs().T
    ax.errorbar(
        percent.index, percent["value"], ends, fmt="none", color="#1F2937", capsize=3, linewidth=1.2
    )
    ax.set_xticks(percent.index)
    ax.grid(visible=False, axis="x")
    label(ax, "tenth of the items, by dot product", "bought later, %")


def _map(ax: Axes, items: pd.DataFrame, title: str, color: str) -> None:
    ax.scatter(items["x"], items["y"], s=3, color="#C9CED6", linewidth=0)
    ax.set_title(title, fontsize=11, color=color, fontweight="bold")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)


def _months(ax: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    ax.set_xticks(pd.date_range(first.normalize(), last, freq="2MS"))
    ax.xaxis.set_major_formatter(DateFormatter("%b"))
