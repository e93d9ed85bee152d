"""Checkers of chapter 5, Two models."""

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Floats = NDArray[np.float64]

LETTERS, PERSONAL = set("abcdef"), {"d", "f"}


def exercise_1(answer: Collection[str]) -> Verdict:
    """Check which logits can order the coupons of two users differently."""
    if unknown := sorted(set(answer) - LETTERS):
        return Verdict(f"{unknown[0]!r} is none of the letters a to f.")
    if extra := sorted(set(answer) - PERSONAL):
        return Verdict(f"subtract the logits of two coupons of one user in {extra[0]}: who is in?")
    if len(set(answer)) < len(PERSONAL):
        return Verdict("look for a term in which the user and the other side meet.")
    return RIGHT


def exercise_2(three: tuple[float, float, float], test: pd.DataFrame) -> Verdict:
    """Check p(A), p(R | A) and p(R) of the test offers of campaigns B and C."""
    offers = test[test["campaign_type"] != "A"]
    bought, redeemed = offers["bought"], offers["redeemed"]
    right = bought.mean(), redeemed[bought == 1].mean(), redeemed.mean()
    if len(three) != len(right):
        return Verdict("give three numbers, in the order of the question.")
    if np.allclose(three, right, rtol=0.005):
        return RIGHT
    if np.isclose(three[0], test["bought"].mean(), rtol=0.005):
        return Verdict("leave out the offers of type A.")
    if np.isclose(three[1], right[2], rtol=0.005):
        return Verdict("p(R | A) is a mean over the offers that ended in a purchase.")
    return Verdict("each is the mean of a label; for one of them, over fewer offers.")


def exercise_3(
    everybody: Callable[[Floats, Floats, Floats, Floats, float], ArrayLike],
) -> Verdict:
    """Check a function that gives the probabilities of a factorization for all pairs."""
    rng = np.random.default_rng(0)
    users, items = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    user_bias, item_bias, b = rng.normal(size=3), rng.normal(size=4), -1.0
    z = b + user_bias[:, None] + item_bias + users @ items.T
    answer = np.asarray(everybody(users, items, user_bias, item_bias, b))
    if answer.shape != z.shape:
        return Verdict("three users and four items make a table of 3 rows and 4 columns.")
    if np.allclose(answer, 1 / (1 + np.exp(-z))):
        return RIGHT
    if np.allclose(answer, z):
        return Verdict("those are logits.")
    if np.allclose(answer, 1 / (1 + np.exp(-(users @ items.T)))):
        return Verdict("the products are right; three terms of the logit are missing.")
    return Verdict("the users' numbers belong to the rows, the items' to the columns.")


def exercise_4(any_item: Callable[[Floats], float]) -> Verdict:
    """Check the probability that at least one of several independent purchases happens."""
    mild, tiny = np.array([0.5, 0.2, 0.9]), np.full(1000, 1e-18)
    answer = any_item(mild)
    if answer > 1:
        return Verdict("for 0.5, 0.2 and 0.9 that is above 1.")
    if not np.isclose(answer, 1 - 0.5 * 0.8 * 0.1):
        return Verdict("start from the probability that none of them is bought.")
    if not np.isclose(any_item(tiny), 1e-15, rtol=1e-6, atol=0):
        return Verdict("a thousand items at 1e-18 make 1e-15: never form 1 - p.")
    return RIGHT


def exercise_5(weights: Callable[[Floats, Floats, float], ArrayLike]) -> Verdict:
    """Check weights of buyers that stand for offers without a purchase."""
    bought = np.array([1.0, 0, 1, 1, 0])
    p = np.array([0.5, 0.2, 0.01, 0.1, 0.001])
    answer = np.asarray(weights(bought, p, 0.1))
    if answer.shape != bought.shape:
        return Verdict("return one weight for each offer.")
    if answer[bought == 0].any():
        return Verdict("an offer without a purchase has no weight.")
    if answer.max() > 10 + 1e-9:
        return Verdict("with a floor of 0.1 no weight exceeds 10.")
    if not np.allclose(answer, [2, 0, 10, 10, 0]):
        return Verdict("a buyer who was one of two to expect stands for two offers.")
    return RIGHT
