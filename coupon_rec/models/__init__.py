"""Models of an offer: purchase models, coupon models, and what couples the two."""

import lazy_loader

from coupon_rec._extras import need

need("keras", "train")
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
