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
"""The features that the facts of an offer are made of."""

NEEDED: dict[str | None, tuple[str, ...]] = {
    None: REASON_FEATURES,
    "habit": ("match_recency", "match_distinct_items"),
    "category": ("match_category_recency",),
    "items": ("item_popularity_rank",),
    "coupon": ("coupon_redeemed_before",),
}
"""The features that the words of a topic are made of, or those of no topic."""

OPEN = "one of the coupons that are open to you"
"""What is said where no topic speaks for a coupon more than for the user's others."""


def reason(offer: Mapping[Hashable, Any], because: str | None = None) -> str:
    """Say in words what speaks for an offer.

    Parameters
    ----------
    offer : mapping of str to float
        One row of the offers table: days since the user last bought one of the coupon's items
        (`match_recency`), how many of them they have bought (`match_distinct_items`), days since
        they shopped its category (`match_category_recency`) and since they redeemed a coupon
        (`user_redemption_recency`). With a topic, that topic's features alone: the first two for
        "habit", the third for "category", `item_popularity_rank` for "items",
        `coupon_redeemed_before` for "coupon".
    because : str, optional
        The topic to which a model owes it that this offer is likelier than the user's others, as
        `coupon_rec.explain.contrast` finds it; "" where there is none. Without it, some facts are
        listed, in the third person, whether or not the model cares for them.

    Returns
    -------
    str
        With a topic: a sentence for the user, true of the offer, that names the topic.

    Raises
    ------
    ValueError
        If the offer lacks a feature that the words are made of.

    Examples
    --------
    >>> offer = {"match_recency": 3, "match_distinct_items": 2}
    >>> reason(offer, because="habit")
    'you buy these: 2 of the products so far, the last time 3 days ago'
    >>> offer |= {"match_category_recency": 1, "user_redemption_recency": 40}
    >>> reason(offer)
    'bought 2 of its items, last 3 days ago; redeemed a coupon 40 days ago'
    """
    if lacking := [name for name in NEEDED.get(because, ()) if name not in offer]:
        raise ValueError(
            f"the offer lacks {lacking}, which its reason is made of; it has {[*offer.keys()]}"
        )
    return _facts(offer) if because is None else _sentence(offer, because)


def _sentence(offer: Mapping[Hashable, Any], because: str) -> str:
    """A sentence about one topic. The user's own topics cannot set one coupon above another."""
    if because == "habit":
        if offer["match_recency"] >= NEVER:
            return "something that you have not bought yet"
        products = f"{offer['match_distinct_items']:.0f} of the products"
        return f"you buy these: {products} so far, the last time {_ago(offer['match_recency'])}"
    if because == "category":
        if offer["match_category_recency"] >= NEVER:
            return "from a part of the store that is new to you"
        return f"you shop for such products, the last time {_ago(offer['match_category_recency'])}"
    if because == "items":
        if offer["item_popularity_rank"] >= 0.5:
            return "many of our customers buy these products"
        return "for the products, and what they cost at the moment"
    if because == "coupon":
        if offer["coupon_redeemed_before"] > 0:
            return "you have used this coupon before"
        return "for what this coupon offers"
    return OPEN


def _facts(offer: Mapping[Hashable, Any]) -> str:
    """Facts about an offer, in the third person."""
    if offer["match_recency"] < NEVER:
        items, last = offer["match_distinct_items"], _ago(offer["match_recency"])
        facts = [f"bought {items:.0f} of its items, last {last}"]
    elif offer["match_category_recency"] < NEVER:
        facts = [f"shopped its category {_ago(offer['match_category_recency'])}"]
    else:
        facts = ["has not bought anything like it; its items sell well"]
    if offer["user_redemption_recency"] < NEVER:
        facts.append(f"redeemed a coupon {_ago(offer['user_redemption_recency'])}")
    return "; ".join(facts)


def _ago(days: float) -> str:
    return f"{days:.0f} {'day' if days == 1 else 'days'} ago"
