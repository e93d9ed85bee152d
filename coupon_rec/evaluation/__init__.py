"""How good are the scores? Metrics of offers, with intervals from a bootstrap over users.

One user's offers resemble each other, so a resample draws users, not offers.
A metric that is not defined (one class only, no offers) is ``nan``, without a warning; each
function says when. Values that cannot be right raise a ValueError that shows the first of them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
