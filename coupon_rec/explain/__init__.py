"""Why a model says what it says of an offer, in parts that add up.

A `Score` is any function from arrays of offers to numbers, such as log p. `credit` shares the
difference between an offer and others among topics, exactly, and `contrast` takes the user's other
coupons as the others. `sampled_credit` and `expected_gradients` go down to single features,
`deletion` tests an explanation, and `suppose` asks what one more event would change.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
