"""The figures of the appendix on the simulated market: equations as lines, markets as dots."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark, named_rows

LOOKS = (("-", "o"), ("--", "s"), (":", "^"))
"""Line and dot of the first, second and third curve of a figure."""

Curves = Mapping[str, pd.Series]


def _law(
    lines: Curves,
    dots: Curves,
    colors: Sequence[str],
    lifts: Sequence[float] = (0, 0, 0),
    room: float = 0.2,
) -> Axes:
    """Draw what an equation says as lines, what a market did as dots, and name the lines.

    Parameters
    ----------
    lines, dots : mapping of str to pandas.Series
        By name, one to three lines, and the dots of some or all of them.
    colors : sequence of str
        Of each line.
    lifts : sequence of float
        How far each name stands above the end of its line, in points.
    room : float
        Width to the right of the lines, as a share of theirs.
    """
    _, (ax,) = axes(height=2.9)
    ends = [float(line.index[place]) for line in lines.values() for place in (0, -1)]
    low, high = min(ends), max(ends)
    ax.set_xlim(low - 0.03 * (high - low), high + room * (high - low))
    looks = zip(lines.items(), colors, LOOKS, lifts, strict=False)
    for (name, line), color, (style, shape), lift in looks:
        ax.plot(line.index, line, style, color=color)
        if name in dots:
            ax.plot(dots[name].index, dots[name], shape, color=color, markersize=6)
        mark(ax, name, (line.index[-1], line.iloc[-1]), color, (9, lift))
    return ax


def _percent(ax: Axes, ticks: Sequence[float]) -> None:
    """Show a logarithmic ratio of sales as a change in percent."""
    limits = ax.get_ylim()
    names = [f"{tick:+.0%}".replace("-", "−") if tick else "0%" for tick in ticks]
    ax.set_yticks(np.log1p(ticks), names)
    ax.set_ylim(limits)


def fatigue(lines: Curves, dots: Curves) -> None:
    """Draw the log of what mail does to sales against the mail that came before."""
    ax = _law(lines, dots, (USER, NEUTRAL), room=0.35)
    ax.set_xticks([0, 0.5, 1, 1.5, 2])
    _percent(ax, (-0.99, -0.9, -0.6, 0, 0.6))
    ax.axhline(0, color=DARK, linewidth=1)
    label(ax, "mail that came before, M", "change in sales")


def response(lines: Curves, dots: Curves) -> None:
    """Draw the log of what a coupon does to sales against the share that it takes off."""
    ax = _law(lines, dots, (USER, USER, NEUTRAL), room=0.36)
    ax.set_xticks([0.1, 0.25, 0.5], ["10%", "25%", "50%"])
    _percent(ax, (0, 0.5, 1, 3, 7))
    label(ax, "share of the price that the coupon takes off", "change in sales")


def depths(lines: Curves, dots: Curves) -> None:
    """Draw how the retailer divides its mail between the depths of a coupon."""
    ax = _law(lines, dots, (COUPON, NEUTRAL), room=0.55)
    ax.set_xticks([0.1, 0.25, 0.5], ["10%", "25%", "50%"])
    ax.set_yticks([0, 0.2, 0.4, 0.6], ["0%", "20%", "40%", "60%"])
    ax.set_ylim(0, 0.68)
    label(ax, "share of the price that the coupon takes off", "share of coupons sent")


def elasticity(lines: Curves, dots: Curves) -> None:
    """Draw by how many percent sales rise for each percent that the price falls."""
    ax = _law(lines, dots, (ITEM, NEUTRAL), room=0.35)
    label(ax, "elasticity drawn for the items of a type", "rise in sales, %")


def over_time(lines: Curves, dots: Curves) -> None:
    """Draw the sales of two categories, relative to a market where nothing moves them."""
    ax = _law(lines, dots, (ITEM, NEUTRAL), (3, -3), room=0.42)
    ax.margins(y=0.1)
    ax.axhline(0, color=DARK, linewidth=1)
    ax.set_xticks(range(0, 13, 2))
    _percent(ax, (-0.4, -0.2, -0.1, 0, 0.1, 0.2, 0.4, 0.8))
    label(ax, "campaign", "change in sales")


def stockpiling(fewer: pd.Series, halved: pd.Series) -> None:
    """Draw what is not bought after a promotion, and what halving would give.

    Parameters
    ----------
    fewer : pandas.Series
        Units of each later campaign, for 100 that the promotion brought.
    halved : pandas.Series
        The same, if it fell by half each time.
    """
    _, (ax,) = axes(height=2.9)
    ax.bar(fewer.index, fewer, 0.6, color=ITEM, alpha=0.85)
    ax.plot(halved.index, halved, "--", color=DARK, marker="s", markersize=5)
    mark(ax, "half each time", (halved.index[1], halved.iloc[1]), DARK, (10, 10))
    ax.set_xticks(fewer.index)
    ax.grid(visible=False, axis="x")
    label(ax, "campaigns after the promotion", "units fewer, for 100 gained")


def substitution(line: pd.Series, dots: pd.Series) -> None:
    """Draw what the rest of the category loses against the depth of the coupons."""
    ax = _law({"": line}, {"": dots}, (ITEM,), room=0.05)
    ax.set_xticks([0.1, 0.25, 0.5], ["10%", "25%", "50%"])
    ax.set_ylim(0, 40)
    label(ax, "share of the price that the coupons take off", "purchases lost, for 100 gained")


def supply(weeks: pd.DataFrame) -> None:
    """Draw the stock and the sales of one item in one store.

    Parameters
    ----------
    weeks : pandas.DataFrame
        Indexed by week: `units` on hand on its first day, and what is `sold`.
    """
    _, (ax,) = axes(height=2.9)
    ax.step(weeks.index, weeks["units"], where="mid", color=NEUTRAL)
    ax.bar(weeks.index, weeks["sold"], 0.7, color=ITEM, alpha=0.85)
    empty = weeks[weeks["units"] == weeks["sold"]]
    ax.plot(empty.index, empty["units"], "v", color=COUPON, markersize=7)
    end = weeks.index[-1]
    mark(ax, "on hand on\nMonday", (end, weeks["units"].iloc[-1]), NEUTRAL, (12, 6))
    mark(ax, "sold", (end, 0.4 * weeks["sold"].iloc[-1]), ITEM, (12, 0))
    mark(ax, "sold out", (empty.index[-1], empty["units"].iloc[-1]), COUPON, (-14, 8), "right")
    ax.set_xlim(weeks.index[0] - 0.8, end + 8)
    ax.set_xticks(range(0, end + 1, 4))
    ax.set_ylim(0, 1.12 * weeks["units"].max())
    ax.grid(visible=False, axis="x")
    label(ax, "week", "units")


def novelty(lines: Curves, dots: Curves) -> None:
    """Draw the log of what coupons do to sales against the hidden appeal of their type."""
    ax = _law(lines, dots, (COUPON, NEUTRAL, ITEM), room=0.28)
    _percent(ax, (0, 0.5, 1, 2))
    label(ax, "appeal α of the type's coupons, which no table holds", "change in sales")


def delay(line: pd.Series, steps: pd.Series) -> None:
    """Draw the share of redemptions that have been reported, by equation and by a market."""
    _, (ax,) = axes(height=2.9)
    ax.plot(line.index, 100 * line, "--", color=DARK)
    ax.step(steps.index, 100 * steps, where="post", color=COUPON)
    ax.axvline(28, color=NEUTRAL, linewidth=1, linestyle=":")
    mark(ax, "length of a campaign", (28, 8), NEUTRAL, (6, 0))
    mark(ax, "market", (15, 100 * line.loc[15]), COUPON, (-5, 12), "right")
    mark(ax, "equation", (14, 100 * line.loc[9]), DARK, (9, -2))
    ax.set_ylim(0, 103)
    ax.set_xlim(0, line.index[-1])
    label(ax, "days since the redemption", "reported by then, %")


def content(given: pd.Series, measured: pd.Series) -> None:
    """Draw what each trait of a coupon adds to the logit, as given and as measured."""
    _, (ax,) = axes(height=2.0)
    place = np.arange(len(given))
    ax.plot(given, place, "|", color=DARK, markersize=26, markeredgewidth=2)
    ax.plot(measured, place, "o", color=COUPON, markersize=8)
    named_rows(ax, place, list(given.index))
    ax.set_ylim(len(given) - 0.5, -0.5)
    label(ax, "shift of the purchase logit", "")


def platforms(lines: Curves, dots: Curves) -> None:
    """Draw how likely each place of a list is looked at, on a phone and on a desk."""
    ax = _law(lines, dots, (USER, NEUTRAL), room=0.15)
    ax.set_ylim(0, 1.08)
    ax.set_xticks([1, 4, 8, 12, 16])
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    label(ax, "place in the list", "effect left")


def accounts(trips: pd.DataFrame, slope: float) -> None:
    """Draw the trips of the two accounts of persons against each other.

    Parameters
    ----------
    trips : pandas.DataFrame
        One row a person, with the trips of the `first` and of the `second` account.
    slope : float
        What the second makes for each of the first.
    """
    _, (ax,) = axes(height=2.9)
    ax.plot(trips["first"], trips["second"], "o", color=USER, alpha=0.35, markersize=5)
    most = trips["first"].max()
    ax.plot([0, most], [0, slope * most], "--", color=DARK)
    label(ax, "trips of the first account", "trips of the second")


def waiting(lines: Curves, dots: Curves) -> None:
    """Draw what users buy without a coupon, relative to what they would unmailed."""
    ax = _law(lines, dots, (USER, NEUTRAL), room=0.5)
    ax.set_xticks(range(5))
    ax.set_ylim(0.5, 1.05)
    ax.set_yticks([0.6, 0.8, 1], ["60%", "80%", "100%"])
    label(ax, "campaigns of mail so far", "purchases without a coupon")


def collecting(rows: pd.DataFrame) -> None:
    """Draw the purchase with a coupon against that without, of accounts and of their persons.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row a coupon, with the probabilities `account_without`, `account_with`,
        `person_without` and `person_with`.
    """
    _, (ax,) = axes(height=3.2)
    top = 1.05 * rows["person_with"].max()
    ax.plot([0, top], [0, top], ":", color=DARK, linewidth=1)
    for who, shape, color in (("person", "s", USER), ("account", "o", COUPON)):
        ends = rows[f"{who}_without"], rows[f"{who}_with"]
        ax.plot(*ends, shape, color=color, alpha=0.4, markersize=5)
    mark(ax, "collecting account", (0, top), COUPON, (12, -6))
    mark(ax, "person behind it", (0.6 * top, 0.6 * top), USER, (14, -12))
    ax.set_xlim(-0.03 * top, top)
    ax.set_ylim(-0.03 * top, 1.05 * top)
    label(ax, "probability of a purchase without the coupon", "with the coupon")
