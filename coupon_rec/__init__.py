"""The Right Coupon: personalized coupon recommendation, from raw tables to a decision."""

from coupon_rec.market import Market, MarketError, load_complete_journey, load_market

__all__ = ["Market", "MarketError", "load_complete_journey", "load_market"]
