"""The mechanisms of a market that answers back: their names, sizes, and where real ones show them.

Each constant is one number of an equation in the docstring of `coupon_rec.simulation`. They were
set from the sources beside them before any model was scored on the markets they make.
"""

from collections.abc import Iterable
from dataclasses import dataclass

MECHANISMS = {
    "fatigue": "mail moves a user less, then the wrong way, the more came before",
    "response": "who answers to a discount, and to which depth, is not who buys most",
    "depths": "each user draws a depth of a coupon's type by a known policy",
    "elasticity": "each item has an elasticity of its own, and prices move quantities too",
    "season": "categories sell with the time of the year",
    "stockpiling": "what was bought cheaply is not bought soon after",
    "substitution": "what is cheap or has a coupon takes sales from the rest of its category",
    "supply": "units cost money, stock ends, orders take a week, and lost sales are lost",
    "novelty": "types get their first coupons one after the other, with an appeal nobody knows",
    "drift": "what people like changes from campaign to campaign",
    "delay": "redemptions are reported days after they happen",
    "content": "a coupon's picture and text move demand, and one of their traits does nothing",
    "platforms": "a phone and a desk show the same list and are looked at in different ways",
    "accounts": "some persons have two accounts, and share their tastes and their patience",
    "waiting": "some users put purchases off when coupons come to those who wait",
    "collecting": "some accounts are opened to collect coupons, and buy nothing else",
}
"""What `mechanisms` of `open_market` may name."""


@dataclass(frozen=True)
class Plant:
    """A change of the world from a campaign on, for whoever watches it to find.

    Attributes
    ----------
    change : str
        One of `CHANGES`.
    campaign : int
        The first campaign of the change, 1 or more.
    size : float
        How large, in the unit of the change.
    """

    change: str
    campaign: int
    size: float


CHANGES = {
    "redemption": ("the logit of redeeming moves by", -0.7),
    "mailing": ("the logit of being mailed moves by, under the retailer's own policy", 1.0),
    "prices": ("all list prices are multiplied by", 1.15),
    "feature": ("the share of users whose age the retailer's records lose", 1.0),
    "season": ("all purchase logits move by", 0.3),
}
"""What `plant` can change, and by how much where no size is given."""
