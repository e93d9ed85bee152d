"""Why a coupon is sent, in words that could be printed on the envelope."""

from collections.abc import Hashable, Mapping
from typing import Any

from coupon_rec.features import NEVER

NOT_WORTH = "no coupon is worth its cost"
"""What is said of a list from which nothing is sent, although everything might be."""

REASON_FEATURES = (
    "match_recency",
    "match_distinct_items",
    "match_category_recency",
    "user_redemption_recency",
)
"""The features that a reason is made of."""


def reason(offer: Mapping[Hashable, Any]) -> str:
    """Say in words what speaks for an offer, from its features.

    Parameters
    ----------
    offer : mapping of str to float
        One row of the offers table: days since the user last bought one of the coupon's items
        (`match_recency`), how many of them they have bought (`match_distinct_items`), days since
        they shopped its category (`match_category_recency`) and since they redeemed a coupon
        (`user_redemption_recency`).

    Raises
    ------
    ValueError
        If the offer lacks one of these four.

    Examples
    --------
    >>> reason({
    ...     "match_recency": 3,
    ...     "match_distinct_items": 2,
    ...     "match_category_recency": 1,
    ...     "user_redemption_recency": 40,
    ... })
    'bought 2 of its items, last 3 days ago; redeemed a coupon 40 days ago'
    """
    if lacking := [name for name in REASON_FEATURES if name not in offer]:
        raise ValueError(
            f"the offer lacks {lacking}, which its reason is made of; it has {[*offer.keys()]}"
        )
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
