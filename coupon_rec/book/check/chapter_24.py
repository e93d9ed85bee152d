"""Checkers of chapter 24, Few labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers, unlike


@checker
def exercise_1(estimate: Callable[[Floats, Floats], float]) -> None:
    """Check the redemptions of a pool, from those that were asked about."""
    rng = np.random.default_rng(24)
    for n in (5, 40):
        chance = rng.uniform(0.05, 1, n)
        redeemed = (rng.random(n) < 0.4).astype(float)
        redeemed[0] = 1.0
        came, offers, asked = redeemed / chance, (1 / chance).sum(), redeemed.sum()
        right = came.sum()
        reply = number(called(estimate, redeemed, chance), "return one number, of redemptions")
        rates = asked / chance.sum(), right / offers
        hints = {
            "these are the redemptions among the asked; each stands for others too.": asked,
            "an offer that is seldom asked should count more, not less.": (redeemed * chance).sum(),
            "that is a mean over the asked offers; the pool's sum is wanted.": came.mean(),
            "that is a rate; how many redemptions are there in the pool?": rates,
            "that is how many offers there are in the pool, redeemed or not.": offers,
            "not right yet; one redemption with a chance of 0.25 stands for 4.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_2(ever: Callable[[Floats], ArrayLike]) -> None:
    """Check the chance that an offer was asked about in any of several rounds."""
    rounds = np.array([[0.1, 0.5, 0.0, 1.0], [0.2, 0.5, 0.0, 0.3], [0.3, 0.9, 0.4, 0.0]])
    for chances in (rounds, rounds[:2], rounds[:1]):
        total, never = chances.sum(axis=0), np.prod(1 - chances, axis=0)
        largest = chances.max(axis=0)
        wanted = "return one chance for each of the 4 offers"
        reply = numbers(called(ever, chances), (4,), wanted)
        hints = {
            "added up, the chances can exceed 1; an offer is asked at most once.": total,
            "cut at 1 the sum is still too much: some offers are drawn twice in it.": np.minimum(
                1, total
            ),
            "the largest chance is that of one round; the others had theirs too.": largest,
            "that is the chance in a usual round, not in any of them.": chances.mean(axis=0),
            "that is the chance to be drawn in every round.": np.prod(chances, axis=0),
            "that is the chance of never being drawn; what is the rest?": never,
            "not right yet; how likely is an offer never to be drawn?": OTHERWISE,
        }
        compare(reply, 1 - never, hints)


@checker
def exercise_3(two_rows: Callable[[Floats, Floats], Any]) -> None:
    """Check soft labels as two weighted rows each."""
    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    p = np.array([0.1, 0.5, 0.9])
    wanted = "return three things: rows, labels and weights"
    answer = called(two_rows, x, p)
    try:
        rows, labels, weights = answer
    except (TypeError, ValueError):
        raise unlike(answer, wanted) from None
    rows = numbers(rows, None, "the rows should be numbers")
    if rows.shape != (6, 2):
        raise Hint("each of the 3 offers makes two rows of 2 numbers: 6 rows in all.")
    labels = numbers(labels, (6,), "return a label, 0 or 1, for each of the 6 rows")
    weights = numbers(weights, (6,), "return a weight for each of the 6 rows")
    if not np.isin(labels, [0, 1]).all():
        raise Hint("the labels are 0 and 1; it is the weights that are soft.")
    hint_if(labels.sum() != 3, "every offer is there once as redeemed and once as not.")
    hint_if((weights < 0).any(), "a weight is never negative.")
    for offer, share in zip(x, p, strict=True):
        mine = np.isclose(rows, offer).all(axis=1)
        yes, no = mine & (labels == 1), mine & (labels == 0)
        if mine.sum() != 2 or yes.sum() != 1:
            raise Hint("every offer is there once as redeemed and once as not.")
        if near(weights[yes], [1 - share]) and near(weights[no], [share]) and share != 0.5:
            raise Hint("the weights are swapped: as redeemed it counts p.")
        if not (near(weights[yes], [share]) and near(weights[no], [1 - share])):
            raise Hint("the two weights of an offer are p and 1 - p, and add up to 1.")


@checker
def exercise_4(largest_rank: Callable[[int, int, float], int]) -> None:
    """Check the largest rank of an adapter that trains at most a share of a kernel's weights."""
    for rows, columns, share in ((128, 64, 0.15), (1024, 1024, 0.15), (54, 128, 0.05)):
        right = int(share * rows * columns // (rows + columns))
        answer = called(largest_rank, rows, columns, share)
        reply = number(answer, "return one whole number, the rank")
        if reply == right:
            continue
        if near(reply, share * rows * columns / (rows + columns), 1e-9):
            raise Hint("a matrix has a whole number of columns.")
        if reply == right + 1:
            raise Hint(f"rank {reply:g} trains a little more than the share; round down.")
        if reply in {int(share * rows), int(share * columns), int(share * min(rows, columns))}:
            raise Hint("count what A and B hold together, and compare it with the kernel.")
        if reply == int(share * columns // 1) or reply == int(share * rows * columns // rows):
            raise Hint("there are two thin matrices: A has the rows, and B the columns.")
        raise Hint(
            f"for a kernel of {rows} x {columns}, rank r trains r x ({rows} + {columns}) numbers."
        )
