"""Checkers of chapter 5, Two models."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import RIGHT, Verdict

Floats = NDArray[np.float64]

LETTERS, PERSONAL = set("abcdef"), {"d", "f"}


def exercise_1(answer: Iterable[str]) -> Verdict:
    """Check which logits can order the coupons of two users differently."""
    if not isinstance(answer, Iterable):
        return Verdict("answer with a set of letters, such as {'a', 'b'}.")
    given = {letter.lower() for word in answer for letter in str(word) if letter not in " ,;"}
    if unknown := sorted(given - LETTERS):
        return Verdict(f"{unknown[0]!r} is none of the letters a to f.")
    if extra := sorted(given - PERSONAL):
        return Verdict(f"subtract the logits of two coupons of one user in {extra[0]}: who is in?")
    if len(given) < len(PERSONAL):
        return Verdict("look for a term in which the user and the other side meet.")
    return RIGHT


def exercise_2(three: ArrayLike, test: pd.DataFrame) -> Verdict:
    """Check p(A), p(R | A) and p(R) of the test offers of campaigns B and C."""
    offers = test[test["campaign_type"] != "A"]
    bought, redeemed = offers["bought"], offers["redeemed"]
    right = bought.mean(), redeemed[bought == 1].mean(), redeemed.mean()
    answer = _numbers(three)
    if answer is None or answer.shape != (len(right),):
        return Verdict("give three numbers, in the order of the question.")
    if np.isnan(answer).any():
        return Verdict("one of the three is not a number (NaN).")
    if np.allclose(answer, right, rtol=0.005):
        return RIGHT
    if np.allclose(answer, 100 * np.array(right), rtol=0.005):
        return Verdict("those are percentages; give probabilities.")
    if np.allclose(sorted(answer), sorted(right), rtol=0.005):
        return Verdict("the right numbers, in another order than the question's.")
    if np.isclose(answer[0], test["bought"].mean(), rtol=0.005):
        return Verdict("leave out the offers of type A.")
    if np.isclose(answer[1], right[2], rtol=0.005):
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
    try:
        answer = _numbers(everybody(users, items, user_bias, item_bias, b))
    except ValueError as error:
        if "broadcast" in str(error):
            return Verdict(
                "NumPy lines up the last axes, and three numbers for the users do not fit rows of "
                "four items: one of the biases has to become a column ([:, None])."
            )
        return _failed(error)
    except Exception as error:
        return _failed(error)
    if answer is None:
        return Verdict("return a table of numbers.")
    if answer.shape == z.T.shape:
        return Verdict("that is a row for each item; turn it, users go down the rows.")
    if answer.shape != z.shape:
        return Verdict("three users and four items make a table of 3 rows and 4 columns.")
    if np.isnan(answer).any():
        return Verdict("some of the probabilities are not numbers (NaN).")
    if np.allclose(answer, _sigma(z)):
        return RIGHT
    if np.allclose(answer, z):
        return Verdict("those are logits.")
    if np.allclose(answer, _sigma(users @ items.T)):
        return Verdict("the products are right; three terms of the logit are missing.")
    return Verdict("the users' numbers belong to the rows, the items' to the columns.")


def exercise_4(bus: Callable[[Floats, Floats, Floats], ArrayLike]) -> Verdict:
    """Check how many use a coupon, among those who came and among those who stayed away."""
    kinds = (
        (np.array([0.3, 0.7]), np.array([0.4, 0.1]), np.array([0.7, 0.2])),
        (np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.1, 0.6]), np.array([0.2, 0.5, 0.9])),
    )
    for share, buys, uses in kinds:
        try:
            answer = _numbers(bus(share, buys, uses))
        except Exception as error:
            return _failed(error)
        if answer is None or answer.shape != (2,):
            return Verdict("return two numbers: among the buyers, and among the others.")
        if np.isnan(answer).any():
            return Verdict("one of the two is not a number (NaN).")
        came, stayed = share * buys, share * (1 - buys)
        right = np.array([came @ uses / came.sum(), stayed @ uses / stayed.sum()])
        if np.allclose(answer, right):
            continue
        if np.allclose(answer, right[::-1]):
            return Verdict("the right numbers; the buyers' comes first.")
        if np.allclose(answer, [came @ uses, stayed @ uses]):
            return Verdict("those are shares of all people; divide by the people they are among.")
        if np.isclose(answer[0], right[0]):
            if np.isclose(answer[1], share @ uses):
                return Verdict("the second is a mean over all; some of them came by themselves.")
            return Verdict("the first is right; who stays away, and how many of each kind?")
        if np.isclose(answer[0], share @ uses):
            return Verdict("the kinds do not come equally often: who are the buyers?")
        return Verdict("count a hundred people of each kind by hand, as in the table.")
    return RIGHT


def exercise_5(weights: Callable[[Floats, Floats, float], ArrayLike]) -> Verdict:
    """Check weights of buyers that stand for offers without a purchase."""
    bought = np.array([1.0, 0, 1, 1, 0])
    p = np.array([0.5, 0.2, 0.01, 0.1, 0.001])
    try:
        answer = _numbers(weights(bought, p, 0.1))
    except ValueError as error:
        if "ambiguous" in str(error):
            return Verdict("Python's `max` and `if` take one number; NumPy has its own for arrays.")
        return _failed(error)
    except Exception as error:
        return _failed(error)
    if answer is None or answer.shape != bought.shape:
        return Verdict("return one weight for each offer.")
    if np.isnan(answer).any():
        return Verdict("some of the weights are not numbers (NaN).")
    if answer[bought == 0].any():
        return Verdict("an offer without a purchase has no weight.")
    if answer.max() > 10 + 1e-9:
        return Verdict("with a floor of 0.1 no weight exceeds 10.")
    if not np.allclose(answer, [2, 0, 10, 10, 0]):
        return Verdict("a buyer who was one of two to expect stands for two offers.")
    return RIGHT


def _sigma(z: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-z)))


def _numbers(answer: Any) -> Floats | None:
    """Turn an answer into an array of numbers, or into None if it is none."""
    try:
        numbers = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return None if answer is None else numbers


def _failed(error: Exception) -> Verdict:
    return Verdict(f"your function stops with {type(error).__name__}: {error}")
