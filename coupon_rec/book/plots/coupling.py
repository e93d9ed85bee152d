"""The figure of chapter 6."""

import pandas as pd

from coupon_rec.book.plots.colors import NEUTRAL
from coupon_rec.book.plots.style import axes, intervals

PANELS = {
    "log loss, thousandths": ("all", "log loss", 1000, "← better"),
    "NDCG@10": ("all", "NDCG@10", 1, "better →"),
    "NDCG@10, campaigns B and C": ("B and C", "NDCG@10", 1, "better →"),
}
"""What each panel shows: a slice, a metric, what it is multiplied by, and where better is."""


def differences(gaps: pd.DataFrame, ruler: pd.DataFrame) -> None:
    """Draw by how much models differ from one model, with intervals, a panel for each metric.

    Parameters
    ----------
    gaps : pandas.DataFrame
        Indexed by model, slice and metric, with columns difference, low and high.
    ruler : pandas.DataFrame
        Indexed by slice and metric, with a column difference: that of two seeds of the one model,
        shaded on both sides of zero.
    """
    figure, grid = axes(len(PANELS), 1, height=7.6)
    for ax, (title, (part, metric, times, better)) in zip(grid, PANELS.items(), strict=True):
        rows = times * gaps.xs((part, metric), level=(1, 2))[["difference", "low", "high"]]
        seeds = times * abs(ruler.loc[(part, metric), "difference"])
        ax.axvspan(-seeds, seeds, color=NEUTRAL, alpha=0.25, linewidth=0)
        intervals(ax, rows, (rows["low"] > 0) | (rows["high"] < 0))
        ax.set_title(title, fontsize=11)
        ax.set_xlabel(f"difference from the chain, {better}", fontsize=10)
    grid[1].sharex(grid[2])
    figure.align_ylabels()
