"""The figures of chapter 19."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark, named_rows


def against(accounts: Mapping[str, pd.DataFrame]) -> None:
    """Draw what each topic adds to log p, by factor, a panel for each whom it is compared with.

    Parameters
    ----------
    accounts : mapping of str to pandas.DataFrame
        By the title of its panel, a frame with a row a topic and the columns `bought` and
        `redeemed_if_bought`.
    """
    _, panels = axes(len(accounts), 1, height=2.7 * len(accounts))
    frames = list(accounts.values())
    high = max(float(frame.clip(lower=0).sum(axis=1).max()) for frame in frames)
    low = min(float(frame.clip(upper=0).sum(axis=1).min()) for frame in frames)
    for ax, (title, frame) in zip(panels, accounts.items(), strict=True):
        rows = np.arange(len(frame))[::-1]
        ends = {1: np.zeros(len(frame)), -1: np.zeros(len(frame))}
        for name, color, hatch in (("bought", USER, ""), ("redeemed_if_bought", COUPON, "//")):
            values = frame[name].to_numpy()
            start = np.where(values >= 0, ends[1], ends[-1])
            ax.barh(
                rows, values, 0.62, start, color=color, hatch=hatch, edgecolor="white", linewidth=0
            )
            for sign in (1, -1):
                ends[sign] = ends[sign] + np.where(sign * values > 0, values, 0)
        ax.axvline(0, color=DARK, linewidth=1)
        named_rows(ax, rows, frame.index)
        ax.set_xlim(low - 0.3, high + 0.6)
        for row in rows[(frame.to_numpy() == 0).all(axis=1)]:
            mark(ax, "exactly 0", (0, row), NEUTRAL, (6, 0))
        label(ax, "", "", title)
    panels[-1].set_xlabel("added to log p")
    mark(panels[0], "purchase", (high, 1.0), USER, (0, 0), "right")
    mark(panels[0], "redemption if bought (hatched)", (high, 0.0), COUPON, (0, 0), "right")


def deleted(curves: Mapping[str, NDArray[np.float64]]) -> None:
    """Draw how log p falls as the features that each order names are replaced.

    Parameters
    ----------
    curves : mapping of str to numpy.ndarray
        By the name of the order, mean log p less that of the whole offer: after 0, 1, 2, ...
    """
    _, (ax,) = axes(height=3.6)
    looks = (
        (COUPON, "-", 13, (-4, -14), "right"),
        (USER, "--", 13, (8, 8), "left"),
        (NEUTRAL, ":", 13, (0, 12), "left"),
    )
    for (name, curve), (color, style, at, offset, side) in zip(curves.items(), looks, strict=True):
        ax.plot(np.arange(len(curve)), curve, color=color, linestyle=style)
        mark(ax, name, (at, curve[at]), color, offset, side)
    ax.set_xticks(range(0, len(next(iter(curves.values()))), 5))
    label(ax, "features replaced", "change of log p")
