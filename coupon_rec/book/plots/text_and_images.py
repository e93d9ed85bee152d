"""The figures of chapter 23."""

from collections.abc import Mapping

import pandas as pd

from coupon_rec.book.cards import Pixels
from coupon_rec.book.plots.style import COUPON, NEUTRAL, axes, label


def gains(gaps: Mapping[str, pd.Series]) -> None:
    """Draw what each input adds, with two intervals.

    Parameters
    ----------
    gaps : mapping of str to pandas.Series
        By input: `difference`, and low and high over users, and over users and coupons.
    """
    _, (ax,) = axes(height=0.55 * len(gaps) + 1.1)
    ax.axvline(0, color=NEUTRAL, linestyle="--")
    for row, gap in enumerate(gaps.values()):
        for over, width in (("users and coupons", 1.5), ("users", 5)):
            ends = 1000 * gap[[f"low over {over}", f"high over {over}"]]
            ax.plot(ends, [row, row], "-", color=COUPON, linewidth=width, solid_capstyle="butt")
        middle = 1000 * gap["difference"]
        ax.plot(middle, row, "o", color=COUPON, markersize=9, markeredgecolor="white")
    ax.set_yticks(range(len(gaps)), list(gaps))
    ax.set_ylim(len(gaps) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    label(ax, "gain in AUC, thousandths", "")


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
        ax.set_title(" + ".join(its.index[its == 1]), fontsize=11, loc="center")
