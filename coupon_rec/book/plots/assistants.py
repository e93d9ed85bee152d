"""The figures of chapter 25."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from coupon_rec.book.plots.style import COUPON, MONEY, NEUTRAL, axes, label, mark


def moments(expected: Mapping[str, Sequence[float]], said: Mapping[str, Sequence[str]]) -> None:
    """Draw what an offer is expected to add after each turn of conversations.

    Parameters
    ----------
    expected : mapping of str to sequence of float
        By conversation, in currency, before the first turn and after each.
    said : mapping of str to sequence of str
        By conversation, the intent of each turn.
    """
    _, panels = axes(len(expected), 1, height=2.0 * len(expected))
    low = min(min(values) for values in expected.values())
    high = max(max(values) for values in expected.values())
    for ax, (name, values) in zip(panels, expected.items(), strict=True):
        colors = [MONEY if value > 0 else NEUTRAL for value in values]
        ax.bar(range(len(values)), values, color=colors, width=0.6)
        ax.axhline(0, color="#374151", linewidth=1)
        ax.set_xticks(range(len(values)), ["before", *said[name]])
        ax.set_ylim(1.1 * low, 1.4 * high)
        ax.grid(visible=False, axis="x")
        label(ax, "", "an offer adds, currency" if ax is panels[1] else "", name)


def profits(rows: Sequence[Mapping[str, Any]]) -> None:
    """Draw what the best moment earns more than the other policies, in each market.

    Parameters
    ----------
    rows : sequence of mapping
        `world`, `policy`, `best less this`, `low` and `high`, in currency for all conversations.
    """
    table = pd.DataFrame(rows)
    worlds = list(table["world"].unique())
    _, (ax,) = axes(height=3.4)
    for policy, color, shift in (("always", COUPON, 0.13), ("never", MONEY, -0.13)):
        some = table[table["policy"] == policy].set_index("world").loc[worlds]
        places = [len(worlds) - 1 - place + shift for place in range(len(worlds))]
        ax.hlines(places, some["low"], some["high"], color=color, linewidth=3)
        style = "o" if policy == "always" else "s"
        ax.plot(some["best less this"], places, style, color=color, markersize=7)
        mark(ax, f"than {policy}", (some["high"].iloc[0], places[0]), color, (6, 0))
    ax.axvline(0, color="#374151", linewidth=1)
    names = ["knows its\ncustomers", "half as many\nundecided", "words\ntell nothing"]
    ax.set_yticks(range(len(worlds)), names[::-1])
    ax.set_ylim(-0.5, len(worlds) - 0.4)
    ax.set_xlim(right=1000)
    label(ax, "the best moment earns more,\ncurrency in 1,000 conversations", "")
