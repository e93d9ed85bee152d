"""Checkers of chapter 15, Deployment."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict, called, checker, near, number, numbers, unlike

Floats = NDArray[np.float64]

_near = partial(near, rtol=1e-5)


@checker
def exercise_1(waits: Callable[[Floats, Floats, Floats], ArrayLike]) -> Verdict:
    """Check how long users waited for a service that stalled."""
    due, sent = np.array([0.0, 1.0, 2.0]), np.array([0.0, 4.0, 4.5])
    took = np.array([4.0, 0.5, 0.25])
    wanted = "from when a request was due to when it was answered, one by one"
    answer = numbers(called(waits, due, sent, took), due.shape, wanted)
    if _near(answer, took):
        return Verdict("the second user came at 1 and was sent on at 4: what of these 3 s?")
    if _near(answer, sent - due):
        return Verdict("that is the wait until the request was sent; the answer took time too.")
    if _near(answer, sent + took):
        return Verdict("that is when they left; when had they come?")
    if not _near(answer, sent + took - due):
        return Verdict(f"{wanted}.")
    return RIGHT


@checker
def exercise_2(encoded: Callable[[Floats, Mapping[str, Any]], ArrayLike]) -> Verdict:
    """Check a column that is encoded by its schema."""
    values = np.array([0.0, 3.0, np.nan])
    columns = {"log1p": True, "missing": 365.0}, {"log1p": False, "missing": 1.0}
    wanted = "return one number for each value"
    skewed, plain = (
        numbers(called(encoded, values, column), values.shape, wanted, finite=False)
        for column in columns
    )
    if np.isnan(skewed).any() or np.isnan(plain).any():
        return Verdict("a model takes no nan: the schema says what stands for it.")
    if _near(skewed, [0, np.log(4), 365]):
        return Verdict("what is filled in is a raw value; its logarithm has to be taken as well.")
    if not _near(skewed, np.log1p([0, 3, 365])):
        return Verdict("where log1p is true: log(1 + x) of all values, the missing one among them.")
    if not _near(plain, [0, 3, 1]):
        return Verdict("where log1p is false, no logarithm is taken.")
    return RIGHT


@checker
def exercise_3(rounded: Callable[[Floats], ArrayLike]) -> Verdict:
    """Check weights of eight bits."""
    w = np.array([[0.4, -2.54, 0.013], [1.6, 0.009, -0.7]])
    step = 2.54 / 127
    wanted = "return a weight for each that is given"
    answer = numbers(called(rounded, w), w.shape, wanted)
    if _near(answer, np.round(w * 127) / 127):
        return Verdict("a fixed step wastes levels, or has too few: take it from the weights.")
    if _near(answer, np.round(w / step)):
        return Verdict("those are the integers; times the step they are weights again.")
    if _near(answer, w.max() / 127 * np.round(w / (w.max() / 127))):
        return Verdict("the largest weight may be negative.")
    if not _near(answer, step * np.round(w / step)):
        return Verdict("round to multiples of the largest absolute weight / 127.")
    zeros = numbers(called(rounded, np.zeros(3)), (3,), wanted, finite=False)
    if not _near(zeros, np.zeros(3)):
        return Verdict("weights that are all zero stay zero.")
    return RIGHT


@checker
def exercise_4(most_lists: Callable[[float, float, float], float]) -> Verdict:
    """Check how many lists go into one call under a limit."""

    def most(fixed: float, each: float, limit: float) -> float:
        return number(called(most_lists, fixed, each, limit), "return one number of lists")

    answer = most(1.0, 0.3, 20.0)
    if np.isclose(answer, 19 / 0.3) or answer == 63:
        return Verdict("the one that just missed a call waits for two calls.")
    if answer != round(answer):
        return Verdict("a number of lists is whole; round it down.")
    if answer == 31:
        return Verdict("there are two calls, and so twice the fixed time.")
    if answer != 30:
        return Verdict("twice the time of a call has to be at most the limit.")
    if most(6.0, 0.3, 10.0) != 0:
        return Verdict("where the fixed time alone is too much, the answer is 0.")
    return RIGHT


@checker
def exercise_5(version: Callable[[dict[str, bytes]], str]) -> Verdict:
    """Check a version made of the content of files."""

    def of(files: dict[str, bytes]) -> str:
        digits = called(version, files)
        if not isinstance(digits, str) or not re.fullmatch("[0-9a-fA-F]{12}", digits):
            raise unlike(digits, "return 12 hexadecimal digits")
        return digits

    first = of({"a": b"12", "b": b"3"})
    if of({"b": b"3", "a": b"12"}) != first:
        return Verdict("the same files in another order are the same bundle.")
    if of({"a": b"12", "b": b"4"}) == first:
        return Verdict("another byte has to give another version.")
    if of({"a": b"1", "b": b"23"}) == first:
        return Verdict("a byte that moves from one file to the next changes both.")
    if of({"a": b"12", "c": b"3"}) == first:
        return Verdict("a file by another name is another file.")
    return RIGHT
