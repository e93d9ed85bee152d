"""The figures of chapter 5."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM
from coupon_rec.book.plots.style import axes, label, logarithmic, mark

Floats = NDArray[np.float64]

SHADES = LinearSegmentedColormap.from_list("likely", ["#F3F4F6", ITEM, "#06281F"])
USERS = 14


def orders(offers: pd.DataFrame, models: Mapping[str, ArrayLike]) -> None:
    """Draw who is likely to buy what, one panel a model.

    Parameters
    ----------
    offers : pandas.DataFrame
        n offers of one campaign, with user_id and coupon_id; the first 14 users are drawn.
    models : mapping of str to array_like
        By the name of the model, the probability of a purchase of each offer, shape (n,), in
        (0, 1). The color is the logit; the coupon that a user is likeliest to buy is marked by a
        dot, unless all of the user's coupons are alike.
    """
    figure, grid = axes(len(models), 1, height=1.7 * len(models) + 0.9)
    shown = offers["user_id"].isin(offers["user_id"].unique()[:USERS])
    tables = {name: _table(offers[shown], np.asarray(p)[shown]) for name, p in models.items()}
    last = tables[list(tables)[-2]] if len(tables) > 1 else tables[next(iter(tables))]
    order = last.mean().sort_values(ascending=False).index
    logits = {name: table[order].to_numpy() for name, table in tables.items()}
    low, high = np.percentile(np.concatenate(list(logits.values())), [2, 99])
    for ax, (name, z) in zip(grid, logits.items(), strict=True):
        drawn = ax.imshow(z, cmap=SHADES, vmin=low, vmax=high, aspect="auto")
        if (z.max(axis=1) > z.min(axis=1) + 1e-3).all():
            ax.plot(z.argmax(axis=1), np.arange(len(z)), ".", color=COUPON, markersize=9)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(visible=False)
        label(ax, "coupons" if ax is grid[-1] else "", "users", name)
    bar = figure.colorbar(drawn, ax=grid, location="bottom", shrink=0.9, aspect=30)
    ticks = [p for p in (0.001, 0.01, 0.1, 0.5, 0.9) if low <= np.log(p / (1 - p)) <= high]
    bar.set_ticks(
        [float(np.log(p / (1 - p))) for p in ticks], labels=[f"{100 * p:g}%" for p in ticks]
    )
    bar.set_label("probability of a purchase")


def _table(offers: pd.DataFrame, p: Floats) -> pd.DataFrame:
    """One row a user, one column a coupon: the logits."""
    logits = offers.assign(z=np.log(p / (1 - p)))
    return logits.pivot(index="user_id", columns="coupon_id", values="z")


def promised(curves: Mapping[str, pd.DataFrame]) -> None:
    """Draw observed against predicted rates of purchase, with intervals, one panel for each part.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Tables of `coupon_rec.evaluation.reliability`, by the name of the offers.
    """
    _, panels = axes(len(curves), 1, height=3.1 * len(curves))
    ends, ticks = (0.0009, 1), (0.001, 0.01, 0.1, 1)
    for ax, (name, curve) in zip(panels, curves.items(), strict=True):
        observed = curve["observed"]
        reach = [observed - curve["low"], curve["high"] - observed]
        ax.errorbar(curve["predicted"], observed, reach, color=ITEM, marker="o", markersize=5)
        ax.plot(ends, ends, color=DARK, linewidth=1, linestyle=":")
        mark(ax, "as promised", (0.35, 0.35), DARK, (-9, 6), "right")
        for scale, limit, place in (
            (ax.set_xscale, ax.set_xlim, ax.set_xticks),
            (ax.set_yscale, ax.set_ylim, ax.set_yticks),
        ):
            scale("log")
            limit(*ends)
            place(ticks, [f"{100 * tick:g}%" for tick in ticks])
        label(ax, "predicted rate of purchase" if ax is panels[-1] else "", "observed rate", name)


def learning(curves: pd.DataFrame) -> None:
    """Draw what a model learns of two labels, against households and against positives.

    Parameters
    ----------
    curves : pandas.DataFrame
        One row a fit: `label` ("purchase" or "redemption"), `households` and `positives` that it
        learned from, and `gain`, the share of the base rate's log loss that it saves.
    """
    _, panels = axes(2, 1, height=6.0)
    ticks = {
        "households": sorted(curves["households"].unique()),
        "positives": [10, 100, 1_000, 10_000],
    }
    for ax, column in zip(panels, ticks, strict=True):
        for name, color in (("purchase", ITEM), ("redemption", COUPON)):
            fits = curves[curves["label"] == name]
            means = fits.groupby("households")[["households", "positives", "gain"]].mean()
            ax.plot(fits[column], 100 * fits["gain"], ".", color=color, alpha=0.45)
            ax.plot(means[column], 100 * means["gain"], color=color)
            at = means[column].iloc[-1], 100 * means["gain"].iloc[-1]
            mark(ax, name, at, color, (0, 11), "right")
        logarithmic(ax, "x", ticks[column], [f"{tick:,}" for tick in ticks[column]])
        ax.set_ylim(min(0, 100 * curves["gain"].min() - 3), 58)
        label(ax, f"{column} to learn from", "log loss saved, %")
