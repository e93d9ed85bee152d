"""A conversation about coupons: what was meant, what may be said, and who takes over.

`hear` understands a message, by a classifier behind a veto by rules, `Tools` holds what one
customer may know, `Customers` says when an offer pays, and `Assistant` answers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
