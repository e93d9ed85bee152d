"""What may be sent at all: the rules, and for each offer the one that forbids it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from coupon_rec.arguments import require, require_present

ELIGIBLE = "not eligible"
OPTED_OUT = "opted out"
COOLDOWN = "in cooldown"
CONTACTS = "mailed often enough"
STOCK = "too little stock"


@dataclass(frozen=True)
class Rules:
    """The limits of what may be sent. The facts they judge by are columns of the offers.

    Attributes
    ----------
    per_user : int
        Most coupons for a user in a campaign, 1 or more.
    cooldown : float
        Least days since the user's last coupon; judged by the column `days_since_coupon`.
    minimum_stock : float
        Least units in stock of the coupon's items; judged by the column `stock`.
    caps : mapping of int to int
        Most users who may get a coupon, by `coupon_id`, over all offers together.
    groups : mapping of int to str
        Group of a coupon, by `coupon_id`: of one group, a user gets at most one coupon in a
        campaign.
    contacts : float
        Most campaigns that reach a user within 90 days, the one at hand included, whoever sent
        the earlier ones; judged by the column `user_mailed_90`, a feature.

    Notes
    -----
    Two columns are rules by themselves, where the offers have them: `eligible` and `opted_out`,
    both True or False.

    Examples
    --------
    >>> rules = Rules(per_user=2, cooldown=14, caps={10: 5_000}, groups={10: "tea", 11: "tea"})
    """

    per_user: int = 1
    cooldown: float = 0
    minimum_stock: float = 0
    caps: Mapping[int, int] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    contacts: float = np.inf

    def __post_init__(self) -> None:
        if self.per_user < 1:
            raise ValueError(f"per_user is {self.per_user}; it must be 1 or more")
        negative = [coupon for coupon, cap in self.caps.items() if cap < 0]
        if negative:
            raise ValueError(f"caps of coupons {negative[:5]} are negative; 0 is the least")


def refusals(offers: pd.DataFrame, rules: Rules) -> NDArray[np.object_]:
    """Name the first rule that forbids each offer.

    Parameters
    ----------
    offers : pandas.DataFrame
        n offers, with the columns that the rules judge by.
    rules : Rules
        Its limits on single offers; those on many (`per_user`, `caps`, `groups`) forbid no offer.

    Returns
    -------
    numpy.ndarray
        Shape (n,): "opted out", "not eligible", "in cooldown", "mailed often enough" or "too
        little stock", in this order; "" where nothing forbids the offer.

    Raises
    ------
    ValueError
        If a column that a rule needs is not there, or lacks a value.

    Examples
    --------
    >>> offers = pd.DataFrame({"days_since_coupon": [20, 3], "opted_out": [False, False]})
    >>> refusals(offers, Rules(cooldown=14)).tolist()
    ['', 'in cooldown']
    """
    said = np.full(len(offers), "", object)
    for reason, forbidden in (
        (OPTED_OUT, _flags(offers, "opted_out", False)),
        (ELIGIBLE, ~_flags(offers, "eligible", True)),
        (COOLDOWN, _below(offers, "days_since_coupon", rules.cooldown)),
        (CONTACTS, _mailed(offers, rules.contacts)),
        (STOCK, _below(offers, "stock", rules.minimum_stock)),
    ):
        said[forbidden & (said == "")] = reason
    return said


def _flags(offers: pd.DataFrame, column: str, usual: bool) -> NDArray[np.bool_]:
    if column not in offers:
        return np.full(len(offers), usual)
    flags = offers[column].isin([True, False]).to_numpy()
    require(f"offers[{column!r}]", offers[column], flags, "True or False")
    return np.asarray(offers[column], bool)


def _mailed(offers: pd.DataFrame, most: float) -> NDArray[np.bool_]:
    if most == np.inf:
        return np.zeros(len(offers), bool)
    require_present(offers, ["user_mailed_90"])
    return np.asarray(offers["user_mailed_90"] >= most, bool)


def _below(offers: pd.DataFrame, column: str, least: float) -> NDArray[np.bool_]:
    if least <= 0:
        return np.zeros(len(offers), bool)
    require_present(offers, [column])  # infinity says "never", or "enough"
    return np.asarray(offers[column] < least, bool)
