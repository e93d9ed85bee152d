"""Features of an offer, known strictly before its campaign starts."""

from coupon_rec.features.catalog import (
    COUPON_CATEGORIES,
    FEATURES,
    NEVER,
    Feature,
    feature_table,
)
from coupon_rec.features.encode import (
    GROUPS,
    LABELS,
    TEST_FROM,
    TRAIN_FROM,
    VALIDATE_FROM,
    Arrays,
    encode,
    feature_names,
    split,
    tokens,
)
from coupon_rec.features.graph import build_offers, offers_frame
from coupon_rec.market.schema import USER_CATEGORIES

__all__ = [
    "COUPON_CATEGORIES",
    "FEATURES",
    "GROUPS",
    "LABELS",
    "NEVER",
    "TEST_FROM",
    "TRAIN_FROM",
    "USER_CATEGORIES",
    "VALIDATE_FROM",
    "Arrays",
    "Feature",
    "build_offers",
    "encode",
    "feature_names",
    "feature_table",
    "offers_frame",
    "split",
    "tokens",
]
