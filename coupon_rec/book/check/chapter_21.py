"""Checkers of chapter 21, Privacy."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, number, numbers


@checker
def exercise_1(answers: ArrayLike) -> None:
    """Check the budget of three answers, and how often one vote is right."""
    total, right = numbers(answers, (2,), "answer with two numbers, such as [1.0, 0.5]")
    if not near(total, 2.5):
        if near(total, 1.0):
            raise Hint("the first: that is the largest of the three. Do answers share a budget?")
        hint_if(near(total, 1.5), "the first: is the root of the sum of squares what adds up here?")
        raise Hint("the first: the votes of one household add up. What do their ε do?")
    hints = {
        "the second: that is how often the vote is wrong.": 1 / (1 + np.e),
        "the second: that is the ratio of right to wrong; which share is right?": np.e,
        "the second: only the first answer is used.": np.exp(2.5) / (1 + np.exp(2.5)),
        "the second: a right vote is e^ε times as likely as a wrong one.": OTHERWISE,
    }
    compare(right, np.e / (1 + np.e), hints)


@checker
def exercise_2(clipped: Callable[[Floats, NDArray[np.int64], float], ArrayLike]) -> None:
    """Check the sum of one shortened vector a user."""
    rng = np.random.default_rng(3)
    for rows, d, clip in ((60, 3, 1.0), (40, 2, 0.3), (30, 4, 100.0)):
        users = rng.integers(0, 9, rows)
        gradients = rng.normal(0.3, 1, (rows, d))
        gradients[users == users[0]] = 0.0
        every = np.unique(users)
        of_user = np.array([gradients[users == each].sum(axis=0) for each in every])

        def cut(each: Floats, clip: float = clip) -> Floats:
            length = np.linalg.norm(each, axis=1, keepdims=True)
            return np.asarray(each * np.minimum(1, clip / np.maximum(length, 1e-12)))

        right = cut(of_user).sum(axis=0)
        answer = called(clipped, gradients, users, clip)
        reply = numbers(answer, (d,), f"return one vector of {d} numbers", finite=False)
        if not np.isfinite(reply).all():
            raise Hint("a user whose gradient is zero has a length of 0; do not divide by it.")
        by_row, unclipped = cut(gradients).sum(axis=0), of_user.sum(axis=0)
        length = np.linalg.norm(of_user, axis=1, keepdims=True)
        all_as_long = (clip * of_user / np.maximum(length, 1e-12)).sum(axis=0)
        at_the_end = (cut(right[None])[0], cut(unclipped[None])[0])
        otherwise = f"clip = {clip:g}: not the right sum; first one vector a user, then shorten."
        hints = {
            "this shortens each row; a user with many rows still counts too much.": by_row,
            "nothing was shortened.": unclipped,
            "short vectors stay as they are; only longer ones are shortened.": all_as_long,
            "that is the mean over users; the sum is asked for.": cut(of_user).mean(axis=0),
            "this shortens the sum of all; shorten each user's vector.": at_the_end,
            otherwise: OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_3(mu_of_user: Callable[[float, int, int], float]) -> None:
    """Check how far apart the answers are with and without a user."""
    for noise, steps, rows in ((20.0, 40, 416), (5.0, 1, 3), (2.0, 9, 1)):
        right, by_chance = rows * np.sqrt(steps) / noise, np.sqrt(steps * rows) / noise
        reply = number(called(mu_of_user, noise, steps, rows), "return one number, the μ of a user")
        hints = {
            "that is the μ of a row. How far can a user move the sum?": np.sqrt(steps) / noise,
            "rows of one user are not drawn by chance: they may all pull one way.": by_chance,
            "noise of different steps is independent: how does that add up?": rows * steps / noise,
            "that is one step; there are several.": rows / noise,
            f"noise = {noise:g}, {steps} steps, {rows} rows: {reply:.3g} is not right.": OTHERWISE,
        }
        compare(reply, right, hints)


@checker
def exercise_4(hide: Callable[[int, int, Mapping[int, int], int], int]) -> None:
    """Check that masks hide and vanish in the sum."""
    rng = np.random.default_rng(4)
    for clients, size in ((3, 100), (5, 1000), (2, 7)):
        values = [int(value) for value in rng.integers(0, size // clients, clients)]
        pair: dict[Any, int] = {}
        for a in range(clients):
            for b in range(a + 1, clients):
                pair[a, b] = pair[b, a] = int(rng.integers(1, size))
        sent = []
        for a in range(clients):
            secrets = {b: pair[a, b] for b in range(clients) if b != a}
            answer = called(hide, values[a], a, secrets, size)
            sent.append(number(answer, "return one whole number, what the client sends"))
        if not all(0 <= each < size for each in sent):
            raise Hint(f"what is sent should lie from 0 to {size - 1}: it is modulo `size`.")
        hint_if(sent == values, "the values are sent as they are.")
        if sum(sent) % size != sum(values) % size:
            raise Hint("the masks do not vanish in the sum: one of each pair must subtract.")
