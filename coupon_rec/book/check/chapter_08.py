"""Checkers of chapter 8, Training."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Losses = Sequence[float]
Floats = NDArray[np.float64]


class _NoAnswer(Exception):
    """What an answer gives cannot be judged; the message is the hint."""


def _near(answer: ArrayLike, right: ArrayLike) -> bool:
    return bool(np.allclose(answer, right, rtol=1e-6, atol=1e-12))


def _asked(answer: Any, *arguments: Any) -> Any:
    """Call an answer with these arguments; any error becomes a hint."""
    if not callable(answer):
        raise _NoAnswer("give the function itself, without calling it.")
    try:
        given = answer(*arguments)
    except Exception as error:
        call = ", ".join(repr(argument) for argument in arguments)
        raise _NoAnswer(
            f"asked for ({call}) it stops with {type(error).__name__}: {error}"
        ) from error
    if given is None:
        raise _NoAnswer("it returns None: is there a `return` on every way through?")
    return given


def _numbers(answer: Any, count: int, wanted: str, *arguments: Any) -> Floats:
    """Call an answer that has to give so many numbers."""
    given = _asked(answer, *arguments)
    try:
        array = np.asarray(given, float).ravel()
    except (TypeError, ValueError) as error:
        raise _NoAnswer(f"return {wanted}, not {given!r:.40}.") from error
    if array.size != count:
        raise _NoAnswer(f"return {wanted}; yours gives {array.size} numbers.")
    if not np.isfinite(array).all():
        raise _NoAnswer(f"return {wanted}; yours gives {given!r:.40}, which is no number.")
    return array


def exercise_1(corrected: Callable[[Losses, float], float]) -> Verdict:
    """Check the running mean of Adam, with its correction."""
    try:
        return _corrected(lambda *case: _numbers(corrected, 1, "one number", *case)[0])
    except _NoAnswer as problem:
        return Verdict(str(problem))


def _corrected(corrected: Callable[[Losses, float], float]) -> Verdict:
    answer = corrected([1.0, 2.0, 4.0], 0.5)
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
    if not _near(corrected([3.0], 0.9), 3.0):
        return Verdict("after one slope the corrected mean is that slope, whatever beta is.")
    return RIGHT


def exercise_2(stopped: Callable[[Losses, int], tuple[int, int]]) -> Verdict:
    """Check how many epochs are run, and which is kept."""

    def pair(losses: Losses, patience: int) -> tuple[int, int]:
        wanted = "two whole numbers, the epochs run and the epoch kept"
        run, kept = _numbers(stopped, 2, wanted, losses, patience)
        return int(run), int(kept)

    try:
        return _stopped(pair)
    except _NoAnswer as problem:
        return Verdict(str(problem))


def _stopped(stopped: Callable[[Losses, int], tuple[int, int]]) -> Verdict:
    late = [5.0, 3.0, 4.0, 3.5, 2.0, 1.0]
    answer = stopped(late, 2)
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
    if stopped([4.0, 3.0, 2.0], 2) != (3, 3):
        return Verdict("as long as it gets better, all epochs are run.")
    if stopped([2.0, 2.0, 2.0, 1.0], 2) != (3, 1):
        return Verdict("an epoch that is only as good as the best is no better one.")
    if stopped([3.0, 2.0, 2.5, 1.0, 1.5, 0.5], 2) != (6, 6):
        return Verdict("each new best starts the patience anew.")
    return RIGHT


def exercise_3(
    interval: Callable[[Losses, Losses], tuple[float, float]],
) -> Verdict:
    """Check the interval of the difference between two settings."""
    a, b = [3.0, 5.0, 4.0, 8.0], [1.0, 2.0, 6.0]
    try:
        low, high = _numbers(interval, 2, "two numbers, the lower and the upper end", a, b)
    except _NoAnswer as problem:
        return Verdict(str(problem))
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


def exercise_4(scheduled: Callable[[float, int, float, int], float]) -> Verdict:
    """Check a learning rate that warms up, and falls along half a cosine."""
    try:
        return _scheduled(lambda *case: float(_numbers(scheduled, 1, "one number", *case)[0]))
    except _NoAnswer as problem:
        return Verdict(str(problem))


def _scheduled(scheduled: Callable[[float, int, float, int], float]) -> Verdict:
    steps, peak, warmup = 110, 0.02, 10

    def at(step: float) -> float:
        return scheduled(step, steps, peak, warmup)

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
    if not _near(scheduled(0, 100, 1.0, 0), 1.0):
        return Verdict("without a warm-up it starts at the peak.")
    return RIGHT


def exercise_5(hopeless: Callable[[Losses, Sequence[Losses]], bool]) -> Verdict:
    """Check the rule of the median."""

    def prunes(losses: Losses, others: Sequence[Losses]) -> bool:
        given = _asked(hopeless, losses, others)
        if np.size(given) != 1 or np.asarray(given).dtype.kind not in "biuf":
            raise _NoAnswer(f"return True or False, not {given!r:.40}.")
        return bool(np.asarray(given).item())

    try:
        return _hopeless(prunes)
    except _NoAnswer as problem:
        return Verdict(str(problem))


def _hopeless(hopeless: Callable[[Losses, Sequence[Losses]], bool]) -> Verdict:
    others = [[5.0, 4.0, 1.0], [6.0, 5.0, 2.0], [7.0, 6.0, 3.0]]
    if hopeless([5.5, 4.5], others):
        return Verdict("compare with what the others had after as many epochs, not at their end.")
    if not hopeless([6.5, 5.5], others):
        return Verdict("half of the others were better at this point, so it is hopeless.")
    if hopeless([4.5, 7.0], others):
        return Verdict("its best loss counts, not its last.")
    try:
        shorter = hopeless([4.5, 4.5], [[9.0, 9.0], [4.0], [4.2], [4.3]])
    except _NoAnswer:
        return Verdict("some of the others may have been stopped after fewer epochs.")
    if shorter:
        return Verdict("a trial that was stopped earlier has no say.")
    try:
        alone = hopeless([4.5], []) or hopeless([4.5, 4.0], [[1.0]])
    except _NoAnswer:
        return Verdict("there may be nobody to compare with.")
    if alone:
        return Verdict("where nobody has a say, the trial goes on.")
    if hopeless([5.0, 5.0], others):
        return Verdict("at the median is not above it.")
    return RIGHT
