"""Models of an offer, as Keras models."""

from coupon_rec.models.coupled import coupled_model, load_model, predict
from coupon_rec.models.vectors import Vectors, coupon_vectors, learn_vectors, similarity

__all__ = [
    "Vectors",
    "coupled_model",
    "coupon_vectors",
    "learn_vectors",
    "load_model",
    "predict",
    "similarity",
]
