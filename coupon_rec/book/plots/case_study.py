"""The figures of chapter 7."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label, logarithmic, mark, named_rows

SMALLEST = 1e-5
ENOUGH = 20
KINDS = {
    "buy_with": ("Purchase", ITEM),
    "redeem_given_buy": ("Redemption, given a purchase", COUPON),
}
TICKS = ([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1], ["≤0.001%", "0.01%", "0.1%", "1%", "10%", "100%"])


def against_truth(offers: pd.DataFrame, predicted: pd.DataFrame) -> None:
    """Draw predicted against true probabilities, on logarithmic axes, one panel below the other.

    Parameters
    ----------
    offers, predicted : pandas.DataFrame
        The truth and what a model says of the same n offers, with the columns `buy_with` and
        `redeem_given_buy`, in [0, 1]. What is below 0.001% is drawn there. A line joins the
        medians of groups of offers whose truths are alike.
    """
    _, grid = axes(2, 1, height=7.0)
    for ax, (kind, (name, color)) in zip(grid, KINDS.items(), strict=True):
        true, said = (table[kind].clip(SMALLEST, 1) for table in (offers, predicted))
        ax.plot(true, said, ".", color=color, alpha=0.15, markersize=4, rasterized=True)
        ax.plot([SMALLEST, 1], [SMALLEST, 1], color=DARK, linewidth=1.2, linestyle=":")
        group = (4 * np.log10(true)).round()
        alike = pd.DataFrame({"true": true, "said": said}).groupby(group)
        medians = alike.median()[alike.size() >= ENOUGH]
        ax.plot(medians["true"], medians["said"], color=DARK, linewidth=2.5)
        logarithmic(ax, "x", *TICKS, fontsize=10)
        logarithmic(ax, "y", *TICKS, fontsize=10)
        mark(ax, "as true", (3e-5, 3e-5), DARK, (0, -14))
        start = medians.iloc[0]
        mark(ax, "median", (start["true"], start["said"]), DARK, (0, -30), "center")
        label(ax, "true" if ax is grid[-1] else "", "predicted", name)


def worlds(gaps: pd.DataFrame, means: pd.DataFrame) -> None:
    """Draw how far models are behind another in several worlds, by the labels and by the truth.

    Parameters
    ----------
    gaps : pandas.DataFrame
        Indexed by model and witness ("labels" or "truth"), one column a world, in thousandths.
    means : pandas.DataFrame
        With the same index: columns value, low and high of the mean over worlds.
    """
    _, (ax,) = axes(height=4.0)
    models = list(gaps.index.unique(0))
    for witness, color, shape, shift in (
        ("labels", NEUTRAL, "s", -0.17),
        ("truth", COUPON, "o", 0.17),
    ):
        rows = means.xs(witness, level=1).loc[models]
        place = np.arange(len(models)) + shift
        ax.hlines(place, rows["low"], rows["high"], color=color, linewidth=2.5)
        ax.plot(rows["value"], place, shape, color=color, markersize=8)
        each = gaps.xs(witness, level=1).loc[models]
        for y, (_, points) in zip(place, each.iterrows(), strict=True):
            ax.plot(points, np.full(len(points), y), shape, color=color, alpha=0.35, markersize=5)
        words = f"by the {witness}"
        mark(ax, words, (rows["value"].iloc[0], place[0]), color, (0, -70 * shift), "center")
    ax.axvline(0, color=DARK, linewidth=1)
    named_rows(ax, range(len(models)), models)
    ax.set_ylim(len(models) - 0.5, -0.6)
    label(ax, "log loss above the chain's, in thousandths", "")


def learning(fits: pd.DataFrame) -> None:
    """Draw the excess log loss against the number of users, one panel below the other.

    Parameters
    ----------
    fits : pandas.DataFrame
        One row a fit, indexed by the number of users, and four columns in thousandths, above 0:
        of the purchase, the model in question and one to hold it against, and the same two of the
        redemption given a purchase.
    """
    _, grid = axes(2, 1, height=6.8)
    users = fits.index.unique()
    limits = 0.7 * fits.min().min(), 2 * fits.max().max()
    for ax, first, (name, own) in zip(grid, (0, 2), KINDS.values(), strict=True):
        looks = (own, "-", (0, 16), "center"), (NEUTRAL, "--", (-14, -12), "right")
        pair = fits.columns[first : first + 2]
        for model, (color, style, offset, side) in zip(pair, looks, strict=True):
            means = fits[model].groupby(level=0).mean()
            ax.plot(fits.index, fits[model], ".", color=color, alpha=0.5)
            ax.plot(means.index, means, style, color=color)
            mark(ax, model, (means.index[-2], means.iloc[-2]), color, offset, side)
        logarithmic(ax, "x", users, [f"{count:,}" for count in users])
        logarithmic(ax, "y", [0.3, 1, 3, 10, 30, 100, 300])
        ax.set_ylim(*limits)
        label(ax, "users to learn from" if ax is grid[-1] else "", "excess, thousandths", name)


def effects(offers: pd.DataFrame) -> None:
    """Draw what each coupon changes against how likely it is redeemed.

    Parameters
    ----------
    offers : pandas.DataFrame
        One row an offer, with columns `redeem`, the true probability of a redemption, in (0, 1],
        and `effect`, the change in the probability of a purchase, in [-1, 1].
    """
    _, (ax,) = axes(height=4.2)
    for some, color in ((offers["effect"] >= 0, COUPON), (offers["effect"] < 0, NEUTRAL)):
        part = offers[some]
        points = np.clip(part["redeem"], SMALLEST, 1), 100 * part["effect"]
        ax.plot(*points, ".", color=color, alpha=0.3, markersize=5, rasterized=True)
    ax.axhline(0, color=DARK, linewidth=1)
    logarithmic(ax, "x", *TICKS, fontsize=10)
    low = 100 * offers["effect"].min()
    mark(ax, "below zero: the coupon\ndrives purchases away", (1.3e-5, 0.85 * low), NEUTRAL)
    label(ax, "true probability of a redemption", "effect on the purchase, points")


def regret(profits: pd.DataFrame, gaps: Mapping[str, tuple[str, str]]) -> None:
    """Draw what policies earn in several worlds, and the gaps between some of them.

    Parameters
    ----------
    profits : pandas.DataFrame
        Expected profit in currency: one row a policy, from the top down, and one column a world.
    gaps : mapping of str to tuple of str
        By what is written below it: the policies from whose mean to whose mean a gap reaches, in
        the row of the first.
    """
    _, (ax,) = axes(height=6.0)
    means, place = profits.mean(axis=1), dict(zip(profits.index, range(len(profits)), strict=True))
    ax.barh(range(len(means)), means, 0.36, color=MONEY, alpha=0.55)
    for name, y in place.items():
        ax.plot(profits.loc[name], np.full(profits.shape[1], y), "o", color=MONEY, markersize=4)
        text = f"{name}: {means[name]:.0f}"
        ax.annotate(text, (0, y), (2, 15), textcoords="offset points", va="center", fontsize=10)
    for words, (low, high) in gaps.items():
        y, start, end = place[low] + 0.32, means[low], means[high]
        arrow = {"arrowstyle": "<->", "color": COUPON, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (start, y), (end, y), arrowprops=arrow)
        ax.plot([end, end], [y, place[high]], ":", color=COUPON, linewidth=1.5)
        mark(ax, words, (end, y), COUPON, (6, 0))
    named_rows(ax, [])
    ax.set_ylim(len(profits) - 0.5, -0.8)
    label(ax, "expected profit of a world, dollars", "")
