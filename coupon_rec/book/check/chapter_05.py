"""Checkers of chapter 5, Two models."""

from collections.abc import Callable, Iterable
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, numbers, texts
from coupon_rec.odds import sigmoid

LETTERS, PERSONAL = set("abcdef"), {"d", "f"}


@checker
def exercise_1(answer: Iterable[str]) -> None:
    """Check which logits can order the coupons of two users differently."""
    words = texts(answer, "answer with a set of letters, such as {'a', 'b'}")
    given = set("".join(words)) - {" "}
    if unknown := sorted(given - LETTERS):
        raise Hint(f"{unknown[0]!r} is none of the letters a to f.")
    if extra := sorted(given - PERSONAL):
        raise Hint(f"subtract the logits of two coupons of one user in {extra[0]}: who is in?")
    if len(given) < len(PERSONAL):
        raise Hint("look for a term in which the user and the other side meet.")


@checker
def exercise_2(three: ArrayLike, test: pd.DataFrame) -> None:
    """Check p(A), p(R | A) and p(R) of the test offers of campaigns B and C."""
    offers = test[test["campaign_type"] != "A"]
    bought, redeemed = offers["bought"], offers["redeemed"]
    right = bought.mean(), redeemed[bought == 1].mean(), redeemed.mean()
    answer = numbers(three, (3,), "give three numbers, in the order of the question")
    all_offers = [answer[0], right[2], answer[2]]
    hints = {
        "those are percentages; give probabilities.": 100 * np.array(right),
        "the right numbers, in another order than the question's.": tuple(permutations(right)),
        "leave out the offers of type A.": [test["bought"].mean(), *answer[1:]],
        "p(R | A) is a mean over the offers that ended in a purchase.": all_offers,
        "each is the mean of a label; for one of them, over fewer offers.": OTHERWISE,
    }
    compare(answer, right, hints)


@checker
def exercise_3(
    everybody: Callable[[Floats, Floats, Floats, Floats, float], ArrayLike],
) -> None:
    """Check a function that gives the probabilities of a factorization for all pairs."""
    rng = np.random.default_rng(0)
    users, items = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    user_bias, item_bias, b = rng.normal(size=3), rng.normal(size=4), -1.0
    z = b + user_bias[:, None] + item_bias + users @ items.T
    try:
        reply = called(everybody, users, items, user_bias, item_bias, b)
    except Hint as hint:
        if "broadcast" in str(hint):
            raise Hint(
                "NumPy lines up the last axes, and three numbers for the users do not fit rows of "
                "four items: one of the biases has to become a column ([:, None])."
            ) from None
        raise
    wanted = "return a table of numbers, a probability for each user and item"
    if numbers(reply, None, wanted, finite=False).shape == z.T.shape:
        raise Hint("that is a row for each item; turn it, users go down the rows.")
    wanted = "three users and four items make a table of 3 rows and 4 columns"
    answer = numbers(reply, z.shape, wanted)
    hints = {
        "those are logits.": z,
        "the products are right; three terms of the logit are missing.": sigmoid(users @ items.T),
        "the users' numbers belong to the rows, the items' to the columns.": OTHERWISE,
    }
    compare(answer, sigmoid(z), hints)


@checker
def exercise_4(bus: Callable[[Floats, Floats, Floats], ArrayLike]) -> None:
    """Check how many use a coupon, among those who came and among those who stayed away."""
    kinds = (
        (np.array([0.3, 0.7]), np.array([0.4, 0.1]), np.array([0.7, 0.2])),
        (np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.1, 0.6]), np.array([0.2, 0.5, 0.9])),
    )
    for share, buys, uses in kinds:
        wanted = "return two numbers: among the buyers, and among the others"
        answer = numbers(called(bus, share, buys, uses), (2,), wanted)
        came, stayed = share * buys, share * (1 - buys)
        right = np.array([came @ uses / came.sum(), stayed @ uses / stayed.sum()])
        of_all = [came @ uses, stayed @ uses]
        hints = {
            "the right numbers; the buyers' comes first.": right[::-1],
            "those are shares of all people; divide by the people they are among.": of_all,
        }
        compare(answer, right, hints)
        hints = {
            "the kinds do not come equally often: who are the buyers?": share @ uses,
            "count a hundred people of each kind by hand, as in the table.": OTHERWISE,
        }
        compare(answer[0], right[0], hints)
        hints = {
            "the second is a mean over all; some of them came by themselves.": share @ uses,
            "the first is right; who stays away, and how many of each kind?": OTHERWISE,
        }
        compare(answer[1], right[1], hints)


@checker
def exercise_5(weights: Callable[[Floats, Floats, float], ArrayLike]) -> None:
    """Check weights of buyers that stand for offers without a purchase."""
    bought = np.array([1.0, 0, 1, 1, 0])
    p = np.array([0.5, 0.2, 0.01, 0.1, 0.001])
    wanted = "return one weight for each offer"
    answer = numbers(called(weights, bought, p, 0.1), bought.shape, wanted)
    hint_if(answer[bought == 0].any(), "an offer without a purchase has no weight.")
    hint_if(answer.max() > 10 + 1e-9, "with a floor of 0.1 no weight exceeds 10.")
    if not near(answer, [2, 0, 10, 10, 0]):
        raise Hint("where one offer in two ends in a purchase, its buyer stands for two offers.")
