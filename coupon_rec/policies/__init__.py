"""Which coupons to try, and what a policy would have earned, from the log of another one."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
