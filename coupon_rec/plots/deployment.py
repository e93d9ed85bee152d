"""The figures of chapter 15."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.plots.style import COUPON, ITEM, MONEY, NEUTRAL, USER, axes, label, mark

COLORS = (COUPON, USER, ITEM, MONEY, NEUTRAL)


def slips(table: pd.DataFrame) -> None:
    """Draw what a forgotten logarithm does, a bar for each feature.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by feature, with columns `times` (the mean probability against the right one) and
        `changed` (share of users whose best coupon is another, in [0, 1]).
    """
    _, (changed, times) = axes(1, 2, height=3.6)
    names = list(table.index)
    changed.barh(names, 100 * table["changed"], color=USER)
    label(changed, "%", "", "users with another best coupon")
    times.hlines(names, 1, table["times"], color=COUPON, linewidth=2)
    times.plot(table["times"], names, "o", color=COUPON)
    times.axvline(1, color=NEUTRAL, linewidth=1)
    times.set_yticks(range(len(names)), [])
    label(times, "times the right one", "", "mean probability")
    for ax in (changed, times):
        ax.invert_yaxis()
        ax.grid(visible=False, axis="y")


def latencies(waits: Mapping[str, ArrayLike], unit: str = "milliseconds") -> None:
    """Draw distributions of latency: the share of calls that were answered within a time.

    Parameters
    ----------
    waits : mapping of str to array_like
        By name: the waits of at least one call, above 0; at most five.
    unit : str
        Of the waits.
    """
    _, (ax,) = axes(height=3.6)
    for number, ((name, values), color) in enumerate(zip(waits.items(), COLORS, strict=False)):
        ordered = np.sort(np.asarray(values, dtype=float))
        share = np.arange(1, len(ordered) + 1) / len(ordered)
        ax.step(ordered, 100 * share, where="post", color=color)
        height = 0.12 + 0.17 * number
        place = float(np.quantile(ordered, height))
        mark(ax, name, (place, 100 * height), color, (7, 0))
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.set_xlim(low, high * 2.5)
    label(ax, unit, "answered within, %")


def trade(table: pd.DataFrame) -> None:
    """Draw precision against latency, a point for each way to score.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by way, with columns `microseconds`, above 0, and `average precision`.
    """
    _, (ax,) = axes(height=3.6)
    first = table.iloc[0]["average precision"]
    ax.axhline(first, color=NEUTRAL, linewidth=1, linestyle=":")
    ax.set_xscale("log")
    span = max(np.ptp(table["average precision"]), 0.01)
    taken: list[tuple[float, float]] = []
    for name, way in table.sort_values("microseconds").iterrows():
        at = (way["microseconds"], way["average precision"])
        crowd = sum(abs(np.log(at[0] / x)) < 0.8 and abs(at[1] - y) < 0.1 * span for x, y in taken)
        ax.plot(*at, "o", color=COUPON)
        mark(ax, str(name), at, "#374151", (0, 12 + 13 * crowd), "center")
        taken.append(at)
    ax.margins(x=0.12, y=0.25)
    label(ax, "microseconds for 200 coupons", "average precision")
