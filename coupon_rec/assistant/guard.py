"""No amount, date, item or "yes" that no tool returned: what a model may say, phrase by phrase."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

COURTESY: Final = """
hello | hello there | hi | hi there | hey | hey there | greetings
thanks for your message | thanks for your question | thanks for asking
thank you for your message | thank you for your question | thank you for asking
"""
SAFE: Final = frozenset(" ".join(line.split()) for line in re.split(r"[|\n]", COURTESY.strip()))
"""The phrases of a model that reach a customer: none of them, alone or together, says yes or no to
a question, or announces anything. These are phrases and not words, since words can be put
together: `for` and `you` are harmless in thanks, and "For you!" is a yes. No "Welcome!" is among
them: it says yes to "Am I welcome to take it?"; nor is "Good day!", to "Is it a good day to use my
coupon?"; a "Thank you!" without what for, which takes an offer; a "Goodbye!", to "Is it goodbye to
my coupon?"; or "Sorry to hear that.", to "I hear that all coffee is free"."""
MOST_SAID: Final = 1000
"""Letters of a model that are read in an answer."""
MOST_HELD: Final = 200
"""Letters that wait for the end of their sentence: more than a greeting and thanks have."""

SENTENCE: Final = re.compile(r".*?[.!?]+(?=\s|$)", re.DOTALL)


def problem(text: str) -> str:
    """Say what is wrong with a model's words; empty if nothing is.

    Phrases are allowed, not forbidden: what is not in `SAFE` does not pass, in whatever script or
    spelling. A phrase ends with `.`, `,`, `!` or `?` before a space or the end.

    Parameters
    ----------
    text : str
        What a model wrote.

    Examples
    --------
    >>> problem("Hello, and welcome!")
    "the words 'and welcome'"
    >>> problem("Hello! Thanks for asking.")
    ''
    >>> problem("Yes, you can.")
    "the words 'Yes'"
    """
    for part in re.split(r"[.,!?]+(?:\s|$)", text.replace("’", "'")):
        phrase = " ".join(part.split())
        if phrase and not (phrase.isascii() and phrase.lower() in SAFE):
            return f"the words {phrase!r}"
    return ""


def guarded(pieces: Iterable[str]) -> Iterator[str]:
    """Let a stream through by sentences, up to the first that has a problem.

    Parameters
    ----------
    pieces : iterable of str
        What a model sends; a word may be cut into several pieces.

    Yields
    ------
    str
        Sentences without a problem. A last one that was not finished is held back; the end of a
        line finishes none, or the shop's own words would go on where the model's break off.

    Raises
    ------
    Refused
        At the first sentence that has one, after `MOST_SAID` letters, or after `MOST_HELD` that
        end no sentence.

    Examples
    --------
    >>> try:
    ...     for sentence in guarded(["Hel", "lo! You ha", "ve 9", "0% off."]):
    ...         print(sentence)
    ... except Refused as error:
    ...     print("refused:", error)
    Hello!
    refused: the words 'You have 90% off'
    """
    held, read = "", 0
    for piece in filter(None, pieces):
        read += len(piece)
        if read > MOST_SAID:
            raise Refused(f"more than {MOST_SAID} letters")
        held += piece
        while found := SENTENCE.match(held):
            if found.end() == len(held):  # more of it may come
                break
            yield from _checked(found[0])
            held = held[found.end() :].lstrip()
        if len(held) > MOST_HELD:
            raise Refused(f"more than {MOST_HELD} letters that end no sentence")
    if found := SENTENCE.fullmatch(held):
        yield from _checked(found[0])
    elif held and (wrong := problem(held)):
        raise Refused(wrong)


def _checked(sentence: str) -> Iterator[str]:
    if wrong := problem(sentence):
        raise Refused(wrong)
    if sentence.strip(" .,!?\n"):
        yield " ".join(sentence.split())


class Refused(ValueError):
    """A sentence of the model that no customer gets to see, and why."""
