"""Checkers of the exercises: each says what is off without giving the answer away.

One module a chapter: `from coupon_rec.book.check import chapter_01 as check`.
"""

from dataclasses import dataclass


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


RIGHT = Verdict(None)
