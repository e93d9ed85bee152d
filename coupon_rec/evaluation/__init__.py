"""How good are the scores? Metrics of offers, with intervals from a bootstrap over users.

One user's offers resemble each other, so a resample draws users, not offers.
A metric that is not defined (one class only, no offers) is ``nan``, without a warning; each
function says when. Values that cannot be right raise a ValueError that shows the first of them.
"""

from coupon_rec.evaluation.bootstrap import total
from coupon_rec.evaluation.calibration import (
    Platt,
    calibration_line,
    correct_sampling,
    ece,
    ece_floor,
    isotonic,
    platt,
    reliability,
)
from coupon_rec.evaluation.intervals import compare, evaluate
from coupon_rec.evaluation.metrics import (
    auc,
    average_precision,
    brier,
    lift,
    log_loss,
    threshold_metrics,
)
from coupon_rec.evaluation.policy import compare_policies, gains, policy_rates, top_offers
from coupon_rec.evaluation.ranking import hit_rate, mrr, ndcg, recall_at
from coupon_rec.evaluation.slices import usual_slices

__all__ = [
    "Platt",
    "auc",
    "average_precision",
    "brier",
    "calibration_line",
    "compare",
    "compare_policies",
    "correct_sampling",
    "ece",
    "ece_floor",
    "evaluate",
    "gains",
    "hit_rate",
    "isotonic",
    "lift",
    "log_loss",
    "mrr",
    "ndcg",
    "platt",
    "policy_rates",
    "recall_at",
    "reliability",
    "threshold_metrics",
    "top_offers",
    "total",
    "usual_slices",
]
