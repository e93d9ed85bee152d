"""What an offer is worth, in currency, and how far that rests on what nobody has measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.odds import best_of_each


@dataclass(frozen=True)
class Economics:
    """What a redemption is worth to the retailer. All are assumptions, except one.

    Attributes
    ----------
    margin : float
        Gross margin, as a share of spend.
    incremental : float
        Share of redeeming purchases that would not have been made without the coupon. No table of
        offers and redemptions identifies it; chapter 12 estimates it from experiments.
    retailer_match : float
        What the retailer adds to each unit of currency that a manufacturer's coupon takes off.
        Chapter 2 measures it.
    contact : float
        Cost of sending one coupon, in currency.
    """

    margin: float = 0.25
    incremental: float = 0.5
    retailer_match: float = 0.17
    contact: float = 0.005

    def profit(
        self,
        p: NDArray[np.floating],
        spend: NDArray[np.floating],
        discount: NDArray[np.floating],
    ) -> NDArray[np.float64]:
        """Equation `eq-offer-value` on arrays of one shape: probability, dollars, dollars."""
        gain = self.incremental * self.margin * spend
        return np.asarray(p * (gain - self.retailer_match * discount) - self.contact)


def offer_value(
    offers: pd.DataFrame, p: ArrayLike, economics: Economics | None = None
) -> NDArray[np.float64]:
    r"""Expected incremental profit of each offer, in currency, against sending nothing.

    Parameters
    ----------
    offers : pandas.DataFrame
        n rows of the offers table, with `spend_per_line` and `coupon_discount` in currency.
    p : array_like
        Probability of redemption, shape (n,), in [0, 1].
    economics : Economics, optional
        The assumptions; the defaults if left out.

    Returns
    -------
    numpy.ndarray
        Shape (n,). Negative where the coupon is expected to cost more than it brings.

    Raises
    ------
    ValueError
        If `p` does not have one probability for each offer.

    Notes
    -----
    p (incremental margin spend - retailer_match discount) - contact: equation `eq-offer-value`.
    """
    economics = economics or Economics()
    p = _probabilities(offers, p)
    spend, discount = (offers[name].to_numpy() for name in ("spend_per_line", "coupon_discount"))
    return economics.profit(p, spend, discount)


def expected_discount(offers: pd.DataFrame, p: ArrayLike) -> NDArray[np.float64]:
    """Face value that an offer is expected to take out of a budget, in currency, shape (n,).

    A coupon that is not redeemed costs nothing of it: p discount, equation `eq-expected-cost`.
    Parameters and errors are those of `offer_value`.
    """
    return np.asarray(_probabilities(offers, p) * offers["coupon_discount"].to_numpy())


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
        As for `offer_value`; `offers` also need `campaign_id` and `user_id`.
    shares : sequence of float
        Values of `Economics.incremental` to try, each in [0, 1].

    Returns
    -------
    pandas.DataFrame
        One row for each assumed share, one column for each true share: profit in currency. No
        entry of a column exceeds the one on the diagonal.
    """
    economics = economics or Economics()
    lists = offers.groupby(["campaign_id", "user_id"]).ngroup().to_numpy()
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
    p = np.asarray(p, "float64")
    if p.shape != (len(offers),):
        raise ValueError(f"p has shape {p.shape}; {len(offers)} offers need ({len(offers)},)")
    wrong = p[~((p >= 0) & (p <= 1))]
    if wrong.size:
        raise ValueError(
            f"p has {wrong.size} values that are no probabilities, such as {wrong[:5].tolist()}; "
            "each must lie in [0, 1]"
        )
    return p
