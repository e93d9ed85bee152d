"""Checkers of chapter 13, Exploration."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Bools, Floats, called, number, numbers
from coupon_rec.policies import always_valid


@checker
def exercise_1(propensities: Callable[[Floats, Bools, float], Floats]) -> None:
    """Check the propensities of a policy that explores what is allowed."""
    cases = (
        ([0.2, 0.5, 0.1, 0.4], [True, True, True, True], 0.2),
        ([0.2, 0.9, 0.1, 0.4], [True, False, True, True], 0.3),
        ([-0.2, 0.5, -0.6], [True, False, True], 0.5),
        ([0.3, 0.7], [True, False], 0.1),
    )
    wanted = "return one probability for each candidate"
    for score, allowed, rate in cases:
        free, given = np.array(allowed), np.array(score)
        reply = numbers(called(propensities, given, free, rate), given.shape, wanted)
        best = np.arange(free.size) == np.argmax(np.where(free, given, -np.inf))
        chance = rate * free / free.sum()
        if near(reply, chance + (1 - rate) * best):
            continue
        case = f"score = {score}, allowed = {allowed}, rate = {rate}"
        hint_if((np.abs(reply[~free]) > 1e-9).any(), f"{case}: a forbidden candidate has a chance.")
        if near(reply, np.where(best, 1 - rate, chance)):
            raise Hint("chance can fall on the best candidate as well.")
        if near(reply, rate / free.size * free + (1 - rate) * best):
            raise Hint("among how many candidates does chance choose?")
        if abs(reply.sum() - 1) > 0.005:
            raise Hint(f"{case}: yours add up to {reply.sum():.2f}; one is always sent.")
        raise Hint(f"{case}: not {np.round(reply, 3).tolist()}; who is best?")


@checker
def exercise_2(effective: Callable[[int, int], float]) -> None:
    """Check the effective sample of a policy that always sends one of k coupons."""
    for n, k in ((1000, 4), (600, 1), (10_000, 50)):
        reply = number(called(effective, n, k), "return one number of letters")
        hints = {
            f"n = {n}, k = {k}: how many letters have a weight above 0?": (n, k),
            "the weights are squared below, but so is their sum above.": n / k**2,
            f"n = {n}, k = {k}: {reply:g} is not right; how large are the weights?": OTHERWISE,
        }
        compare(reply, n / k, hints)


@checker
def exercise_3(
    doubly_robust: Callable[[Floats, Floats, Floats, NDArray[np.int64], Floats], float],
) -> None:
    """Check a doubly robust estimate."""
    rng = np.random.default_rng(0)
    mu, pi = (rng.dirichlet(np.ones(3), 40) for _ in range(2))
    q = rng.normal(0.5, 0.3, (40, 3))
    choice, row = rng.integers(3, size=40), np.arange(40)
    reward = rng.normal(1, 0.5, 40)
    reply = number(called(doubly_robust, mu, pi, q, choice, reward), "return one number, a value")
    w, said = pi[row, choice] / mu[row, choice], q[row, choice]
    model = (pi * q).sum(axis=1)
    error = w * (reward - said)
    hints = {
        "that is IPS; what does the model say?": np.mean(w * reward),
        "that is the model alone; where does it err?": model.mean(),
        "correct by the error of the prediction, not by the reward.": np.mean(model + w * reward),
        "the errors need their weights.": np.mean(model + reward - said),
        "an error is what came, less what was said.": np.mean(model - error),
        "the model's part is over all candidates, by pi.": np.mean(said + error),
        "weigh the predictions by pi.": np.mean(q.sum(axis=1) + error),
        "that is the sum; a value is a mean over decisions.": np.sum(model + error),
        f"{reply:.4f} is not right; try it with q = 0, where it must be IPS.": OTHERWISE,
    }
    compare(reply, np.mean(model + error), hints)


@checker
def exercise_4(switch_back: Callable[[Floats, Floats, float], int]) -> None:
    """Check the day on which an always-valid interval lies below zero."""
    v = 4 / np.arange(1.0, 29)
    cases: Sequence[tuple[str, Floats]] = (
        ("a clear loss", np.full(28, -2.0)),
        ("a small loss", np.full(28, -0.5)),
        ("a gain", np.full(28, 2.0)),
        ("a loss that passes", np.where(np.arange(28) < 20, -2.0, 0.5)),
    )
    wanted = "return one whole number, a day or 0"
    for name, d in cases:
        ends = always_valid(d, v, scale=1.0)
        below = (ends["high"] < 0).to_numpy()
        right = int(below.argmax()) + 1 if below.any() else 0
        reply = number(called(switch_back, d, v, 1.0), wanted)
        if reply == right:
            continue
        once = d + 1.96 * np.sqrt(v) < 0
        if once.any() and reply == once.argmax() + 1:
            raise Hint(f"{name}: that is the first day of the interval for one look.")
        hint_if(right and reply == right - 1, f"{name}: days are counted from 1.")
        if (ends["low"] > 0).any() and reply:
            raise Hint(f"{name}: there the new policy is better; it stays.")
        hint_if(not right, f"{name}: its interval never lies below zero; return 0.")
        raise Hint(f"{name}: it is not day {reply:g}; which end must be below zero, and when?")
