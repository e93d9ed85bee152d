"""The figures of chapter 10."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import ScalarFormatter
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label, mark, named_rows


def two_rules(likeliest: ArrayLike, best: ArrayLike) -> None:
    """Draw for each list what its likeliest coupon is worth, and what its best choice is.

    Parameters
    ----------
    likeliest, best : array_like
        Values in currency, shape (lists,); best is never below likeliest, nor below 0.
    """
    likeliest, best = np.asarray(likeliest), np.asarray(best)
    _, (ax,) = axes(height=3.9)
    ax.scatter(100 * likeliest, 100 * best, 12, color=MONEY, alpha=0.5, linewidths=0)
    low, high = 100 * min(likeliest.min(), 0), 100 * np.quantile(best, 0.985)
    ax.plot([0, high], [0, high], color=DARK, linewidth=1, linestyle=":")
    ax.axvline(0, color=DARK, linewidth=1)
    mark(ax, "the same choice", (0.7 * high, 0.7 * high), DARK, (8, -10))
    mark(ax, "← here the likeliest loses money", (0, 0.94 * high), DARK, (6, 0))
    ax.set_xlim(max(1.1 * low, -0.2 * high), high)
    ax.set_ylim(-0.03 * high, high)
    label(ax, "value of the likeliest coupon, cents", "value of the best choice, cents")


def assumed_shares(table: pd.DataFrame) -> None:
    """Draw the profit of choices made under several assumed shares against the true share.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `coupon_rec.decisions.sensitivity`: assumed shares in rows, true ones in columns.
    """
    _, (ax,) = axes(height=3.7)
    shades = np.linspace(0.35, 1, len(table))
    ends = _apart(table.iloc[:, -1], 14)
    for (assumed, profit), shade, height in zip(table.iterrows(), shades, ends, strict=True):
        ax.plot(100 * table.columns, profit, color=MONEY, alpha=shade)
        ax.annotate(
            f"assumed {100 * float(assumed):.0f}%",
            (100 * table.columns[-1], height),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=DARK,
            annotation_clip=False,
        )
    ax.axhline(0, color=DARK, linewidth=1)
    ax.margins(x=0)
    ax.set_xlim(0, 100)
    label(ax, "purchases that the coupon really causes, %", "profit, $")


def _apart(heights: pd.Series, distance: float) -> list[float]:
    """Move labels apart, upward from the lowest, so that none covers another."""
    placed: dict[object, float] = {}
    last = -np.inf
    for name, height in heights.sort_values().items():
        last = placed[name] = max(height, last + distance)
    return [placed[name] for name in heights.index]


def odds(curve: pd.Series) -> None:
    """Draw profit against the factor by which the odds of all probabilities are wrong.

    Parameters
    ----------
    curve : pandas.Series
        Profit in currency, indexed by the factor.
    """
    _, (ax,) = axes(height=3.3)
    ax.plot(curve.index, curve, color=MONEY, marker="o", markersize=4)
    ax.axvline(1, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "as promised", (1, curve.min()), DARK, (6, 6))
    ax.set_xscale("log")
    ax.set_xticks(curve.index.tolist())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.minorticks_off()
    label(ax, "odds that the chooser believes, times the promised ones", "profit, $")


def prices_of_rules(profits: Mapping[str, float]) -> None:
    """Draw the profit under each rule as a bar; the first is the one without rules.

    Parameters
    ----------
    profits : mapping of str to float
        Profit in currency, by the name of the rule.
    """
    _, (ax,) = axes(height=0.8 + 0.36 * len(profits))
    place = np.arange(len(profits))[::-1]
    values = np.array(list(profits.values()))
    ax.barh(place, values, 0.62, color=[NEUTRAL, *[MONEY] * (len(values) - 1)])
    named_rows(ax, place, list(profits))
    for y, value in zip(place, values, strict=True):
        cost = values[0] - value
        text = f"{value:.1f}" if y == place[0] else f"{value:.1f}  (−{cost:.1f})"
        ax.annotate(text, (value, y), (5, 0), textcoords="offset points", va="center")
    ax.margins(x=0.2)
    label(ax, "expected profit, $", "")


def bundles(curves: Mapping[str, pd.Series]) -> None:
    """Draw profit against the most coupons that a user may get.

    Parameters
    ----------
    curves : mapping of str to pandas.Series
        Two curves by name, the higher one first; profit in currency, indexed by the number.
    """
    _, (ax,) = axes(height=3.3)
    for (name, curve), color, lift in zip(curves.items(), (COUPON, MONEY), (10, -12), strict=True):
        ax.plot(curve.index, curve, color=color, marker="o", markersize=4)
        middle = curve.index[len(curve) // 2]
        mark(ax, name, (middle, curve[middle]), color, (0, lift), "right" if lift > 0 else "left")
    ax.set_ylim(0)
    ax.set_xticks(next(iter(curves.values())).index.tolist())
    label(ax, "coupons a user may get", "expected profit, $")
