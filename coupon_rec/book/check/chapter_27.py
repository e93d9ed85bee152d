"""Checkers of chapter 27, Cross-platform."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if, near
from coupon_rec.book.check.answers import Floats, called, frame, mapping, number, numbers

Shapes = Sequence[tuple[int, int]]


@checker
def exercise_1(answers: ArrayLike) -> None:
    """Check what one model for both promises, and how far off it is on each screen."""
    wanted = "answer with three numbers, such as [0.08, 0.67, 2.0]"
    promised, web, app = numbers(answers, (3,), wanted)
    hints = {
        "the first: the website has three times as many rows as the app.": 0.08,
        "the first: answer with a share, so that 12% is 0.12.": 10.0,
        "the first: how many clicks are there, and in how many rows?": OTHERWISE,
    }
    compare(promised, 0.1, hints)
    if near(web, 1.2) and near(app, 0.4):
        raise Hint("the ratios: promised over clicked; yours are the other way around.")
    hint_if(near(web, 2.5) and near(app, 10 / 12), "the ratios: the website's comes first.")
    if not near(web, 10 / 12):
        raise Hint("the second: divide the promise by the share clicked on the website.")
    hint_if(not near(app, 2.5), "the third: divide the promise by the share clicked in the app.")


@checker
def exercise_2(thin: Callable[[Shapes, int], int]) -> None:
    """Check how many weights an adapter trains."""
    book = [(16, 48), (48, 48), (48, 1)]
    for shapes, rank in ((book[:2], 2), (book, 2), (book, 1), ([(6, 4), (4, 2)], 3)):
        pairs = [rank * (rows + columns) for rows, columns in shapes]
        kernels = [rows * columns for rows, columns in shapes]
        biases = sum(columns for _, columns in shapes)
        thinner = sum(map(min, pairs, kernels))
        multiplied = sum(rank * each for each in kernels)
        reply = number(called(thin, shapes, rank), "return one number, of weights")
        hints = {
            "the biases are trained too: one for each column.": (sum(pairs), thinner),
            f"shapes {shapes}, rank {rank}: in one layer the thin matrices are no smaller "
            "than the kernel.": sum(pairs) + biases,
            "those are all weights; the kernels stay as they are.": sum(kernels) + biases,
            "A has `rank` columns and B `rank` rows: their sizes add up.": multiplied + biases,
            f"shapes {shapes}, rank {rank}: {reply:.0f} is not right.": OTHERWISE,
        }
        compare(reply, thinner + biases, hints)


@checker
def exercise_3(by_screen: Callable[[NDArray[np.str_], Floats, Floats], Any]) -> None:
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
        reply = mapping(called(by_screen, screen, clicked, p), wanted)
        hint_if("all" not in reply, 'the ratio of all rows together is missing; its name is "all".')
        if missing := right.keys() - reply.keys():
            raise Hint(f"the ratio of {sorted(missing)[0]} is missing.")
        if extra := reply.keys() - right.keys():
            raise Hint(f"{sorted(map(str, extra))[0]} has no click: leave it out.")
        if all(near(number(reply[name], wanted), ratio) for name, ratio in right.items()):
            continue
        if near(reply["all"], np.mean([*ratios.values()])):
            raise Hint('"all" is not the mean of the ratios: screens differ in size.')
        if all(near(reply[name], 1 / ratio) for name, ratio in right.items()):
            raise Hint("promised over clicked; yours is clicked over promised.")
        if all(
            near(reply[name], p[screen == name].sum() - clicked[screen == name].sum())
            for name in ratios
        ):
            raise Hint("that is the difference; the ratio is asked for.")
        raise Hint("not the right ratios: the sum of p over the sum of clicked.")


@checker
def exercise_4(capped: Callable[[pd.DataFrame, pd.DataFrame, int], Any]) -> None:
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
        reply = frame(answer, ("user_id", "coupon_id", "value"), "return a table of offers")
        who = reply["user_id"].map(person)
        hint_if((reply["value"] <= 0).any(), "an offer of no value is sent.")
        if reply.assign(person=who).duplicated(["person", "coupon_id"]).any():
            raise Hint("a person gets the same coupon on two accounts.")
        if (who.value_counts() > cap).any():
            raise Hint(f"a person gets more than {cap} in all: the cap is for each person.")
        if not near(float(reply["value"].sum()), right):
            raise Hint(
                f"cap = {cap}: the rules hold, and another plan has a higher total value. "
                "Which copy of a coupon is kept, and when is the cap applied?"
            )
