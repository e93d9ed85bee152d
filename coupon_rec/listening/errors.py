"""How a classifier errs, and what its mistakes do to a count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, numbers, require_one_order


@dataclass(frozen=True)
class Errors:
    """How a classifier errs, and what its counts say of the truth.

    Attributes
    ----------
    caught : float
        Share of the negative opinions that it calls negative.
    wrongly : float
        Share of the others that it calls negative; below `caught`.

    Raises
    ------
    ValueError
        If the shares are outside [0, 1], or `wrongly` is not below `caught`: then its counts say
        nothing.

    Notes
    -----
    Equation `eq-labeled`, and its inverse `eq-corrected` (Rogan and Gladen 1978).

    Examples
    --------
    >>> errors = Errors(caught=0.8, wrongly=0.1)
    >>> round(errors.labeled(0.2), 2), round(float(errors.corrected(24, 100)), 2)
    (0.24, 0.2)
    """

    caught: float = 1.0
    wrongly: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.wrongly < self.caught <= 1:
            raise ValueError(
                "a classifier must call more of the negative opinions negative than of the "
                f"others, both shares in [0, 1], not {self.caught} and {self.wrongly}"
            )

    @classmethod
    def of(cls, called: ArrayLike, negative: ArrayLike) -> "Errors":
        """Count the errors on labeled sentences that the classifier has not seen.

        Parameters
        ----------
        called, negative : array_like
            Whether it says so, and whether it is so, 0 or 1, shape (n,); both kinds must occur.
        """
        require_one_order(called=called, negative=negative)
        said = numbers("called", np.asarray(called, float))
        true = numbers("negative", np.asarray(negative, float), said.size) > 0
        if true.all() or not true.any():
            raise ValueError("negative must hold both kinds, to count the errors of each")
        return cls(float(said[true].mean()), float(said[~true].mean()))

    def labeled(self, share: float) -> float:
        """The share that it will call negative, from the share that is."""
        return self.wrongly + (self.caught - self.wrongly) * share

    def corrected(self, called: ArrayLike, opinions: ArrayLike) -> Floats:
        """The share that is negative, from how many of how many it calls so; within [0, 1]."""
        require_one_order(called=called, opinions=opinions)
        n = np.asarray(opinions, np.float64)
        share = np.divide(
            np.asarray(called, np.float64), n, out=np.full(n.shape, np.nan), where=n > 0
        )
        return np.asarray(np.clip((share - self.wrongly) / (self.caught - self.wrongly), 0, 1))
