"""What users like to buy of each kind of item, by what they bought of all kinds.

A user who buys dog food may never have bought dog shampoo; others who buy the one buy the other.
So the counts of users by kind (an item's `category`) are replaced by their projection on the few
directions in which users differ most: a truncated SVD of Pearson residuals, as correspondence
analysis has it. With n a user's counts, r their sum, q the kinds' shares of all that was bought,
D = diag(q), and V the first eigenvectors of the residuals' Gram matrix

    D^(-1/2) (sum over users of n n' / r) D^(-1/2) - (sum of r) sqrt(q) sqrt(q)',

the counts that are to be expected are r q + D^(1/2) V V' D^(-1/2) n. With T = D^(-1/2) V this is
D (r + T T' n): a user is as many numbers, T' n, as there are directions, and so is a coupon.
"""

from functools import reduce
from operator import add

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _
from numpy.typing import NDArray
from scipy.linalg import eigh

from coupon_rec.features.batch.coupons import COUPON_KEY, SEASON
from coupon_rec.features.batch.users import USER_KEY, before_campaigns
from coupon_rec.features.catalog import TASTES, USUAL
from coupon_rec.market import Market
from coupon_rec.market.tables import OFFER

CELLS = 10_000_000
"""Kinds are learned from so many counts at most, of users by kinds; from a sample of users then."""
PRIME, STEP = 2**31 - 1, 48_271
"""Of a Lehmer generator: whoever is drawn into the sample is drawn on every engine."""

NOTHING = 1e-9
"""A direction with less of the sum of squares, for each purchase, is a zero that was computed."""


def kind_side(market: Market, lines: Table, campaigns: Table) -> Table:
    """What is known of each kind of item on the first day of each campaign.

    Parameters
    ----------
    market : Market
        On any Ibis backend, which is asked at once.
    lines : ibis.Table
        As `coupon_rec.features.batch.offers.purchase_lines` gives it.
    campaigns : ibis.Table
        Those that are asked about, with their `start`.

    Returns
    -------
    ibis.Table
        `campaign_id`, `category`, `USUAL` and `TASTES`: one row for each kind bought before.
    """
    starts = campaigns.select("campaign_id", "start").to_pandas()
    days = np.sort(starts["start"].unique())
    counts = _counts(market, lines, campaigns)
    user, users = _numbered(counts["user_id"])
    kind, kinds = _numbered(counts["category"])
    table = np.zeros((len(users), len(kinds)))
    found = []
    for i, day in enumerate(days):
        mine = (counts["starts"] == i).to_numpy()
        table[user[mine], kind[mine]] += counts["n"][mine]
        known = pd.DataFrame(_directions(table), columns=[USUAL, *TASTES]).assign(category=kinds)
        found.append(starts[starts["start"] == day].merge(known[known[USUAL] > 0], "cross"))
    return ibis.memtable(pd.concat(found)[["campaign_id", "category", USUAL, *TASTES]])


def coupon_tastes(market: Market, lines: Table, kinds: Table) -> Table:
    """What share of all that is bought is each coupon's, and where it lies in each direction.

    Of each kind that it covers it has the share of the season's sales that its items have.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines, kinds : ibis.Table
        What was bought there, and what `kind_side` gave.

    Returns
    -------
    ibis.Table
        `campaign_id`, `coupon_id`, `USUAL` and `TASTES`: one row for each coupon that has any.
    """
    campaigns = market.campaigns.select("campaign_id", "start")
    season = [_.day < _.start, _.day >= _.start - ibis.interval(days=SEASON)]
    sold = (
        lines.group_by("item_id", "category", "day")
        .aggregate(lines=_.count())
        .cross_join(campaigns)
        .filter(season)
        .group_by("campaign_id", "category", "item_id")
        .aggregate(lines=_.lines.sum())
        .mutate(of_kind=_.lines.sum().over(group_by=["campaign_id", "category"]))
    )
    share = _.lines / _.of_kind * _[USUAL]
    return (
        market.coupon_items.join(sold, ["campaign_id", "item_id"])
        .join(kinds, ["campaign_id", "category"])
        .mutate(share=share)
        .group_by(*COUPON_KEY)
        .aggregate(
            _.share.sum().name(USUAL), **{name: (_.share * _[name]).sum() for name in TASTES}
        )
    )


def appetites(market: Market, lines: Table, kinds: Table, coupons: Table) -> Table:
    """What each user may be expected to buy of each coupon's items: one row an offer.

    Parameters
    ----------
    market : Market
        On any Ibis backend.
    lines, kinds, coupons : ibis.Table
        What was bought there, and what `kind_side` and `coupon_tastes` gave.
    """
    users = (
        before_campaigns(market, lines)
        .group_by(*USER_KEY, "category")
        .aggregate(lines=_.count(), first=_.age.max())
        .left_join(kinds.drop(USUAL), ["campaign_id", "category"])
        .group_by(*USER_KEY)
        .aggregate(
            lines=_.lines.sum(),
            weeks=ibis.greatest(_.first.max() / 7, 1),
            **{name: (_.lines * _[name]).sum().fill_null(0.0) for name in TASTES},
        )
    )
    offers = market.offers.select(*OFFER).join(users, USER_KEY)
    both = offers.join(coupons, COUPON_KEY, rname="{name}_of_coupon")
    usual = _.lines * _[USUAL]
    beyond = reduce(add, (_[name] * _[f"{name}_of_coupon"] for name in TASTES))
    expected = ibis.greatest(usual + beyond, 0.0)
    return both.select(
        *OFFER,
        match_appetite=expected / _.weeks,
        match_appetite_ratio=expected / usual.nullif(0),
    )


def _counts(market: Market, lines: Table, campaigns: Table) -> pd.DataFrame:
    """How much each user of a sample bought of each kind between two starts of campaigns."""
    sizes = market.purchases.aggregate(users=_.user_id.nunique()).cross_join(
        market.items.aggregate(kinds=_.category.nunique())
    )
    users, kinds = sizes.to_pyarrow().to_pylist()[0].values()
    one_in = -(-users * kinds // CELLS) or 1
    mine = (_.user_id % PRIME * STEP % PRIME) % one_in == 0
    days = lines.select("day").distinct()
    starts = campaigns.select("start").distinct()
    later = days.left_join(starts, days.day >= starts.start)
    later = later.group_by("day").aggregate(starts=_.start.count())
    return (
        lines.filter(mine)
        .join(later, "day")
        .group_by("user_id", "category", "starts")
        .aggregate(n=_.count())
        .to_pandas()
    )


def _numbered(values: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of each value in their order, and the values."""
    different, number = np.unique(values, return_inverse=True)
    return number, different


def _directions(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of each kind, and its place in the directions in which users differ most.

    Parameters
    ----------
    counts : numpy.ndarray
        Of users by kinds, shape (n, m).

    Returns
    -------
    numpy.ndarray
        Shape (m, 1 + directions): q and D^(-1/2) V; zeros for what nobody bought.
    """
    total = counts.sum()
    known = np.zeros((counts.shape[1], 1 + len(TASTES)))
    bought = counts.sum(axis=0) > 0
    if not total:
        return known
    some = counts[:, bought]
    share = some.sum(axis=0) / total
    root = np.sqrt(share)
    scaled = some / root / np.sqrt(np.maximum(some.sum(axis=1, keepdims=True), 1))
    # sqrt(q) is no direction: taken off twice, it comes last instead of among those with nothing
    gram = scaled.T @ scaled - 2 * total * np.outer(root, root)
    m = len(share)
    k = min(len(TASTES), m - 1)
    known[bought, 0] = share
    if k:
        values, vectors = eigh(gram, subset_by_index=[m - k, m - 1])
        vectors[:, values < NOTHING * total] = 0
        known[np.ix_(bought, np.arange(1, 1 + k))] = vectors[:, ::-1] / root[:, np.newaxis]
    return known
