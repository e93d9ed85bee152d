"""Features of an offer, known strictly before its campaign starts."""

from typing import TYPE_CHECKING

from coupon_rec._lazy import lazy
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
from coupon_rec.market.categories import USER_CATEGORIES

if TYPE_CHECKING:
    from coupon_rec.features.blocks import write_offers
    from coupon_rec.features.graph import build_offers, offers_frame
else:
    __getattr__ = lazy(
        __name__, {"blocks": ("write_offers",), "graph": ("build_offers", "offers_frame")}
    )

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
    "write_offers",
]
