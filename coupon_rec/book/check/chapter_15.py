"""Checkers of chapter 15, Deployment."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers, unlike

_near = partial(near, rtol=1e-5)


@checker
def exercise_1(waits: Callable[[Floats, Floats, Floats], ArrayLike]) -> None:
    """Check how long users waited for a service that stalled."""
    due, sent = np.array([0.0, 1.0, 2.0]), np.array([0.0, 4.0, 4.5])
    took = np.array([4.0, 0.5, 0.25])
    wanted = "from when a request was due to when it was answered, one by one"
    answer = numbers(called(waits, due, sent, took), due.shape, wanted)
    hints = {
        "the second user came at 1 and was sent on at 4: what of these 3 s?": took,
        "that is the wait until the request was sent; the answer took time too.": sent - due,
        "that is when they left; when had they come?": sent + took,
        f"{wanted}.": OTHERWISE,
    }
    compare(answer, sent + took - due, hints, rtol=1e-5)


@checker
def exercise_2(encoded: Callable[[Floats, Mapping[str, Any]], ArrayLike]) -> None:
    """Check a column that is encoded by its schema."""
    values = np.array([0.0, 3.0, np.nan])
    columns = {"log1p": True, "missing": 365.0}, {"log1p": False, "missing": 1.0}
    wanted = "return one number for each value"
    skewed, plain = (
        numbers(called(encoded, values, column), values.shape, wanted, finite=False)
        for column in columns
    )
    if np.isnan(skewed).any() or np.isnan(plain).any():
        raise Hint("a model takes no nan: the schema says what stands for it.")
    raw = [0, np.log(4), 365]
    hints = {
        "what is filled in is a raw value; its logarithm has to be taken as well.": raw,
        "where log1p is true: log(1 + x) of all values, the missing one among them.": OTHERWISE,
    }
    compare(skewed, np.log1p([0, 3, 365]), hints, rtol=1e-5)
    hint_if(not _near(plain, [0, 3, 1]), "where log1p is false, no logarithm is taken.")


@checker
def exercise_3(rounded: Callable[[Floats], ArrayLike]) -> None:
    """Check weights of eight bits."""
    w = np.array([[0.4, -2.54, 0.013], [1.6, 0.009, -0.7]])
    step, largest = 2.54 / 127, w.max() / 127
    fixed = np.round(w * 127) / 127
    wanted = "return a weight for each that is given"
    answer = numbers(called(rounded, w), w.shape, wanted)
    hints = {
        "a fixed step wastes levels, or has too few: take it from the weights.": fixed,
        "those are the integers; times the step they are weights again.": np.round(w / step),
        "the largest weight may be negative.": largest * np.round(w / largest),
        "round to multiples of the largest absolute weight / 127.": OTHERWISE,
    }
    compare(answer, step * np.round(w / step), hints, rtol=1e-5)
    zeros = numbers(called(rounded, np.zeros(3)), (3,), wanted, finite=False)
    hint_if(not _near(zeros, np.zeros(3)), "weights that are all zero stay zero.")


@checker
def exercise_4(most_lists: Callable[[float, float, float], float]) -> None:
    """Check how many lists go into one call under a limit."""

    def most(fixed: float, each: float, limit: float) -> float:
        return number(called(most_lists, fixed, each, limit), "return one number of lists")

    answer = most(1.0, 0.3, 20.0)
    if np.isclose(answer, 19 / 0.3) or answer == 63:
        raise Hint("the one that just missed a call waits for two calls.")
    hint_if(answer != round(answer), "a number of lists is whole; round it down.")
    hint_if(answer == 31, "there are two calls, and so twice the fixed time.")
    hint_if(answer != 30, "twice the time of a call has to be at most the limit.")
    hint_if(most(6.0, 0.3, 10.0) != 0, "where the fixed time alone is too much, the answer is 0.")


@checker
def exercise_5(version: Callable[[dict[str, bytes]], str]) -> None:
    """Check a version made of the content of files."""

    def of(files: dict[str, bytes]) -> str:
        digits = called(version, files)
        if not isinstance(digits, str) or not re.fullmatch("[0-9a-fA-F]{12}", digits):
            raise unlike(digits, "return 12 hexadecimal digits")
        return digits

    first = of({"a": b"12", "b": b"3"})
    if of({"b": b"3", "a": b"12"}) != first:
        raise Hint("the same files in another order are the same bundle.")
    hint_if(of({"a": b"12", "b": b"4"}) == first, "another byte has to give another version.")
    if of({"a": b"1", "b": b"23"}) == first:
        raise Hint("a byte that moves from one file to the next changes both.")
    hint_if(of({"a": b"12", "c": b"3"}) == first, "a file by another name is another file.")
