"""The figures of chapter 16."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark, named_rows


def one_day(values: pd.DataFrame, best: Collection[object]) -> None:
    """Draw what a user's coupons are worth while events come in.

    Parameters
    ----------
    values : pandas.DataFrame
        Expected profit in cents: one row a moment, indexed by the number of events so far, one
        column a coupon; missing where it was used.
    best : collection
        The coupons that are on top at some moment.
    """
    _, (ax,) = axes(height=3.8)
    for coupon in values:
        line = values[coupon].dropna()
        color, width = (COUPON, 2.5) if coupon in best else (NEUTRAL, 1.2)
        ax.step(line.index, line, where="post", color=color, linewidth=width)
        if coupon in best:
            used = "" if len(line) == len(values) else ", used"
            name = f"…{str(coupon)[-4:]}{used}"
            mark(ax, name, (line.index[-1], line.iloc[-1]), color, (0, 14), "right")
    others = values.drop(columns=list(best)).max().max()
    mark(ax, "other coupons", (values.index[-1], others), NEUTRAL, (0, 14), "right")
    ax.axhline(0, color=DARK, linewidth=1, linestyle=":")
    ax.set_xlim(0, 1.02 * values.index[-1])
    ax.margins(y=0.12)
    label(ax, "events of this user so far", "expected profit, cents")


def busy_day(events: Sequence[float], pushes: Sequence[float]) -> None:
    """Draw when events came in and when a new best coupon was pushed, in steps of half an hour.

    Parameters
    ----------
    events, pushes : sequence of float
        Hours of the day, 0 to 24.
    """
    _, grid = axes(2, 1, height=4.0)
    bins = np.arange(0, 24.5, 0.5).tolist()
    panels = [("events", events, USER), ("pushes", pushes, COUPON)]
    for ax, (name, hours, color) in zip(grid, panels, strict=True):
        ax.hist(hours, bins, color=color, alpha=0.85)
        ax.set_xlim(0, 24)
        ax.set_xticks(range(0, 25, 4))
        label(ax, "hour of the day" if ax is grid[-1] else "", "per half hour", name)
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))


def freshness(table: pd.DataFrame) -> None:
    """Draw what is lost with older features, each measure in its own panel.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by measure and age of the features, with columns difference, low and high.
    """
    measures = list(table.index.unique(0))
    _, grid = axes(len(measures), 1, height=1.6 * len(measures))
    for ax, name, color in zip(grid, measures, (MONEY, NEUTRAL, ITEM), strict=True):
        rows = table.loc[name]
        place = np.arange(len(rows))
        ax.hlines(place, rows["low"], rows["high"], color=color)
        ax.plot(rows["difference"], place, "o", color=color)
        ax.axvline(0, color=DARK, linewidth=1)
        named_rows(ax, place, rows.index)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.locator_params("x", nbins=6)
        label(ax, name, "")
