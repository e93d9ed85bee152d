"""What a bandit believes of the rewards, and how a batch of outcomes changes it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from coupon_rec.arguments import Floats, numbers, require, require_one_order
from coupon_rec.odds import sigmoid


def matrix(name: str, values: ArrayLike, columns: int) -> Floats:
    """Check features: finite numbers of shape (n, columns)."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != columns:
        raise ValueError(f"{name} must have shape (n, {columns}), not {array.shape}")
    require(name, array.ravel(), np.isfinite(array).ravel(), "finite")
    return array


@dataclass
class Belief:
    """A normal distribution of the weights of d features.

    Attributes
    ----------
    deviations : array_like
        Standard deviation of each weight before any outcome, around 0; shape (d,), above 0. A
        small one makes a weight's estimate shrink to 0.
    precision, center : numpy.ndarray
        Inverse of the covariance of the weights, shape (d, d), and their means, shape (d,).
    """

    deviations: ArrayLike
    precision: Floats = field(init=False, repr=False)
    center: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        spread = numbers("deviations", self.deviations)
        require("deviations", spread, spread > 0, "above 0")
        self.precision = np.diag(1 / spread**2)
        self.center = np.zeros(spread.size)

    def expected(self, features: ArrayLike) -> Floats:
        """Expected score of each row of features, shape (n, d): x @ center."""
        return np.asarray(matrix("features", features, self.center.size) @ self.center)

    def deviation(self, features: ArrayLike) -> Floats:
        """Standard deviation of that score, from not knowing the weights; shape (n,)."""
        x = matrix("features", features, self.center.size)
        root = solve_triangular(np.linalg.cholesky(self.precision), x.T, lower=True)
        return np.asarray(np.sqrt((root**2).sum(axis=0)))

    def optimistic(self, features: ArrayLike, alpha: float = 1.0) -> Floats:
        """Score of LinUCB, equation `eq-ucb`: expected plus alpha deviations; shape (n,)."""
        return self.expected(features) + alpha * self.deviation(features)

    def draw(self, features: ArrayLike, draws: int, seed: int) -> Floats:
        """Scores under weights that are drawn from the belief; shape (n, draws), `eq-thompson`."""
        if draws < 1:
            raise ValueError(f"draws must be 1 or more, not {draws}")
        x = matrix("features", features, self.center.size)
        normal = np.random.default_rng(seed).standard_normal((self.center.size, draws))
        lower = np.linalg.cholesky(self.precision)
        weights = self.center[:, None] + solve_triangular(lower.T, normal, lower=False)
        return np.asarray(x @ weights)


@dataclass
class BayesianLinear(Belief):
    """Linear rewards with normal noise; the belief that LinUCB and Thompson sampling choose by.

    With `last_layer` of a network as features, it is the neural last layer of Riquelme, Tucker and
    Snoek (2018).

    Attributes
    ----------
    deviations : array_like
        As in `Belief`.
    noise : float
        Standard deviation of a reward around its mean, above 0, in the unit of the reward.

    Examples
    --------
    >>> model = BayesianLinear([1.0, 1.0], noise=0.5)
    >>> model.learn([[1, 0], [1, 0], [0, 1]], [1.0, 0.6, 0.2])
    >>> model.expected([[1, 0], [0, 1]]).round(2).tolist()
    [0.71, 0.16]
    >>> model.deviation([[1, 0], [0, 1]]).round(2).tolist()
    [0.33, 0.45]
    """

    noise: float = 1.0
    _sums: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.noise < np.inf:
            raise ValueError(f"noise must be above 0, not {self.noise}")
        self._sums = np.zeros_like(self.center)

    def learn(self, features: ArrayLike, reward: ArrayLike) -> None:
        """Take in the outcomes of some choices, whenever they come, in any order.

        Outcomes only add to sums, so late ones change nothing but the time at which they are
        known. Leave out a choice whose outcome is not known yet; it is not a reward of 0.

        Parameters
        ----------
        features : array_like
            Of what was chosen, shape (n, d).
        reward : array_like
            What followed, shape (n,).
        """
        require_one_order(features=features, reward=reward)
        x = matrix("features", features, self.center.size)
        y = numbers("reward", reward, len(x))
        self.precision = self.precision + x.T @ x / self.noise**2
        self._sums = self._sums + x.T @ y / self.noise**2
        self.center = np.asarray(cho_solve(cho_factor(self.precision), self._sums))


@dataclass
class BayesianLogistic(Belief):
    """Rewards of 0 or 1 whose log odds are linear; its scores are log odds.

    Notes
    -----
    Each batch is met by Laplace's approximation: the most probable weights by Newton's method, and
    the curvature there (Chapelle and Li 2011). Batches in another order differ a little.

    Examples
    --------
    >>> model = BayesianLogistic([2.0])
    >>> model.learn([[1.0]] * 10, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    >>> model.expected([[1.0]]).round(1).tolist()
    [-1.8]
    """

    def learn(self, features: ArrayLike, reward: ArrayLike) -> None:
        """Take in a batch of outcomes.

        Parameters
        ----------
        features : array_like
            Of what was chosen, shape (n, d).
        reward : array_like
            0 or 1, shape (n,).
        """
        require_one_order(features=features, reward=reward)
        x = matrix("features", features, self.center.size)
        y = numbers("reward", reward, len(x))
        require("reward", y, (y == 0) | (y == 1), "0 or 1")
        weights, before = self.center.copy(), self.precision
        for _ in range(50):
            p = sigmoid(x @ weights)
            slope = x.T @ (y - p) - before @ (weights - self.center)
            curvature = before + (x * (p * (1 - p))[:, None]).T @ x
            step = cho_solve(cho_factor(curvature), slope)
            weights = weights + step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max(initial=0) < 1e-8:
                break
        self.center, self.precision = np.asarray(weights), np.asarray(curvature)
