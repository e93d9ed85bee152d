"""Checkers of chapter 25, Assistants."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import called, number, numbers, unlike


@checker
def exercise_1(answer: ArrayLike) -> None:
    """Check what is believed of a customer after two turns."""
    reply = numbers(answer, (3,), "answer with three probabilities, such as [0.45, 0.35, 0.2]")
    share, hello = np.array([0.45, 0.35, 0.20]), np.array([0.25, 0.25, 0.10])
    product = np.array([0.22, 0.45, 0.10])
    joint = share * hello * product
    if np.abs(reply - joint / joint.sum()).max() < 0.006:
        return
    alike, summed = hello * product, share * (hello + product)
    only_hello, only_product = (each / each.sum() for each in (share * hello, share * product))
    hints = {
        "these do not add up to 1: divide by their sum.": joint,
        "that is before the first word.": share,
        "only the hello is counted; there are two turns.": only_hello,
        "only the question about a product is counted; there are two turns.": only_product,
        "the kinds are not equally frequent: where are their shares?": alike / alike.sum(),
        "two turns happen both: multiply their chances.": summed / summed.sum(),
        "share times the chance of each turn, for each kind, then divided by the sum.": OTHERWISE,
    }
    compare(reply, joint / joint.sum(), hints)


@checker
def exercise_2(which: Callable[[str, int], int]) -> None:
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
        reply = number(called(which, words, n), "return a whole number, the place of the coupon")
        hint_if(reply != place, f"{words!r} in a list of {n} gives {reply:g}: {why}.")


@checker
def exercise_3(leaves: Callable[[Sequence[str], Callable[[str], bool]], Sequence[str]]) -> None:
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
        reply = [str(each).strip() for each in answer]
        hint_if(reply != wanted, f"{pieces} shows {reply}: {why}.")


@checker
def exercise_4(answers: ArrayLike) -> None:
    """Check how rare broken promises must be, and how many conversations show it."""
    rate, seen = numbers(answers, (2,), "answer with two numbers, such as [8.0, 1000.0]")
    b = 0.06 / 650.88
    hints = {
        "the first: that is the share; how many of a million?": b,
        "the first: that is how many conversations pay for one.": (1e6 / b, 650.88 / 0.06),
        "the first: what a conversation brings, over what a broken promise costs.": OTHERWISE,
    }
    compare(rate, 1e6 * b, hints)
    exact = np.log(0.05) / np.log(1 - b)
    if 0.999 * exact < seen < 1.001 * exact:
        return
    hint_if(near(seen, 1 / b), "the second: in so many you expect one, and see none with 37%.")
    if near(seen, np.log(0.95) / np.log(1 - b)):
        raise Hint("the second: 5% is how probable none may be, not 95%.")
    raise Hint("the second: (1 - b)^n = 0.05; take logarithms.")
