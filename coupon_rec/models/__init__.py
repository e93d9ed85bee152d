"""Models of an offer, as Keras models."""

from coupon_rec.models.coupled import coupled_model, load_model, predict

__all__ = ["coupled_model", "load_model", "predict"]
