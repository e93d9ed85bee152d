"""The coupons for each user under rules and budgets, with a reason for every offer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import (
    require_columns,
    require_one_order,
    require_present,
    require_same_kind,
)
from coupon_rec.decisions.budget import Allocation, allocate
from coupon_rec.decisions.problem import Budget
from coupon_rec.decisions.reasons import REASON_FEATURES, reason
from coupon_rec.decisions.rules import Rules, refusals
from coupon_rec.decisions.value import LIST, Economics, expected_discount, offer_value

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
        The place of each offer, shape (n,).
    lists : pandas.DataFrame
        `campaign_id` and `user_id` of each row.
    coupons : numpy.ndarray
        `coupon_id` of each column.
    order : pandas.Index or None
        Index of the offers: a pandas object that `fill` takes must have the same.
    """

    row: NDArray[np.intp]
    column: NDArray[np.intp]
    lists: pd.DataFrame
    coupons: NDArray[Any]
    order: pd.Index | None = None

    def fill(self, values: ArrayLike, empty: float) -> NDArray[np.float64]:
        """Put one value of each offer in its place, and `empty` where there is no offer."""
        if self.order is not None:
            require_one_order(offers=pd.DataFrame(index=self.order), values=values)
        matrix = np.full((len(self.lists), len(self.coupons)), empty)
        matrix[self.row, self.column] = values
        return matrix


def matrices(offers: pd.DataFrame, coupons: NDArray[Any] | None = None) -> Matrices:
    """Give each list of a user and campaign a row, and each coupon a column.

    Parameters
    ----------
    offers : pandas.DataFrame
        With columns campaign_id, user_id and coupon_id.
    coupons : numpy.ndarray, optional
        The ids of the columns, sorted; by default, those that the offers have.

    Raises
    ------
    ValueError
        If one of these is missing, or an offer is a duplicate of another.

    Examples
    --------
    >>> places = matrices(
    ...     pd.DataFrame({"campaign_id": 1, "user_id": [7, 7, 8], "coupon_id": [10, 11, 11]})
    ... )
    >>> places.fill([0.1, 0.2, 0.3], empty=0.0)
    array([[0.1, 0.2],
           [0. , 0.3]])
    """
    require_present(offers, [*LIST, "coupon_id"])
    duplicate = offers.duplicated([*LIST, "coupon_id"])
    if duplicate.any():
        first = offers.loc[duplicate.to_numpy(), [*LIST, "coupon_id"]].iloc[0].to_dict()
        raise ValueError(
            f"{duplicate.sum()} offers are duplicates, such as that of {first}; keep one of each, "
            'with offers.drop_duplicates(["campaign_id", "user_id", "coupon_id"])'
        )
    groups = offers.groupby(LIST)
    ids = offers["coupon_id"]
    coupons = np.asarray(pd.factorize(ids, sort=True)[1]) if coupons is None else coupons
    column = np.searchsorted(coupons, ids)
    lists = groups.size().reset_index()[LIST]
    return Matrices(groups.ngroup().to_numpy(), column, lists, coupons, offers.index)


def choose(
    offers: pd.DataFrame,
    p: ArrayLike,
    rules: Rules | None = None,
    *,
    budget: float | None = None,
    economics: Economics | None = None,
    effect: ArrayLike | None = None,
) -> pd.DataFrame:
    """Choose the coupons of every list, and say of every offer why it is sent, or why not.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table; `Rules` says which columns its rules judge by.
    p : array_like
        Probability of redemption, shape (n,), in [0, 1], in the order of `offers`.
    rules : Rules, optional
        What may be sent: by default, one coupon a list.
    budget : float, optional
        Most face value to be redeemed in expectation, in currency; by default, no limit.
    economics, effect
        As for `offer_value`.

    Returns
    -------
    pandas.DataFrame
        The n offers in their order: campaign_id, user_id, coupon_id, `probability`, `value` and
        `cost` (both in currency, expected), `sent`, and the `reason`, in words: why an offer is
        sent, or which rule or better offer keeps it back.

    Raises
    ------
    ValueError
        As `offer_value` and `matrices`, if a rule or `reason` lacks its column, and if `rules` name
        coupons as text that are numbers, or the other way around.

    Examples
    --------
    >>> offers = pd.DataFrame({"campaign_id": 1, "user_id": 7, "coupon_id": [10, 11, 12]})
    >>> offers = offers.assign(spend_per_line=[8.0, 20.0, 4.0], discount=[1.0, 1.0, 9.0])
    >>> offers = offers.assign(match_recency=3.0, match_distinct_items=2.0)
    >>> offers = offers.assign(match_category_recency=3.0, user_redemption_recency=40.0)
    >>> choose(offers, [0.3, 0.2, 0.3], Rules(caps={11: 0}))[["coupon_id", "sent", "reason"]]
       coupon_id   sent                                             reason
    0         10   True  bought 2 of its items, last 3 days ago; redeem...
    1         11  False                                        cap reached
    2         12  False                                 not worth its cost
    """
    rules = rules or Rules()
    require_columns(offers, REASON_FEATURES)
    places = matrices(offers)
    value = offer_value(offers, p, economics, effect)
    cost = expected_discount(offers, p)
    refused = refusals(offers, rules)
    if offers.empty:
        none = offers[[*LIST, "coupon_id"]].assign(probability=0.0, value=0.0, cost=0.0)
        return none.assign(sent=False, reason="")
    names = places.coupons.tolist()
    require_same_kind("caps", rules.caps, names)
    require_same_kind("groups", rules.groups, names)
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
