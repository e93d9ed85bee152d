"""The figures of chapter 5."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.plots.style import COUPON, ITEM, NEUTRAL, axes, label, mark

Floats = NDArray[np.float64]

DARK = "#374151"
SHADES = LinearSegmentedColormap.from_list("likely", ["#F3F4F6", ITEM, "#06281F"])
TICKS = (0.0001, 0.001, 0.01, 0.1, 1)


def orders(panels: Mapping[str, pd.DataFrame]) -> None:
    """Draw who is likely to buy what, one panel a model.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        By the name of the model: one row a user, one column a coupon, the probabilities of a
        purchase, in (0, 1). The color is the logit; the coupon that a user is likeliest to buy
        is marked by a dot.
    """
    figure, grid = axes(1, len(panels), height=3.0)
    logits = {name: np.log(p / (1 - p)).to_numpy() for name, p in panels.items()}
    low, high = np.percentile(np.concatenate(list(logits.values())), [2, 99])
    for ax, (name, z) in zip(grid, logits.items(), strict=True):
        drawn = ax.imshow(z, cmap=SHADES, vmin=low, vmax=high, aspect="auto")
        if (z.max(axis=1) > z.min(axis=1) + 1e-3).all():
            ax.plot(z.argmax(axis=1), np.arange(len(z)), ".", color=COUPON, markersize=7)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        label(ax, "coupons", "users" if ax is grid[0] else "", name)
    bar = figure.colorbar(drawn, ax=grid, shrink=0.9)
    shown = [p for p in (0.001, 0.01, 0.1, 0.5, 0.9) if low <= np.log(p / (1 - p)) <= high]
    bar.set_ticks(
        [float(np.log(p / (1 - p))) for p in shown], labels=[f"{100 * p:g}%" for p in shown]
    )
    bar.set_label("probability of a purchase")


def promised(curves: Mapping[str, pd.DataFrame]) -> None:
    """Draw observed against predicted rates of purchase, with intervals, on logarithmic axes.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Two tables of `coupon_rec.evaluation.reliability`, by the name of the offers.
    """
    _, (ax,) = axes(height=4.0)
    looks = ((ITEM, "o", (-9, 9), "right"), (NEUTRAL, "s", (9, -9), "left"))
    for (name, curve), (color, marker, offset, side) in zip(curves.items(), looks, strict=True):
        observed = curve["observed"]
        reach = [observed - curve["low"], curve["high"] - observed]
        ax.errorbar(curve["predicted"], observed, reach, color=color, marker=marker, markersize=5)
        mark(ax, name, (curve["predicted"].iloc[-2], observed.iloc[-2]), color, offset, side)
    ends = (0.0005, 1)
    ax.plot(ends, ends, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "as promised", (0.6, 0.6), DARK, (-9, 9), "right")
    for scale, limit, ticks in (
        (ax.set_xscale, ax.set_xlim, ax.set_xticks),
        (ax.set_yscale, ax.set_ylim, ax.set_yticks),
    ):
        scale("log")
        limit(*ends)
        ticks(TICKS[1:], ["0.1%", "1%", "10%", "100%"])
    label(ax, "predicted rate of purchase", "observed rate of purchase")


def learning(curves: pd.DataFrame) -> None:
    """Draw what a line learns of two labels, against households and against positives.

    Parameters
    ----------
    curves : pandas.DataFrame
        One row a fit: `label` ("purchase" or "redemption"), `households` and `positives` that it
        learned from, and `gain`, the share of the base rate's log loss that it saves.
    """
    _, panels = axes(1, 2, height=3.6)
    for ax, column in zip(panels, ("households", "positives"), strict=True):
        for name, color in (("purchase", ITEM), ("redemption", COUPON)):
            fits = curves[curves["label"] == name]
            means = fits.groupby("households")[["households", "positives", "gain"]].mean()
            ax.plot(fits[column], 100 * fits["gain"], ".", color=color, alpha=0.45)
            ax.plot(means[column], 100 * means["gain"], color=color)
            mark(ax, name, (means[column].iloc[-1], 100 * means["gain"].iloc[-1]), color, (0, 11))
            ax.texts[-1].set_horizontalalignment("right")
        ax.set_xscale("log")
        ax.set_ylim(0, 55)
        label(ax, f"{column} to learn from", "log loss saved, %" if column == "households" else "")


def apart(offers: ArrayLike, buyers: ArrayLike) -> None:
    """Draw how likely a purchase was, for all offers and for those that ended in one.

    Parameters
    ----------
    offers, buyers : array_like
        Probabilities of a purchase, each of one dimension, in (0, 1).
    """
    _, (ax,) = axes(height=3.2)
    edges = np.linspace(-10, 8, 55)
    for values, name, color, at, side in (
        (offers, "all offers", NEUTRAL, 0.002, "right"),
        (buyers, "ended in a purchase", ITEM, 0.3, "left"),
    ):
        p = np.clip(np.asarray(values, dtype=np.float64), 1e-6, 1 - 1e-6)
        z = np.log(p / (1 - p))
        heights, _edges = np.histogram(np.clip(z, -10, 8), edges)
        shares = 100 * heights / len(z)
        ax.stairs(shares, edges, color=color, fill=True, alpha=0.25)
        ax.stairs(shares, edges, color=color, linewidth=1.8)
        top = float(np.log(at / (1 - at)))
        height = shares[np.searchsorted(edges, top) - 1]
        mark(ax, name, (top, height), color, (8 if side == "left" else -8, 8), side)
    ticks = np.array([0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999])
    ax.set_xticks(np.log(ticks / (1 - ticks)), [f"{100 * tick:g}%" for tick in ticks])
    ax.margins(y=0.16)
    label(ax, "predicted probability of a purchase", "share of each group, %")


def rates(table: pd.DataFrame) -> None:
    """Draw how often the coupons that policies send are bought with and redeemed.

    Parameters
    ----------
    table : pandas.DataFrame
        As `coupon_rec.evaluation.policy_rates` gives it for one slice, of four policies one below
        the other: indexed by the policy's name and by "redemption rate" or "purchase rate", with
        columns `value`, `low` and `high`.
    """
    _, (ax,) = axes(height=3.9)
    looks = (
        (ITEM, (9, -10), "left"),
        (COUPON, (9, 9), "left"),
        (NEUTRAL, (9, 9), "left"),
        (DARK, (-9, 9), "right"),
    )
    for (name, rows), (color, offset, side) in zip(
        table.groupby(level=0, sort=False), looks, strict=True
    ):
        across, up = (100 * rows.xs(rate, level=1).iloc[0] for rate in RATES)
        _cross(ax, across, up, color)
        mark(ax, str(name), (across["value"], up["value"]), color, offset, side)
    ax.set_xlim(0, 72)
    ax.set_ylim(0, 6.5)
    label(ax, "ended in a purchase, % of coupons sent", "redeemed, % of coupons sent")


RATES = ("purchase rate", "redemption rate")


def _cross(ax: Axes, across: pd.Series, up: pd.Series, color: str) -> None:
    reach_x, reach_y = ([[v["value"] - v["low"]], [v["high"] - v["value"]]] for v in (across, up))
    ax.errorbar(across["value"], up["value"], reach_y, reach_x, "o", color=color, markersize=6)
