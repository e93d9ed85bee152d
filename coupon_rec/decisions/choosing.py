"""The coupons for each user under rules and budgets, with a reason for every offer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.decisions.budget import Allocation, allocate
from coupon_rec.decisions.problem import Budget
from coupon_rec.decisions.reasons import reason
from coupon_rec.decisions.rules import Rules, refusals
from coupon_rec.decisions.value import Economics, expected_discount, offer_value

LIST = ["campaign_id", "user_id"]
WORTHLESS = "not worth its cost"
OTHERS = "others are worth more"
GROUP = "another of its group is worth more"
CAP = "cap reached"
BUDGET = "budget spent"


class Matrices(NamedTuple):
    """Offers as a matrix of lists and coupons.

    Attributes
    ----------
    row, column : numpy.ndarray
        Where each offer stands, shape (n,).
    lists : pandas.DataFrame
        `campaign_id` and `user_id` of each row.
    coupons : numpy.ndarray
        `coupon_id` of each column.
    """

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    lists: pd.DataFrame
    coupons: NDArray[np.int64]

    def fill(self, values: ArrayLike, empty: float) -> NDArray[np.float64]:
        """Put one value of each offer in its place, and `empty` where there is no offer."""
        matrix = np.full((len(self.lists), len(self.coupons)), empty)
        matrix[self.row, self.column] = values
        return matrix


def matrices(offers: pd.DataFrame) -> Matrices:
    """Give each list of a user and campaign a row, and each coupon a column.

    Parameters
    ----------
    offers : pandas.DataFrame
        With columns campaign_id, user_id and coupon_id.

    Raises
    ------
    ValueError
        If an offer stands there twice.
    """
    twice = offers.duplicated([*LIST, "coupon_id"])
    if twice.any():
        raise ValueError(
            f"{twice.sum()} offers stand there twice, the first for user "
            f"{offers.loc[twice, 'user_id'].iloc[0]}; keep one of each"
        )
    groups = offers.groupby(LIST)
    column, coupons = pd.factorize(offers["coupon_id"], sort=True)
    lists = groups.size().reset_index()[LIST]
    return Matrices(groups.ngroup().to_numpy(), column, lists, np.asarray(coupons))


def choose(
    offers: pd.DataFrame,
    p: ArrayLike,
    rules: Rules | None = None,
    *,
    budget: float | None = None,
    economics: Economics | None = None,
) -> pd.DataFrame:
    """Choose the coupons of every list, and say of every offer why it is sent, or why not.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table; `Rules` says which columns its rules judge by.
    p : array_like
        Probability of redemption, shape (n,), in [0, 1].
    rules : Rules, optional
        What may be sent: by default, one coupon a list.
    budget : float, optional
        Most face value to be redeemed in expectation, in currency; by default, no limit.
    economics : Economics, optional
        The assumptions behind the values; the defaults if left out.

    Returns
    -------
    pandas.DataFrame
        The n offers in their order: campaign_id, user_id, coupon_id, `probability`, `value` and
        `cost` (both in currency, expected), `sent`, and the `reason`, in words: what speaks for
        an offer that is sent, and what forbids or beats one that is not.

    Raises
    ------
    ValueError
        If p is no probability for each offer, an offer stands there twice, or a rule misses its
        column.
    """
    rules = rules or Rules()
    places = matrices(offers)
    value, cost = offer_value(offers, p, economics), expected_discount(offers, p)
    refused = refusals(offers, rules)
    names = places.coupons.tolist()
    groups = pd.factorize(np.array([str(rules.groups.get(c, ("", c))) for c in names]))[0]
    caps = np.array([rules.caps.get(coupon, np.inf) for coupon in names])
    limits: Sequence[Budget] = ()
    if budget is not None:
        limits = [Budget(budget, places.fill(cost, 0.0))]
    best = allocate(
        places.fill(np.where(refused == "", value, -np.inf), -np.inf),
        limits,
        caps=caps,
        k=rules.per_user,
        groups=groups,
    )
    sent = best.chosen[places.row, places.column]
    reasons = np.where(sent, "", refused)
    unsaid = ~sent & (refused == "")
    reasons[unsaid] = _beaten(places, best, value, caps, groups, rules.per_user)[unsaid]
    reasons[sent] = [reason(offer) for _, offer in offers[sent].iterrows()]
    columns = {"probability": np.asarray(p, float), "value": value, "cost": cost, "sent": sent}
    return offers[[*LIST, "coupon_id"]].assign(**columns, reason=reasons)


def _beaten(
    places: Matrices,
    best: Allocation,
    value: NDArray[np.float64],
    caps: NDArray[np.float64],
    groups: NDArray[np.intp],
    k: int,
) -> NDArray[np.object_]:
    """Say of each offer why the allocation passes it over, if no rule forbids it."""
    values = places.fill(value, -np.inf)
    least = np.where(best.chosen, values, np.inf).min(axis=1)[places.row]
    full = best.chosen.sum(axis=1)[places.row] >= k
    in_group = np.full((len(places.lists), groups.max() + 1), -np.inf)
    rows, columns = np.nonzero(best.chosen)
    in_group[rows, groups[columns]] = values[rows, columns]
    capped = (best.chosen.sum(axis=0) >= caps)[places.column]
    said = np.full(len(value), BUDGET, object)
    said[capped] = CAP
    said[full & (value <= least)] = OTHERS
    said[value <= in_group[places.row, groups[places.column]]] = GROUP
    said[value <= 0] = WORTHLESS
    return said
