"""Figures about choosing: which coupons a user could get, and what the choice is worth."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.plots.colors import COUPON, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label, mark, named_rows


def coupons_of_user(options: pd.DataFrame) -> None:
    """Draw a user's coupons twice: by probability of redemption, and by expected value.

    Parameters
    ----------
    options : pandas.DataFrame
        One row a coupon, in the order to draw them from the top, with columns `coupon` (its
        name), `probability` in [0, 1] and `value` in dollars. The most valuable is marked.
    """
    _figure, (top, bottom) = axes(2, 1, height=1.4 + 0.56 * len(options))
    place = np.arange(len(options))[::-1]
    best = options["value"].to_numpy() == options["value"].max()
    for ax, values, color in (
        (top, 100 * options["probability"], COUPON),
        (bottom, 100 * options["value"], MONEY),
    ):
        ax.barh(place, values, 0.62, color=[to_rgba(color, 1 if first else 0.45) for first in best])
        named_rows(ax, place, options["coupon"])
        for y, value, first in zip(place, values, best, strict=True):
            ax.annotate(
                f"{value:.1f}",
                (max(value, 0), y),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontweight="bold" if first else "normal",
            )
        ax.margins(x=0.18)
    label(top, "probability of redemption, %", "", "How likely")
    label(bottom, "expected value, cents", "", "How valuable")


def gains(y: ArrayLike, scores: Mapping[str, ArrayLike]) -> None:
    """Draw the share of redemptions found within the best-scored share of offers, up to 30%.

    Parameters
    ----------
    y : array_like
        Labels, 0 or 1, shape (n,).
    scores : mapping of str to array_like
        Two scorers by name, the better one first; ties are taken in random order.
    """
    _figure, (ax,) = axes()
    sent = 100 * np.arange(1, len(np.asarray(y)) + 1) / len(np.asarray(y))
    at = np.searchsorted(sent, 20)
    for (name, score), color, lift in zip(scores.items(), (COUPON, NEUTRAL), (9, -11), strict=True):
        share = 100 * found_by(y, score)
        ax.plot(sent, share, color=color)
        mark(ax, name, (sent[at], share[at]), color, (0, lift))
    ax.plot([0, 30], [0, 30], color=NEUTRAL, linestyle=":", linewidth=1.2)
    mark(ax, "at random", (20, 20), NEUTRAL, (6, -8))
    ax.set_xlim(0, 30)
    ax.set_ylim(0, 104)
    label(ax, "share of offers sent, best first, %", "share of redemptions found, %")


def found_by(y: ArrayLike, score: ArrayLike) -> NDArray[np.float64]:
    """Share of the positives among the 1, 2, ..., n best-scored rows, shape (n,), in [0, 1]."""
    y, score = np.asarray(y), np.asarray(score)
    shuffled = np.random.default_rng(0).permutation(len(y))
    order = shuffled[np.argsort(-score[shuffled], kind="stable")]
    return np.asarray(np.cumsum(y[order]) / y.sum())


def profit_by_assumption(frame: pd.DataFrame) -> None:
    """Draw profit and coupons sent against an assumption, for several policies.

    Parameters
    ----------
    frame : pandas.DataFrame
        Indexed by the assumed incremental share, in [0, 1]; columns `most valuable` and
        `most likely`, in dollars, and `sent`, the share of users who get a coupon, in [0, 1].
    """
    _figure, (top, bottom) = axes(2, 1, height=5.6)
    share = 100 * frame.index.to_numpy()
    for name, color, style, side in (
        ("most valuable", MONEY, "-", "right"),
        ("most likely", COUPON, "--", "left"),
    ):
        top.plot(share, frame[name], color=color, linestyle=style)
        offset = (-8, 4) if side == "right" else (8, -6)
        mark(top, name, (60, np.interp(60, share, frame[name])), color, offset, side)
    top.axhline(0, color=NEUTRAL, linewidth=1)
    bottom.plot(share, 100 * frame["sent"], color=MONEY)
    bottom.set_ylim(0, 104)
    label(top, "purchases the coupon causes, %", "expected profit, $", "What the choice earns")
    label(bottom, "purchases the coupon causes, %", "lists, %", "Lists with a coupon")
