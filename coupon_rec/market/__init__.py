"""A market: who shops, what is sold, which coupons were offered, and what happened."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
