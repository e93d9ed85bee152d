"""The figures of chapter 23."""

from collections.abc import Mapping

import pandas as pd

from coupon_rec.book.cards import Pixels
from coupon_rec.book.plots.colors import COUPON, NEUTRAL
from coupon_rec.book.plots.style import axes, label, named_rows


def gains(gaps: Mapping[str, pd.Series], apart: int = 1) -> None:
    """Draw what each input adds, with two intervals.

    Parameters
    ----------
    gaps : mapping of str to pandas.Series
        By input: `difference`, and low and high over users, and over users and coupons.
    apart : int
        How many of the last inputs answer another question: a line stands above them, and their
        dots are hollow.
    """
    _, (ax,) = axes(height=0.55 * len(gaps) + 1.1)
    ax.axvline(0, color=NEUTRAL, linestyle="--")
    ax.axhline(len(gaps) - apart - 0.5, color=NEUTRAL, linewidth=1)
    for row, gap in enumerate(gaps.values()):
        hollow = row >= len(gaps) - apart
        for over, width in (("users and coupons", 1.5), ("users", 5)):
            ends = gap[[f"low over {over}", f"high over {over}"]]
            ax.plot(ends, [row, row], "-", color=COUPON, linewidth=width, solid_capstyle="butt")
        colors = ("white", COUPON) if hollow else (COUPON, "white")
        ax.plot(gap["difference"], row, "o", color=colors[0], markersize=9, mec=colors[1])
    named_rows(ax, range(len(gaps)), list(gaps))
    ax.set_ylim(len(gaps) - 0.5, -0.5)
    ax.set_xticks([0, 0.005, 0.010, 0.015])
    label(ax, "gain in AUC", "")


def cards(pictures: Pixels, traits: pd.DataFrame) -> None:
    """Draw cards, three a row, with what is on each.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 of shape (n, 48, 48, 3).
    traits : pandas.DataFrame
        0 or 1, a row a card, a column a trait.
    """
    rows = -(-len(pictures) // 3)
    _, panels = axes(rows, 3, height=2.0 * rows)
    for ax in panels:
        ax.set_axis_off()
    for ax, picture, (_, its) in zip(panels, pictures, traits.iterrows(), strict=False):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(" + ".join(its.index[its == 1]), fontsize=11, loc="center", color=NEUTRAL)
