"""What an offer is worth, in currency, and how far that rests on what nobody has measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import (
    numbers,
    probabilities,
    require,
    require_columns,
    require_one_order,
    require_present,
)
from coupon_rec.odds import best_of_each

LIST = ["campaign_id", "user_id"]
"""A user's offers in a campaign are the list that one decision chooses from."""
SHARES = ("margin", "shop_share")
"""What offers may know for themselves that `Economics` else assumes for all."""


@dataclass(frozen=True)
class Economics:
    """What a redemption is worth to the retailer. All are assumptions, except one.

    Attributes
    ----------
    margin : float
        Gross margin, as a share of spend, of items whose cost is not known.
    incremental : float
        Share of redeeming purchases that would not have been made without the coupon. No table of
        offers and redemptions identifies it; chapter 12 estimates it from experiments.
    retailer_match : float
        What the retailer pays of each unit of currency that a coupon takes off which does not say
        who pays it. Chapter 2 measures it for coupons of manufacturers.
    contact : float
        Cost of sending one coupon, in currency.

    Raises
    ------
    ValueError
        If a number is below 0, infinite or missing, or a share is above 1.

    Examples
    --------
    >>> Economics(margin=0.3).profit(p=np.array([0.1]), spend=np.array([20.0]),
    ...     discount=np.array([1.0])).round(3).tolist()
    [0.278]
    """

    margin: float = 0.25
    incremental: float = 0.5
    retailer_match: float = 0.17
    contact: float = 0.005

    def __post_init__(self) -> None:
        for name, given in vars(self).items():
            share = name in ("margin", "incremental")
            if not 0 <= given < np.inf or (share and given > 1):
                wanted = "in [0, 1]" if share else "0 or more, and finite"
                raise ValueError(f"{name} is {given}; it must be {wanted}")

    def profit(
        self,
        p: NDArray[np.floating],
        spend: NDArray[np.floating],
        discount: NDArray[np.floating],
        effect: NDArray[np.floating] | None = None,
        margin: NDArray[np.floating] | float = np.nan,
        shop_share: NDArray[np.floating] | float = np.nan,
    ) -> NDArray[np.float64]:
        """Equation `eq-offer-value` on arrays of one shape: probability, dollars, dollars.

        With an `effect`, that of `offer_value`, it takes the place of incremental p. Where the
        `margin` of a coupon's items is known, it takes the place of `self.margin`, and its
        `shop_share` that of `self.retailer_match`.
        """
        margin = np.where(np.isnan(margin), self.margin, margin)
        paid = np.where(np.isnan(shop_share), self.retailer_match, shop_share) * discount
        caused = p * self.incremental if effect is None else effect
        return np.asarray(caused * margin * spend - p * paid - self.contact)


def offer_value(
    offers: pd.DataFrame,
    p: ArrayLike,
    economics: Economics | None = None,
    effect: ArrayLike | None = None,
) -> NDArray[np.float64]:
    r"""Expected incremental profit of each offer, in currency, against sending nothing.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table, with `spend_per_line` and `discount` in currency; `margin` and
        `shop_share` are read if they are there.
    p : array_like
        Probability of redemption, shape (n,), in [0, 1], in the order of `offers`.
    economics : Economics, optional
        The assumptions; the defaults if left out.
    effect : array_like, optional
        By how much sending each offer changes the probability of a purchase, shape (n,), in
        [-1, 1]. If left out, the share `Economics.incremental` of the redemptions:
        incremental p.

    Returns
    -------
    numpy.ndarray
        Shape (n,). Negative where the coupon is expected to cost more than it brings.

    Raises
    ------
    ValueError
        If `p` or `effect` does not have one number in its range for each offer, in the order of
        `offers`, or `offers` lack a column or a number, or have one below 0.

    Examples
    --------
    >>> offers = pd.DataFrame({"spend_per_line": [4.0, 20.0], "discount": [1.0, 1.0]})
    >>> offer_value(offers, [0.1, 0.1]).round(3).tolist()
    [0.028, 0.228]
    >>> offer_value(offers, [0.1, 0.1], effect=[0.08, 0.0]).round(3).tolist()
    [0.058, -0.022]

    Notes
    -----
    effect margin spend - p shop_share discount - contact: equation `eq-offer-value`, where effect
    is incremental p.
    """
    economics = economics or Economics()
    p = _probabilities(offers, p)
    spend, discount = (_money(offers, name) for name in ("spend_per_line", "discount"))
    shares = {name: np.asarray(offers[name], float) for name in SHARES if name in offers}
    if effect is not None:
        require_one_order(offers=offers, effect=effect)
        effect = numbers("effect", effect, len(offers))
        require("effect", effect, np.abs(effect) <= 1, "in [-1, 1]")
    return economics.profit(p, spend, discount, effect, **shares)


def expected_discount(offers: pd.DataFrame, p: ArrayLike) -> NDArray[np.float64]:
    """Face value that an offer is expected to take out of a budget, in currency, shape (n,).

    A coupon that is not redeemed costs nothing of it: p discount, equation `eq-expected-cost`.
    Parameters and errors are those of `offer_value`.

    Examples
    --------
    >>> offers = pd.DataFrame({"discount": [1.0, 2.0]})
    >>> expected_discount(offers, [0.5, 0.1]).tolist()
    [0.5, 0.2]
    """
    return np.asarray(_probabilities(offers, p) * _money(offers, "discount"))


def sensitivity(
    offers: pd.DataFrame,
    p: ArrayLike,
    shares: Sequence[float],
    economics: Economics | None = None,
) -> pd.DataFrame:
    """Profit of the best coupons chosen under one incremental share when another one is true.

    Parameters
    ----------
    offers, p, economics
        As for `offer_value`; `offers` also need `campaign_id`, `user_id` and `coupon_id`.
    shares : sequence of float
        Values of `Economics.incremental` to try, each in [0, 1]. An effect known for each offer
        would leave nothing to try, so there is no such parameter.

    Returns
    -------
    pandas.DataFrame
        One row for each assumed share, one column for each true share: profit in currency. No
        entry of a column exceeds the one on the diagonal.

    Examples
    --------
    >>> offers = pd.DataFrame({"campaign_id": 1, "user_id": 7, "coupon_id": [10, 11]})
    >>> offers = offers.assign(spend_per_line=[4.0, 20.0], discount=[0.0, 10.0])
    >>> sensitivity(offers, [0.1, 0.1], shares=[0.2, 1.0]).round(3)
    true       0.2    1.0
    assumed
    0.2      0.015  0.095
    1.0     -0.075  0.325
    """
    economics = economics or Economics()
    require_present(offers, [*LIST, "coupon_id"])
    lists = offers.groupby(LIST).ngroup().to_numpy()
    values = {
        share: offer_value(offers, p, replace(economics, incremental=share)) for share in shares
    }
    rows = {}
    for assumed, value in values.items():
        best = best_of_each(lists, value, offers["coupon_id"].to_numpy())
        sent = best[value[best] > 0]
        rows[assumed] = {true: worth[sent].sum() for true, worth in values.items()}
    return pd.DataFrame(rows).T.rename_axis(index="assumed", columns="true")


def _probabilities(offers: pd.DataFrame, p: ArrayLike) -> NDArray[np.float64]:
    require_one_order(offers=offers, p=p)
    return probabilities("p", p, len(offers))


def _money(offers: pd.DataFrame, column: str) -> NDArray[np.floating]:
    require_columns(offers, [column])
    money = np.asarray(offers[column])
    require(f"offers[{column!r}]", money, np.isfinite(money), "finite")
    require(f"offers[{column!r}]", money, money >= 0, "0 or more")
    return money
