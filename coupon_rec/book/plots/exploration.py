"""The figures of chapter 13."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.plots.colors import COUPON, DARK, ITEM, MONEY, NEUTRAL, USER
from coupon_rec.book.plots.style import axes, label, mark, named_rows


def lead(earned: pd.DataFrame) -> None:
    """Draw what policies earn more than the greedy one, summed up over the campaigns.

    The bars at the end are 95% intervals over the markets.

    Parameters
    ----------
    earned : pandas.DataFrame
        One row a policy and market, with columns policy, market and earned: a list of the profit
        a user in each campaign, in currency.
    """
    _, (ax,) = axes(height=4.0)
    tables = {
        str(policy): np.array(part.sort_values("market")["earned"].tolist())
        for policy, part in earned.groupby("policy", sort=False)
    }
    greedy = tables.pop("greedy")
    colors = {"Thompson": COUPON, "epsilon": USER, "LinUCB": ITEM}
    for place, (name, color) in enumerate(colors.items()):
        gap = (tables[name] - greedy).cumsum(axis=1)
        campaign, mean = np.arange(1, gap.shape[1] + 1), gap.mean(axis=0)
        error = 2.05 * gap[:, -1].std(ddof=1) / np.sqrt(len(gap))
        end = campaign[-1] + 0.3 + 0.4 * place
        ax.plot(campaign, mean, color=color)
        ax.errorbar(end, mean[-1], error, color=color, capsize=3, linewidth=1.5)
        mark(ax, name, (campaign[-1] + 1.1, mean[-1]), color, (7, 4 if name == "LinUCB" else 0))
    ax.axhline(0, color=DARK, linewidth=1)
    mark(ax, "greedy", (campaign[-1] + 1.1, 0), DARK, (7, -9))
    ax.set_xlim(1, campaign[-1] + 4.4)
    ax.set_xticks(campaign[::3])
    label(ax, "campaign", "ahead of greedy, $ a user, summed")


def layer(trips: ArrayLike, truth: ArrayLike, beliefs: Mapping[str, tuple[ArrayLike, ...]]) -> None:
    """Draw what two models believe of a curve that is no line.

    Parameters
    ----------
    trips : array_like
        Where, shape (n,).
    truth : array_like
        Expected profit there, in currency, shape (n,).
    beliefs : mapping of str to tuple of array_like
        By the name of a model, what it expects there and with which deviation, each shape (n,).
    """
    _, panels = axes(2, 1, height=5.6)
    for ax, (name, (center, spread)) in zip(panels, beliefs.items(), strict=True):
        x, center, spread = (np.asarray(v, float) for v in (trips, center, spread))
        ax.fill_between(x, center - 2 * spread, center + 2 * spread, color=COUPON, alpha=0.2)
        ax.plot(x, center, color=COUPON)
        ax.plot(x, truth, color=DARK, linestyle="--", linewidth=1.5)
        label(ax, "trips in four weeks", "profit, $", name)
    peak = int(np.argmax(truth))
    mark(panels[0], "truth", (x[peak], float(np.asarray(truth)[peak])), DARK, (24, 2))
    low = min(ax.get_ylim()[0] for ax in panels)
    high = max(ax.get_ylim()[1] for ax in panels)
    for ax in panels:
        ax.set_ylim(low, high)


def estimates(table: pd.DataFrame, truth: float, old: float) -> None:
    """Draw the value of a policy by each method, with its interval, beside the truth.

    Parameters
    ----------
    table : pandas.DataFrame
        From `coupon_rec.policies.off_policy_value`.
    truth, old : float
        What the policy is worth, and what the log's own policy earned, in the same unit.
    """
    _, (ax,) = axes(height=3.4)
    height = np.arange(len(table))[::-1]
    color = [
        MONEY if low <= truth <= high else COUPON
        for low, high in zip(table["low"], table["high"], strict=True)
    ]
    ax.hlines(height, table["low"], table["high"], color=color, linewidth=3)
    ax.scatter(table["value"], height, color=color, zorder=3)
    ax.axvline(truth, color=DARK, linestyle=":", linewidth=1.5)
    named_rows(ax, height, table.index)
    ax.axvline(old, color=NEUTRAL, linestyle="--", linewidth=1.5)
    ax.set_ylim(-0.6, len(table) - 0.1)
    mark(ax, "true value", (truth, len(table) - 0.4), DARK, (-5, 0), "right")
    mark(ax, "old policy", (old, len(table) - 0.4), NEUTRAL, (5, 0))
    ax.set_xlim(left=0)
    label(ax, "profit of the new policy, $ a user and campaign", "")


def cost_of_knowing(rates: pd.DataFrame) -> None:
    """Draw by how much a log misses the value of a policy against what it costs.

    Parameters
    ----------
    rates : pandas.DataFrame
        Columns rate (share of explorers), cost of the log and miss, both in currency.
    """
    _, (ax,) = axes(height=3.6)
    ax.plot(rates["cost"], rates["miss"], color=MONEY, marker="o")
    for place, (rate, cost, miss) in enumerate(
        zip(rates["rate"], rates["cost"], rates["miss"], strict=True)
    ):
        words = "2% of the users explore" if not place else f"{rate:.0%}"
        last = place == len(rates) - 1
        mark(ax, words, (cost, miss), DARK, (0 if last else 7, 9), "right" if last else "left")
    ax.set_ylim(0)
    ax.margins(x=0.06)
    ax.locator_params(axis="x", nbins=5)
    label(ax, "cost of exploring in the whole log, $", "missed by, $ a user and campaign")


def looks(difference: ArrayLike, once: ArrayLike, always: pd.DataFrame) -> None:
    """Draw an experiment without an effect as it is seen day by day.

    Parameters
    ----------
    difference : array_like
        Of the means, in currency, on each day.
    once : array_like
        Half-width of the interval that is meant for a single look.
    always : pandas.DataFrame
        Columns low and high, from `coupon_rec.policies.always_valid`.
    """
    _, (ax,) = axes(height=3.8)
    d, half = np.asarray(difference, float), np.asarray(once, float)
    day = np.arange(1, len(d) + 1)
    ax.fill_between(day, always["low"], always["high"], color=USER, alpha=0.15)
    for edge in (d - half, d + half):
        ax.plot(day, edge, color=COUPON, linewidth=1.5)
    ax.plot(day, d, color=DARK)
    ax.axhline(0, color=DARK, linewidth=1)
    false = np.flatnonzero(np.abs(d) > half)
    ax.scatter(day[false], 0 * false, color=COUPON, s=45, zorder=4)
    last = len(d) - 1
    mark(ax, "one look", (day[last], d[last] - half[last]), COUPON, (5, 3))
    mark(ax, "always valid", (day[last], always["low"].iloc[-1]), USER, (5, -8))
    if false.size:
        words = "false alarms" if false.size > 1 else "a false alarm"
        mark(ax, words, (day[false[-1]], 0), COUPON, (9, 34))
    ax.set_xlim(0, day[last] + 11)
    ax.set_xticks(range(0, day[last] + 1, 7))
    edge = float(np.abs(always.iloc[3:]).max(axis=None))
    ax.set_ylim(-edge, edge)
    label(ax, "day", "difference of the groups, $ a user")


def sequence(earned: Mapping[str, ArrayLike], letters: Mapping[str, ArrayLike]) -> None:
    """Draw what two ways to mail earn and send, campaign by campaign.

    Parameters
    ----------
    earned : mapping of str to array_like
        Profit a user in each campaign, in currency, by the name of the way.
    letters : mapping of str to array_like
        Share of the users who get a letter.
    """
    _, (top, bottom) = axes(2, 1, height=5.4)
    colors, styles = (NEUTRAL, COUPON), ("--", "-")
    for (name, profit), share, color, style in zip(
        earned.items(), letters.values(), colors, styles, strict=True
    ):
        profit, share = np.cumsum(profit), 100 * np.asarray(share, float)
        campaign = np.arange(1, len(share) + 1)
        for ax, values in ((top, profit), (bottom, share)):
            ax.plot(campaign, values, style, color=color, marker="o", markersize=4)
            mark(ax, name, (campaign[-1], values[-1]), color, (6, 0))
            ax.set_xlim(0.7, len(share) + 2.4)
            ax.set_xticks(campaign[::2])
    top.set_ylim(0)
    bottom.set_ylim(0)
    label(top, "campaign", "profit so far, $ a user")
    label(bottom, "campaign", "users mailed, %")
