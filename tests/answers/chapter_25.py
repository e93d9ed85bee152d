"""Answers to the exercises of chapter 25, Assistants."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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


RIGHT: list[tuple[int, Any]] = [
    (1, JOINT / JOINT.sum()),
    (2, which),
    (3, leaves),
    (4, [1e6 * B, N]),
]
WRONG: list[tuple[int, str, Any]] = [
    (1, "add up to 1", JOINT),
    (1, "before the first word", SHARE),
    (1, "only the hello", SHARE * HELLO / (SHARE @ HELLO)),
    (1, "only the question", SHARE * PRODUCT / (SHARE @ PRODUCT)),
    (1, "equally frequent", HELLO * PRODUCT / (HELLO @ PRODUCT)),
    (1, "multiply their chances", SHARE * (HELLO + PRODUCT) / (SHARE @ (HELLO + PRODUCT))),
    (2, "the last day is no coupon", by_word),
    (2, "at pl", lambda words, n: which(words, 9) if "last" not in words else 0),
    (2, "a list of 2 has no third", lambda words, n: which(words, n) or 3 * ("third one" in words)),
    (3, "cuts words", lambda pieces, harmless: [*pieces]),
    (3, "two pieces", lambda pieces, harmless: leaves(pieces, lambda s: True)),
    (3, "two pieces.", with_the_rest),
    (4, "of a million", [B, N]),
    (4, "pay for one", [650.88 / 0.06, N]),
    (4, "over what a broken", [8.0, N]),
    (4, "37%", [1e6 * B, 1 / B]),
    (4, "not 95%", [1e6 * B, np.log(0.95) / np.log(1 - B)]),
    (4, "logarithms", [1e6 * B, 1000]),
]
