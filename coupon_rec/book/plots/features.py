"""The figures of chapter 3."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.patheffects import withStroke
from matplotlib.ticker import StrMethodFormatter

from coupon_rec.book.plots.style import COUPON, ITEM, NEUTRAL, USER, axes, label, mark


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
    _months(ax)
    label(ax, "day of purchase", "weight")


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
    _months(ax)
    ax.set_xlim(right=means.index[-1] + pd.Timedelta(days=95))
    label(ax, "first day of the campaign", "mean, as a multiple of the first")


def item_map(
    items: pd.DataFrame, coupons: pd.DataFrame, categories: Mapping[str, tuple[float, float]]
) -> None:
    """Draw items and coupons in two dimensions, and name some categories.

    Parameters
    ----------
    items : pandas.DataFrame
        Columns x, y and category.
    coupons : pandas.DataFrame
        Columns x and y.
    categories : mapping of str to tuple of float
        Which to name, and where the name stands from their middle, in points.
    """
    ax = _map()
    ax.scatter(items["x"], items["y"], s=7, color="#C9CED6", linewidth=0)
    ax.scatter(coupons["x"], coupons["y"], s=26, marker="D", facecolor="none", edgecolor=COUPON)
    for category, offset in categories.items():
        members = items[items["category"] == category]
        ax.scatter(members["x"], members["y"], s=16, color=ITEM, linewidth=0)
        middle = (members["x"].median(), members["y"].median())
        mark(ax, category.lower(), middle, ITEM, offset, "center")
    mark(ax, "coupons", (coupons["x"].median(), coupons["y"].median()), COUPON, side="center")
    for text in ax.texts:
        text.set_path_effects([withStroke(linewidth=3, foreground="white")])


def taste_map(items: pd.DataFrame, bought: pd.DataFrame) -> None:
    """Draw the same items, the darker the likelier a user buys them, and what the user bought.

    Parameters
    ----------
    items : pandas.DataFrame
        Columns x, y and `affinity`, any number.
    bought : pandas.DataFrame
        Columns x and y of the items bought later.
    """
    ax = _map()
    shades = LinearSegmentedColormap.from_list("user", ["#E3E7EC", USER])
    rank = items["affinity"].rank(pct=True)
    ax.scatter(items["x"], items["y"], s=12, c=rank**3, cmap=shades, linewidth=0)
    ax.scatter(bought["x"], bought["y"], s=46, facecolor="none", edgecolor=ITEM, linewidth=1.3)


def _map() -> Axes:
    _, (ax,) = axes(height=5.4)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def _months(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MonthLocator(interval=2))
    ax.xaxis.set_major_formatter(DateFormatter("%b %Y"))
