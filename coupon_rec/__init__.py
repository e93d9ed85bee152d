"""The Right Coupon: personalized coupon recommendation, from raw tables to a decision."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
