"""Training: one `fit` for every model of the book, and a search of its hyperparameters."""

from coupon_rec.training.batches import Examples, examples
from coupon_rec.training.fitting import fit
from coupon_rec.training.search import search

__all__ = ["Examples", "examples", "fit", "search"]
