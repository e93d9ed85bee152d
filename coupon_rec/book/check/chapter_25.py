"""Checkers of chapter 25, Assistants."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import (
    RIGHT,
    Verdict,
    called,
    checker,
    near,
    number,
    numbers,
    unlike,
)


@checker
def exercise_1(answer: ArrayLike) -> Verdict:
    """Check what is believed of a customer after two turns."""
    found = numbers(answer, (3,), "answer with three probabilities, such as [0.45, 0.35, 0.2]")
    share, hello = np.array([0.45, 0.35, 0.20]), np.array([0.25, 0.25, 0.10])
    product = np.array([0.22, 0.45, 0.10])
    joint = share * hello * product
    if np.abs(found - joint / joint.sum()).max() < 0.006:
        return RIGHT
    if near(found, joint):
        return Verdict("these do not add up to 1: divide by their sum.")
    if near(found, share):
        return Verdict("that is before the first word.")
    for chances, word in ((hello, "hello"), (product, "question about a product")):
        if near(found, share * chances / (share @ chances)):
            return Verdict(f"only the {word} is counted; there are two turns.")
    alike = hello * product
    if near(found, alike / alike.sum()):
        return Verdict("the kinds are not equally frequent: where are their shares?")
    summed = share * (hello + product)
    if near(found, summed / summed.sum()):
        return Verdict("two turns happen both: multiply their chances.")
    return Verdict("share times the chance of each turn, for each kind, then divided by the sum.")


@checker
def exercise_2(which: Callable[[str, int], int]) -> Verdict:
    """Check which coupon of a list is meant."""
    cases = (
        ("how long is the second one valid?", 4, 2, "a plain place"),
        ("Is the First Offer still good", 4, 1, "capital letters"),
        ("tell me about the third coupon", 3, 3, "a plain place"),
        ("what is the last one for", 4, 4, "the last is the one at place n"),
        ("what is the last day?", 4, 0, "the last day is no coupon"),
        ("the second thing I want to know: how much", 4, 0, "the second thing is no coupon"),
        ("the third one please", 2, 0, "a list of 2 has no third"),
        ("any coupons?", 4, 0, "no place is named: 0"),
        ("does anyone know the first deal", 1, 1, "a plain place"),
    )
    for words, n, place, why in cases:
        wanted = "return a whole number, the place of the coupon"
        found = number(called(which, words, n), wanted)
        if found != place:
            return Verdict(f"{words!r} in a list of {n} gives {found:g}: {why}.")
    return RIGHT


@checker
def exercise_3(leaves: Callable[[Sequence[str], Callable[[str], bool]], Sequence[str]]) -> Verdict:
    """Check what a customer sees of a stream."""

    def harmless(sentence: str) -> bool:
        return "free" not in sentence and not any(c.isdigit() for c in sentence)

    cases: tuple[tuple[list[str], list[str], str], ...] = (
        (["Hello! ", "Welcome."], ["Hello!", "Welcome."], "whole sentences pass"),
        (["Hel", "lo! Wel", "come."], ["Hello!", "Welcome."], "a stream cuts words in pieces"),
        (["Hello! It is fr", "ee. Bye."], ["Hello!"], "a word may come in two pieces"),
        (["It is 9", "0 off. Hello!"], [], "nothing is shown from the first bad sentence on"),
        (["Hello! You have"], ["Hello!"], "what is not finished is not shown"),
        ([], [], "an empty stream shows nothing"),
        (["Hi? Oh! Good."], ["Hi?", "Oh!", "Good."], "a piece may hold several sentences"),
    )
    for pieces, wanted, why in cases:
        answer = called(leaves, pieces, harmless)
        if isinstance(answer, str) or not isinstance(answer, Iterable):
            raise unlike(answer, "return a list of sentences")
        found = [str(each).strip() for each in answer]
        if found != wanted:
            return Verdict(f"{pieces} shows {found}: {why}.")
    return RIGHT


@checker
def exercise_4(answers: ArrayLike) -> Verdict:
    """Check how rare broken promises must be, and how many conversations show it."""
    wanted = "answer with two numbers, such as [8.0, 1000.0]"
    rate, seen = numbers(answers, (2,), wanted)
    b = 0.06 / 650.88
    if not near(rate, 1e6 * b):
        if near(rate, b):
            return Verdict("the first: that is the share; how many of a million?")
        if near(rate, 1e6 / b) or near(rate, 650.88 / 0.06):
            return Verdict("the first: that is how many conversations pay for one.")
        return Verdict("the first: what a conversation brings, over what a broken promise costs.")
    exact = np.log(0.05) / np.log(1 - b)
    if 0.999 * exact < seen < 1.001 * exact:
        return RIGHT
    if near(seen, 1 / b):
        return Verdict("the second: in so many you expect one, and see none with 37%.")
    if near(seen, np.log(0.95) / np.log(1 - b)):
        return Verdict("the second: 5% is how probable none may be, not 95%.")
    return Verdict("the second: (1 - b)^n = 0.05; take logarithms.")
