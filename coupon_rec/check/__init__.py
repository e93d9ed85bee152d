"""Checkers of the exercises: each says what is off without giving the answer away.

One module a chapter: `from coupon_rec.check import chapter_01 as check`.
"""


def verdict(problem: str | None) -> bool:
    """Print what is off, or that nothing is.

    Parameters
    ----------
    problem : str or None
        A hint, or None if the answer is right.

    Returns
    -------
    bool
        Whether the answer is right.
    """
    print(f"Not yet: {problem}" if problem else "Right.")
    return problem is None
