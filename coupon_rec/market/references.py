"""The rules of a market that span two tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """The columns of one table must be found together in another.

    A row in which one of the columns is missing names nothing, and breaks no rule.

    Attributes
    ----------
    table, target : str
        The table that refers, and the one that must list what it refers to.
    columns : tuple of str
        The columns, of the same name in both.
    wrong : str
        What a row is that breaks the rule.
    """

    table: str
    columns: tuple[str, ...]
    target: str
    wrong: str


NO_CAMPAIGN = "an unknown campaign"
NO_USER = "an unknown user"
NO_COUPON = "an unknown coupon"
NO_ITEM = "an unknown item"
COVERS_NOTHING = "a coupon that covers no item in its campaign"
NEVER_OFFERED = "a coupon that was never offered to this user in this campaign"
OUTSIDE = "a redemption outside of its campaign's dates"
HELD_AND_OFFERED = "a user who was held out of what was offered to the same user"
OFFER = ("campaign_id", "user_id", "coupon_id")

REFERENCES = (
    Reference("coupon_items", ("campaign_id",), "campaigns", NO_CAMPAIGN),
    Reference("coupon_items", ("coupon_id",), "coupons", NO_COUPON),
    Reference("coupon_items", ("item_id",), "items", NO_ITEM),
    Reference("offers", ("campaign_id",), "campaigns", NO_CAMPAIGN),
    Reference("offers", ("user_id",), "users", NO_USER),
    Reference("offers", ("coupon_id",), "coupons", NO_COUPON),
    Reference("offers", ("campaign_id", "coupon_id"), "coupon_items", COVERS_NOTHING),
    Reference("purchases", ("user_id",), "users", NO_USER),
    Reference("purchases", ("item_id",), "items", NO_ITEM),
    Reference("redemptions", ("coupon_id",), "coupons", NO_COUPON),
    Reference("redemptions", OFFER, "offers", NEVER_OFFERED),
    Reference("promotions", ("item_id",), "items", NO_ITEM),
    Reference("holdouts", ("campaign_id",), "campaigns", NO_CAMPAIGN),
    Reference("holdouts", ("user_id",), "users", NO_USER),
    Reference("holdouts", ("campaign_id", "coupon_id"), "coupon_items", COVERS_NOTHING),
    Reference("prices", ("item_id",), "items", NO_ITEM),
    Reference("stock", ("item_id",), "items", NO_ITEM),
    *(
        Reference(table, (column,), target, wrong)
        for table in ("views", "clicks", "reviews")
        for column, target, wrong in (
            ("user_id", "users", NO_USER),
            ("item_id", "items", NO_ITEM),
        )
    ),
    Reference("accounts", ("user_id",), "users", NO_USER),
)
