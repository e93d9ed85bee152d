"""From probabilities to coupons, in currency: for one user, under rules, and under a budget.

`offer_value` gives each offer a value, `best_coupon` keeps the best of a list, `choose` does so
under `Rules` and budgets with a reason for every offer, and `allocate` is the optimization below
them, on matrices of users and coupons.
"""

from coupon_rec.decisions.best import best_coupon
from coupon_rec.decisions.budget import Allocation, allocate
from coupon_rec.decisions.choose import choose, matrices
from coupon_rec.decisions.problem import Budget
from coupon_rec.decisions.reasons import reason
from coupon_rec.decisions.rules import Rules, refusals
from coupon_rec.decisions.value import Economics, expected_discount, offer_value, sensitivity

__all__ = [
    "Allocation",
    "Budget",
    "Economics",
    "Rules",
    "allocate",
    "best_coupon",
    "choose",
    "expected_discount",
    "matrices",
    "offer_value",
    "reason",
    "refusals",
    "sensitivity",
]
