"""The figures of chapter 18."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark


def tasks(rows: Mapping[str, ArrayLike]) -> None:
    """Draw the rows of each task, a panel for each key.

    Parameters
    ----------
    rows : mapping of str to array_like
        By the name of the key, the rows of each of K tasks, shape (K,).
    """
    _, panels = axes(len(rows), 1, height=2.4 * len(rows))
    most = max(np.max(each) for each in rows.values()) / 1000
    for ax, (name, each), color in zip(panels, rows.items(), (USER, COUPON), strict=True):
        thousands = np.asarray(each) / 1000
        ax.bar(np.arange(1, len(thousands) + 1), thousands, color=color)
        ax.axhline(thousands.mean(), color=DARK, linewidth=1, linestyle=":")
        ax.set_ylim(0, 1.08 * most)
        ax.grid(axis="x", visible=False)
        label(ax, "", "rows, thousands", name)
    panels[-1].set_xlabel("task")


def largest(table: pd.DataFrame) -> None:
    """Draw the rows of the largest task against the users, on logarithmic axes.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by the number of users; `all users`, `distinct values` and `by cents`.
    """
    _, (ax,) = axes(height=3.8)
    last, before = table.index[-1], table.index[-2]
    for name, color, style, at, offset in (
        ("all users", NEUTRAL, "-", before, (-10, 10)),
        ("distinct values", COUPON, "--", last, (-12, 0)),
        ("by cents", USER, "-", last, (0, -20)),
    ):
        ax.plot(table.index, table[name], color=color, linestyle=style, marker="o")
        mark(ax, name, (at, table.loc[at, name]), color, offset, "right")
    ax.set_xscale("log")
    ax.set_yscale("log")
    label(ax, "users of the campaign", "rows of the largest task")
