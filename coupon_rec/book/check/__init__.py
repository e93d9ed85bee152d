"""Checkers of the exercises: each says what is off without giving the answer away.

One module a chapter: `from coupon_rec.book.check import chapter_01 as check`.

A checker raises a `Hint` at the first thing that is off, and `checker` makes it give a `Verdict`.
A reader's answer can be anything, so a checker reads it by the functions of `answers`, and looks
numbers up in a table of hints by `compare`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

P = ParamSpec("P")


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a checker says of an answer; true if the answer is right.

    Attributes
    ----------
    problem : str or None
        A hint, or None if nothing is off.
    """

    problem: str | None

    def __bool__(self) -> bool:
        return self.problem is None

    def __repr__(self) -> str:
        return "Right." if self else f"Not yet: {self.problem}"


OTHERWISE = object()  # in a table of hints: whatever else the answer is
UNREADABLE = "this cannot be compared; is it of the kind that the exercise asks for?"


class Hint(Exception):
    """What is off with an answer; its cause is the answer's own error, if there was one."""


def hint_if(wrong: object, hint: str) -> None:
    """Give a hint if something is wrong.

    Raises
    ------
    Hint
        With these words.
    """
    if wrong:
        raise Hint(hint)


def checker(check: Callable[P, None]) -> Callable[P, Verdict]:
    """Let a function that checks an answer give a verdict, whatever the answer is.

    Parameters
    ----------
    check : callable
        Raises a `Hint` if the answer is not right. Any other error means that the answer is of a
        kind that nobody thought of, and becomes a verdict that names the error.
    """

    @wraps(check)
    def judged(*arguments: P.args, **named: P.kwargs) -> Verdict:
        try:
            check(*arguments, **named)
        except Hint as hint:
            return Verdict(str(hint))
        except Exception as error:
            return Verdict(f"{UNREADABLE} ({type(error).__name__}: {error})")
        return Verdict(None)

    return judged


def near(answer: ArrayLike, right: ArrayLike, rtol: float = 0.005) -> bool:
    """Say whether numbers are the right ones, as far as a reader rounds them.

    Parameters
    ----------
    answer, right : array_like
        The numbers; of another shape they are not the right ones.
    rtol : float
        The relative error that is let pass; an absolute one of 1e-9 always is.

    Returns
    -------
    bool
        Whether all are near.
    """
    answer, right = np.asarray(answer, np.float64), np.asarray(right, np.float64)
    return answer.shape == right.shape and bool(np.allclose(answer, right, rtol=rtol, atol=1e-9))


def compare(
    answer: ArrayLike, right: ArrayLike, hints: Mapping[str, Any], rtol: float = 0.005
) -> None:
    """Accept the right numbers, and meet wrong ones with the hint that a table has for them.

    Parameters
    ----------
    answer, right : array_like
        The numbers that were given, and the right ones.
    hints : mapping of str to array_like
        The wrong numbers that each hint is for; a tuple holds several, of which any will do.
        `OTHERWISE` stands for all numbers, and so in the last row.
    rtol : float
        As for `near`.

    Raises
    ------
    Hint
        If the numbers are not near the right ones; the first that is for them.

    Examples
    --------
    >>> hints = {"that is the sum; take the mean.": 7, "add up, then divide by two.": OTHERWISE}
    >>> compare(3.5, 3.5, hints)
    >>> compare(7.0, 3.5, hints)
    Traceback (most recent call last):
    ...
    coupon_rec.book.check.Hint: that is the sum; take the mean.
    """
    if near(answer, right, rtol):
        return
    for hint, mistakes in hints.items():
        several = mistakes if isinstance(mistakes, tuple) else (mistakes,)
        if mistakes is OTHERWISE or any(near(answer, mistake, rtol) for mistake in several):
            raise Hint(hint)
