"""From probabilities to coupons, in currency: for one user, under rules, and under a budget.

`offer_value` gives each offer a value, `best_coupon` keeps the best of a list, `choose` does so
under `Rules` and budgets with a reason for every offer, and `allocate` is the optimization below
them, on matrices of users and coupons.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
