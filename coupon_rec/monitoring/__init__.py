"""How would you know? What a log of decisions and outcomes says of a service that may be wrong.

`contract` looks at the data at the door, `shift` at which features moved, `observed_expected` at
what was promised and kept, and `Cusum` at how soon a change shows. `canary_size` and `shadow` say
what a trial of a new bundle can see, `compare_bundles` whether it may take over, and a `Registry`
puts it in service and takes it back.

Users, not rows, are what chance draws: one user's offers resemble each other.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
