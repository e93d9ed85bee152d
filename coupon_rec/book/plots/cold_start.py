"""The figures of chapter 20."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark, named_rows

WAYS = {
    "zero": "zero for unknown",
    "without": "no history",
    "forget": "forget on purpose",
    "shrunk": "shrunk",
    "shrunk, with a level": "shrunk, and a level",
}


def ratios(worlds: Mapping[str, pd.DataFrame]) -> None:
    """Draw observed over predicted of new users, in each way, in each world.

    Parameters
    ----------
    worlds : mapping of str to pandas.DataFrame
        By title; indexed by way, with `value`, `low` and `high`.
    """
    _, panels = axes(len(worlds), 1, height=2.1 * len(worlds) + 0.4)
    for ax, (title, table) in zip(panels, worlds.items(), strict=True):
        rows = np.arange(len(table))[::-1]
        ax.axvspan(0.8, 1.25, color="#E5E7EB", zorder=0)
        ax.axvline(1, color=DARK, linewidth=1, linestyle=":")
        ax.hlines(rows, table["low"], table["high"], color=USER, linewidth=2)
        ax.plot(table["value"], rows, "o", color=USER, markersize=7)
        logarithmic(ax, "x", [0.5, 0.8, 1, 1.25, 2, 3, 4])
        ax.set_xlim(0.5, 5)
        named_rows(ax, rows, [WAYS[way] for way in table.index])
        ax.set_ylim(-0.6, len(table) - 0.4)
        label(ax, "observed over predicted" if ax is panels[-1] else "", "", title)


def shrunk(table: pd.DataFrame, usual: float) -> None:
    """Draw raw and shrunk rates of coupons beside the true ones.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a coupon: `raw`, `shrunk` and `true`, shares of offers.
    usual : float
        The rate of all coupons together.
    """
    _, (ax,) = axes(height=4.4)
    table = 100 * table.sort_values("true")
    rows = np.arange(len(table))
    ax.axvline(100 * usual, color=DARK, linewidth=1, linestyle=":")
    ax.hlines(rows, table["raw"], table["shrunk"], color=NEUTRAL, linewidth=1)
    ax.plot(table["raw"], rows, "x", color=NEUTRAL, markersize=7, markeredgewidth=2)
    ax.plot(table["shrunk"], rows, "o", color=COUPON, markersize=7)
    ax.plot(table["true"], rows, "|", color=DARK, markersize=13, markeredgewidth=2.5)
    top, far = table.iloc[-1], table["raw"].to_numpy().argmax()
    mark(ax, "true", (top["true"], rows[-1]), DARK, (0, 13), "center")
    mark(ax, "raw", (table["raw"].iloc[far], rows[far]), NEUTRAL, (8, 0))
    mark(ax, "shrunk", (table["shrunk"].iloc[far], rows[far]), COUPON, (6, -12))
    mark(ax, "usual", (100 * usual, -0.9), DARK, (4, 0))
    named_rows(ax, [])
    ax.set_ylim(-1.5, len(table) + 0.4)
    ax.margins(x=0.12)
    label(ax, "redemptions, % of offers", "coupons, by true rate")


def few(table: pd.DataFrame) -> None:
    """Draw how far forecasts of a new coupon are off, by how many of its offers were seen.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by offers seen; columns `model`, and `raw` and `shrunk` by `redemptions` and by
        `purchases`, such as "raw, purchases": errors as shares of what is true.
    """
    _, panels = axes(2, 1, height=5.0)
    places = np.arange(len(table))
    alone = 100 * table["model"].iloc[0]
    for ax, counted, color in zip(
        panels, ("redemptions", "purchases"), (COUPON, USER), strict=True
    ):
        ax.axhline(alone, color=DARK, linewidth=1, linestyle=":")
        for way, style, at, above in (("raw", ":", 1, 11), ("shrunk", "-", 2, -11)):
            values = 100 * table[f"{way}, {counted}"].to_numpy()
            ax.plot(places, values, color=color, linestyle=style, marker="o", markersize=5)
            mark(ax, way, (places[at], values[at]), color, (0, above), "center")
        ax.set_xticks(places, [f"{n:,}" for n in table.index])
        ax.set_ylim(0, 150)
        if ax is panels[-1]:
            mark(ax, "model alone", (places[-1], alone), DARK, (0, 8), "right")
        below = "offers of the new coupon that were seen" if ax is panels[-1] else ""
        label(ax, below, "error, %", f"Corrected by {counted}")
