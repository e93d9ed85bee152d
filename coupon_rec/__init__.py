"""The Right Coupon: personalized coupon recommendation, from raw tables to a decision."""

from typing import TYPE_CHECKING

from coupon_rec._lazy import lazy

if TYPE_CHECKING:
    from coupon_rec.market import Market, MarketError, load_complete_journey, load_market
else:
    __getattr__ = lazy(
        __name__, {"market": ("Market", "MarketError", "load_complete_journey", "load_market")}
    )

__all__ = ["Market", "MarketError", "load_complete_journey", "load_market"]
