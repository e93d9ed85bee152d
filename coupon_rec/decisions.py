"""From probabilities to the coupon for each user, in currency."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.features import NEVER

CHOICE = ("campaign_id", "user_id", "coupon_id", "probability", "value", "reason")


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
    p = np.asarray(p, "float64")
    if p.shape != (len(offers),):
        raise ValueError(f"p has shape {p.shape}; {len(offers)} offers need ({len(offers)},)")
    wrong = p[~((p >= 0) & (p <= 1))]
    if wrong.size:
        raise ValueError(
            f"p has {wrong.size} values that are no probabilities, such as {wrong[:5].tolist()}; "
            "each must lie in [0, 1]"
        )
    spend, discount = (offers[name].to_numpy() for name in ("spend_per_line", "coupon_discount"))
    return economics.profit(p, spend, discount)


def best_coupon(
    offers: pd.DataFrame, p: ArrayLike, economics: Economics | None = None
) -> pd.DataFrame:
    """Choose one coupon, or none, for each user of each campaign.

    Parameters
    ----------
    offers, p, economics
        As for `offer_value`; `offers` are the coupons to choose from.

    Returns
    -------
    pandas.DataFrame
        One row a campaign and user: `coupon_id` (missing where no coupon is worth sending), its
        `probability` of redemption, its `value` in currency (both 0 where there is none), and the
        `reason` in words.
    """
    valued = offers.assign(probability=np.asarray(p), value=offer_value(offers, p, economics))
    best = (
        valued.sort_values(["value", "coupon_id"], ascending=[False, True])
        .groupby(["campaign_id", "user_id"], as_index=False)
        .head(1)
        .sort_values(["campaign_id", "user_id"], ignore_index=True)
    )
    worth = best["value"] > 0
    return best.assign(
        coupon_id=best["coupon_id"].astype("Int64").where(worth),
        probability=best["probability"].where(worth, 0.0),
        value=best["value"].where(worth, 0.0),
        reason=[
            reason(offer) if sent else "no coupon is worth its cost"
            for sent, (_, offer) in zip(worth, best.iterrows(), strict=True)
        ],
    )[list(CHOICE)]


def reason(offer: Mapping[str, float]) -> str:
    """Say in words what speaks for an offer, from its features.

    Parameters
    ----------
    offer : mapping of str to float
        One row of the offers table.
    """
    if offer["match_recency"] < NEVER:
        facts = [
            f"bought {_count(offer['match_distinct_items'], 'of its items', 'of its items')}, "
            f"last {_count(offer['match_recency'], 'day', 'days')} ago"
        ]
    elif offer["match_category_recency"] < NEVER:
        facts = [
            f"shopped its category {_count(offer['match_category_recency'], 'day', 'days')} ago"
        ]
    else:
        facts = ["has not bought anything like it; its items sell well"]
    if offer["user_redemption_recency"] < NEVER:
        ago = _count(offer["user_redemption_recency"], "day", "days")
        facts.append(f"redeemed a coupon {ago} ago")
    return "; ".join(facts)


def _count(number: float, one: str, many: str) -> str:
    return f"{number:.0f} {one if number == 1 else many}"
