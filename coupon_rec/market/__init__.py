"""A market: who shops, what is sold, which coupons were offered, and what happened."""

from typing import TYPE_CHECKING

from coupon_rec._lazy import lazy

if TYPE_CHECKING:
    from coupon_rec.market.cleaning import Change, change_log
    from coupon_rec.market.complete_journey import load_complete_journey, raw_complete_journey
    from coupon_rec.market.errors import MarketError, Problem
    from coupon_rec.market.loading import load_market
    from coupon_rec.market.tables import Market
    from coupon_rec.market.validation import validate
    from coupon_rec.market.windows import live_campaigns, move_campaigns, start_together
else:
    __getattr__ = lazy(
        __name__,
        {
            "cleaning": ("Change", "change_log"),
            "complete_journey": ("load_complete_journey", "raw_complete_journey"),
            "errors": ("MarketError", "Problem"),
            "loading": ("load_market",),
            "tables": ("Market",),
            "validation": ("validate",),
            "windows": ("live_campaigns", "move_campaigns", "start_together"),
        },
    )

__all__ = [
    "Change",
    "Market",
    "MarketError",
    "Problem",
    "change_log",
    "live_campaigns",
    "load_complete_journey",
    "load_market",
    "move_campaigns",
    "raw_complete_journey",
    "start_together",
    "validate",
]
