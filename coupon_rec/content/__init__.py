"""What a coupon says and shows, and what a customer says aloud: words, pictures, sounds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
