"""Policies that explore, and say how likely each of their choices was."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.arguments import Floats, Mask, numbers, probabilities, require, require_one_order
from coupon_rec.evaluation.arrays import numbered, sum_by
from coupon_rec.odds import best_of_each


def greedy(score: ArrayLike, decision: ArrayLike) -> Floats:
    """Choose the best-scored candidate of each decision.

    Parameters
    ----------
    score : array_like
        Finite numbers, shape (n,); of equal ones, the first is chosen.
    decision : array_like
        The decision that each row is a candidate of, shape (n,).

    Returns
    -------
    numpy.ndarray
        Probability of each row, 0 or 1, shape (n,).

    Examples
    --------
    >>> greedy([0.2, 0.5, 0.1, 0.0], decision=[7, 7, 8, 8]).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    require_one_order(score=score, decision=decision)
    values = numbers("score", score)
    chosen = np.zeros(values.size)
    chosen[best_of_each(numbered("decision", decision, values.size), values)] = 1
    return chosen


def with_floor(
    probability: ArrayLike,
    decision: ArrayLike,
    rate: float,
    allowed: ArrayLike | None = None,
) -> Floats:
    """Mix a policy with choices by chance, so that every allowed candidate can be chosen.

    Parameters
    ----------
    probability : array_like
        With which the policy chooses each row, shape (n,), in [0, 1]. Those of a decision may add
        up to more than 1, as of a list of several coupons.
    decision : array_like
        The decision that each row is a candidate of, shape (n,).
    rate : float
        Share of the decisions that are left to chance, in [0, 1]. They choose as many candidates
        as the policy does, all allowed ones alike.
    allowed : array_like, optional
        False for what must never be chosen, shape (n,), such as what a rule refuses; the policy
        must not choose it either. If left out, everything is allowed.

    Returns
    -------
    numpy.ndarray
        The propensity of each row, shape (n,), to be recorded with the choice: (1 - rate) times
        the policy's, plus rate times the size of its choice over the number of allowed candidates.

    Raises
    ------
    ValueError
        If rate is not in [0, 1], an argument does not fit, or the policy chooses what is not
        allowed or more than is allowed.

    Examples
    --------
    >>> with_floor([1.0, 0.0, 0.0, 0.0], [7, 7, 7, 7], rate=0.2).round(2).tolist()
    [0.85, 0.05, 0.05, 0.05]
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must be in [0, 1], such as 0.1, but it is {rate}")
    require_one_order(probability=probability, decision=decision, allowed=allowed)
    p = probabilities("probability", probability)
    place = numbered("decision", decision, p.size)
    marks = np.ones(p.size, bool) if allowed is None else np.asarray(allowed)
    if marks.shape != p.shape:
        raise ValueError(f"allowed must have shape ({p.size},), not {marks.shape}")
    require("allowed", marks, pd.Series(marks).isin([True, False]).to_numpy(), "True or False")
    free = marks.astype(bool)
    require("probability", p, free | (p == 0), "0 where allowed is False")
    size, room = sum_by(place, p)[place], sum_by(place, free)[place]
    require("probability", p, size <= room + 1e-9, "at most as many as are allowed in a decision")
    return np.asarray((1 - rate) * p + rate * free * size / np.maximum(room, 1))


def draw(propensity: ArrayLike, decision: ArrayLike, seed: int) -> Mask:
    """Choose candidates, each with exactly its propensity.

    Parameters
    ----------
    propensity : array_like
        Shape (n,), in [0, 1]. Where those of a decision add up to a whole number, it chooses so
        many; to 0.3, it chooses one in three cases of ten, else none.
    decision : array_like
        The decision that each row is a candidate of, shape (n,).
    seed : int
        Of the chances; never use one twice for the same users.

    Returns
    -------
    numpy.ndarray
        True for what is chosen, shape (n,).

    Notes
    -----
    The propensities of a decision lie on a line, end to end, and a comb with teeth at distance 1
    falls on it by chance: what a tooth hits is chosen (systematic sampling, Madow 1949).

    Examples
    --------
    >>> draw([0.0, 1.0, 0.5, 0.5], decision=[7, 7, 8, 8], seed=0).tolist()
    [False, True, False, True]
    """
    require_one_order(propensity=propensity, decision=decision)
    p = probabilities("propensity", propensity)
    place = numbered("decision", decision, p.size)
    order = np.argsort(place, kind="stable")
    chosen = np.zeros(p.size, bool)
    if not p.size:
        return chosen
    end, of = p[order].cumsum(), place[order]
    first = np.r_[0, np.flatnonzero(np.diff(of)) + 1]
    start = (end - p[order])[first][of]
    shift = np.random.default_rng(seed).random(first.size)[of]
    before, after = (_rounded(end - start - step) + shift for step in (p[order], 0.0))
    chosen[order] = np.floor(after) > np.floor(before)
    return chosen


def _rounded(length: Floats) -> Floats:
    """Lengths whose sums are whole where they should be."""
    whole = np.round(length)
    return np.where(np.abs(length - whole) < 1e-9, whole, length)


def best_share(samples: ArrayLike, decision: ArrayLike) -> Floats:
    """How often each candidate is the best of its decision: the probabilities of Thompson sampling.

    Parameters
    ----------
    samples : array_like
        Rewards that are drawn from what a model believes, shape (n, draws), such as from
        `BayesianLinear.draw`.
    decision : array_like
        The decision that each row is a candidate of, shape (n,).

    Returns
    -------
    numpy.ndarray
        Probability of each row, shape (n,); those of a decision add up to 1. A policy that chooses
        with these has them as its exact propensities, however few the draws. What was the best in
        no draw has 0: mix in a floor (`with_floor`) if the log is to judge other policies.

    Examples
    --------
    >>> best_share([[0.1, 0.4], [0.2, 0.3]], decision=[7, 7]).tolist()
    [0.5, 0.5]
    """
    require_one_order(samples=samples, decision=decision)
    drawn = np.asarray(samples, dtype=np.float64)
    if drawn.ndim != 2 or not drawn.shape[1]:
        raise ValueError(f"samples must have shape (n, draws), not {drawn.shape}")
    require("samples", drawn.ravel(), np.isfinite(drawn).ravel(), "finite")
    place = numbered("decision", decision, len(drawn))
    order = np.argsort(place, kind="stable")
    first = np.r_[0, np.flatnonzero(np.diff(place[order])) + 1] if len(drawn) else np.empty(0, int)
    share = np.zeros(len(drawn))
    if len(drawn):
        best = np.maximum.reduceat(drawn[order], first, axis=0)[place]
        ties = drawn == best
        count = np.add.reduceat(ties[order].astype(float), first, axis=0)[place]
        share = (ties / count).mean(axis=1)
    return share
