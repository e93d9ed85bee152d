"""Chance decides about some answers, and every answer says how likely each coupon was."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class Exploring:
    """How often chance decides, and about which coupons.

    Of the answers, a share `rate` is drawn: as many coupons as were asked for, each list of them
    as likely as any other, from the most valuable ones. The others hold the best coupons. From so
    many coupons it draws that each has a chance of `floor` at least; what lies beyond has none.

    Parameters
    ----------
    rate : float
        Share of the answers that are drawn, above 0 and at most 1.
    floor : float
        Least chance of a coupon that can be drawn at all, above 0 and at most `rate`: no answer
        counts more than 1 / floor times when the log judges another policy.
    seed : int, optional
        Of the draws, so that the same requests in the same order have the same answers.

    Raises
    ------
    ValueError
        If a share is out of its range.

    Examples
    --------
    Coupons 4, 2, 7, 1 and 3, the most valuable first, of which two are asked for and the first
    alone is worth its cost:

    >>> exploring = Exploring(rate=0.2, floor=0.1, seed=0)
    >>> exploring.propensity([4], [4, 2, 7, 1, 3], k=2, size=8).round(2).tolist()
    [0.0, 0.1, 0.1, 0.0, 0.9, 0.0, 0.0, 0.1]
    >>> exploring.draw([4, 2, 7, 1, 3], k=2)
    [7, 1]
    """

    def __init__(self, rate: float, floor: float, seed: int | None = None) -> None:
        if not 0 < rate <= 1:
            raise ValueError(f"the rate of exploring is {rate}: it must be above 0, and at most 1")
        if not 0 < floor <= rate:
            raise ValueError(
                f"the floor of exploring is {floor}: it must be above 0, and at most the rate, "
                f"{rate}"
            )
        self.rate, self.floor = rate, floor
        self._random = np.random.default_rng(seed)

    def happens(self) -> bool:
        """Whether chance decides about the next answer."""
        return self._random.random() < self.rate

    def most(self, k: int) -> int:
        """How many coupons a list of k is drawn from, at most."""
        return int(self.rate * k / self.floor * (1 + 1e-9))

    def draw(self, ordered: Sequence[int], k: int) -> list[int]:
        """Draw k of some rows, or all of them if they are fewer, and keep their order."""
        tried = ordered[: self.most(k)]
        places = self._random.choice(len(tried), min(k, len(tried)), replace=False)
        return [tried[place] for place in np.sort(places)]

    def propensity(
        self, best: Sequence[int], ordered: Sequence[int], k: int, size: int
    ) -> NDArray[np.float64]:
        """Chance of each candidate to be in an answer, before it is known whether it is drawn.

        Parameters
        ----------
        best : sequence of int
            The rows of the best coupons, at most k.
        ordered : sequence of int
            The rows that may be sent at all, each coupon once, the most valuable first.
        k, size : int
            How many coupons are asked for, and how many candidates there are.

        Returns
        -------
        numpy.ndarray
            Shape (size,).
        """
        tried = ordered[: self.most(k)]
        chance = np.zeros(size)
        chance[best] = 1 - self.rate
        if len(tried):
            chance[tried] += self.rate * min(k, len(tried)) / len(tried)
        return chance
