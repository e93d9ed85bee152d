"""Checkers of chapter 8, Training."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from coupon_rec.book.check import (
    RIGHT,
    Hint,
    Verdict,
    called,
    checker,
    near,
    number,
    numbers,
    unlike,
)

Losses = Sequence[float]

_near = partial(near, rtol=1e-6)


@checker
def exercise_1(corrected: Callable[[Losses, float], float]) -> Verdict:
    """Check the running mean of Adam, with its correction."""

    def after(slopes: Losses, beta: float) -> float:
        return number(called(corrected, slopes, beta), "return one number")

    answer = after([1.0, 2.0, 4.0], 0.5)
    if _near(answer, 7 / 3):
        return Verdict("the slopes of long ago count less than the last one.")
    if _near(answer, 2.625):
        return Verdict("the mean began at zero; divide by what its weights add up to.")
    if _near(answer, 2.625 / 0.5):
        return Verdict("the power in the divisor is the number of slopes, not 1.")
    if _near(answer, 2.625 / 0.75):
        return Verdict("that power is one too small: the first slope is slope number 1.")
    if _near(answer, 12 / 7):
        return Verdict("the last slope has the largest weight, not the first.")
    if not _near(answer, 3.0):
        return Verdict("begin at zero, go through the slopes in order, and correct at the end.")
    if not _near(after([3.0], 0.9), 3.0):
        return Verdict("after one slope the corrected mean is that slope, whatever beta is.")
    return RIGHT


@checker
def exercise_2(stopped: Callable[[Losses, int], tuple[int, int]]) -> Verdict:
    """Check how many epochs are run, and which is kept."""

    def pair(losses: Losses, patience: int) -> tuple[float, float]:
        wanted = "return two whole numbers, the epochs run and the epoch kept"
        run, kept = numbers(called(stopped, losses, patience), (2,), wanted)
        return run, kept

    late = [5.0, 3.0, 4.0, 3.5, 2.0, 1.0]
    answer = pair(late, 2)
    if answer == (2, 4):
        return Verdict("return the epochs run first, then the epoch kept.")
    if answer in {(5, 6), (6, 6)}:
        return Verdict("it stops before it gets to the lowest loss, so it cannot keep that one.")
    if answer in {(3, 1), (4, 1), (3, 2)}:
        return Verdict("count epochs from 1, and wait for the whole patience after the best one.")
    if answer in {(4, 4), (4, 3)}:
        return Verdict("the epoch that is kept is the best so far, not the last.")
    if answer != (4, 2):
        return Verdict(f"with losses {late} and patience 2 the best before it stops is the second.")
    if pair([4.0, 3.0, 2.0], 2) != (3, 3):
        return Verdict("as long as it gets better, all epochs are run.")
    if pair([2.0, 2.0, 2.0, 1.0], 2) != (3, 1):
        return Verdict("an epoch that is only as good as the best is no better one.")
    if pair([3.0, 2.0, 2.5, 1.0, 1.5, 0.5], 2) != (6, 6):
        return Verdict("each new best starts the patience anew.")
    return RIGHT


@checker
def exercise_3(interval: Callable[[Losses, Losses], tuple[float, float]]) -> Verdict:
    """Check the interval of the difference between two settings."""
    a, b = [3.0, 5.0, 4.0, 8.0], [1.0, 2.0, 6.0]
    wanted = "return two numbers, the lower and the upper end"
    low, high = numbers(called(interval, a, b), (2,), wanted)
    if low > high:
        return Verdict("the lower end comes first.")
    error = (high - low) / 4
    if not _near((high + low) / 2, 2.0):
        return Verdict("its middle is the mean of a minus the mean of b.")
    spread_a, spread_b = np.std(a, ddof=1), np.std(b, ddof=1)
    if _near(error, np.std(a) + np.std(b)) or _near(error, spread_a + spread_b):
        return Verdict("that is the spread of single runs; the means of several vary less.")
    if _near(error, spread_a / 2 + spread_b / np.sqrt(3)):
        return Verdict("standard errors do not add; their squares do.")
    if _near(error, np.sqrt(np.var(a) / 4 + np.var(b) / 3)):
        return Verdict("few seeds: divide by one less than their number for the variance.")
    if _near(error, np.hypot(spread_a, spread_b)):
        return Verdict("divide each variance by its number of seeds.")
    right = np.sqrt(spread_a**2 / 4 + spread_b**2 / 3)
    if _near(error, 2 * right) or _near(error, right / 2):
        return Verdict("two standard errors on either side.")
    if _near(error, right**2):
        return Verdict("that is the variance of the difference: take its root.")
    if not _near(error, right):
        return Verdict("add the variances of the two means, then take the root.")
    return RIGHT


@checker
def exercise_4(scheduled: Callable[[float, int, float, int], float]) -> Verdict:
    """Check a learning rate that warms up, and falls along half a cosine."""
    steps, peak, warmup = 110, 0.02, 10

    def at(step: int, steps: int = steps, peak: float = peak, warmup: int = warmup) -> float:
        return number(called(scheduled, step, steps, peak, warmup), "return one number")

    if not _near(at(warmup), peak):
        return Verdict("at the end of the warm-up the rate is the peak.")
    if not _near([at(0), at(5)], [0, peak / 2]):
        return Verdict("in the warm-up it rises in a straight line from zero.")
    if not _near(at(steps), 0):
        return Verdict("at the last step the rate is zero.")
    if not _near(at(60), peak / 2):
        return Verdict("half-way between warm-up and end it is half of the peak.")
    if not _near(at(35), peak * (1 + np.sqrt(0.5)) / 2):
        return Verdict("a quarter of the way down, a cosine has hardly fallen yet.")
    if not _near(at(0, 100, 1.0, 0), 1.0):
        return Verdict("without a warm-up it starts at the peak.")
    return RIGHT


@checker
def exercise_5(hopeless: Callable[[Losses, Sequence[Losses]], bool]) -> Verdict:
    """Check the rule of the median."""

    def prunes(losses: Losses, others: Sequence[Losses]) -> bool:
        answer = called(hopeless, losses, others)
        if (found := number(answer, "return True or False")) not in (0, 1):
            raise unlike(answer, "return True or False")
        return found == 1

    others = [[5.0, 4.0, 1.0], [6.0, 5.0, 2.0], [7.0, 6.0, 3.0]]
    if prunes([5.5, 4.5], others):
        return Verdict("compare with what the others had after as many epochs, not at their end.")
    if not prunes([6.5, 5.5], others):
        return Verdict("half of the others were better at this point, so it is hopeless.")
    if prunes([4.5, 7.0], others):
        return Verdict("its best loss counts, not its last.")
    try:
        shorter = prunes([4.5, 4.5], [[9.0, 9.0], [4.0], [4.2], [4.3]])
    except Hint:
        return Verdict("some of the others may have been stopped after fewer epochs.")
    if shorter:
        return Verdict("a trial that was stopped earlier has no say.")
    try:
        alone = prunes([4.5], []) or prunes([4.5, 4.0], [[1.0]])
    except Hint:
        return Verdict("there may be nobody to compare with.")
    if alone:
        return Verdict("where nobody has a say, the trial goes on.")
    if prunes([5.0, 5.0], others):
        return Verdict("at the median is not above it.")
    return RIGHT
