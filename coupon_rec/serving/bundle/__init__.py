"""A bundle: a fitted model and all that is needed to serve it, in one folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
