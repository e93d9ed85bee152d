"""The figures of chapter 21."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark


def attack(member: ArrayLike, promises: Mapping[str, ArrayLike]) -> None:
    """Draw what models say of redeemed offers that they learned from, and of others.

    Parameters
    ----------
    member : array_like
        Whether a model learned from each offer, 0 or 1, shape (n,).
    promises : mapping of str to array_like
        By model, its promise for each offer.
    """
    inside = np.asarray(member) == 1
    _, panels = axes(len(promises), 1, height=2.2 * len(promises) + 0.2)
    for ax, (name, p) in zip(panels, promises.items(), strict=True):
        logs = np.clip(np.log10(np.asarray(p)), -4, 0)
        for some, color, style in ((inside, USER, "-"), (~inside, COUPON, "--")):
            share = 100 * np.arange(1, some.sum() + 1) / some.sum()
            ax.step(np.sort(logs[some]), share, color=color, linestyle=style, where="post")
        ax.set_xticks([-4, -3, -2, -1, 0], ["0.01%", "0.1%", "1%", "10%", "100%"])
        ax.set_xlim(-4.2, 0.2)
        ax.set_ylim(0, 104)
        label(ax, "promised probability" if ax is panels[-1] else "", "offers up to there, %", name)
    mark(panels[-1], "not learned from", (-2.4, 84), COUPON, (0, 0), "right")
    mark(panels[-1], "learned from", (-0.3, 22), USER, (0, 0), "right")


def price(rows: pd.DataFrame) -> None:
    """Draw how much less a private model earns than the plain one, by its epsilon.

    Parameters
    ----------
    rows : pandas.DataFrame
        `epsilon`, and `less`, `less low`, `less high` in cents a list; a row for each draw.
    """
    _, (ax,) = axes(height=3.4)
    ax.axhline(0, color=NEUTRAL, linestyle="--")
    mark(ax, "not private", (0.2, 0), NEUTRAL, (-4, 9))
    middle = rows.groupby("epsilon")[["less", "less low", "less high"]].mean()
    ax.vlines(middle.index, middle["less low"], middle["less high"], color=MONEY, linewidth=2)
    ax.plot(middle.index, middle["less"], "-", color=MONEY)
    ax.plot(rows["epsilon"], rows["less"], "o", color=MONEY, markersize=6, markerfacecolor="white")
    logarithmic(ax, "x", middle.index)
    label(ax, "ε of a user, log scale", "earned, less the plain model,\ncents a list")
