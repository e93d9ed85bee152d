"""What a coupon causes: on average, for each offer, and how to tell without knowing the truth.

An `EffectLog` says who got which treatment, with which chance, and what came of it: an experiment,
or a log with propensities. `average_effect` compares its groups, `EffectModel` learns whose outcome
a treatment changes, and `qini`, `uplift_at`, `best_linear_predictor`, `policy_value` and
`recalibrate` judge such a model on a log, each with an interval that allows for several rows of one
user. `holdout_size` and `power` plan the experiment.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
