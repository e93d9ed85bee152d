"""The figures of chapter 9."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL
from coupon_rec.book.plots.style import axes, intervals, label, mark


def gains(curves: Mapping[str, pd.DataFrame]) -> None:
    """Draw the share of redemptions found against the share of offers sent.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Two tables of `coupon_rec.evaluation.gains`, by the name of the model.
    """
    _, (ax,) = axes(height=3.8)
    places = ((COUPON, (-8, 10), "right"), (NEUTRAL, (10, -10), "left"))
    for (name, curve), (color, offset, side) in zip(curves.items(), places, strict=True):
        ax.plot(100 * curve.index, 100 * curve["found"], color=color)
        ax.fill_between(
            100 * curve.index, 100 * curve["low"], 100 * curve["high"], color=color, alpha=0.2
        )
        mark(ax, name, (1, 100 * curve.loc[0.01, "found"]), color, offset, side)
    share = np.geomspace(0.1, 100)
    ax.plot(share, share, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "at random", (30, 30), DARK, (6, -10))
    ax.set_xscale("log")
    ticks = [0.1, 1, 10, 100]
    ax.set_xticks(ticks, [f"{tick:g}%" for tick in ticks])
    label(ax, "offers sent, best first", "redemptions found, %")


def promised(curve: pd.DataFrame) -> None:
    """Draw observed against predicted rates of redemption, on logarithmic axes.

    Parameters
    ----------
    curve : pandas.DataFrame
        From `coupon_rec.evaluation.reliability`. A rate of zero is drawn at the bottom.
    """
    _, (ax,) = axes(height=3.8)
    bottom, top = 2e-5, 0.1
    observed, low = (curve[name].clip(lower=bottom) for name in ("observed", "low"))
    reach = [observed - low, (curve["high"] - observed).clip(lower=0)]
    ax.errorbar(curve["predicted"], observed, reach, color=COUPON, fmt="o", markersize=5)
    ax.plot((bottom, top), (bottom, top), color=DARK, linewidth=1, linestyle=":")
    mark(ax, "as promised", (0.01, 0.01), DARK, (-10, 6), "right")
    ticks = [1e-4, 1e-3, 1e-2, 1e-1]
    names = ["0.01%", "0.1%", "1%", "10%"]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(bottom, top)
    ax.set_ylim(bottom, top)
    ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    label(ax, "predicted rate of redemption", "observed rate of redemption")


def contest(gaps: pd.DataFrame) -> None:
    """Draw one model's log loss less that of each other, with intervals, a panel for each slice.

    Parameters
    ----------
    gaps : pandas.DataFrame
        Indexed by slice and peer, with columns difference, low, high and counts: whether the gap
        is left after a correction for the number of peers.
    """
    slices = list(dict.fromkeys(gaps.index.get_level_values(0)))
    order = gaps.loc[slices[0], "difference"].sort_values().index
    _, panels = axes(len(slices), 1, height=3.6 * len(slices))
    for ax, part in zip(panels, slices, strict=True):
        rows = gaps.loc[part].loc[order]
        intervals(ax, 1000 * rows[["difference", "low", "high"]], rows["counts"])
        ax.set_title(part)
        ax.set_xlabel("log loss less the other's, thousandths; ← better", fontsize=10)
