"""The figures of chapter 12."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import ScalarFormatter

from coupon_rec.book.plots.colors import COUPON, DARK, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark


def amounts(table: pd.DataFrame) -> None:
    """Draw the share of people who came against the value of their voucher.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each group: `amount` in currency; `value`, `low` and `high`, shares.
    """
    _, (ax,) = axes(height=3.3)
    spread = 100 * np.array([table["value"] - table["low"], table["high"] - table["value"]])
    look: dict[str, Any] = {"fmt": "o-", "color": COUPON, "capsize": 4, "markersize": 6}
    ax.errorbar(table["amount"], 100 * table["value"], spread, **look)
    first = table.iloc[0]
    mark(ax, "no voucher", (first["amount"], 100 * first["value"]), DARK, (10, -4))
    ax.set_ylim(0, 100)
    label(ax, "value of the voucher, $", "came for the result, %")


def curves(tables: Mapping[str, pd.DataFrame], band: str) -> None:
    """Draw Qini curves, and the straight line that a random order follows.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        By name, at most four: `Qini.curve`.
    band : str
        The one whose interval is drawn.
    """
    _, (ax,) = axes(height=4.0)
    styles = ((USER, "-"), (COUPON, "--"), (MONEY, "-."), (NEUTRAL, ":"))
    for (name, curve), (color, style) in zip(tables.items(), styles, strict=False):
        percent = 100 * curve
        ax.plot(100 * curve.index, percent["gain"], style, color=color, label=name)
        if name == band:
            ax.fill_between(
                100 * curve.index, percent["low"], percent["high"], color=color, alpha=0.15
            )
    end = 100 * next(iter(tables.values()))["gain"].iloc[-1]
    ax.plot([0, 100], [0, end], color=DARK, linewidth=1)
    mark(ax, "at random", (45, 0.45 * end), DARK, (8, -10))
    ax.legend(loc="lower right")
    ax.axhline(0, color=DARK, linewidth=0.8)
    label(ax, "offers that get the coupon, best-scored first, %", "units gained per 100 offers")


def powers(table: pd.DataFrame, at: Mapping[str, float]) -> None:
    """Draw the power of an experiment against its size, one curve for each question.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by the users; one column for each question, a chance in [0, 1].
    at : mapping of str to float
        Where on its curve each name stands: a number of users.
    """
    _, (ax,) = axes(height=3.5)
    for name, color, style in zip(table, (USER, COUPON, MONEY), ("-", "--", "-."), strict=False):
        ax.plot(table.index, 100 * table[name], style, color=color)
        height = float(np.interp(at[name], table.index, table[name]))
        mark(ax, name, (at[name], 100 * height), color, (10, -4))
    ax.axhline(80, color=DARK, linewidth=1, linestyle=":")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_ylim(0, 105)
    label(ax, "users in the experiment", "chance to find the effect, %")
