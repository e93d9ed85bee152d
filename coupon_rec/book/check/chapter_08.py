"""Checkers of chapter 8, Training."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import called, number, numbers, unlike

Losses = Sequence[float]

_near = partial(near, rtol=1e-6)


@checker
def exercise_1(corrected: Callable[[Losses, float], float]) -> None:
    """Check the running mean of Adam, with its correction."""

    def after(slopes: Losses, beta: float) -> float:
        return number(called(corrected, slopes, beta), "return one number")

    answer = after([1.0, 2.0, 4.0], 0.5)
    hints = {
        "the slopes of long ago count less than the last one.": 7 / 3,
        "the mean began at zero; divide by what its weights add up to.": 2.625,
        "the power in the divisor is the number of slopes, not 1.": 2.625 / 0.5,
        "that power is one too small: the first slope is slope number 1.": 2.625 / 0.75,
        "the last slope has the largest weight, not the first.": 12 / 7,
        "begin at zero, go through the slopes in order, and correct at the end.": OTHERWISE,
    }
    compare(answer, 3.0, hints, rtol=1e-6)
    if not _near(after([3.0], 0.9), 3.0):
        raise Hint("after one slope the corrected mean is that slope, whatever beta is.")


@checker
def exercise_2(stopped: Callable[[Losses, int], tuple[int, int]]) -> None:
    """Check how many epochs are run, and which is kept."""

    def pair(losses: Losses, patience: int) -> tuple[float, float]:
        wanted = "return two whole numbers, the epochs run and the epoch kept"
        run, kept = numbers(called(stopped, losses, patience), (2,), wanted)
        return run, kept

    late = [5.0, 3.0, 4.0, 3.5, 2.0, 1.0]
    answer = pair(late, 2)
    hint_if(answer == (2, 4), "return the epochs run first, then the epoch kept.")
    if answer in {(5, 6), (6, 6)}:
        raise Hint("it stops before it gets to the lowest loss, so it cannot keep that one.")
    if answer in {(3, 1), (4, 1), (3, 2)}:
        raise Hint("count epochs from 1, and wait for the whole patience after the best one.")
    hint_if(answer in {(4, 4), (4, 3)}, "the epoch that is kept is the best so far, not the last.")
    if answer != (4, 2):
        raise Hint(f"with losses {late} and patience 2 the best before it stops is the second.")
    hint_if(pair([4.0, 3.0, 2.0], 2) != (3, 3), "as long as it gets better, all epochs are run.")
    if pair([2.0, 2.0, 2.0, 1.0], 2) != (3, 1):
        raise Hint("an epoch that is only as good as the best is no better one.")
    if pair([3.0, 2.0, 2.5, 1.0, 1.5, 0.5], 2) != (6, 6):
        raise Hint("each new best starts the patience anew.")


@checker
def exercise_3(interval: Callable[[Losses, Losses], tuple[float, float]]) -> None:
    """Check the interval of the difference between two settings."""
    a, b = [3.0, 5.0, 4.0, 8.0], [1.0, 2.0, 6.0]
    wanted = "return two numbers, the lower and the upper end"
    low, high = numbers(called(interval, a, b), (2,), wanted)
    hint_if(low > high, "the lower end comes first.")
    error = (high - low) / 4
    hint_if(not _near((high + low) / 2, 2.0), "its middle is the mean of a minus the mean of b.")
    spread_a, spread_b = np.std(a, ddof=1), np.std(b, ddof=1)
    right = np.sqrt(spread_a**2 / 4 + spread_b**2 / 3)
    of_runs = (np.std(a) + np.std(b), spread_a + spread_b)
    added = spread_a / 2 + spread_b / np.sqrt(3)
    by_all_seeds = np.sqrt(np.var(a) / 4 + np.var(b) / 3)
    hints = {
        "that is the spread of single runs; the means of several vary less.": of_runs,
        "standard errors do not add; their squares do.": added,
        "few seeds: divide by one less than their number for the variance.": by_all_seeds,
        "divide each variance by its number of seeds.": np.hypot(spread_a, spread_b),
        "two standard errors on either side.": (2 * right, right / 2),
        "that is the variance of the difference: take its root.": right**2,
        "add the variances of the two means, then take the root.": OTHERWISE,
    }
    compare(error, right, hints, rtol=1e-6)


@checker
def exercise_4(scheduled: Callable[[float, int, float, int], float]) -> None:
    """Check a learning rate that warms up, and falls along half a cosine."""
    steps, peak, warmup = 110, 0.02, 10

    def at(step: int, steps: int = steps, peak: float = peak, warmup: int = warmup) -> float:
        return number(called(scheduled, step, steps, peak, warmup), "return one number")

    hint_if(not _near(at(warmup), peak), "at the end of the warm-up the rate is the peak.")
    if not _near([at(0), at(5)], [0, peak / 2]):
        raise Hint("in the warm-up it rises in a straight line from zero.")
    hint_if(not _near(at(steps), 0), "at the last step the rate is zero.")
    hint_if(not _near(at(60), peak / 2), "half-way between warm-up and end it is half of the peak.")
    if not _near(at(35), peak * (1 + np.sqrt(0.5)) / 2):
        raise Hint("a quarter of the way down, a cosine has hardly fallen yet.")
    hint_if(not _near(at(0, 100, 1.0, 0), 1.0), "without a warm-up it starts at the peak.")


@checker
def exercise_5(hopeless: Callable[[Losses, Sequence[Losses]], bool]) -> None:
    """Check the rule of the median."""

    def prunes(losses: Losses, others: Sequence[Losses]) -> bool:
        answer = called(hopeless, losses, others)
        if (reply := number(answer, "return True or False")) not in (0, 1):
            raise unlike(answer, "return True or False")
        return reply == 1

    others = [[5.0, 4.0, 1.0], [6.0, 5.0, 2.0], [7.0, 6.0, 3.0]]
    if prunes([5.5, 4.5], others):
        raise Hint("compare with what the others had after as many epochs, not at their end.")
    if not prunes([6.5, 5.5], others):
        raise Hint("half of the others were better at this point, so it is hopeless.")
    hint_if(prunes([4.5, 7.0], others), "its best loss counts, not its last.")
    try:
        shorter = prunes([4.5, 4.5], [[9.0, 9.0], [4.0], [4.2], [4.3]])
    except Hint:
        raise Hint("some of the others may have been stopped after fewer epochs.") from None
    hint_if(shorter, "a trial that was stopped earlier has no say.")
    try:
        alone = prunes([4.5], []) or prunes([4.5, 4.0], [[1.0]])
    except Hint:
        raise Hint("there may be nobody to compare with.") from None
    hint_if(alone, "where nobody has a say, the trial goes on.")
    hint_if(prunes([5.0, 5.0], others), "at the median is not above it.")
