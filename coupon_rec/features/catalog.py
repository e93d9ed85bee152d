"""The features of an offer: their names, groups, meanings and what stands for "nothing known"."""

from dataclasses import asdict, dataclass
from typing import Literal

import pandas as pd

from coupon_rec.market.categories import USER_CATEGORIES

Group = Literal["user", "item", "match", "coupon"]

NEVER = 365.0
"""Days since an event that never happened, and the cap on every recency."""

BROWSING_DAYS = 7
"""Days over which views and clicks fade."""

DIGITS = 6
"""Decimals kept. Engines add in different orders; rounded values agree, and so do their ranks."""

MILLIONTHS = 1_000_000
"""Parts of a unit of currency in which money is added up, as whole numbers."""

PRIOR_REDEEMED, PRIOR_BOUGHT = 1, 20
"""The habit of redeeming what is bought is shrunk as if so many more had been seen."""

PRIOR_REDEMPTIONS, PRIOR_OFFERS = 3, 1000
"""Earlier redemption rates are shrunk as if so many more redemptions and offers had been seen."""

TASTES = tuple(f"taste_{i}" for i in range(16))
"""Columns: where a user, a kind of item or a coupon lies in each direction in which tastes differ.
Of 4, 8, 16 and 32 directions, 16 told most of the next four weeks' purchases beside a user's own
counts in simulated markets, and nearly so on Complete Journey."""

USUAL = "usual_share"
"""Column: the share of a kind, or of what a coupon covers, in all that was bought."""


@dataclass(frozen=True)
class Feature:
    """One numeric feature.

    Attributes
    ----------
    name : str
        The column of the offers table; its first word is its group.
    meaning : str
        In words, with its unit.
    missing : float
        The value where there is no history to compute it from.
    skewed : bool
        Whether a model should see its logarithm, log(1 + x).
    """

    name: str
    meaning: str
    missing: float = 0.0
    skewed: bool = False

    @property
    def group(self) -> str:
        """Who or what the feature describes: user, item, match or coupon."""
        return self.name.split("_")[0]


FEATURES = (
    Feature("user_trips_per_week", "shopping trips a week", skewed=True),
    Feature("user_spend_per_week", "spend a week, in dollars", skewed=True),
    Feature("user_spend_per_trip", "spend a trip, in dollars", skewed=True),
    Feature("user_recency", "days since the last trip", NEVER, True),
    Feature("user_trend", "trips lately (14 days) against usually (120 days), ratio", 1.0, True),
    Feature("user_discount_share", "share of list price saved through retail discounts"),
    Feature("user_coupon_share", "share of purchase lines with a coupon"),
    Feature("user_private_share", "share of spend on private-label items"),
    Feature("user_categories_per_trip", "distinct categories bought on a trip, mean", skewed=True),
    Feature("user_mailed_90", "campaigns mailed in the last 90 days", skewed=True),
    Feature("user_redemption_rate", "redemptions per campaign mailed before", skewed=True),
    Feature("user_redemption_recency", "days since the last redemption", NEVER, True),
    Feature("user_redemptions_decayed", "redemptions, decayed over 120 days", skewed=True),
    Feature("user_spend_rank", "rank of spend a week among the campaign's users, 0 to 1"),
    Feature("item_popularity", "share of all purchase lines, last 56 days", skewed=True),
    Feature("item_popularity_rank", "rank of popularity among the campaign's coupons, 0 to 1"),
    Feature("item_trend", "sales of the last 14 days against the last 56, ratio", 1.0, True),
    Feature("item_price", "dollars a unit, last 56 days", 0.0, True),
    Feature("item_price_ratio", "price of the last 14 days against the last 56, ratio", 1.0, True),
    Feature("item_discount_share", "share of list price given as retail discount, last 56 days"),
    Feature("item_displays", "displays of an item, per store and week, last 4 full weeks"),
    Feature("item_mailers", "mailer ads of an item, per store and week, last 4 full weeks"),
    Feature("item_private_share", "share of the coupon's items that are private label"),
    Feature("match_lines_per_week", "past purchases of the coupon's items, a week", skewed=True),
    Feature("match_decayed_14", "past purchases, decayed over 14 days", skewed=True),
    Feature("match_decayed_45", "past purchases, decayed over 45 days", skewed=True),
    Feature("match_decayed_120", "past purchases, decayed over 120 days", skewed=True),
    Feature("match_trend", "purchases lately (14 days) against usually (120 days), ratio", 0, True),
    Feature("match_recency", "days since the last purchase of the coupon's items", NEVER, True),
    Feature("match_interval", "mean days between purchases of the coupon's items", NEVER, True),
    Feature("match_due", "recency against interval: 1 when the next purchase is due", 0, True),
    Feature("match_distinct_items", "how many of the coupon's items were bought", skewed=True),
    Feature("match_spend_per_week", "spend on the coupon's items a week, dollars", skewed=True),
    Feature("match_wallet_share", "share of the user's spend that goes to the coupon's items"),
    Feature("match_coupon_share", "share of these purchases that were made with a coupon"),
    Feature("match_price_ratio", "price this user pays against the usual price, ratio", 1.0, True),
    Feature("match_category_share", "share of the user's spend in the coupon's categories"),
    Feature("match_category_decayed", "purchases in these categories, decayed 45 days", 0, True),
    Feature("match_category_recency", "days since a purchase in these categories", NEVER, True),
    Feature("match_brand_share", "share of the user's spend on the coupon's manufacturers"),
    Feature("match_rank", "rank of match_decayed_45 among this user's coupons, 0 to 1"),
    Feature("match_wallet_rank", "rank of match_wallet_share among the campaign's offers, 0 to 1"),
    Feature("match_recency_rank", "rank of match_recency among this user's coupons, 0 to 1"),
    Feature("coupon_items", "items that the coupon covers", skewed=True),
    Feature("coupon_categories", "categories that it covers", skewed=True),
    Feature("coupon_manufacturers", "manufacturers that it covers", skewed=True),
    Feature("coupon_days", "length of the campaign, days", skewed=True),
    Feature("coupon_rivals", "coupons in the campaign", skewed=True),
    Feature("coupon_discount", "dollars a coupon took off a line, mean, last 56 days", 1.0, True),
    Feature("coupon_discount_share", "that discount against the price, ratio", 0.5, True),
    Feature("coupon_success", "smoothed rate at which the coupon was redeemed before"),
    Feature("coupon_category_success", "the same for coupons of its main category"),
    Feature("coupon_offered_before", "earlier campaigns that offered it to this user", skewed=True),
    Feature("coupon_redeemed_before", "this user's earlier redemptions of it", skewed=True),
)

OPTIONAL_FEATURES = (
    Feature("user_views_7", "items looked at, decayed over 7 days", skewed=True),
    Feature("item_rating", "mean stars of the coupon's items, shrunk to that of all items", 3.0),
    Feature("match_viewed_7", "views of the coupon's items, decayed over 7 days", skewed=True),
    Feature("match_clicked_7", "clicks on the coupon's items, decayed over 7 days", skewed=True),
    Feature("match_view_recency", "days since a view of the coupon's items", NEVER, True),
    Feature("coupon_depth", "share of the price that the coupon takes off"),
    Feature("coupon_face_value", "currency that the coupon takes off", skewed=True),
    Feature("coupon_minimum", "least spend that the coupon asks for, in currency", skewed=True),
)
"""Features that the offers of a market have if it has the tables or columns to make them of."""

HABIT = "user_redeemed_if_bought"
"""The feature that the nightly batch alone computes: it is of campaigns that are over."""

TRIED_FEATURES = (
    Feature("match_appetite", "lines a week to be expected of all that the user buys", 0.0, True),
    Feature("match_appetite_ratio", "that against what all users buy, ratio", 1.0, True),
    Feature(HABIT, "of offers bought before, how many redeemed, shrunk", 0.05),
)
"""Features that all offers have, and that a model reads if its encoder is told to, by `extra`: they
help in some markets and not in others."""

WORTH = ("spend_per_line", "discount", "discount_from", "discount_error", "margin", "shop_share")
"""What decisions count with, and no model reads, in currency: what one purchase of the coupon's
items brings, `minimum` at least; what a redemption takes off; which term or history says so; how
far that is off, in the mean; and, if they are known, the gross margin of the items and the share
of the discount that the retailer pays."""

GROUPS = tuple(dict.fromkeys(feature.group for feature in FEATURES))

CATEGORIES = {
    "user_category": tuple(USER_CATEGORIES),
    "coupon_category": ("campaign_type", "department"),
}
"""The columns of the offers table that hold names, by the array of codes which they become."""

NAMES = tuple(feature.name for feature in FEATURES)
OPTIONAL_NAMES = tuple(feature.name for feature in OPTIONAL_FEATURES)
TRIED_NAMES = tuple(feature.name for feature in TRIED_FEATURES)
APPETITE_NAMES = tuple(name for name in TRIED_NAMES if name != HABIT)
EVERY_FEATURE = {each.name: each for each in (*FEATURES, *OPTIONAL_FEATURES, *TRIED_FEATURES)}
MISSING = {name: float(each.missing) for name, each in EVERY_FEATURE.items()}
"""What stands for "nothing known" of each feature."""


def feature_table() -> pd.DataFrame:
    """The catalog as a frame, one row a feature."""
    rows = [{"group": feature.group, **asdict(feature)} for feature in FEATURES]
    return pd.DataFrame(rows).set_index("name")


def feature_names(group: str) -> list[str]:
    """The features of a group, in the order of the columns of its array."""
    return [feature.name for feature in FEATURES if feature.group == group]
