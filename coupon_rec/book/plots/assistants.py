"""The figures of chapter 25."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from coupon_rec.book.plots.colors import COUPON, DARK, MONEY, NEUTRAL
from coupon_rec.book.plots.style import axes, label


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
        ax.axhline(0, color=DARK, linewidth=1)
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
    names = ["knows its\ncustomers", "half as many\nundecided", "words\ntell nothing"]
    places = range(len(worlds))[::-1]
    _, panels = axes(2, 1, height=5.2)
    policies = (
        ("never", MONEY, "more than never offering"),
        ("always", COUPON, "more than offering at once"),
    )
    for ax, (policy, color, title) in zip(panels, policies, strict=True):
        some = table[table["policy"] == policy].set_index("world").loc[worlds]
        ax.hlines(places, some["low"], some["high"], color=color, linewidth=3)
        ax.plot(some["best less this"], places, "o", color=color, markersize=7)
        ax.axvline(0, color=DARK, linewidth=1)
        ax.set_yticks(places, names)
        ax.set_ylim(-0.5, len(worlds) - 0.5)
        last = ax is panels[-1]
        what = "earned by the best moment,\ncurrency in 1,000 conversations"
        label(ax, what if last else "", "", title)
