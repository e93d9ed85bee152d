"""What a coupon says and shows: its words and its picture as vectors, and what they add."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
