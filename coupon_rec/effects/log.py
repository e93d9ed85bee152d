"""Who got which treatment, with which chance, and what came of it."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t as student

from coupon_rec.arguments import Floats, numbers, require, require_one_order
from coupon_rec.evaluation.arrays import Ints, numbered, sum_by


class EffectLog:
    """A log of n rows, each of which got one of K treatments or none.

    Parameters
    ----------
    outcome : array_like
        What happened, such as a purchase (0 or 1) or a profit in currency; shape (n,).
    treatment : array_like
        0 where nothing was sent, else the number of the treatment, 1 to K; shape (n,).
    users : array_like, optional
        Whose row it is, or another key of rows that resemble each other, such as a village;
        shape (n,). If left out, every row stands for itself.
    propensity : array_like, optional
        With which probability each row got what: shape (n, K + 1), from no treatment on, adding up
        to 1; or, of a single treatment, shape (n,). All above 0 and below 1. If left out, the
        shares of the log: right for an experiment in which everyone had the same chances.
    expected : array_like, optional
        Outcome that a model expects of each row, learned from other users; shape (n,). It makes
        narrower the intervals of what is a mean of `signal`: of `qini`, `policy_value`,
        `best_linear_predictor` and `recalibrate`. `average_effect` and `uplift_at` do not use it.

    Attributes
    ----------
    outcome, treatment, propensity : numpy.ndarray
        As above, the propensity in its long form.
    cluster : numpy.ndarray
        The users, numbered from 0; shape (n,).
    treatments : int
        K.
    index : pandas.Index or None
        Of the arguments that had one: what is passed beside the log later must be in its order.

    Raises
    ------
    ValueError
        If the arguments differ in shape or in their index, a number is missing or out of its range,
        there are fewer than two users, or no row got a treatment, or none.

    Examples
    --------
    >>> log = EffectLog(outcome=[0, 1, 1, 1], treatment=[0, 0, 1, 1], users=["a", "b", "c", "c"])
    >>> log.treatments, log.propensity[0].tolist()
    (1, [0.5, 0.5])
    """

    def __init__(
        self,
        outcome: ArrayLike,
        treatment: ArrayLike,
        users: ArrayLike | None = None,
        propensity: ArrayLike | None = None,
        expected: ArrayLike | None = None,
    ) -> None:
        given = {"outcome": outcome, "treatment": treatment, "users": users}
        given |= {"propensity": propensity, "expected": expected}
        require_one_order(**given)
        indexes = [x.index for x in given.values() if isinstance(x, pd.Series | pd.DataFrame)]
        self.index = indexes[0] if indexes else None
        self.outcome = numbers("outcome", outcome)
        n = len(self.outcome)
        number = numbers("treatment", treatment, n)
        whole = (number >= 0) & (number == number.round())
        require("treatment", number, whole, "0 for none, or 1, 2, ... for a treatment")
        self.treatment: Ints = number.astype(int)
        self.cluster = np.arange(n) if users is None else numbered("users", users, n)
        if self.cluster.max(initial=0) < 1:
            raise ValueError("users must be two or more: one user says nothing of others")
        self.propensity = _chances(propensity, self.treatment)
        self.treatments = self.propensity.shape[1] - 1
        self.expected = np.full(n, self.outcome.mean())
        if expected is not None:
            self.expected = numbers("expected", expected, n)

    def __len__(self) -> int:
        return len(self.outcome)

    def signal(self, treatment: int | Ints) -> Floats:
        """Each row's own estimate of an effect: noisy, and right on average; shape (n,).

        Parameters
        ----------
        treatment : int or numpy.ndarray
            Of which treatment: a number, or one of each row, where 0 stands for none and gives 0.

        Notes
        -----
        (T / e - (1 - T) / (1 - e)) (y - m), equation `eq-signal` of the book: y is the outcome, e
        the probability of the treatment, 1 - e that of none, and m what was expected.
        """
        wanted = self.choice("treatment", treatment)
        rows = np.arange(len(self))
        got = (self.treatment == wanted) / self.propensity[rows, wanted]
        none = (self.treatment == 0) / self.propensity[:, 0]
        return np.asarray((got - none) * (self.outcome - self.expected))

    def require_order(self, **arguments: Any) -> None:
        """Raise a ValueError if an argument is a pandas object in another order than the log."""
        if self.index is not None:
            require_one_order(log=pd.DataFrame(index=self.index), **arguments)

    def of_rows(self, name: str, values: ArrayLike) -> Floats:
        """Finite numbers, one for each row of the log and in its order."""
        self.require_order(**{name: values})
        return numbers(name, values, len(self))

    def choice(self, name: str, treatment: ArrayLike) -> Ints:
        """One treatment for each row, from one for all or one each."""
        if np.ndim(treatment) == 0:
            treatment = np.full(len(self), treatment)
        wanted = self.of_rows(name, treatment)
        good = (wanted == wanted.round()) & (wanted >= 0) & (wanted <= self.treatments)
        require(name, wanted, good, f"a whole number from 0 to {self.treatments}")
        return np.asarray(wanted.astype(int))

    def error(self, influence: Floats) -> float:
        """Standard error of a mean of n numbers that add up to 0, some of them of one user.

        Notes
        -----
        The root of the sum of the squared sums of each user, over n, times the root of G / (G - 1)
        for G users: Liang and Zeger (1986), with the usual correction for few users.
        """
        users = self.cluster.max() + 1
        of_users = sum_by(self.cluster, influence)
        return float(np.sqrt(users / (users - 1) * (of_users**2).sum()) / len(self))

    def interval(self, value: float, influence: Floats, confidence: float) -> pd.Series:
        """A value with low, high and error, by Student's t with one degree less than users."""
        return interval(value, self.error(influence), self.cluster.max(), confidence)


def interval(value: float, error: float, freedom: float, confidence: float) -> pd.Series:
    """A value with low, high and error, by Student's t."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), such as 0.95, but it is {confidence}")
    reach = error * student.ppf((1 + confidence) / 2, freedom)
    ends = {"low": value - reach, "high": value + reach}
    return pd.Series({"value": value, **ends, "error": error})


def _chances(propensity: ArrayLike | None, treatment: Ints) -> Floats:
    """The probability of each treatment for each row, from none on: shape (n, K + 1)."""
    n, most = len(treatment), int(treatment.max(initial=0))
    shares = np.bincount(treatment, minlength=2) / max(n, 1)
    if (shares == 0).any():
        missing = ", ".join(str(number) for number in np.flatnonzero(shares == 0))
        raise ValueError(
            f"treatment must have rows of 0 (none) and of each treatment from 1 to {max(most, 1)}, "
            f"but has none of {missing}"
        )
    if propensity is None:
        return np.tile(shares, (n, 1))
    try:
        e = np.asarray(propensity, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"propensity must hold numbers: {error}") from None
    if e.ndim == 1 and most == 1:
        e = np.column_stack([1 - e, e])
    if e.shape != (n, most + 1):
        raise ValueError(
            f"propensity must have shape ({n}, {most + 1}), a column for none and for each "
            f"treatment, not {e.shape}"
        )
    inside = np.asarray(((e > 0) & (e < 1)).all(axis=1))
    advice = "above 0 and below 1 (leave out rows that could only get one thing, and say so)"
    require("propensity", e.min(axis=1), inside, advice)
    total = e.sum(axis=1)
    require("propensity", total, np.isclose(total, 1, atol=1e-6), "1 in sum for each row")
    return e
