"""The figures of chapter 14."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import t as student

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label, mark, named_rows
from coupon_rec.decisions import elasticity


def slopes(sales: pd.DataFrame) -> None:
    """Draw log units against log price, across all items and within each, with their slopes.

    Within items there is a second line: the slope of `elasticity`, which counts items by sales.

    Parameters
    ----------
    sales : pandas.DataFrame
        One row for each item and week: `item_id`, `units`, `price`.
    """
    _, panels = axes(2, 1, height=6.4)
    logs = pd.DataFrame({"x": np.log(sales["price"]), "y": np.log(sales["units"])})
    inner = logs - logs.groupby(sales["item_id"]).transform("mean")
    titles = ("Across items", "Within items")
    for ax, points, title in zip(panels, (logs - logs.mean(), inner), titles, strict=True):
        some = points.iloc[::10]
        ax.plot(some["x"], some["y"], ".", color=ITEM, markersize=3, alpha=0.35)
        slope, level = np.polyfit(points["x"], points["y"], 1)
        ends = points["x"].quantile([0.01, 0.99]).to_numpy()
        ax.plot(ends, level + slope * ends, color=DARK)
        ax.set_xlim(-2.6, 2.6)
        ax.set_ylim(-3.2, 4.6)
        mark(ax, f"slope {_minus(slope)}", (2.5, 3.9), DARK, (0, 0), "right")
        label(ax, "log price, less its mean", "log units, less their mean", title)
    slope = float(elasticity(sales).loc["price", "value"])
    ax.plot(ends, slope * ends, "--", color=COUPON)
    mark(ax, f"by sales {_minus(slope)}", (2.5, 3.0), COUPON, (0, 0), "right")


def _minus(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def shrunk(items: pd.DataFrame, mean: float, edge: tuple[float, float] = (-8.0, 4.0)) -> None:
    """Draw each item's own elasticity against the one that is drawn together with the others.

    Parameters
    ----------
    items : pandas.DataFrame
        As of `coupon_rec.decisions.Demand`.
    mean : float
        Of the elasticities of all items.
    edge : tuple of float
        The range that is drawn.
    """
    _, (ax,) = axes(height=4.4)
    seen = items.dropna(subset=["alone"])
    size = np.clip(12 / seen["alone_error"], 4, 60)
    own = seen["alone"].clip(*edge)
    ax.scatter(own, seen["elasticity"], s=size, color=ITEM, alpha=0.4, linewidth=0)
    ax.plot(edge, edge, color=DARK, linewidth=1, linestyle="--")
    ax.axhline(mean, color=NEUTRAL, linewidth=1.5, linestyle=":")
    mark(ax, "mean of all", (edge[1], mean), NEUTRAL, (0, -10), "right")
    mark(ax, "no change", (-6.1, -6.1), DARK, (6, -10))
    ax.set_xlim(edge[0] - 0.2, edge[1] + 0.2)
    ax.set_ylim(-6.6, 2)
    label(ax, "elasticity of the item alone", "drawn together")


def spiral(stock: pd.DataFrame, wanted: float) -> None:
    """Draw what is put on a shelf by a shop that knows of empty shelves, and by one that does not.

    Parameters
    ----------
    stock : pandas.DataFrame
        Units by week; columns False (sales are taken for demand) and True.
    wanted : float
        Units that are wanted a week.
    """
    _, (ax,) = axes(height=3.5)
    ax.axhline(wanted, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "wanted", (stock.index[-1], wanted), DARK, (0, -10), "right")
    names = {False: ("sales taken for demand", "-"), True: ("empty shelves known", "--")}
    for aware, (name, style) in names.items():
        color = MONEY if aware else COUPON
        ax.plot(stock.index, stock[aware], style, color=color)
        at = (stock.index[-1], float(stock[aware].iloc[-1]))
        mark(ax, name, at, color, (0, 12 if aware else -12), "right")
    ax.set_ylim(0, 1.3 * wanted)
    label(ax, "week", "packs on the shelf")


def joint(gained: pd.DataFrame, promised: Mapping[str, float]) -> None:
    """Draw what ways to send coupons promised and kept, and what the last keeps more than each.

    Parameters
    ----------
    gained : pandas.DataFrame
        Profit over sending nothing, in currency: one row a store, one column a way.
    promised : mapping of str to float
        What the plan said, in currency, by way.
    """
    _, (ax, below) = axes(2, 1, height=4.8)
    place = np.arange(len(gained.columns))[::-1].astype(float)
    stores = len(gained)
    wide = student.ppf(0.975, stores - 1) * stores**0.5
    kept, error = gained.sum(), wide * gained.std()
    plan = [promised[way] for way in gained]
    ax.barh(place, plan, 0.62, color="none", edgecolor=NEUTRAL, linewidth=1.2)
    ax.barh(place, kept, 0.42, color=MONEY)
    ax.errorbar(kept, place, xerr=error, fmt="none", ecolor=DARK, elinewidth=1.2, capsize=3)
    ax.axvline(0, color=DARK, linewidth=1)
    named_rows(ax, place, list(gained.columns))
    mark(ax, "promised", (plan[0], place[0]), NEUTRAL, (0, 24), "right")
    mark(ax, "kept", (float(kept.iloc[-1]) / 2, place[-1]), "white", (0, 0), "center")
    ax.set_ylim(-0.5, place[0] + 0.75)
    label(ax, "profit over sending nothing, $", "")
    last = gained.columns[-1]
    more = gained.iloc[:, :-1].rsub(gained[last], axis=0)
    rows = np.arange(len(more.columns))[::-1].astype(float)
    error = wide * more.std()
    below.errorbar(more.sum(), rows, xerr=error, fmt="o", color=MONEY, ecolor=DARK, capsize=4)
    below.axvline(0, color=DARK, linewidth=1)
    named_rows(below, rows, [f"than {way.removeprefix('then ')}" for way in more])
    below.set_ylim(-0.6, rows[0] + 0.6)
    label(below, f"how much more {last} keeps, $", "")
