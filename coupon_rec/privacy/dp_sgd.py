"""A logistic regression that says the same whether or not any one person was in its data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.arguments import numbers, require, require_one_order
from coupon_rec.odds import sigmoid
from coupon_rec.privacy.accounting import gaussian_mu

Floats = NDArray[np.float64]

LEVEL_SHARE = 0.25
"""The share of the budget, in mu squared, that the level of the promises gets."""


@dataclass(frozen=True)
class PrivateModel:
    """A fitted private model.

    Attributes
    ----------
    weights : numpy.ndarray
        Shape (d + 1,); the last one is the intercept, with the level in it.
    epsilon, delta : float
        What it may give away of any one person's rows; epsilon is ``inf`` where no noise was added.
    noise : float
        Standard deviation of the noise of a step, over the most that one person may change it.
    level : float
        What the intercept was moved by so that promises are kept on average.
    """

    weights: Floats
    epsilon: float
    delta: float
    noise: float
    level: float

    def predict(self, x: ArrayLike) -> Floats:
        """Probabilities of n rows, shape (n,), from columns as `fit_private` had them."""
        return np.asarray(sigmoid(np.asarray(x) @ self.weights[:-1] + self.weights[-1]))


def fit_private(
    x: ArrayLike,
    y: ArrayLike,
    users: ArrayLike,
    epsilon: float | None,
    delta: float = 1e-4,
    *,
    weights: ArrayLike | None = None,
    steps: int = 30,
    clip: float = 1.0,
    rate: float = 4.0,
    momentum: float = 0.5,
    start: float = 0.002,
    most: float = 10.0,
    seed: int | None = None,
) -> PrivateModel:
    """Fit a logistic regression under differential privacy of users.

    The promise is about a user's own rows. Columns that count everybody (how an item sells, a
    rank, a coupon's success) change on the rows of others, too, when a user leaves; like the
    scales of the columns they are taken as public, or need noise of their own.

    Each step adds up one gradient a user, no longer than `clip`, with Gaussian noise. Long
    gradients belong to those who redeem much, so clipped promises are too low; one more noisy
    answer, how many redemptions came and were promised, sets their level right.

    Parameters
    ----------
    x : array_like
        Shape (n, d), each row of length about 1: scale with numbers that are public.
    y, users : array_like
        Labels 0 or 1, and whose row it is, shape (n,).
    epsilon, delta : float
        The budget of a user for all of it; no noise if epsilon is None. Take a delta well below
        one in the number of users.
    weights : array_like, optional
        Of each row, shape (n,): 10 where one of ten negatives was kept.
    steps, rate, momentum
        Of gradient descent, over all users in each step.
    clip : float
        The longest gradient of a user.
    start : float
        A rate that is known beforehand, in (0, 1).
    most : float
        The length to which a user's pair of redemptions and promises is cut.
    seed : int, optional
        For a book or a test. Whoever knows it can subtract the noise. Noise drawn as floating
        point numbers can also give away a little by its last bits (Mironov, 2012).

    Raises
    ------
    ValueError
        If the arrays differ in shape or in their index, a number is not finite, a label is not
        0 or 1, or the budget is out of its range: an epsilon of 0 allows nothing to be learned.

    Notes
    -----
    Equation `eq-dp-step`: Abadi and others (2016), by user as McMahan and others (2018), with all
    users in each step, so that `gaussian_epsilon` is exact. The number of users counts as public.
    """
    require_one_order(x=x, y=y, users=users, weights=weights)
    given = np.asarray(x, np.float32)
    if given.ndim != 2 or not np.isfinite(given).all():
        raise ValueError(f"x must hold finite numbers in shape (n, d), not {given.shape}")
    n = len(given)
    label = numbers("y", y, n)
    require("y", label, (label == 0) | (label == 1), "0 or 1")
    weight = np.ones(n) if weights is None else numbers("weights", weights, n)
    user = np.unique(np.asarray(users), return_inverse=True)[1]
    if user.shape != label.shape:
        raise ValueError(f"users must have shape ({n},), not {np.shape(users)}")
    order = np.argsort(user, kind="stable")
    columns = np.c_[given, np.ones(n, "float32")][order]
    label, weight = label[order], weight[order]
    first = np.flatnonzero(np.diff(user[order], prepend=-1))
    budget = np.inf if epsilon is None else epsilon
    mu = np.inf if epsilon is None else gaussian_mu(epsilon, delta)
    noise = np.sqrt(steps / (1 - LEVEL_SHARE)) / mu
    rng = np.random.default_rng(seed)

    def total(each: Floats, longest: float, noise: float) -> Floats:
        """The noisy sum of one vector a user, each cut to a length."""
        length = np.linalg.norm(each, axis=1, keepdims=True)
        cut = each * np.minimum(1, longest / np.maximum(length, 1e-12))
        return np.asarray(cut.sum(axis=0) + rng.normal(0, noise * longest, each.shape[1]))

    theta, velocity = np.zeros(columns.shape[1]), np.zeros(columns.shape[1])
    theta[-1] = np.log(start / (1 - start))
    late = []
    for step in range(steps):
        apart = weight * (sigmoid(columns @ theta.astype("float32")) - label)
        rows = columns * apart[:, None].astype("float32")
        each = np.add.reduceat(rows, first, axis=0).astype("float64")
        velocity = momentum * velocity + total(each, clip, noise) / len(first)
        theta = theta - rate * velocity
        if step >= steps // 2:
            late.append(theta)
    theta = np.mean(late, axis=0)
    p = sigmoid(columns @ theta)
    pairs = np.add.reduceat(np.c_[label, p] * weight[:, None], first, axis=0)
    came, promised = np.maximum(total(pairs, most, 1 / (mu * np.sqrt(LEVEL_SHARE))), 1.0)
    level = float(np.log(came / promised))
    theta[-1] += level
    return PrivateModel(theta, budget, delta, float(noise), level)
