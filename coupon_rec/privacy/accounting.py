"""How much of a person an answer gives away: noise for counts, and the cost of many answers."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln, logsumexp
from scipy.stats import norm

LARGEST_EPSILON = 1e6
"""An epsilon beyond which nobody needs a number."""
ORDERS = np.arange(2, 257)
"""The orders of Rényi's divergence among which `sampled_epsilon` looks for the best."""


def noisy_count(count: int, epsilon: float, most: int = 1, seed: int | None = None) -> int:
    r"""A count with two-sided geometric noise: epsilon-differentially private.

    Parameters
    ----------
    count : int
        The true count.
    epsilon : float
        Above 0: each further step from the truth is e^(epsilon / most) times rarer.
    most : int
        By how much one person may change the count, at least 1.
    seed : int, optional
        For a book or a test. Whoever knows it can subtract the noise.

    Examples
    --------
    >>> [noisy_count(120, 0.5, seed=seed) for seed in range(5)]
    [122, 115, 120, 120, 124]

    Notes
    -----
    Equation `eq-geometric`: the difference of two geometric draws (Ghosh, Roughgarden and
    Sundararajan 2012).
    """
    _above_zero(epsilon=epsilon, most=most)
    rng = np.random.default_rng(seed)
    up, down = rng.geometric(-np.expm1(-epsilon / most), 2)
    return int(count + up - down)


def gaussian_epsilon(noise: float, delta: float, steps: int = 1) -> float:
    r"""Epsilon of answers with Gaussian noise, each about everybody: exact.

    Parameters
    ----------
    noise : float
        Standard deviation of the noise, over the most that one person may change an answer.
    delta : float
        In (0, 1); well below one over the number of people.
    steps : int
        How many answers, each of which may depend on those before.

    Returns
    -------
    float
        The least epsilon for this delta; ``inf`` above a million.

    Examples
    --------
    >>> round(gaussian_epsilon(20, 1e-4, steps=40), 6)
    1.008383

    Notes
    -----
    Equations `eq-gaussian-delta` and `eq-mu` (Balle and Wang 2018; Dong, Roth and Su 2022).
    """
    _above_zero(noise=noise, delta=delta, steps=steps)
    mu = np.sqrt(steps) / noise

    def excess(epsilon: float) -> float:
        over = norm.logcdf(-mu / 2 - epsilon / mu) + epsilon
        return float(norm.cdf(mu / 2 - epsilon / mu) - np.exp(min(over, 0)) - delta)

    if excess(0) <= 0:
        return 0.0
    return float(brentq(excess, 0, LARGEST_EPSILON)) if excess(LARGEST_EPSILON) < 0 else np.inf


def gaussian_mu(epsilon: float, delta: float) -> float:
    """Give the mu of `eq-mu` that a budget allows: root of steps over noise.

    Raises
    ------
    ValueError
        If epsilon or delta is out of its range; a mu above 100 hides nothing.

    Examples
    --------
    >>> round(gaussian_epsilon(1 / gaussian_mu(2.5, 1e-4), 1e-4), 6)
    2.5
    """
    _above_zero(epsilon=epsilon, delta=delta)
    if epsilon > (most := gaussian_epsilon(1 / 100, delta)):
        raise ValueError(f"epsilon is {epsilon}: at this delta it must be at most {most:,.0f}")
    return float(brentq(lambda mu: gaussian_epsilon(1 / mu, delta) - epsilon, 1e-6, 100))


def sampled_epsilon(noise: float, rate: float, steps: int, delta: float) -> float:
    r"""Epsilon where each answer is about a random sample of people: an upper bound.

    Parameters
    ----------
    noise, steps, delta
        As for `gaussian_epsilon`.
    rate : float
        Chance, in (0, 1], with which a person is in each sample, drawn anew each time.

    Examples
    --------
    >>> round(sampled_epsilon(2, 0.05, 200, 1e-4), 2)
    1.47

    Notes
    -----
    By Rényi's divergence of whole orders (Mironov, Talwar and Zhang 2019), turned into epsilon as
    by Canonne, Kamath and Steinke (2020). A numerical accountant gives 1.30 for the example.
    """
    _above_zero(noise=noise, delta=delta, steps=steps, rate=rate)
    if rate > 1:
        raise ValueError(f"rate is {rate}: a chance is at most 1")
    bounds = []
    for order in ORDERS:
        k = np.arange(order + 1)
        choose = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.where(k < order, (order - k) * np.log1p(-rate), 0.0)
        terms = choose + out + k * np.log(rate) + k * (k - 1) / (2 * noise**2)
        divergence = steps * logsumexp(terms) / (order - 1)
        bounds.append(
            divergence + np.log1p(-1 / order) - (np.log(delta) + np.log(order)) / (order - 1)
        )
    return float(max(0.0, min(bounds)))


def _above_zero(**arguments: float) -> None:
    for name, value in arguments.items():
        if not value > 0 or (name == "delta" and value >= 1):
            limit = "between 0 and 1" if name == "delta" else "above 0"
            raise ValueError(f"{name} is {value}: it must be {limit}")
