"""The figures of chapter 11."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import ScalarFormatter
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label, mark


def spending(curve: pd.DataFrame, budget: float, price: float) -> None:
    """Draw what users spend of a budget, and the bound on the profit, against its price.

    Parameters
    ----------
    curve : pandas.DataFrame
        Indexed by the price; columns `spent` and `bound`, in currency.
    budget : float
        In currency.
    price : float
        At which the budget is just spent.
    """
    _, (top, bottom) = axes(2, 1, height=5.4)
    top.plot(curve.index, curve["spent"], color=COUPON)
    top.axhline(budget, color=DARK, linewidth=1, linestyle=":")
    mark(top, "budget", (curve.index[-1], budget), DARK, (0, 8), "right")
    bottom.plot(curve.index, curve["bound"], color=MONEY)
    lowest = float(np.interp(price, curve.index, curve["bound"]))
    for ax, height in ((top, budget), (bottom, lowest)):
        ax.plot(price, height, "o", color=DARK, markersize=7, zorder=3)
    mark(bottom, "lowest", (price, lowest), DARK, (0, -12), "center")
    top.set_ylim(0)
    bottom.margins(y=0.15)
    label(top, "price λ of a dollar", "face value spent, $", "What users take")
    label(bottom, "price λ of a dollar", "bound on the profit, $", "What the dual says")


def gaps(tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw the gap to the bound against the number of users, on logarithmic axes.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        For `dual` and `exact`, shares of the bound: a row for each draw, a column for each number
        of lists.
    """
    _, (ax,) = axes(height=3.5)
    for name, color, style, lift in (("dual", COUPON, "-", 10), ("exact", DARK, "--", -10)):
        percent = 100 * tables[name]
        middle = percent.median()
        ax.plot(middle.index, middle, style, color=color)
        shift = 1 + 0.004 * lift
        for n in percent:
            ax.plot([shift * n] * len(percent), percent[n], "o", color=color, markersize=3.5)
        at = middle.index[1]
        side = "left" if lift > 0 else "right"
        mark(ax, name, (at, middle[at]), color, (1.2 * lift, lift), side)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(middle.index.tolist())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.minorticks_off()
    label(ax, "lists that share the budget", "gap to the bound, %")


def frontier(curves: Mapping[str, pd.Series], at: float, slope: float) -> None:
    """Draw profit against the budget under several rules, and a tangent to the first.

    Parameters
    ----------
    curves : mapping of str to pandas.Series
        Three rules by name, the best first: profit in currency, indexed by the budget.
    at : float
        The budget at which to draw the tangent.
    slope : float
        Its slope: what one more dollar earns there.
    """
    _, (ax,) = axes(height=3.9)
    styles = ((MONEY, "-", (0, -14)), (COUPON, "--", (0, 10)), (NEUTRAL, "-.", (0, -30)))
    for (name, curve), (color, style, offset) in zip(curves.items(), styles, strict=True):
        ax.plot(curve.index, curve, style, color=color)
        mark(ax, name, (curve.index[-1], curve.iloc[-1]), color, offset, "right")
    best = next(iter(curves.values()))
    height = float(np.interp(at, best.index, best))
    reach = np.array([-0.6, 0.9]) * at
    ax.plot(at + reach, height + slope * reach, color=DARK, linewidth=1, linestyle=":")
    ax.plot(at, height, "o", color=DARK, markersize=7, zorder=3)
    ax.axhline(0, color=DARK, linewidth=1)
    label(ax, "budget of face value, $", "expected profit, $")


def overshoot(spent: Mapping[str, ArrayLike], budget: float) -> None:
    """Draw how much of a budget is really spent, over many draws of the redemptions.

    Parameters
    ----------
    spent : mapping of str to array_like
        Two plans by name; what each spends in each draw, in currency.
    budget : float
        In currency.
    """
    _, (ax,) = axes(height=3.5)
    draws = {name: np.asarray(values, float) for name, values in spent.items()}
    every = np.concatenate(list(draws.values()))
    bins = np.linspace(every.min(), every.max(), 60).tolist()
    looks = zip(draws.items(), (COUPON, MONEY), ("left", "right"), strict=True)
    for (name, values), color, side in looks:
        weights = np.full(len(values), 100 / len(values))
        counts, edges, _ = ax.hist(values, bins, color=color, alpha=0.45, weights=weights)
        place = np.quantile(values, 0.85 if side == "left" else 0.25)
        height = counts[np.searchsorted(edges, place) - 1]
        mark(ax, name, (place, height), color, (12 if side == "left" else -12, 12), side)
    ax.axvline(budget, color=DARK, linewidth=1.5)
    ax.margins(y=0.15)
    mark(ax, "budget", (budget, ax.get_ylim()[1]), DARK, (4, -8))
    label(ax, "face value redeemed, $", "share of the draws, %")
