"""What a coupon causes: effects from logs and experiments, for each offer and on average."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
