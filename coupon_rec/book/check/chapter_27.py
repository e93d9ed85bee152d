"""Checkers of chapter 27, Cross-platform."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import (
    RIGHT,
    Verdict,
    called,
    checker,
    frame,
    mapping,
    near,
    number,
    numbers,
)

Floats = NDArray[np.float64]
Shapes = Sequence[tuple[int, int]]


@checker
def exercise_1(answers: ArrayLike) -> Verdict:
    """Check what one model for both promises, and how far off it is on each screen."""
    wanted = "answer with three numbers, such as [0.08, 0.67, 2.0]"
    promised, web, app = numbers(answers, (3,), wanted)
    if near(promised, 0.08):
        return Verdict("the first: the website has three times as many rows as the app.")
    if near(promised, 10.0):
        return Verdict("the first: answer with a share, so that 12% is 0.12.")
    if not near(promised, 0.1):
        return Verdict("the first: how many clicks are there, and in how many rows?")
    if near(web, 1.2) and near(app, 0.4):
        return Verdict("the ratios: promised over clicked; yours are the other way around.")
    if near(web, 2.5) and near(app, 10 / 12):
        return Verdict("the ratios: the website's comes first.")
    if not near(web, 10 / 12):
        return Verdict("the second: divide the promise by the share clicked on the website.")
    if not near(app, 2.5):
        return Verdict("the third: divide the promise by the share clicked in the app.")
    return RIGHT


@checker
def exercise_2(thin: Callable[[Shapes, int], int]) -> Verdict:
    """Check how many weights an adapter trains."""
    book = [(16, 48), (48, 48), (48, 1)]
    for shapes, rank in ((book[:2], 2), (book, 2), (book, 1), ([(6, 4), (4, 2)], 3)):
        pairs = [rank * (rows + columns) for rows, columns in shapes]
        kernels = [rows * columns for rows, columns in shapes]
        biases = sum(columns for _, columns in shapes)
        right = sum(map(min, pairs, kernels)) + biases
        found = number(called(thin, shapes, rank), "return one number, of weights")
        if near(found, right):
            continue
        if near(found, sum(pairs)) or near(found, sum(map(min, pairs, kernels))):
            return Verdict("the biases are trained too: one for each column.")
        if near(found, sum(pairs) + biases):
            return Verdict(
                f"shapes {shapes}, rank {rank}: in one layer the thin matrices are no smaller "
                "than the kernel."
            )
        if near(found, sum(kernels) + biases):
            return Verdict("those are all weights; the kernels stay as they are.")
        if near(found, sum(rank * rows * columns for rows, columns in shapes) + biases):
            return Verdict("A has `rank` columns and B `rank` rows: their sizes add up.")
        return Verdict(f"shapes {shapes}, rank {rank}: {found:.0f} is not right.")
    return RIGHT


@checker
def exercise_3(by_screen: Callable[[NDArray[np.str_], Floats, Floats], Any]) -> Verdict:
    """Check promised over clicked for each screen."""
    rng = np.random.default_rng(27)
    for names, rates in (
        (("phone", "web"), (0.05, 0.2)),
        (("kiosk", "tv", "web"), (0.3, 0.0, 0.1)),
    ):
        sizes = rng.integers(40, 200, len(names))
        screen = np.repeat(np.array(names), sizes)
        clicked = (rng.random(len(screen)) < np.repeat(rates, sizes)).astype(float)
        p = rng.uniform(0.05, 0.2, len(screen))
        order = rng.permutation(len(screen))
        screen, clicked, p = screen[order], clicked[order], p[order]
        ratios = {
            name: p[screen == name].sum() / clicked[screen == name].sum()
            for name in names
            if clicked[screen == name].any()
        }
        right = {**ratios, "all": p.sum() / clicked.sum()}
        wanted = 'return a dictionary from each screen, and "all", to one number'
        found = mapping(called(by_screen, screen, clicked, p), wanted)
        if "all" not in found:
            return Verdict('the ratio of all rows together is missing; its name is "all".')
        if missing := right.keys() - found.keys():
            return Verdict(f"the ratio of {sorted(missing)[0]} is missing.")
        if extra := found.keys() - right.keys():
            return Verdict(f"{sorted(map(str, extra))[0]} has no click: leave it out.")
        if all(near(number(found[name], wanted), ratio) for name, ratio in right.items()):
            continue
        if near(found["all"], np.mean([*ratios.values()])):
            return Verdict('"all" is not the mean of the ratios: screens differ in size.')
        if all(near(found[name], 1 / ratio) for name, ratio in right.items()):
            return Verdict("promised over clicked; yours is clicked over promised.")
        if all(
            near(found[name], p[screen == name].sum() - clicked[screen == name].sum())
            for name in ratios
        ):
            return Verdict("that is the difference; the ratio is asked for.")
        return Verdict("not the right ratios: the sum of p over the sum of clicked.")
    return RIGHT


@checker
def exercise_4(capped: Callable[[pd.DataFrame, pd.DataFrame, int], Any]) -> Verdict:
    """Check that caps hold for persons, and that the plan is the best."""
    rng = np.random.default_rng(4)
    for cap in (1, 2, 3):
        accounts = pd.DataFrame({"user_id": np.arange(1, 7), "person_id": [1, 1, 3, 3, 3, 6]})
        offers = pd.DataFrame(
            [(user, coupon) for user in accounts["user_id"] for coupon in range(10, 15)],
            columns=["user_id", "coupon_id"],
        )
        liked = np.tile(rng.normal(0.5, 1, 5), len(accounts))
        offers["value"] = liked + 0.3 * rng.standard_normal(len(offers))
        offers = offers.sample(frac=1, random_state=cap).reset_index(drop=True)
        person = accounts.set_index("user_id")["person_id"]
        best = offers[offers["value"] > 0]
        best = best.assign(person=best["user_id"].map(person))
        best = best.sort_values("value", ascending=False).drop_duplicates(["person", "coupon_id"])
        right = best.groupby("person").head(cap)["value"].sum()
        answer = called(capped, offers, accounts, cap)
        found = frame(answer, ("user_id", "coupon_id", "value"), "return a table of offers")
        who = found["user_id"].map(person)
        if (found["value"] <= 0).any():
            return Verdict("an offer of no value is sent.")
        if found.assign(person=who).duplicated(["person", "coupon_id"]).any():
            return Verdict("a person gets the same coupon on two accounts.")
        if (who.value_counts() > cap).any():
            return Verdict(f"a person gets more than {cap} in all: the cap is for each person.")
        if not near(float(found["value"].sum()), right):
            return Verdict(
                f"cap = {cap}: the rules hold, and another plan has a higher total value. "
                "Which copy of a coupon is kept, and when is the cap applied?"
            )
    return RIGHT
