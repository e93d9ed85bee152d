"""The figures of the primer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.book.plots.colors import COUPON, DARK, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark

Floats = NDArray[np.float64]


def sigma(function: Callable[[Floats], Floats], shown: Sequence[float]) -> None:
    """Draw the way from a logit back to its probability.

    Parameters
    ----------
    function : callable
        From logits to probabilities.
    shown : sequence of float
        Logits to mark on the curve, with their probabilities.
    """
    _, (ax,) = axes(height=3.3)
    z = np.linspace(-6, 6, 241)
    ax.plot(z, function(z), color=DARK)
    points = np.asarray(shown, float)
    for logit, p in zip(points, function(points), strict=True):
        ax.plot([logit, logit, -6], [0, p, p], color=NEUTRAL, linewidth=1, linestyle=":")
        ax.plot(logit, p, "o", color=COUPON, markersize=7)
        text = f"logit {logit:.2f}\nprobability {p:.2g}".replace("-", "−")
        offset, side = ((10, 24), "center") if p < 0.1 else ((11, -14), "left")
        mark(ax, text, (logit, p), COUPON, offset, side)
    ax.set_xlim(-6, 6)
    ax.set_ylim(0, 1.03)
    label(ax, "logit", "probability")


def offers_and_models(
    offers: pd.DataFrame, models: Mapping[str, Callable[[Floats, float], Floats]]
) -> None:
    """Draw the offers of each discount, and what two models say of them.

    Parameters
    ----------
    offers : pandas.DataFrame
        One row an offer, with columns `user`, `bought`, `discount` and `redeemed`.
    models : mapping of str to callable
        Two models by name, the line first: from numbers of purchases, and one discount, to
        probabilities.
    """
    discounts = sorted(offers["discount"].unique(), reverse=True)
    _, panels = axes(len(discounts), 1, height=5.2)
    bought = np.linspace(-0.4, 6.4, 273)
    looks = ((NEUTRAL, "--"), (COUPON, "-"))
    for ax, discount in zip(panels, discounts, strict=True):
        for (name, model), (color, style) in zip(models.items(), looks, strict=True):
            p = model(bought, discount)
            ax.plot(bought, p, style, color=color)
            if ax is panels[0]:
                at = 4.6 if style == "-" else 6.4
                height = float(np.interp(at, bought, p))
                offset, side = ((10, 4), "left") if style == "-" else ((0, 8), "right")
                mark(ax, name, (at, height), color, offset, side)
        for row in offers[offers["discount"] == discount].itertuples():
            done = row.redeemed == 1
            ax.plot(
                row.bought,
                row.redeemed,
                "o",
                color=USER,
                markersize=9,
                markerfacecolor=USER if done else "white",
                markeredgewidth=1.8,
                clip_on=False,
                zorder=4,
            )
            mark(ax, row.user, (row.bought, row.redeemed), USER, (0, 12 if done else -12), "center")
        ax.set_ylim(-0.2, 1.2)
        ax.set_xlim(-0.4, 6.4)
        ax.set_yticks([0, 0.5, 1])
        last = ax is panels[-1]
        title = f"${discount} off: filled circles were redeemed"
        label(ax, "times bought before" if last else "", "probability", title.replace("$", r"\$"))


def two_losses(history: pd.DataFrame, constant: float) -> None:
    """Draw the loss on the offers learned from and on those held out, epoch by epoch.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch, counted from 1, with columns `loss` and `val_loss`.
    constant : float
        The loss of a constant probability on the offers held out.
    """
    _, (ax,) = axes(height=3.6)
    last = history.index[-1]
    names = {"loss": ("learned from", NEUTRAL, "--"), "val_loss": ("held out", COUPON, "-")}
    for column, (name, color, style) in names.items():
        ax.plot(history.index, history[column], style, color=color)
        mark(ax, name, (last, history[column].iloc[-1]), color, (0, 10), "right")
    ax.axhline(constant, color=DARK, linewidth=1, linestyle=":")
    mark(ax, "held out, one constant for all", (last, constant), DARK, (0, -9), "right")
    best = history["val_loss"].idxmin()
    point = (best, history["val_loss"].min())
    ax.plot(*point, "o", color=COUPON, markersize=9, markerfacecolor="white", markeredgewidth=1.8)
    mark(ax, "stop here", point, COUPON, (0, 14), "center")
    ax.set_xlim(0, last + 1)
    ax.set_ylim(0, 1.12 * history["val_loss"].max())
    label(ax, "epoch", "log loss")


def drawn_rates(rates: Mapping[str, Floats]) -> None:
    """Draw how often each rate comes out of a bootstrap, with the middle 95% of the draws.

    Parameters
    ----------
    rates : mapping of str to numpy.ndarray
        By what was drawn: one rate a draw, in tenths.
    """
    _, panels = axes(len(rates), 1, height=4.6)
    tenths = np.arange(11) / 10
    counts = {
        name: np.array([np.isclose(drawn, tenth).mean() for tenth in tenths])
        for name, drawn in rates.items()
    }
    top = 100 * max(count.max() for count in counts.values())
    for ax, (name, count), color in zip(panels, counts.items(), (NEUTRAL, USER), strict=True):
        low, high = np.quantile(rates[name], [0.025, 0.975])
        ax.bar(tenths, 100 * count, 0.06, color=color)
        ax.hlines(1.12 * top, low, high, color=color, linewidth=4)
        mark(ax, f"95%: {low:.1f} to {high:.1f}", (high, 1.12 * top), color, (8, 0))
        ax.set_xlim(-0.06, 1.16)
        ax.set_ylim(0, 1.28 * top)
        ax.set_xticks(tenths[::2])
        ax.grid(visible=False, axis="x")
        last = ax is panels[-1]
        label(ax, "share redeemed among the ten drawn" if last else "", "draws, %", name)
