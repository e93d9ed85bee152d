"""Why a coupon is sent, in words that could stand on the envelope."""

from collections.abc import Mapping

from coupon_rec.features import NEVER

NOT_WORTH = "no coupon is worth its cost"
"""What is said of a list from which nothing is sent, although everything might be."""


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
