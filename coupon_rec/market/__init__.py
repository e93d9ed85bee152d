"""A market: who shops, what is sold, which coupons were offered, and what happened."""

from coupon_rec.market.cleaning import Change, change_log
from coupon_rec.market.complete_journey import load_complete_journey, raw_complete_journey
from coupon_rec.market.errors import MarketError, Problem
from coupon_rec.market.loading import load_market
from coupon_rec.market.tables import Market
from coupon_rec.market.validation import validate
from coupon_rec.market.windows import move_campaigns

__all__ = [
    "Change",
    "Market",
    "MarketError",
    "Problem",
    "change_log",
    "load_complete_journey",
    "load_market",
    "move_campaigns",
    "raw_complete_journey",
    "validate",
]
