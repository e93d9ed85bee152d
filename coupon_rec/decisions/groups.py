"""A limit on how much the rate of users who are sent a coupon may differ between groups.

For each two groups, the rate of one less that of the other is a use like that of a budget: a coupon
takes from it, or gives it room. The prices of these make the group's fee: what its members pay for
a coupon, or are paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.decisions.problem import Floats, Prices, Use

ROUNDING = 1e-9


@dataclass(frozen=True)
class GroupLimit:
    """Most that groups may differ in coupons a user: with one coupon each, in who is sent one.

    Attributes
    ----------
    group : array_like
        Label of each user's group, shape (n,), none of them missing: "unknown" is a label.
    gap : float
        Highest rate of a group less the lowest, in coupons a user, 0 or more.

    Notes
    -----
    A coupon that is worth less than nothing is sent where that is the cheapest way to keep the
    limit. Sending nothing to anybody always keeps it. Users are whole: with a gap of 0, or below
    one user's share of a small group, little may be left between nobody and everybody.

    Examples
    --------
    >>> from coupon_rec.decisions import allocate
    >>> value = [[5.0], [4.0], [-1.0], [2.0]]
    >>> found = allocate(value, group_limit=GroupLimit(["a", "a", "b", "b"], gap=0.0))
    >>> found.chosen.ravel().tolist(), found.fees
    ([True, True, True, True], {'a': 0.0, 'b': -1.0})
    """

    group: ArrayLike
    gap: float

    def rates(self, chosen: ArrayLike) -> dict[Any, float]:
        """Coupons a user in each group, for choices of shape (n, K)."""
        number, labels = _numbered(self.group, len(np.asarray(chosen)))
        count = np.bincount(number, np.asarray(chosen).sum(axis=1), len(labels))
        return dict(zip(labels.tolist(), (count / np.bincount(number)).tolist(), strict=True))


def uses_of(limit: GroupLimit, value: Floats) -> list[Use]:
    """Write the limit as uses, or say what is wrong with it or cannot be met."""
    if not 0 <= limit.gap < np.inf:
        raise ValueError(
            f"the gap is {limit.gap}; it must be a number of coupons a user, 0 or more"
        )
    number, labels = _numbered(limit.group, len(value))
    reached = np.isfinite(value).any(axis=1)
    able = np.bincount(number, reached, len(labels))
    if limit.gap < 1 and not able.all():
        raise ValueError(
            f"no user of group {labels.tolist()[able.argmin()]!r} may get a coupon, so a gap of "
            f"{limit.gap} cannot be met by sending to all groups: give it offers, or leave it out"
        )
    rate = np.eye(len(labels))[number] / np.bincount(number)
    place = np.zeros(value.shape[1], int)
    return [
        Use(limit.gap + ROUNDING, (rate[:, one] - rate[:, other])[:, None], slice(None), place)
        for one, other in permutations(range(len(labels)), 2)
    ]


def fees_of(limit: GroupLimit, uses: list[Use], prices: Prices) -> Mapping[Any, float]:
    """What a member of each group pays for a coupon at the prices of the limit."""
    labels, first = np.unique(np.asarray(limit.group), return_index=True)
    costs = [use.cost[first, 0] * price for use, price in zip(uses, prices, strict=True)]
    return dict(zip(labels.tolist(), np.sum(costs, axis=0).tolist(), strict=True))


def _numbered(group: ArrayLike, users: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    labels = np.asarray(group)
    if labels.shape != (users,):
        raise ValueError(f"group must be one label a user, shape ({users},), not {labels.shape}")
    missing = pd.isna(np.asarray(group, object))
    if missing.any():
        raise ValueError(
            f"group must have a label for every user, but {missing.sum():,} have none, the first "
            f'at position {missing.argmax()}: call them "unknown"'
        )
    names, number = np.unique(labels, return_inverse=True)
    return number, names
