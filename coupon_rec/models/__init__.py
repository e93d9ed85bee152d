"""Models of an offer: purchase models, coupon models, and what couples the two."""

from coupon_rec.models.coupled import coupled_model
from coupon_rec.models.couplings import COUPLINGS, Coupling, coupling
from coupon_rec.models.coupon import coupon_model
from coupon_rec.models.general import GeneralCoupling, general_coupling, out_of_fold, user_folds
from coupon_rec.models.inputs import ids
from coupon_rec.models.predicting import inputs_of, load_model, logits, predict
from coupon_rec.models.purchase import purchase_model
from coupon_rec.models.vectors import Vectors, coupon_vectors, learn_vectors, similarity

__all__ = [
    "COUPLINGS",
    "Coupling",
    "GeneralCoupling",
    "Vectors",
    "coupled_model",
    "coupling",
    "coupon_model",
    "coupon_vectors",
    "general_coupling",
    "ids",
    "inputs_of",
    "learn_vectors",
    "load_model",
    "logits",
    "out_of_fold",
    "predict",
    "purchase_model",
    "similarity",
    "user_folds",
]
