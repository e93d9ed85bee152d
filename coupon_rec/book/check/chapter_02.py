"""Checkers of chapter 2, The data."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec.book.check import OTHERWISE, Hint, checker, compare, hint_if
from coupon_rec.book.check.answers import called, frame, number, unlike

STILL_RUNNING = {14, 15}
SAME_DAY, SAME_DAY_BY_UTC = 1815 / 2075, 1575 / 2075
TYPE_A_REDEMPTIONS, TYPE_A_MAILINGS, TYPE_A_LISTED = 1_698, 3_647, 749_961


def _campaigns(answer: Any) -> set[int]:
    """Read whole numbers from any collection of them, or from a text."""
    values = answer
    if isinstance(answer, str):
        values = answer.replace(",", " ").split()
    elif isinstance(answer, Iterable) and not isinstance(answer, pd.DataFrame | np.ndarray):
        values = list(answer)
    try:
        reply = {float(value) for value in np.ravel(values)}
    except (TypeError, ValueError):
        reply = {np.nan}
    if not all(map(float.is_integer, reply)):
        raise unlike(answer, "give the campaigns' numbers, such as {1, 2}")
    return {int(value) for value in reply}


@checker
def exercise_1(still_running: Any) -> None:
    """Check the validation campaigns that still run when the first test campaign starts."""
    reply = _campaigns(still_running)
    hint_if(not reply, "follow the bars that start between the second and the third line.")
    if extra := sorted(reply - STILL_RUNNING):
        raise Hint(f"{extra}: does it start in September and outlast the first test bar's start?")
    hint_if(reply != STILL_RUNNING, "there is another one.")


@checker
def exercise_2(same_day: Any) -> None:
    """Check the share of redemptions with an eligible purchase on the very day."""
    share = number(same_day, "give one number, a share")
    hint_if(not 0 < share <= 1, "a share of something that happens lies above 0 and at most at 1.")
    hints = {
        "which clock says when that day begins?": SAME_DAY_BY_UTC,
        "count each household, coupon and campaign once, and match purchases by household, day "
        "and the coupon's list in that campaign.": OTHERWISE,
    }
    compare(share, SAME_DAY, hints)


@checker
def exercise_3(outside: Callable[[pd.DataFrame, pd.DataFrame], Any]) -> None:
    """Check a rule that finds redemptions outside of their campaign's days."""
    campaigns = pd.DataFrame(
        {
            "campaign_id": [1, 2],
            "start": pd.to_datetime(["2017-03-01", "2017-05-01"]),
            "end": pd.to_datetime(["2017-03-31", "2017-05-31"]),
        }
    )
    days = ["2017-02-28", "2017-03-01", "2017-03-31", "2017-04-01", "2017-05-10", "2017-03-10"]
    redemptions = pd.DataFrame(
        {"campaign_id": [1, 1, 1, 1, 2, 2], "user_id": range(6), "date": pd.to_datetime(days)}
    )
    answer = called(outside, redemptions, campaigns)
    marks = answer.tolist() if isinstance(answer, pd.Series | np.ndarray) else answer
    if isinstance(marks, list) and len(marks) == len(redemptions):
        raise Hint("that looks like a mask: return the rows that it picks out.")
    wanted = "return the rows of `redemptions` that break the rule, with their columns"
    reply = frame(answer, ["user_id"], wanted)
    users = set(reply["user_id"])
    hint_if(users == {1, 2, 4}, "these are the redemptions that obey the rule.")
    hint_if(users & {1, 2}, "the first and the last day of a campaign are valid days.")
    if not users >= {0, 3}:
        raise Hint("a planted redemption before the start or after the end went unnoticed.")
    hint_if(5 not in users, "compare each redemption with the days of its own campaign.")
    hint_if(len(reply) > 3, "a row was reported that breaks no rule, or was reported twice.")


@checker
def exercise_4(converted: Any) -> None:
    """Check the share of the type A coupons sent that was redeemed."""
    wanted = "give one number: add up the redemptions and the coupons sent, then divide"
    share = number(converted, wanted)
    of_pool, a_mailing = TYPE_A_REDEMPTIONS / TYPE_A_LISTED, TYPE_A_REDEMPTIONS / TYPE_A_MAILINGS
    hints = {
        "that divides by the whole pool; how many of it did a user receive?": of_pool,
        "that is redemptions a mailing, and a mailing holds several coupons.": a_mailing,
        "give it as a share, not in percent.": 100 * a_mailing / 16,
        "divide the redemptions of type A by the number of coupons sent.": OTHERWISE,
    }
    compare(share, a_mailing / 16, hints)


@checker
def exercise_5(
    drop_without_history: Callable[[pd.DataFrame, pd.DataFrame, pd.Timestamp], Any],
) -> None:
    """Check a cleaning step that drops the offers without a history, and counts them."""
    starts = pd.to_datetime(["2016-12-20", "2017-01-01", "2017-01-02"])
    campaigns = pd.DataFrame({"campaign_id": [1, 2, 3], "start": starts})
    offers = pd.DataFrame({"campaign_id": [1, 2, 2, 3, 3, 3], "user_id": range(6)})
    given = offers.copy()
    day = pd.Timestamp("2017-01-01")
    result = called(drop_without_history, given, campaigns, day, copied=False)
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise unlike(result, "give back two things: the offers kept, and how many were dropped")
    wanted = "the first of the two things is the table of the offers kept, with their columns"
    kept, dropped = frame(result[0], offers.columns, wanted), result[1]
    hint_if(not given.equals(offers), "leave the table that you were given as it was.")
    if set(kept.columns) != set(offers.columns):
        raise Hint("the offers that you keep need the columns that they had, and no other.")
    if 2 in set(kept["campaign_id"]):
        raise Hint("a campaign that starts with the data has no day of history either.")
    if sorted(kept["user_id"]) != [3, 4, 5]:
        raise Hint("keep every offer of a campaign that starts later, and no other.")
    wanted = "count the offers that were dropped"
    hint_if(number(dropped, wanted) != 3, f"{wanted}.")
