"""What people say, hour by hour: labels that err, what is usual, and an alarm when talk gets worse.

`Labels` learns topic and sentiment from labeled sentences, and `Errors` says what its mistakes do
to a count. `usual_week` says what to expect of an hour, and a `Watch` rings when the share of
negative opinions rises. A `Listener` does all of it for one opinion after
another, and `listen` keeps its place in a stream and delivers its `Alert`s.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
