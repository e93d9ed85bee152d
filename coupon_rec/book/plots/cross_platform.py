"""The figures of chapter 27."""

import numpy as np
import pandas as pd
from scipy.stats import t

from coupon_rec.book.plots.colors import COUPON, ITEM, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, logarithmic, mark, named_rows

WAYS = {
    "phone alone": ("phone alone", NEUTRAL, "--", "v"),
    "head": ("head only", ITEM, "-", "^"),
    "adapter": ("adapter", COUPON, "-", "o"),
    "fine-tuned": ("fine-tuned", USER, "--", "D"),
}
"""Name, color, line and marker of each way to make a model of a screen."""


def over_seeds(rows: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Mean over seeds, with a 95% interval by Student's t.

    Parameters
    ----------
    rows : pandas.DataFrame
        With `value` and the columns of `by`; one row a seed.
    """
    table = rows.groupby(by)[value].agg(["mean", "std", "size"])
    half = t.ppf(0.975, table["size"] - 1) * table["std"] / np.sqrt(table["size"])
    return pd.DataFrame(
        {"value": table["mean"], "low": table["mean"] - half, "high": table["mean"] + half}
    )


def places(promised: pd.DataFrame) -> None:
    """Draw the clicks by place in a list, and what a model of the web promises.

    Parameters
    ----------
    promised : pandas.DataFrame
        One row a place from 1 on; shares `web`, `phone` and `promised`.
    """
    _, (ax,) = axes(height=3.2)
    place = promised.index.to_numpy()
    for name, color, style in (("web", USER, "-"), ("phone", COUPON, "-")):
        ax.plot(place, 100 * promised[name], style, color=color, marker="o", markersize=5)
        mark(ax, name, (place[-1], 100 * promised[name].iloc[-1]), color, (8, 0))
    ax.plot(place, 100 * promised["promised"], "--", color=NEUTRAL)
    mark(ax, "promised for the phone", (2.2, 100 * promised["promised"].iloc[0]), NEUTRAL, (0, 4))
    ax.set_ylim(0)
    ax.set_xlim(0.6, place[-1] + 1.9)
    ax.set_xticks(place)
    label(ax, "place in the list", "coupons clicked, %")


def by_rows(rows: pd.DataFrame, web: float) -> None:
    """Draw how far each way is from the truth on the phone, by rows of the phone.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of the benchmark: `way`, `rows`, `seed`, `KL`.
    web : float
        The same for the model of the web.
    """
    _, (ax,) = axes(height=3.8)
    losses = over_seeds(rows, ["way", "rows"], "KL")
    ax.axhline(web, color=NEUTRAL, linewidth=1)
    mark(ax, "web model", (470, web), NEUTRAL, (0, 9))
    offsets = {"phone alone": (4, 2), "head": (4, 2)}
    offsets |= {"adapter": (4, -6), "fine-tuned": (4, 7)}
    for way, (name, color, style, marker) in WAYS.items():
        one = losses.loc[way]
        ax.fill_between(one.index, one["low"], one["high"], color=color, alpha=0.15, linewidth=0)
        ax.plot(one.index, one["value"], style, color=color, marker=marker, markersize=6)
        mark(ax, name, (one.index[-1], one["value"].iloc[-1]), color, offsets[way])
    logarithmic(ax, "x", [500, 5000, 20000], ["500", "5,000", "20,000"])
    logarithmic(ax, "y", [5, 10, 20, 50, 100])
    ax.set_xlim(430, 75000)
    label(ax, "rows from the phone, log scale", "divergence from\nthe truth × 1,000, log scale")


def lost(phone: pd.DataFrame, same: pd.DataFrame) -> None:
    """Draw the share of the best profit that each way loses, where screens differ and where not.

    Parameters
    ----------
    phone, same : pandas.DataFrame
        Of the benchmark: `way`, `regret` and `seed`.
    """
    names = {
        "web model": "web model",
        "phone alone": "phone alone",
        "adapter": "adapter, untested",
        "tested adapter": "tested adapter",
    }
    _, panels = axes(2, 1, height=4.6)
    titles = ("The phone differs", "The phone is like the web")
    for ax, rows, title in zip(panels, (phone, same), titles, strict=True):
        losses = 100 * over_seeds(rows, ["way"], "regret").loc[[*names]]
        place = np.arange(len(names))[::-1]
        ax.hlines(place, losses["low"], losses["high"], color=MONEY, linewidth=2)
        ax.plot(losses["value"], place, "o", color=MONEY, markersize=7)
        named_rows(ax, place, names.values())
        ax.set_ylim(-0.6, len(names) - 0.4)
        ax.set_xlim(0, 40)
        label(ax, "profit lost, % of the best possible" if ax is panels[-1] else "", "", title)


def labels(tasks: pd.DataFrame) -> None:
    """Draw how far a new head and a model from nothing are from the truth, by labels.

    Parameters
    ----------
    tasks : pandas.DataFrame
        Of the benchmark: `task`, `way`, `rows`, `seed`, `KL`.
    """
    _, panels = axes(2, 1, height=5.2)
    for ax, task in zip(panels, ("articles", "ads"), strict=True):
        losses = over_seeds(tasks[tasks["task"] == task], ["way", "rows"], "KL")
        for way, color, style in (("new head", COUPON, "-"), ("from nothing", USER, "--")):
            one = losses.loc[way]
            low = np.maximum(one["low"], 1)
            ax.fill_between(one.index, low, one["high"], color=color, alpha=0.15, linewidth=0)
            ax.plot(one.index, one["value"], style, color=color, marker="o", markersize=5)
            side = (0, -24) if way == "new head" else (0, 14)
            mark(ax, way, (1000, one["value"].loc[1000]), color, side)
        logarithmic(ax, "x", [500, 1000, 5000, 20000], ["500", "1,000", "5,000", "20,000"])
        logarithmic(ax, "y", [5, 10, 20, 50, 100])
        ax.set_ylim(3, 140)
        label(ax, "labels, log scale" if ax is panels[-1] else "", "divergence × 1,000", task)
