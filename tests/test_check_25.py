"""The checkers of chapter 25 pass right answers and meet each wrong one with its hint."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from coupon_rec.book.check import chapter_25 as check

SHARE, HELLO = np.array([0.45, 0.35, 0.20]), np.array([0.25, 0.25, 0.10])
PRODUCT = np.array([0.22, 0.45, 0.10])
JOINT = SHARE * HELLO * PRODUCT
B = 0.06 / 650.88
N = np.log(0.05) / np.log(1 - B)
NAMED = r"\b(first|second|third|last) (?:one|coupon|offer|deal)\b"


def which(words: str, n: int) -> int:
    """Solve exercise 2."""
    found = re.search(NAMED, words.lower())
    place = {"first": 1, "second": 2, "third": 3, "last": n}[found[1]] if found else 0
    return place if place <= n else 0


def by_word(words: str, n: int) -> int:
    """Take any word of a place."""
    places = {"first": 1, "second": 2, "third": 3, "last": n}
    return next((place for word, place in places.items() if word in words.lower()), 0)


def leaves(pieces: Sequence[str], harmless: Callable[[str], bool]) -> list[str]:
    """Solve exercise 3."""
    shown = []
    for sentence in re.findall(r"[^.!?]*[.!?]", "".join(pieces)):
        if not harmless(sentence):
            break
        shown.append(sentence)
    return shown


def with_the_rest(pieces: Sequence[str], harmless: Callable[[str], bool]) -> list[str]:
    """Show what is not finished, too."""
    text = "".join(pieces)
    return [each.strip() for each in re.findall(r"[^.!?]+[.!?]?", text) if harmless(each)]


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        (check.exercise_1, JOINT / JOINT.sum()),
        (check.exercise_1, (JOINT / JOINT.sum()).round(3).tolist()),
        (check.exercise_2, which),
        (check.exercise_2, lambda words, n: float(which(words, n))),
        (check.exercise_3, leaves),
        (check.exercise_3, lambda *data: tuple(leaves(*data))),
        (check.exercise_4, [1e6 * B, N]),
        (check.exercise_4, [92.2, round(N)]),
    ],
)
def test_right_answers_pass(exercise: Callable[..., Any], answer: Any) -> None:
    assert exercise(answer)


@pytest.mark.parametrize(
    ("exercise", "answer", "hint"),
    [
        (check.exercise_1, 0.5, "three probabilities"),
        (check.exercise_1, JOINT, "add up to 1"),
        (check.exercise_1, SHARE, "before the first word"),
        (check.exercise_1, SHARE * HELLO / (SHARE @ HELLO), "only the hello"),
        (check.exercise_1, SHARE * PRODUCT / (SHARE @ PRODUCT), "only the question"),
        (check.exercise_1, HELLO * PRODUCT / (HELLO @ PRODUCT), "equally frequent"),
        (
            check.exercise_1,
            SHARE * (HELLO + PRODUCT) / (SHARE @ (HELLO + PRODUCT)),
            "multiply their chances",
        ),
        (check.exercise_1, [0.2, 0.2, 0.6], "divided by the sum"),
        (check.exercise_2, lambda words, n: 0, "a plain place"),
        (check.exercise_2, by_word, "the last day is no coupon"),
        (check.exercise_2, lambda words, n: which(words, 9) if "last" not in words else 0, "at pl"),
        (
            check.exercise_2,
            lambda words, n: which(words, n) or 3 * ("third one" in words),
            "a list of 2 has no third",
        ),
        (check.exercise_2, lambda words, n: None, "whole number"),
        (check.exercise_3, lambda pieces, harmless: [*pieces], "cuts words"),
        (check.exercise_3, lambda pieces, harmless: leaves(pieces, lambda s: True), "two pieces"),
        (check.exercise_3, with_the_rest, "two pieces"),
        (check.exercise_3, lambda pieces, harmless: 3, "a list of sentences"),
        (check.exercise_4, 8.0, "two numbers"),
        (check.exercise_4, [B, N], "of a million"),
        (check.exercise_4, [650.88 / 0.06, N], "pay for one"),
        (check.exercise_4, [8.0, N], "over what a broken"),
        (check.exercise_4, [1e6 * B, 1 / B], "37%"),
        (check.exercise_4, [1e6 * B, np.log(0.95) / np.log(1 - B)], "not 95%"),
        (check.exercise_4, [1e6 * B, 1000], "logarithms"),
    ],
)
def test_wrong_answers_get_their_hint(exercise: Callable[..., Any], answer: Any, hint: str) -> None:
    verdict = exercise(answer)
    assert not verdict
    assert hint in repr(verdict)
